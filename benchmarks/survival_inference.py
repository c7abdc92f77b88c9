"""How often intervals of C cover, and equal models are told apart, where the truth is known.

Times are exponential with proportional hazards in normal features and uniform censoring; two
Cox models learn from features of their own that carry no, a weak or a strong signal of the same
strength. The C of a linear score depends on its correlation with the true one alone, so that of
each fitted model is known. The interval is held against the mean true C of the models fitted;
beside the figures that gliofuse prints stand those of models taken for given (plain). In
cross-validation the test is of two methods that are equally good over training sets.

    python benchmarks/survival_inference.py                     # the table, on all cores
    python benchmarks/survival_inference.py --replicates 1000 --patients 150 --signals none
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import pandas as pd

from gliofuse.compute import parallel_map
from gliofuse.evaluation.survival._cox import fit_cox
from gliofuse.evaluation.survival.concordance import harrell_concordance, variance_of
from gliofuse.evaluation.survival.contrasts import concordance_table
from gliofuse.evaluation.survival.predictions import judged

SIGNALS = {"none": 0.0, "weak": 0.4, "strong": 1.2}
LEARNERS = {"few": (4, 4), "many": (100, 6)}  # features, and how many are kept
SPLITS = {"holdout": 1, "kfold": 1, "repeated": 5}
FOLDS = 5


@dataclass(frozen=True)
class Cell:
    """One row of the table."""

    learner: str = "few"
    patients: int = 150
    split: str = "kfold"
    signal: str = "none"
    event_rate: float = 0.4


def simulate(cell: Cell, replicates: int, seed: int = 0) -> dict[str, float]:
    """Return coverage and rejections of a cell, in per cent."""
    rng = np.random.default_rng([seed, cell.patients, *map(ord, repr(cell))])
    found = pd.DataFrame([_one(cell, rng) for _ in range(replicates)])
    return (100 * found.drop(columns="c").mean()).to_dict() | {"c": found["c"].mean()}


def _one(cell: Cell, rng: np.random.Generator) -> dict[str, float]:
    features, _ = LEARNERS[cell.learner]
    x = rng.standard_normal((cell.patients, 2 * features))
    beta = np.zeros(2 * features)
    strength = SIGNALS[cell.signal] / np.sqrt(2)
    told = min(features, 4)
    for start in (0, features):
        beta[start : start + told] = strength / np.sqrt(told)
    time, event = _times(x @ beta, _censoring(cell.signal, cell.event_rate), rng)
    parts, truth = [], []
    for fold, (training, test) in enumerate(_folds(cell, event, rng)):
        for number in (0, 1):
            columns = np.arange(number * features, (number + 1) * features)
            slope = _fit(cell, x[training], time[training], event[training], columns)
            truth.append((number, _true_c(cell, slope, beta), event[test].sum()))
            for cohort, own in (("training", training), ("test", test)):
                parts.append(_rows(own, fold, cohort, number, time, event, x[own] @ slope))
    return _judged(pd.concat(parts, ignore_index=True), truth)


def _rows(
    own: np.ndarray,
    fold: int,
    cohort: str,
    number: int,
    time: np.ndarray,
    event: np.ndarray,
    risk: np.ndarray,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "case_id": own,
            "fold": fold,
            "cohort": cohort,
            "model": f"m{number}",
            "time": time[own],
            "event": event[own].astype(int),
            "risk": risk,
        }
    )


def _judged(table: pd.DataFrame, truth: list[tuple[int, float, int]]) -> dict[str, float]:
    """Return what the tables' own functions make of the held-out predictions of two models."""
    helds = judged(table, ())
    test = concordance_table(helds).iloc[0]
    held = helds[0]
    given = held.rows["time"], held.rows["event"], held.rows["risk"]
    strata = {"stratum": held.rows["fold"], "case": held.rows["case_id"]}
    area = harrell_concordance(*given, **strata, refits=held.refits)
    plain = harrell_concordance(*given, **strata)
    assert area is not None
    assert plain is not None
    own = [(value, weight) for number, value, weight in truth if number == 0]
    true = float(np.average([value for value, _ in own], weights=[weight for _, weight in own]))
    influence = _apart(helds)
    z = test["difference"] / np.sqrt(variance_of(influence, held.rows["case_id"], refits=False))
    return {
        "c": area.estimate,
        "covered": area.ci_low <= true <= area.ci_high,
        "covered, plain": plain.ci_low <= true <= plain.ci_high,
        "differ": test["p"] < 0.05,
        "differ, plain": abs(z) > 1.959964,
    }


