"""How often intervals cover, and equal models are told apart, where the truth is known.

Patients are drawn from two normal classes; two models learn from features of their own or half
shared, which carry no, a weak or a strong signal of the same strength. A linear model's true AUC
and accuracy are known exactly. Each cell of the table is one learner, number of patients, split
and signal; beside the figures that gliofuse prints stand those of models taken for given (plain).
The AUC's and the accuracy's intervals are held against the mean truth of the models fitted. In
cross-validation the test is of two methods that are equally good over training sets; after a
hold-out it is of the two models at hand, and counts where its interval misses their difference.

    python benchmarks/inference.py                       # logistic models, on all cores
    python benchmarks/inference.py --learners lasso forest --patients 60 --replicates 150
    python benchmarks/inference.py --replicates 1000 --learners many --splits tenfold
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import norm

from gliofuse.cohort import DRAWN_SHARE
from gliofuse.compute import parallel_map
from gliofuse.evaluation.auc import auc_delong, auc_within
from gliofuse.evaluation.comparison import compared, paired_test
from gliofuse.evaluation.inference import logit_limits
from gliofuse.evaluation.pairs import fold_pairs
from gliofuse.evaluation.rates import rates

SIGNALS = ("none", "weak", "strong")
SPLITS = ("holdout", "quarter", "kfold", "tenfold", "repeated", "bootstrap")
HELD_OUT = ("holdout", "quarter")  # one test set, of half and of a quarter of the patients
RESAMPLES = 25  # of a bootstrap


@dataclass(frozen=True)
class Learner:
    """How a model learns, from features of which some tell the classes apart."""

    features: int
    informative: int
    distances: tuple[float, float, float]  # between the classes, by signal
    kind: str = "ridge"  # logistic, of the features that a t test ranks first; lasso; forest
    kept: int = 0
    ridge: float = 1.0


LEARNERS = {
    "few": Learner(4, 4, (0.0, 0.75, 1.9), kept=4, ridge=0.01),
    "many": Learner(300, 10, (0.0, 1.8, 2.9), kept=8),
    "lasso": Learner(300, 10, (0.0, 1.8, 2.9), kind="lasso"),
    "forest": Learner(20, 5, (0.0, 1.1, 2.3), kind="forest"),
}


@dataclass(frozen=True)
class Cell:
    """One row of the table."""

    learner: str
    patients: int
    split: str
    signal: str
    shared: bool = False
    prevalence: float = 0.5


def simulate(cell: Cell, replicates: int, seed: int = 0) -> dict[str, float]:
    """Return coverage and rejections of a cell, in per cent."""
    rng = np.random.default_rng([seed, cell.patients, *map(ord, repr(cell))])
    refits = cell.split not in HELD_OUT
    found = pd.DataFrame([_judged(*draw(cell, rng), refits=refits) for _ in range(replicates)])
    return (100 * found.drop(columns="auc").mean()).to_dict() | {"auc": found["auc"].mean()}


def draw(cell: Cell, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return the held-out predictions of two models on one cohort, the truth, the apparent AUCs.

    The table has case_id, fold, y_true, m0 and m1; the truth, a row a model, the mean AUC and
    accuracy of its fits, weighted by the folds' pairs.
    """
    learner = LEARNERS[cell.learner]
    n, positives = cell.patients, round(cell.patients * cell.prevalence)
    y = np.arange(n) < positives
    columns, distance = features_of(learner, cell)
    x = rng.standard_normal((n, distance.size))
    x[y] += distance
    parts, truth, apparent, weights = [], np.zeros((2, 2)), np.zeros(2), 0.0
    for fold, (training, test) in enumerate(folds_of(cell, y, rng)):
        pairs = y[test].sum() * (~y[test]).sum()
        chances = []
        for number, own in enumerate(columns):
            model = fit(learner, x[training], y[training], own, rng)
            area, right = model.truth(distance, rng)
            truth[number] += pairs * np.array([area, np.where(y[test], *right).mean()])
            apparent[number] += pairs * auc_delong(y[training], model.chance(x[training])).estimate
            chances.append(model.chance(x[test]))
        parts.append(np.column_stack([test, np.full(test.size, fold), y[test], *chances]))
        weights += pairs
    table = pd.DataFrame(np.vstack(parts), columns=["case_id", "fold", "y_true", "m0", "m1"])
    return table, truth / weights, apparent / weights


