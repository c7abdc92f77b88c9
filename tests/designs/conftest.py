"""Phantom cohorts with a known truth, made once a session, and studies on them."""

from __future__ import annotations

import pandas as pd
import pytest

#: Smaller than the presets, so that each design trains in a minute or two on one core.
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


@pytest.fixture(scope="session")
def phantom_of(tmp_path_factory):
    """Return a function that makes a phantom cohort, or gives the one made before."""
    made = {}

    def make(**options):
        from gliofuse.phantom import make_phantom

        key = tuple(sorted(options.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("phantom")
            options = {"cases": 60, "seed": 1, "shape": (48, 56, 48), "effect": 3.0, **options}
            made[key] = (folder, make_phantom(folder, workers=1, **options))
        return made[key]

    return make


@pytest.fixture(scope="session")
def run_design(tmp_path_factory):
    """Return a function that runs a design on a hold-out, in this process, and gives its folder."""

    def run(design, phantom, *, settings=None, out=None, manifest="cohort.csv", **study_options):
        from gliofuse.study import check_study
        from gliofuse.study.runner import run_study

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
        folder = out or tmp_path_factory.mktemp(design)
        run_study(study, folder)
        return folder

    return run


def held_out_auc(folder):
    """Return the held-out AUC of every model, with its interval."""
    metrics = pd.read_csv(folder / "metrics.csv").query("metric == 'auc' and cohort == 'test'")
    return metrics.set_index("model")