def _apart(helds: list) -> np.ndarray:
    first, second = (
        harrell_concordance(
            held.rows["time"], held.rows["event"], held.rows["risk"], stratum=held.rows["fold"]
        )
        for held in helds
    )
    assert first is not None
    assert second is not None
    return first.influence - second.influence


def _times(
    score: np.ndarray, longest: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    time = rng.exponential(np.exp(-score))
    censored = rng.uniform(0, longest, score.size)
    return np.minimum(time, censored), time <= censored


@cache
def _censoring(signal: str, event_rate: float) -> float:
    """Return the longest time of censoring that leaves this share of events."""
    rng = np.random.default_rng(1)
    score = SIGNALS[signal] * rng.standard_normal(20_000)
    time, share = rng.exponential(np.exp(-score)), rng.uniform(size=score.size)
    low, high = 1e-3, 1e3
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (
            (middle, high) if (time <= share * middle).mean() < event_rate else (low, middle)
        )
    return float(middle)


def _true_c(cell: Cell, slope: np.ndarray, beta: np.ndarray) -> float:
    if not beta.any() or not slope.any():
        return 0.5
    correlation = slope @ beta / (np.linalg.norm(slope) * np.linalg.norm(beta))
    return float(np.interp(correlation, *_c_by_correlation(cell.signal, cell.event_rate)))


@cache
def _c_by_correlation(signal: str, event_rate: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    score, noise = rng.standard_normal((2, 6_000))
    time, event = _times(SIGNALS[signal] * score, _censoring(signal, event_rate), rng)
    grid = np.linspace(-1, 1, 21)
    found = []
    for correlation in grid:
        risk = correlation * score + np.sqrt(1 - correlation**2) * noise
        area = harrell_concordance(time, event, risk)
        assert area is not None
        found.append(area.estimate)
    return grid, np.asarray(found)


def _folds(
    cell: Cell, event: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedKFold

    folds = []
    for _ in range(SPLITS[cell.split]):
        splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=int(rng.integers(2**31)))
        folds += list(splitter.split(event, event))
    if cell.split == "holdout":  # two fifths of the patients
        test = np.concatenate([folds[0][1], folds[1][1]])
        return [(np.setdiff1d(np.arange(event.size), test), test)]
    return folds


def _fit(
    cell: Cell, x: np.ndarray, time: np.ndarray, event: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Return the slopes of a Cox model of the features whose log-rank scores rank first."""
    _, kept = LEARNERS[cell.learner]
    own = columns
    if kept < columns.size:
        order = np.argsort(time)
        at_risk = np.arange(time.size, 0, -1)
        hazard = np.zeros(time.size)
        hazard[order] = np.cumsum(event[order] / at_risk)
        own = columns[np.argsort(-np.abs((event - hazard) @ x[:, columns]))[:kept]]
    fit = fit_cox(x[:, own], time, event)
    slope = np.zeros(x.shape[1])
    if fit is not None:
        slope[own] = fit.coefficients
    return slope


def _row(task: tuple[Cell, int, int]) -> dict[str, float]:
    return simulate(*task)


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learners", nargs="+", choices=list(LEARNERS), default=list(LEARNERS))
    parser.add_argument("--patients", nargs="+", type=int, default=[60, 150])
    parser.add_argument("--splits", nargs="+", choices=list(SPLITS), default=list(SPLITS))
    parser.add_argument("--signals", nargs="+", choices=list(SIGNALS), default=list(SIGNALS))
    parser.add_argument("--event-rate", type=float, default=0.4)
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args()
    cells = [
        Cell(learner, patients, split, signal, options.event_rate)
        for learner, patients, split, signal in product(
            options.learners, options.patients, options.splits, options.signals
        )
    ]
    names = ("covered", "covered, plain", "differ", "differ, plain")
    print("| learner | n | split | signal | C | " + " | ".join(names) + " |")
    print("|" + " --- |" * (5 + len(names)))
    tasks = [(cell, options.replicates, options.seed) for cell in cells]
    for outcome in parallel_map(_row, tasks, workers=options.workers):
        cell = outcome.item[0]
        if outcome.result is None:
            raise SystemExit(f"{cell}: {outcome.error}")
        values = [f"{outcome.result[name]:.1f}" for name in names]
        head = (cell.learner, cell.patients, cell.split, cell.signal, f"{outcome.result['c']:.2f}")
        print("| " + " | ".join(map(str, (*head, *values))) + " |", flush=True)


if __name__ == "__main__":
    main()
