"""What predicting one patient takes: 240 x 240 x 155 voxels, four sequences, a model of ``rdl``.

The model is made first, on a small synthetic cohort with the publication's feature bank and one
epoch, which changes nothing of the time that a prediction takes. Two processes then predict the
head-sized patient, one after the other: each says what its stages took from a cold start, and what
a second prediction took once everything was loaded. Nothing is cached between predictions.

    python benchmarks/prediction.py                    # makes the model in a temporary folder
    python benchmarks/prediction.py --model model      # or takes one that is there
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from synthetic import SEQUENCES, make_patient


def make_model(folder: Path) -> Path:
    """Run a small study and export it."""
    from gliofuse.phantom import make_phantom
    from gliofuse.study import check_study
    from gliofuse.study.export import export_run
    from gliofuse.study.runner import run_study

    make_phantom(folder / "phantom", cases=24, seed=1, shape=(24, 40, 40), effect=3.0)
    study = check_study(
        {
            "cohort": str(folder / "phantom" / "cohort.csv"),
            "endpoint": {"column": "grade", "positive": ">= 3"},
            "covariates": ["age_years", "sex"],
            "settings": {"epochs": 1, "folds": 2, "inner_folds": 2},
            "split": {"kind": "holdout"},
            "explain": 0,
            "evaluation": {"bootstrap": 100},
        }
    )
    run_study(study, folder / "run")
    return export_run(folder / "run", folder / "model", fold="holdout")


def measure(model: str, files: dict[str, str]) -> list[dict[str, float]]:
    """Predict twice in this process; return the seconds of each stage of both."""
    started = time.perf_counter()
    import gliofuse

    spent = {"import": time.perf_counter() - started}
    clock = time.perf_counter()
    loaded = gliofuse.load_model(model)
    spent["load"] = time.perf_counter() - clock
    found = []
    for _ in range(2):
        found.append({**spent, **_stages(loaded, files)})
        spent = {"import": 0.0, "load": 0.0}
    return found


def _stages(loaded, files: dict[str, str]) -> dict[str, float]:
    from gliofuse.cohort import Case, Cohort
    from gliofuse.imaging import read_once
    from gliofuse.imaging.images import load_case
    from gliofuse.inputs import CaseData, Source, compute_inputs
    from gliofuse.model.checks import check_clinical, check_images

    about = loaded.description
    case = Case("patient", {n: Path(files[n]) for n in SEQUENCES}, Path(files["mask"]))
    spent = {}
    with tempfile.TemporaryDirectory() as cache, read_once():
        clock = time.perf_counter()

        def lap(name: str) -> None:
            nonlocal clock
            now = time.perf_counter()
            spent[name] = now - clock
            clock = now

        load_case(case, loaded.sequences)
        lap("read")
        check_images(case, loaded.sequences, about.convention)
        values, _ = check_clinical("patient", {"age_years": 54, "sex": "F"}, about.clinical)
        lap("check")
        source = Source(Cohort((case,)), convention=about.convention, cache=Path(cache))
        computed = compute_inputs(loaded.fitted.design.inputs, source)
        if len(computed.failures):
            raise SystemExit(computed.failures["error"][0])
        now = time.perf_counter()
        for what, seconds in computed.seconds.items():
            name = next(i.what for i in loaded.fitted.design.inputs if i.key == what)
            spent[name] = seconds
        clock = now
        data = CaseData(("patient",), computed.values, _table(values))
        loaded.fitted.predict(data)
        lap("networks and models")
    return spent


def _table(values):
    import pandas as pd

    return pd.DataFrame([values], index=pd.Index(["patient"], name="case_id"))


def main() -> None:
    """Print the seconds of each stage, cold and warm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="folder of a model of four sequences")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        model, files = given.measure
        print(json.dumps(measure(model, json.loads(files))))
        return
    with tempfile.TemporaryDirectory() as folder:
        model = given.model or make_model(Path(folder))
        place = Path(folder) / "patient"
        place.mkdir()
        files = {name: str(path) for name, path in make_patient(place).items()}
        for number in (1, 2):
            words = [sys.executable, __file__, "--measure", str(model), json.dumps(files)]
            clock = time.perf_counter()
            done = subprocess.run(words, check=True, capture_output=True, text=True)
            whole = time.perf_counter() - clock
            cold, warm = json.loads(done.stdout.splitlines()[-1])
            print(f"process {number}, {os.cpu_count()} cores: {whole:.1f} s with both predictions")
            for name in cold:
                print(f"  {name:24s} cold {cold[name]:6.2f} s   warm {warm[name]:6.2f} s")
            print(
                f"  {'all':24s} cold {sum(cold.values()):6.2f} s   warm {sum(warm.values()):6.2f} s"
            )


if __name__ == "__main__":
    main()
