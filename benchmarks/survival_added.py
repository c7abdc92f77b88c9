"""Whether an image that knows more than the clinical terms helps, and one that doesn't, harms.

Simulated patients have two clinical terms that carry log hazard ratios, and 100 image features of
which five share a hidden severity. It carries nothing (noise), what the clinical terms carry
already (redundant), or a log hazard ratio of its own (weak, strong). The design ``risk-signature``
is fitted on half of the patients; on the others the integrated model's C is held against the
clinical model's, with the paired test that the report prints.

    python benchmarks/survival_added.py                        # the table, on all cores
    python benchmarks/survival_added.py --replicates 200 --patients 300 --images weak
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.compute import parallel_map
from gliofuse.designs import Available, FitContext, find_design, parse_settings
from gliofuse.evaluation.survival.concordance import harrell_concordance
from gliofuse.inputs import CaseData, FeatureTable

ENDPOINT = SurvivalEndpoint("days", "died")
IMAGES = {"noise": 0.0, "redundant": 0.0, "weak": 0.4, "strong": 1.0}
FEATURES, TELLING = 100, 5


@dataclass(frozen=True)
class Cell:
    """One cohort: what its image carries, how many patients, how the signature is built."""

    image: str
    patients: int
    method: str
    seed: int


def cohort(cell: Cell) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return features, clinical table, and times with events; about half have the event."""
    rng = np.random.default_rng([cell.seed, cell.patients, *map(ord, cell.image)])
    names = [f"p{number:04}" for number in range(cell.patients)]
    age, grade, hidden = rng.standard_normal((3, cell.patients))
    clinical = 0.6 * age + 0.6 * grade
    if cell.image == "redundant":
        hidden = (clinical / clinical.std() + hidden) / np.sqrt(2)
    features = rng.standard_normal((cell.patients, FEATURES))
    if cell.image != "noise":
        features[:, :TELLING] += hidden[:, None]
    risk = clinical + IMAGES[cell.image] * hidden
    death = 800 * rng.exponential(size=cell.patients) * np.exp(-risk)
    censored = rng.exponential(900, cell.patients)
    columns = [f"t1ce.whole.original_firstorder_F{number}" for number in range(FEATURES)]
    y = {"time": np.ceil(np.minimum(death, censored)), "event": (death <= censored).astype(int)}
    table = pd.DataFrame({"age": age, "grade": grade}, names)
    return pd.DataFrame(features, names, columns), table, pd.DataFrame(y, names)


def one(cell: Cell) -> dict[str, float]:
    """Return C of both models on the half that was held out, and whether they are told apart."""
    features, clinical, outcome = cohort(cell)
    kind = find_design("risk-signature", ENDPOINT)
    offered = Available(ENDPOINT, ("t1ce",), ("whole",), False, ("age", "grade"), ENDPOINT, False)
    design = kind(parse_settings(kind, {"method": cell.method}), offered)
    inputs = {one.key: FeatureTable(features) for one in design.inputs}
    data = CaseData(tuple(features.index), inputs, clinical, outcome)
    half = cell.patients // 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a signature is left out is what is counted here
        fitted = design.fit(data.subset(data.case_ids[:half]), None, FitContext(seed=cell.seed))
    rest = data.subset(data.case_ids[half:])
    y, scores = rest.survival, fitted.predict(rest.without_outcome())
    areas = {
        name: harrell_concordance(y["time"], y["event"], scores[(name, "risk")])
        for name in ("clinical", "integrated", "signature")
    }
    difference = areas["integrated"].estimate - areas["clinical"].estimate
    spread = np.sqrt(np.sum((areas["integrated"].influence - areas["clinical"].influence) ** 2))
    return {
        "C clinical": areas["clinical"].estimate,
        "C signature": areas["signature"].estimate,
        "C integrated": areas["integrated"].estimate,
        "difference": difference,
        "worst": difference,
        "entered %": 100.0 * bool(fitted.beside),
        "better, p < 0.05 %": 100.0 * (difference > 1.96 * spread > 0),
        "worse, p < 0.05 %": 100.0 * (-difference > 1.96 * spread > 0),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--patients", type=int, nargs="+", default=[300])
    parser.add_argument("--images", nargs="+", choices=IMAGES, default=list(IMAGES))
    parser.add_argument("--methods", nargs="+", default=["offset"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=-1)
    given = parser.parse_args()
    rows = []
    for patients in given.patients:
        for image in given.images:
            for method in given.methods:
                cells = [
                    Cell(image, patients, method, given.seed + number)
                    for number in range(given.replicates)
                ]
                outcomes = list(parallel_map(one, cells, workers=given.workers))
                failed = [outcome.error for outcome in outcomes if outcome.failed]
                if failed:
                    raise SystemExit(f"{len(failed)} cohorts failed, first: {failed[0]}")
                table = pd.DataFrame([outcome.result for outcome in outcomes])
                row = table.mean().to_dict() | {"worst": table["worst"].min()}
                rows.append({"image": image, "patients": patients, "method": method, **row})
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