def _judged(
    table: pd.DataFrame, truth: np.ndarray, apparent: np.ndarray, *, refits: bool
) -> dict[str, float]:
    """Return what the tables' own functions make of the held-out predictions of two models."""
    models = [table.assign(probability=table[name]) for name in ("m0", "m1")]
    *areas, apart, freedom = compared(*models, ("fold",), refits=refits, confidence=0.95)
    tests = [paired_test(*areas, apart, same_ranks=False, freedom=freedom)]
    areas = [
        auc_within(model, refits=refits, apparent=area, confidence=0.95)
        for model, area in zip(models, apparent, strict=True)
    ]
    plain = [(area.ci_low, area.ci_high) for area in areas]
    if refits:
        pairs = [fold_pairs(model, ("fold",)) for model in models]
        tests.append(paired_test(*areas, pairs[0].minus(pairs[1]).variance, same_ranks=False))
        plain = [
            logit_limits(own.estimate, own.variance, refits=False, confidence=0.95)
            if own.variance > 0
            else limits
            for own, limits in zip(pairs, plain, strict=True)
        ]
    if refits:
        differ = [test.p < 0.05 for test in tests]
    else:
        gap = truth[0, 0] - truth[1, 0]
        differ = [not test.ci_low <= gap <= test.ci_high for test in tests]
    called = table.assign(called=1.0 * (table["m0"] >= 0.5)).groupby("case_id").mean()
    positive = called["y_true"].to_numpy() == 1
    found = rates(positive, called["called"].to_numpy(), refits=refits, confidence=0.95)
    low, high = found["accuracy"][1:3]
    return {
        "auc": areas[0].estimate,
        "covered": _share(truth[:, 0], [(area.ci_low, area.ci_high) for area in areas]),
        "covered, plain": _share(truth[:, 0], plain),
        "accuracy covered": low <= truth[0, 1] <= high,
        "differ": differ[0],
        "differ, plain": differ[-1],
    }


def _share(truth: np.ndarray, limits: list[tuple[float, float]]) -> float:
    return float(np.mean([low <= t <= high for t, (low, high) in zip(truth, limits, strict=True)]))


