"""Models as data: which are final and which are drawn against them, and what a reader sees."""

from __future__ import annotations

import pytest

from gliofuse.cohort import parse_endpoint
from gliofuse.designs import Available, Design, Model, find_design, parse_settings
from gliofuse.errors import SettingError

SEQUENCES = ("t1", "t1ce", "t2", "flair")


def planned(name, *, settings=None, **available):
    """Return a design on a cohort that has everything, unless said otherwise."""
    kind = find_design(name)
    given = {
        "endpoint": parse_endpoint("grade >= 3"),
        "sequences": SEQUENCES,
        "regions": ("whole", "edema", "enhancing"),
        "clinical": ("age", "sex"),
    }
    return kind(parse_settings(kind, settings or {}), Available(**{**given, **available}))


@pytest.mark.parametrize(
    ("design", "settings", "available", "final", "rivals"),
    [
        ("rdl", {}, {}, "rdl", ["radiomics_fusion", "dl_fusion"]),
        ("rdl", {}, {"images": False}, "radiomics_fusion", []),
        ("rdl", {"networks": "none"}, {}, "radiomics_fusion", []),
        (
            "deep-radiomics",
            {},
            {},
            "integrated_patch_se",
            ["radiomics_t1ce", "cnn_patch_se"],
        ),
        ("deep-radiomics", {}, {"images": False}, "radiomics_t1ce", []),
        ("deep-radiomics", {"sequence": "t2"}, {"images": False}, "radiomics_t2", []),
        ("shape-resnet", {"preset": "paper", "ablate": True}, {}, "2d_shape_all", ["2d_all"]),
        ("shape-resnet", {}, {"sequences": ("flair",)}, "2d_shape_all", ["2d_all"]),
        ("imaging-clinical", {}, {}, "fusion", ["imaging_score", "clinical"]),
        ("imaging-clinical", {}, {"clinical": ()}, "imaging_score", []),
    ],
)
def test_one_model_is_final_and_its_rivals_are_named(design, settings, available, final, rivals):
    made = planned(design, settings=settings, **available)
    assert made.final_model == final
    assert [model.name for model in made.models if model.role == "rival"] == rivals


@pytest.mark.parametrize(
    ("design", "settings", "count"),
    [
        ("rdl", {"preset": "paper"}, 11),
        ("deep-radiomics", {"preset": "paper"}, 3 + 4 + 4),
        ("shape-resnet", {"preset": "paper", "ablate": True}, 15 + 5),
        ("imaging-clinical", {"preset": "paper", "allow_random": True}, 9 + 3),
    ],
)
def test_models_are_the_papers(design, settings, count):
    made = planned(design, settings=settings)
    assert len(made.models) == len(set(made.names)) == count
    assert set(made.paper.results["model"]) <= set(made.names)
    assert len({model.label for model in made.models}) == count
    for model in made.models:
        assert model.label[0].isupper() or model.label[0].isdigit()
        assert "_" not in model.label


def test_labels_write_sequences_as_a_reader_does():
    labels = {model.name: model.label for model in planned("rdl").models}
    assert labels["radiomics_t1ce"] == "Radiomics T1ce"
    assert labels["radiomics_flair"] == "Radiomics FLAIR"


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (["part", "rival"], "must have the role 'final' \\(got none\\)"),
        (["final", "final"], "must have the role 'final' \\(got m0, m1\\)"),
        (["final", "part", "again"], "the name 'm0' comes twice"),
    ],
)
def test_models_that_cannot_be_told_apart_are_refused(roles, message):
    class Own(Design):
        name = "own"
        inputs = ()
        models = tuple(
            Model("m0", "M", "radiomics", "", "part")
            if role == "again"
            else Model(f"m{number}", "M", "radiomics", "", role)
            for number, role in enumerate(roles)
        )

        def fit(self, training, validation, context):
            raise NotImplementedError

    with pytest.raises(SettingError, match=message):
        Own(Own.Settings(), planned("rdl").available)
