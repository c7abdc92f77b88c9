"""A run killed in the middle of its networks, and run again."""

from __future__ import annotations

import pandas as pd
import pytest

pytestmark = pytest.mark.slow(minutes=0.4)


def test_killed_training_resumes_to_the_same_predictions(
    fewer_of, run_design, tmp_path, monkeypatch
):
    """Killed in the second fold: the first is kept, the second equals a run of the same seed."""
    import gliofuse.designs.deep_radiomics.grading as design

    options = {
        "manifest": fewer_of(24),
        "settings": {"epochs": 1, "trees": 20},
        "split": {"kind": "kfold", "folds": 2},
    }
    whole = run_design("deep-radiomics", out=tmp_path / "whole", **options)
    real, trained = design.fit_network_signature, []

    def killed(recipe, *arguments, **others):
        if trained:
            raise KeyboardInterrupt
        trained.append(recipe)
        return real(recipe, *arguments, **others)

    monkeypatch.setattr(design, "fit_network_signature", killed)
    with pytest.raises(KeyboardInterrupt):
        run_design("deep-radiomics", out=tmp_path / "killed", **options)
    monkeypatch.setattr(design, "fit_network_signature", real)
    resumed = run_design("deep-radiomics", out=tmp_path / "killed", **options)
    pd.testing.assert_frame_equal(
        pd.read_parquet(whole / "predictions.parquet"),
        pd.read_parquet(resumed / "predictions.parquet"),
        check_exact=True,
    )
