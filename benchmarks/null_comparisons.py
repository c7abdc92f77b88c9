"""How many comparisons claim something where the images hold nothing.

For each seed a cohort of synthetic patients is made whose classes have no tie to the images, and
all designs are compared on it. A claim is an AUC interval above 0.5, a pair of designs with
p < 0.05 after Holm, or the page's sentence that designs differ; the models of the single runs are
counted beside them. The networks are trained for few epochs, since they have nothing to learn. A
finished seed stands in ``claims.csv`` and is not run again.

    python benchmarks/null_comparisons.py runs/null --seeds 0 19
"""

from __future__ import annotations

import argparse
import re
import shutil
import time
from pathlib import Path

import pandas as pd

from gliofuse import api
from gliofuse.phantom import make_phantom
from gliofuse.records import DELONG, ComparisonFolder

DESIGNS = ("rdl", "deep-radiomics", "shape-resnet", "imaging-clinical")
SETTINGS: dict[str, dict[str, object]] = {
    "rdl": {"epochs": 1, "folds": 5, "inner_folds": 2},
    "deep-radiomics": {"epochs": 1, "folds": 5},
    "shape-resnet": {"epochs": 1},
    "imaging-clinical": {"allow_random": True, "folds": 5},
}
SHAPE = (48, 56, 48)


def compare_nothing(folder: Path, seed: int, cases: int, workers: int) -> dict[str, float]:
    """Run one comparison in ``folder`` and return what it claims."""
    begun = time.perf_counter()
    truth = make_phantom(
        folder / "cohort", cases=cases, seed=seed, shape=SHAPE, effect=0.0, workers=workers
    )
    found = api.compare(
        truth.manifest,
        "grade >= 3",
        out=folder / "comparison",
        designs=DESIGNS,
        settings=SETTINGS,
        folds=2,
        seed=seed,
        workers=workers,
    )
    areas = _areas(found.metrics)
    tests = ComparisonFolder(found.folder).need(DELONG)
    models = pd.concat([_areas(run.metrics) for run in found.runs.values()])
    claims = {
        "above": int((areas["ci_low"] > 0.5).sum()),
        "apart": int((tests["p_holm"] < 0.05).sum()),
        "said": int(bool(re.search(r"of designs \d+ differ in", found.report.read_text()))),
    }
    return {
        "seed": seed,
        "claim": int(any(claims.values())),
        **claims,
        "designs": len(areas),
        "models_above": int((models["ci_low"] > 0.5).sum()),
        "models": len(models),
        "lowest_p": float(tests["p"].min()),
        "mean_auc": float(models["estimate"].mean()),
        "seconds": round(time.perf_counter() - begun),
    }


def _areas(metrics: pd.DataFrame) -> pd.DataFrame:
    return metrics[(metrics["metric"] == "auc") & (metrics["cohort"] == "test")]


def main() -> None:
    """Print a line a comparison, and the number of those with a claim."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 19), metavar=("FIRST", "LAST"))
    parser.add_argument("--cases", type=int, default=36)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the folders of finished seeds")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    table = options.out / "claims.csv"
    rows = pd.read_csv(table).to_dict("records") if table.exists() else []
    first, last = options.seeds
    for seed in range(first, last + 1):
        if seed in {row["seed"] for row in rows}:
            continue
        folder = options.out / f"seed{seed}"
        rows.append(compare_nothing(folder, seed, options.cases, options.workers))
        pd.DataFrame(rows).to_csv(table, index=False)
        print(rows[-1], flush=True)
        if not options.keep:
            shutil.rmtree(folder)
    done = pd.DataFrame(rows)
    done = done[done["seed"].between(first, last)]
    print(
        f"{done['claim'].sum()} of {len(done)} comparisons claim something; "
        f"{done['models_above'].sum()} of {done['models'].sum()} models' intervals are above 0.5"
    )


if __name__ == "__main__":
    main()
