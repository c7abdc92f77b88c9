"""What each design gives its networks in both presets, held to the publications' own numbers."""

from __future__ import annotations

import pytest

from .test_models import planned

pytest.importorskip("torch")

QUICK = {
    "optimiser": "adamw",
    "schedule": "cosine",
    "weight_decay": 1e-2,
    "balance": "weights",
    "clip_norm": 1.0,
    "skip_epochs": 3,
    "patience": 6,
    "norm_batches": 4,
    "items_per_patient": 4,
}


def check(settings, expected):
    """Compare named settings with what is expected of them."""
    found = settings.model_dump()
    assert {name: found[name] for name in expected} == expected


def test_rdl_single_sequence_deep_model_and_csg():
    """Sections "Single-sequence deep model" and "Deep fusion model"."""
    paper, quick = planned("rdl", settings={"preset": "paper"}), planned("rdl")
    check(paper.slices.settings, {"size": 64, "which": "all", "crop": "square"})
    check(quick.slices.settings, {"size": 64, "which": "k-largest", "k": 12, "crop": "square"})
    for design in (paper, quick):
        assert design.slices.settings.normalisation == "minmax"
    for network, sequences in (("densenet121", ("t1",)), ("csg-densenet121", ("t1", "t2"))):
        recipe = paper._recipe(network, sequences)
        check(
            recipe.training,
            {
                "optimiser": "sgd",
                "learning_rate": 1e-4,
                "momentum": 0.9,
                "schedule": "step",
                "step_epochs": 20,
                "step_factor": 0.1,
                "epochs": 100,
                "batch_size": 32,
                "balance": "none",
            },
        )
        assert recipe.augmentation is None
        check(
            quick._recipe(network, sequences).training,
            {**QUICK, "learning_rate": 1e-3, "epochs": 12, "batch_size": 16},
        )


def test_deep_radiomics_crop_and_deep_features():
    """Sections "Crop" and "Deep features"."""
    paper = planned("deep-radiomics", settings={"preset": "paper"})
    quick = planned("deep-radiomics")
    assert paper.sequences == ("t1", "t1ce", "t2")
    check(paper.patches("patch").settings, {"size_zyx": (96, 128, 96), "crop": "tumour"})
    check(paper.patches("complete").settings, {"size_zyx": (96, 128, 96), "crop": "whole"})
    check(
        quick.patches("patch").settings,
        {"size_zyx": (32, 40, 32), "pixel_mm_zyx": (3.0, 3.0, 3.0), "crop": "tumour"},
    )
    for variant in paper._variants:
        recipe = paper._recipe(variant)
        check(
            recipe.training,
            {
                "epochs": 200,
                "batch_size": 8,
                "optimiser": "adam",
                "learning_rate": 1e-4,
                "balance": "weights",
            },
        )
    (variant,) = quick._variants
    check(
        quick._recipe(variant).training,
        {**QUICK, "learning_rate": 5e-4, "epochs": 15, "batch_size": 8},
    )


@pytest.mark.parametrize("form", ["2d", "2d_shape", "3d"])
def test_shape_resnet_augmentation_network_and_comparators(form):
    """Sections "Augmentation", "Network" and "Comparators"."""
    paper = planned("shape-resnet", settings={"preset": "paper"})
    quick = planned("shape-resnet", settings={"comparators": True})
    volume = form == "3d"
    check(
        paper.slices.settings,
        {"size": 240, "center_mm": 240, "which": "all", "crop": "center", "pixels": "tumour"},
    )
    check(
        quick.slices.settings,
        {"size": 80, "center_mm": 160, "which": "k-largest", "k": 10, "crop": "center"},
    )
    check(paper.patches.settings, {"size_zyx": (128, 160, 160), "crop": "middle"})
    check(
        quick.patches.settings,
        {"size_zyx": (32, 40, 40), "pixel_mm_zyx": (4.0, 4.0, 4.0), "crop": "middle"},
    )
    for network in (one for one in paper._networks if one.form == form):
        recipe = paper._recipe(network)
        check(
            recipe.training,
            {
                "optimiser": "adam",
                "learning_rate": 1e-3,
                "betas": (0.9, 0.99),
                "weight_decay": 5e-4,
                "epochs": 20,
                "batch_size": 4 if volume else 16,
                "balance": "duplicate",
            },
        )
        assert recipe.center_crop == (None if volume else 160)
        steps = [type(step).__name__ for step in recipe.augmentation.steps]
        slices = ["ClassCrops", "Flip", "CyclicShift", "Rotate", "SaltAndPepper"]
        assert steps == (["Flip", "Quarter"] if volume else slices)
    network = next(one for one in quick._networks if one.form == form)
    recipe = quick._recipe(network)
    size = {"batch_size": 4 if volume else 16, "learning_rate": 3e-4 if volume else 1e-3}
    check(recipe.training, {**QUICK, **size, "epochs": 12})
    assert recipe.center_crop is None
    if not volume:
        assert "ClassCrops" not in [type(step).__name__ for step in recipe.augmentation.steps]


def test_imaging_clinical_regions_and_features():
    """Sections "Regions" and "Features"; it trains no network, and both presets read the same."""
    for preset in ("paper", "quick"):
        design = planned("imaging-clinical", settings={"preset": preset, "allow_random": True})
        assert design.sequences == ("t1ce", "flair")
        assert design.regions == {"edema": "edema", "tumor": "enhancing"}
        assert design.deep_features.network == "resnet34"
        check(design.deep_features.slices, {"size": 224, "which": "largest", "crop": "square"})


@pytest.mark.parametrize(
    ("design", "features"), [("rdl", 1967), ("deep-radiomics", 788), ("imaging-clinical", 1130)]
)
def test_banks_have_the_papers_numbers_of_features(design, features):
    """Sections "Radiomic features", "Radiomics" and "Features"."""
    assert len(planned(design).radiomics.settings.feature_names()) == features
