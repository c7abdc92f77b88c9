"""The examples of the documentation run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gliofuse.designs import find_design
from gliofuse.errors import InputError
from gliofuse.model import load_model
from gliofuse.study import check_study
from gliofuse.study.export import export_run
from gliofuse.study.runner import run_study

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-design.md"


def example(number):
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[number]


def test_example_of_the_page_is_short_and_runs(tmp_path):
    code = example(0)
    assert len([line for line in code.splitlines() if line.strip()]) < 60
    design = tmp_path / "components.py"
    design.write_text(code, encoding="utf-8")
    assert find_design(str(design)).name == "components"

    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 20)
    table = pd.DataFrame(
        {f"t1ce.whole.original_glcm_F{i}": rng.normal(size=40) + label for i in range(8)},
        index=pd.Index([f"p{i}" for i in range(40)], name="id"),
    )
    table.to_csv(tmp_path / "features.csv")
    pd.DataFrame({"id": table.index, "grade": label + 2}).to_csv(
        tmp_path / "clinical.csv", index=False
    )
    study = check_study(
        {
            "design": str(design),
            "table": {"features": "features.csv", "clinical": "clinical.csv", "id_column": "id"},
            "endpoint": {"column": "grade", "positive": ">= 3"},
            "evaluation": {"bootstrap": 100},
            "compute": {"workers": 1},
        },
        base=tmp_path,
    )
    metrics = run_study(study, tmp_path / "run").metrics
    auc = metrics.query("metric == 'auc'")["estimate"].iloc[0]
    assert auc > 0.9

    model = export_run(tmp_path / "run", tmp_path / "model", fold="fold1")
    with pytest.raises(InputError, match="a model holds no code; give it with --design-file"):
        load_model(model)
    other = tmp_path / "other.py"
    other.write_text(code + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="not the file that the model was fitted with"):
        load_model(model, other)
    found, _ = load_model(model, design).predict_table(table)
    own = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    own = own[(own["fold"] == "fold1") & (own["cohort"] == "test")].set_index("case_id")
    assert {name: found[name].probability for name in own.index} == own["probability"].to_dict()


@pytest.mark.slow(minutes=0.5)
def test_example_with_a_network_and_covariates_runs(phantom_of, tmp_path):
    folder, _ = phantom_of(cases=24)
    design = tmp_path / "network_beside_clinic.py"
    design.write_text(example(1), encoding="utf-8")
    study = check_study(
        {
            "design": str(design),
            "cohort": str(folder / "cohort.csv"),
            "endpoint": "grade >= 3",
            "covariates": ["age_years", "sex"],
            "sequences": ["t1ce"],
            "settings": {"epochs": 2},
            "split": {"kind": "holdout"},
            "evaluation": {"bootstrap": 100},
            "explain": 0,
            "compute": {"workers": 1},
        }
    )
    metrics = run_study(study, tmp_path / "run").metrics.query("metric == 'auc'")
    assert set(metrics["model"]) == {"network", "both", "clinical"}
    assert metrics["estimate"].between(0, 1).all()
