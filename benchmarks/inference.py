"""How often intervals cover, and equal models are told apart, where the truth is known.

Patients are drawn from two normal classes; two models learn from features of their own or half
shared, which carry no, a weak or a strong signal of the same strength. A linear model's true AUC
and accuracy are known exactly. Each cell of the table is one learner, number of patients, split
and signal; beside the figures that gliofuse prints stand those of models taken for given (plain).
The AUC's and the accuracy's intervals are held against the mean truth of the models fitted. In
cross-validation the test is of two methods that are equally good over training sets; after a
hold-out it is of the two models at hand, and counts where its interval misses their difference.

    python benchmarks/inference.py                       # the table, on all cores
    python benchmarks/inference.py --replicates 1000 --learners many
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import norm

from gliofuse.compute import parallel_map
from gliofuse.evaluation.auc import from_placed, place_within, variance_of_placed
from gliofuse.evaluation.comparison import paired_test
from gliofuse.evaluation.inference import REFIT_DIFFERENCE
from gliofuse.evaluation.rates import rates

SIGNALS = ("none", "weak", "strong")
SPLITS = ("holdout", "kfold", "repeated")


@dataclass(frozen=True)
class Learner:
    """A logistic model of the features that a t test ranks first."""

    features: int
    informative: int
    kept: int
    ridge: float
    distances: tuple[float, float, float]  # between the classes, by signal


LEARNERS = {
    "few": Learner(4, 4, 4, 0.01, (0.0, 0.75, 1.9)),
    "many": Learner(300, 10, 8, 1.0, (0.0, 1.8, 2.9)),
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
    found = pd.DataFrame([_one(cell, rng) for _ in range(replicates)])
    return (100 * found.drop(columns="auc").mean()).to_dict() | {"auc": found["auc"].mean()}


def _one(cell: Cell, rng: np.random.Generator) -> dict[str, float]:
    learner = LEARNERS[cell.learner]
    n, positives = cell.patients, round(cell.patients * cell.prevalence)
    y = np.arange(n) < positives
    columns, distance = _features(learner, cell)
    x = rng.standard_normal((n, distance.size))
    x[y] += distance
    parts, truth, weights = [], np.zeros((2, 2)), 0.0
    for fold, (training, test) in enumerate(_folds(cell, y, rng)):
        pairs = y[test].sum() * (~y[test]).sum()
        chances = []
        for number, own in enumerate(columns):
            intercept, slope = _fit(learner, x[training], y[training], own)
            spread = max(float(np.linalg.norm(slope)), 1e-12)
            gap = slope @ distance
            right = norm.cdf((intercept + gap) / spread), norm.cdf(-intercept / spread)
            truth[number, 0] += pairs * norm.cdf(gap / spread / np.sqrt(2))
            truth[number, 1] += pairs * np.where(y[test], *right).mean()
            chances.append(1 / (1 + np.exp(-intercept - x[test] @ slope)))
        parts.append(np.column_stack([test, np.full(test.size, fold), y[test], *chances]))
        weights += pairs
    table = pd.DataFrame(np.vstack(parts), columns=["case_id", "fold", "y_true", "m0", "m1"])
    return _judged(table, truth / weights, refits=cell.split != "holdout")


def _judged(table: pd.DataFrame, truth: np.ndarray, *, refits: bool) -> dict[str, float]:
    """Return what the tables' own functions make of the held-out predictions of two models."""
    placed = [
        place_within(table.assign(probability=table[name]), ("fold",), average=not refits)
        for name in ("m0", "m1")
    ]
    apart = variance_of_placed(placed[0].assign(place=placed[0]["place"] - placed[1]["place"]))
    areas = [from_placed(own, refits=refits, confidence=0.95) for own in placed]
    plain = from_placed(placed[0], refits=False, confidence=0.95)
    tests = [
        paired_test(*areas, apart * factor, same_ranks=False)
        for factor in (REFIT_DIFFERENCE if refits else 1.0, 1.0)
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
        "covered": areas[0].ci_low <= truth[0, 0] <= areas[0].ci_high,
        "covered, plain": plain.ci_low <= truth[0, 0] <= plain.ci_high,
        "accuracy covered": low <= truth[0, 1] <= high,
        "differ": differ[0],
        "differ, plain": differ[1],
    }


def _features(learner: Learner, cell: Cell) -> tuple[list[np.ndarray], np.ndarray]:
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


def _folds(
    cell: Cell, y: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedKFold

    folds = []
    for _ in range(5 if cell.split == "repeated" else 1):
        splitter = StratifiedKFold(5, shuffle=True, random_state=int(rng.integers(2**31)))
        folds += list(splitter.split(y, y))
    if cell.split == "holdout":  # half of the patients
        test = np.concatenate([folds[0][1], folds[1][1], folds[2][1][::2]])
        return [(np.setdiff1d(np.arange(y.size), test), test)]
    return folds


def _fit(
    learner: Learner, x: np.ndarray, y: np.ndarray, columns: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return intercept and slopes by Newton's method."""
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
    return float(beta[0]), slope


def _row(task: tuple[Cell, int, int]) -> dict[str, float]:
    return simulate(*task)


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learners", nargs="+", choices=list(LEARNERS), default=list(LEARNERS))
    parser.add_argument("--patients", nargs="+", type=int, default=[40, 60, 150])
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=list(SPLITS))
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