def features_of(learner: Learner, cell: Cell) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the columns of both models, and how far apart the classes are in each column."""
    p, k = learner.features, learner.informative
    common = p // 2 if cell.shared else 0
    told = k // 2 if cell.shared else 0
    distance = np.zeros(2 * p - common)
    each = learner.distances[SIGNALS.index(cell.signal)] / np.sqrt(k)
    distance[:told] = each
    distance[common : common + k - told] = each
    distance[p : p + k - told] = each
    return [np.arange(p), np.r_[np.arange(common), np.arange(p, 2 * p - common)]], distance


def folds_of(
    cell: Cell, y: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

    if cell.split == "bootstrap":
        left_out = 1 - DRAWN_SHARE
        drawn = StratifiedShuffleSplit(
            RESAMPLES, test_size=left_out, random_state=int(rng.integers(2**31))
        )
        return list(drawn.split(y, y))
    number = {"tenfold": 10, "quarter": 4, "holdout": 2}.get(cell.split, 5)
    folds = []
    for _ in range(5 if cell.split == "repeated" else 1):
        splitter = StratifiedKFold(number, shuffle=True, random_state=int(rng.integers(2**31)))
        folds += list(splitter.split(y, y))
    return folds[:1] if cell.split in HELD_OUT else folds


@dataclass(frozen=True)
class _Linear:
    intercept: float
    slope: np.ndarray

    def chance(self, x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-self.intercept - x @ self.slope))

    def truth(
        self, distance: np.ndarray, rng: np.random.Generator
    ) -> tuple[float, tuple[float, float]]:
        """Return the AUC, and the shares of positives and of negatives that are called right."""
        spread = max(float(np.linalg.norm(self.slope)), 1e-12)
        gap = self.slope @ distance
        right = norm.cdf((self.intercept + gap) / spread), norm.cdf(-self.intercept / spread)
        return float(norm.cdf(gap / spread / np.sqrt(2))), right


@dataclass(frozen=True)
class _Forest:
    trees: object
    columns: np.ndarray

    def chance(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.trees.predict_proba(x[:, self.columns])[:, 1])

    def truth(
        self, distance: np.ndarray, rng: np.random.Generator
    ) -> tuple[float, tuple[float, float]]:
        """Return the same, of 2,000 further patients."""
        above, below = (
            self.chance(rng.standard_normal((1000, distance.size)) + shift)
            for shift in (distance, 0.0)
        )
        area = auc_delong(np.repeat([1, 0], 1000), np.r_[above, below]).estimate
        return area, (float((above >= 0.5).mean()), float((below < 0.5).mean()))


def fit(
    learner: Learner,
    x: np.ndarray,
    y: np.ndarray,
    columns: np.ndarray,
    rng: np.random.Generator,
) -> _Linear | _Forest:
    if learner.kind == "ridge":
        return _ridge(learner, x, y, columns)
    if learner.kind == "forest":
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            25, min_samples_leaf=3, random_state=int(rng.integers(2**31))
        )
        return _Forest(forest.fit(x[:, columns], y), columns)
    from sklearn.linear_model import LogisticRegression

    lasso = LogisticRegression(l1_ratio=1.0, solver="liblinear", C=0.25, max_iter=200)
    lasso.fit(x[:, columns], y)
    slope = np.zeros(x.shape[1])
    slope[columns] = lasso.coef_[0]
    return _Linear(float(lasso.intercept_[0]), slope)


def _ridge(learner: Learner, x: np.ndarray, y: np.ndarray, columns: np.ndarray) -> _Linear:
    """Fit by Newton's method."""
    above, below = x[np.ix_(y, columns)], x[np.ix_(~y, columns)]
    spread = above.var(axis=0) / len(above) + below.var(axis=0) / len(below)
    t = np.abs(above.mean(axis=0) - below.mean(axis=0)) / np.sqrt(spread)
    kept = columns[np.argsort(-t)[: learner.kept]]
    design = np.column_stack([np.ones(len(x)), x[:, kept]])
    penalty = np.diag([1e-6] + [learner.ridge] * kept.size)
    beta = np.zeros(kept.size + 1)
    for _ in range(8):
        chance = 1 / (1 + np.exp(-design @ beta))
        weight = chance * (1 - chance) + 1e-9
        hessian = (design * weight[:, None]).T @ design + penalty
        beta += np.linalg.solve(hessian, design.T @ (y - chance) - penalty @ beta)
    slope = np.zeros(x.shape[1])
    slope[kept] = beta[1:]
    return _Linear(float(beta[0]), slope)


def _row(task: tuple[Cell, int, int]) -> dict[str, float]:
    return simulate(*task)


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learners", nargs="+", choices=list(LEARNERS), default=["few", "many"])
    parser.add_argument("--patients", nargs="+", type=int, default=[40, 60, 150])
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=list(SPLITS[:-1]))
    parser.add_argument("--prevalence", type=float, default=0.5)
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args()
    cells = [
        Cell(learner, patients, split, signal, shared, options.prevalence)
        for learner, patients, split, signal, shared in product(
            options.learners, options.patients, options.splits, SIGNALS, (False, True)
        )
    ]
    tasks = [(cell, options.replicates, options.seed) for cell in cells]
    names = ("auc", "covered", "covered, plain", "accuracy covered", "differ", "differ, plain")
    print("| learner | n | split | signal | features | " + " | ".join(names) + " |")
    print("|" + " --- |" * (5 + len(names)))
    for outcome in parallel_map(_row, tasks, workers=options.workers):
        cell = outcome.item[0]
        if outcome.result is None:
            raise SystemExit(f"{cell}: {outcome.error}")
        head = f"{outcome.result['auc']:.2f}"
        values = [f"{outcome.result[name]:.1f}" for name in names[1:]]
        features = "half shared" if cell.shared else "own"
        cells_of = (cell.learner, cell.patients, cell.split, cell.signal, features, head, *values)
        print("| " + " | ".join(map(str, cells_of)) + " |", flush=True)


if __name__ == "__main__":
    main()
