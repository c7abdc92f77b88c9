"""Phantom cohorts with a known truth, made once a session, and studies on them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock

#: Smaller than the presets, so that each design trains in seconds on one core.
SETTINGS = {
    "rdl": {"radiomics": "original", "epochs": 2, "folds": 3},
    "deep-radiomics": {"radiomics": "original", "epochs": 5, "folds": 3},
    "shape-resnet": {"epochs": 4, "slice_size": 48},
    "imaging-clinical": {
        "radiomics": "original",
        "allow_random": True,
        "folds": 3,
        "selection_folds": 3,
    },
}

#: What the networks of preset quick are shown here: the same field of view in fewer pixels, and
#: fewer slices of a patient.
_FEWER_PIXELS: Mapping[str, Mapping[str, Any]] = {
    "rdl": {"size": 32, "k": 4},
    "shape_resnet": {"k": 6},
    "shape_resnet_3d": {"size_zyx": (16, 20, 20), "pixel_mm_zyx": (8.0, 8.0, 8.0)},
    "deep_radiomics": {"size_zyx": (16, 20, 16), "pixel_mm_zyx": (6.0, 6.0, 6.0)},
    "deep_radiomics_dual": {"size": 48},
}
_FEWER_STEPS: Mapping[str, Mapping[str, Any]] = {
    "rdl": {"items_per_patient": 2, "norm_batches": 2},
    "shape_resnet": {"items_per_patient": 4, "norm_batches": 4},
}


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory) -> Path:
    """Return the temporary folder that the session's test processes have in common."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def phantom_of(shared_folder):
    """Return a function that makes a phantom cohort, or gives the one made before."""

    def make(**options):
        from gliofuse.phantom import make_phantom

        options = {"cases": 60, "seed": 1, "shape": (48, 56, 48), "effect": 3.0, **options}
        name = "-".join(str(value) for _, value in sorted(options.items()) if value != (48, 56, 48))
        with FileLock(shared_folder / f"phantom-{name}.lock"):
            return shared_folder / f"phantom-{name}", make_phantom(
                shared_folder / f"phantom-{name}", workers=1, **options
            )

    return make


@pytest.fixture(scope="session")
def fewer_of(phantom_of):
    """Return a function that writes a manifest of some of the phantom's patients."""

    def write(cases, name=None):
        """Take ``cases`` patients, with the phantom's shares of the grades."""
        phantom, _ = phantom_of()
        table = pd.read_csv(phantom / "cohort.csv").sort_values("grade", kind="stable")
        places = [place * len(table) // cases for place in range(cases)]
        name = name or f"fewer-{cases}.csv"
        table.iloc[places].sort_values("case_id").to_csv(phantom / name, index=False)
        return name

    return write


@contextmanager
def _small_networks():
    """Show the networks of preset quick fewer and smaller images."""
    from gliofuse.designs import deep_radiomics, imaging_clinical, rdl, shape_resnet

    presets = {
        "rdl": rdl.NETWORKS,
        "shape_resnet": shape_resnet.NETWORKS,
        "shape_resnet_3d": shape_resnet.NETWORKS_3D,
        "deep_radiomics": deep_radiomics.NETWORKS,
        "deep_radiomics_dual": deep_radiomics.DUAL_NETWORK,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, named in presets.items():
            quick = named["quick"]
            smaller = replace(
                quick,
                images={**quick.images, **_FEWER_PIXELS[name]},
                training={**quick.training, **_FEWER_STEPS.get(name, {})},
            )
            patch.setitem(named, "quick", smaller)
        patch.setitem(imaging_clinical.SLICES, "size", 64)
        yield


@pytest.fixture(scope="session")
def run_design(tmp_path_factory, phantom_of, shallow_networks):
    """Return a function that runs a design on a hold-out, in this process, and gives its folder.

    The patients are the phantom's, or those of another manifest in its folder.
    """

    def run(
        design, phantom=None, *, settings=None, out=None, manifest="cohort.csv", **study_options
    ):
        from gliofuse.study import check_study
        from gliofuse.study.runner import run_study

        phantom = phantom or phantom_of()[0]
        folder = out or tmp_path_factory.mktemp(design)
        with shallow_networks(), _small_networks():
            study = check_study(
                {
                    "cohort": str(phantom / manifest),
                    "design": design,
                    "endpoint": {"column": "grade", "positive": ">= 3"},
                    "covariates": ["age_years", "sex"],
                    "split": {"kind": "holdout", "seed": 0},
                    "settings": {**SETTINGS[design], **(settings or {})},
                    "explain": 0,  # heat maps of every network take minutes
                    "evaluation": {"bootstrap": 200},
                    "compute": {"workers": 1, "cache": str(phantom / "cache")},
                    **study_options,
                }
            )
            run_study(study, folder)
        return folder

    return run


def held_out_auc(folder):
    """Return the held-out AUC of every model, with its interval."""
    metrics = pd.read_csv(folder / "metrics.csv").query("metric == 'auc' and cohort == 'test'")
    return metrics.set_index("model")
