"""Time the selection and scoring of signatures; run as ``python benchmarks/signature.py``.

170 patients; columns from 30 hidden factors, six of which carry the label. Wall and processor
seconds of one fit, one thread; with ``--compare`` also scikit-learn's GridSearchCV and LassoCV on
a small part of the same grid, scaled up to the whole.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd


def cohort(features: int, seed: int, patients: int = 170) -> tuple[pd.DataFrame, np.ndarray]:
    """Return columns in 0..1 and a balanced label."""
    rng = np.random.default_rng(seed)
    y = np.arange(patients) % 2
    factors = rng.normal(size=(patients, 30)) + 0.35 * y[:, None] * (np.arange(30) < 6)
    X = factors @ rng.normal(size=(30, features)) + rng.normal(size=(patients, features))
    X = (X - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))
    return pd.DataFrame(X, columns=[f"f{j}" for j in range(features)]), y


def timed(label: str, function: Callable[[], Any], scale: float = 1.0) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    function()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{label:58s} {wall * scale:9.2f} s wall {processor * scale:9.2f} s cpu", flush=True)


def ours() -> None:
    from gliofuse.signature import (
        ElasticNetSignature,
        LassoSelector,
        imaging_signature,
        integrated_signature,
        single_sequence_signature,
    )

    warm_up = cohort(20, 0)
    for chain in (single_sequence_signature(), imaging_signature(), integrated_signature()):
        chain.fit(*warm_up)
    for features in (10, 30, 100, 300, 1967):
        X, y = cohort(features, 1)
        timed(
            f"ElasticNetSignature, 21 x 10 grid, 10 folds, {features} features",
            lambda X=X, y=y: ElasticNetSignature().fit(X, y),
        )
    X, y = cohort(1967, 1)
    timed("LassoSelector mse, 1,967 features", lambda: LassoSelector().fit(X, y))
    timed("LassoSelector auc, 1,967 features", lambda: LassoSelector(scoring="auc").fit(X, y))
    timed(
        "single_sequence_signature, 1,967 features", lambda: single_sequence_signature().fit(X, y)
    )
    X, y = cohort(8444, 1)
    timed("imaging_signature, 8,444 features", lambda: imaging_signature().fit(X, y))
    X, y = cohort(1300, 1)
    timed("integrated_signature, 1,300 features", lambda: integrated_signature().fit(X, y))


def theirs() -> None:
    from sklearn.linear_model import LassoCV, LogisticRegression
    from sklearn.model_selection import GridSearchCV

    X, y = cohort(100, 1)
    grid = {"C": [2.0**power for power in range(-10, 11, 4)], "l1_ratio": [0.5]}
    search = GridSearchCV(
        LogisticRegression(solver="saga", class_weight="balanced", tol=1e-4, max_iter=2000),
        grid,
        cv=2,
        scoring="roc_auc",
    )
    points = 210 * 10 / (len(grid["C"]) * 2)
    timed(
        "GridSearchCV saga, 100 features, at most 2,000 passes (scaled)",
        lambda: search.fit(X, y),
        scale=points,
    )
    timed("LassoCV, 100 features", lambda: LassoCV(cv=10, max_iter=10_000).fit(X, y))
    X, y = cohort(1967, 1)
    timed("LassoCV, 1,967 features", lambda: LassoCV(cv=10, max_iter=10_000).fit(X, y))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compare", action="store_true", help="time scikit-learn's way as well")
    options = parser.parse_args()
    ours()
    if options.compare:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it does not converge, which is the point
            theirs()
