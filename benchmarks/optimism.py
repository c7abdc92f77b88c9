"""How near the .632+ estimate comes to the truth, beside the figures that it is made of.

Patients and learners are those of benchmarks/inference.py. One model is fitted to all patients,
and its true AUC is known exactly. Against that are held its AUC on its own patients (apparent),
the mean AUC of models of 63.2 % of them on the patients left out, the .632+ estimate of both, and
the mean AUC within the folds of one 5-fold cross-validation: mean error and root mean square.

    python benchmarks/optimism.py
    python benchmarks/optimism.py --learners lasso --patients 60 --replicates 100
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
import pandas as pd

from gliofuse.compute import parallel_map
from gliofuse.evaluation.auc import auc_delong
from gliofuse.evaluation.optimism import plus_632
from inference import LEARNERS, SIGNALS, Cell, features_of, fit, folds_of

ESTIMATES = ("apparent", "left out", ".632+", "5-fold")


def simulate(task: tuple[Cell, int, int]) -> dict[str, float]:
    """Return the mean true AUC, and each estimate's mean error and root mean square error."""
    cell, replicates, seed = task
    rng = np.random.default_rng([seed, *map(ord, repr(cell))])
    found = pd.DataFrame([_one(cell, rng) for _ in range(replicates)])
    errors = found[list(ESTIMATES)].sub(found["truth"], axis=0)
    return (
        {"truth": found["truth"].mean()}
        | {f"{name}, bias": errors[name].mean() for name in ESTIMATES}
        | {f"{name}, rms": float(np.sqrt((errors[name] ** 2).mean())) for name in ESTIMATES}
    )


def _one(cell: Cell, rng: np.random.Generator) -> dict[str, float]:
    learner, y = LEARNERS[cell.learner], np.arange(cell.patients) % 2 == 0
    columns, distance = features_of(learner, cell)
    x = rng.standard_normal((y.size, distance.size))
    x[y] += distance
    whole = fit(learner, x, y, columns[0], rng)
    apparent = auc_delong(y, whole.chance(x)).estimate
    left_out, folds = (
        np.mean(
            [
                auc_delong(
                    y[test], fit(learner, x[own], y[own], columns[0], rng).chance(x[test])
                ).estimate
                for own, test in folds_of(
                    Cell(cell.learner, cell.patients, split, cell.signal), y, rng
                )
            ]
        )
        for split in ("bootstrap", "kfold")
    )
    return {
        "truth": whole.truth(distance, rng)[0],
        "apparent": apparent,
        "left out": float(left_out),
        ".632+": 1 - plus_632(1 - apparent, 1 - float(left_out), 0.5).error,
        "5-fold": float(folds),
    }


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learners", nargs="+", choices=list(LEARNERS), default=["few", "many"])
    parser.add_argument("--patients", nargs="+", type=int, default=[60, 150])
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args()
    cells = [
        Cell(learner, patients, "bootstrap", signal)
        for learner, patients, signal in product(options.learners, options.patients, SIGNALS)
    ]
    tasks = [(cell, options.replicates, options.seed) for cell in cells]
    print("| learner | n | signal | true AUC | " + " | ".join(ESTIMATES) + " |")
    print("|" + " --- |" * (4 + len(ESTIMATES)))
    for outcome in parallel_map(simulate, tasks, workers=options.workers):
        (cell, _, _), found = outcome.item, outcome.result
        if found is None:
            raise SystemExit(f"{cell}: {outcome.error}")
        values = [
            f"{found[f'{name}, bias']:+.3f} ({found[f'{name}, rms']:.3f})" for name in ESTIMATES
        ]
        row = (cell.learner, cell.patients, cell.signal, f"{found['truth']:.3f}", *values)
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
