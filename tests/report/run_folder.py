"""Synthetic run folders: made-up tables in the form that the study writes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from gliofuse.files import write_csv, write_json, write_parquet, write_text

SEQUENCES = ("t1", "t1ce", "t2", "flair")
MODELS = [
    *(f"radiomics_{name}" for name in SEQUENCES),
    "radiomics_fusion",
    *(f"dl_{name}" for name in SEQUENCES),
    "dl_fusion",
    "rdl",
]
# A one-pixel PNG, the smallest there is.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MINIMAL = {
    "study.yaml",
    "run.json",
    "predictions.parquet",
    "metrics.csv",
}


def make_run_folder(
    folder: Path,
    *,
    patients: int = 96,
    models: list[str] | None = None,
    folds: int = 5,
    design: str = "rdl",
    full: bool = True,
    hostile: str | None = None,
    seed: int = 0,
) -> Path:
    """Write a run folder; ``full=False`` leaves only what every run has.

    ``hostile`` is put wherever a user's or a file's text may reach the report.
    """
    rng = np.random.default_rng(seed)
    names = list(models or MODELS)
    ids = [f"TCGA-{number:04d}" for number in range(patients)]
    if hostile:
        ids[0] = f"{ids[0]}{hostile}"
    y = (rng.random(patients) < 0.52).astype(int)
    fold = np.arange(patients) % folds
    predictions = _predictions(rng, ids, y, fold, names)
    _write_record(folder, names, design, ids, y, hostile)
    write_parquet(folder / "predictions.parquet", predictions)
    write_csv(folder / "metrics.csv", _metrics(rng, names, patients, int(y.sum())))
    if full:
        _write_tables(folder, rng, names, ids, y, fold, hostile)
        _write_utility(folder, rng, names)
        _write_explanation(folder, rng, names, folds)
    return folder


def make_comparison_folder(folder: Path, *, seed: int = 0, hostile: str = "") -> Path:
    """Write a comparison folder of two designs, as `gliofuse compare` does."""
    rng = np.random.default_rng(seed)
    designs = ["rdl", "imaging-clinical"]
    make_run_folder(folder / "source", models=designs)
    for name in ("metrics", "delong", "roc", "confusion", "calibration", "decision_curve"):
        (folder / "source" / f"{name}.csv").rename(folder / f"{name}.csv")
    (folder / "source" / "run.json").rename(folder / "run.json")
    (folder / "rdl").mkdir()
    (folder / "run.json").rename(folder / "rdl" / "run.json")
    for path in sorted((folder / "source").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (folder / "source").rmdir()
    write_json(
        folder / "compare.json",
        {
            "designs": [
                {"name": name, "run_folder": name, "final_model": f"final{hostile}"}
                for name in designs
            ],
            "command": "gliofuse compare",
            "seconds": 12.5,
        },
    )
    write_csv(
        folder / "timing.csv",
        pd.DataFrame(
            [(name, stage, 100 * rng.random(), 900.0) for name in designs for stage in ("a", "b")],
            columns=["design", "stage", "seconds", "peak_mb"],
        ),
    )
    write_csv(
        folder / "misjudged.csv",
        pd.DataFrame({"case_id": [f"A{hostile}", "B"], "y_true": [0, 1], "rdl": [0.9, 0.2],
                      "imaging-clinical": [0.8, 0.4], "misjudged_by_all": [True, True]}),
    )  # fmt: skip
    (folder / "contact_sheet.png").write_bytes(PIXEL)
    return folder


def _predictions(
    rng: np.random.Generator, ids: list[str], y: np.ndarray, fold: np.ndarray, names: list[str]
) -> pd.DataFrame:
    frames = []
    for place, name in enumerate(names):
        skill = 0.6 + 1.6 * place / max(1, len(names) - 1)
        score = rng.normal(skill * (y - 0.5), 1.0)
        probability = 1 / (1 + np.exp(-1.6 * score))
        frames.append(
            pd.DataFrame(
                {
                    "case_id": ids,
                    "fold": [str(number) for number in fold],
                    "cohort": "test",
                    "model": name,
                    "y_true": y,
                    "probability": probability,
                }
            )
        )
    table = pd.concat(frames, ignore_index=True)
    return pd.concat([table, table.assign(cohort="training")], ignore_index=True)


def _metrics(rng: np.random.Generator, names: list[str], n: int, positive: int) -> pd.DataFrame:
    rows = []
    for place, name in enumerate(names):
        auc = 0.68 + 0.22 * place / max(1, len(names) - 1) + rng.normal(0, 0.015)
        values = {
            "auc": auc,
            "accuracy": auc - 0.07,
            "sensitivity": auc - 0.05,
            "specificity": auc - 0.09,
            "precision": auc - 0.08,
            "apca": auc - 0.07,
            "brier": 0.36 - 0.24 * auc,
        }
        for cohort, lift in (("training", 0.08), ("test", 0.0)):
            rows += [
                (
                    cohort,
                    name,
                    metric,
                    value + lift,
                    value + lift - 0.06,
                    min(1, value + lift + 0.06),
                )
                for metric, value in values.items()
            ]
    table = pd.DataFrame(
        rows, columns=["cohort", "model", "metric", "estimate", "ci_low", "ci_high"]
    )
    return table.assign(n=n, n_positive=positive)


def _write_record(
    folder: Path, names: list[str], design: str, ids: list[str], y: np.ndarray, hostile: str | None
) -> None:
    bad = hostile or ""
    study: dict[str, Any] = {
        "name": f"lgg-grade{bad}",
        "cohort": "cohort.csv",
        "endpoint": {"kind": "binary", "column": "grade", "positive": ">= 3"},
        "design": design,
        "split": {
            "kind": "kfold", "folds": 5, "repeats": 1, "seed": 0, "validation_fraction": 0.2,
        },
        "settings": {"preset": "quick", "normalisation": "minmax"},
        "compute": {"workers": 2, "device": "auto"},
    }  # fmt: skip
    write_text(folder / "study.yaml", yaml.safe_dump(study, sort_keys=False))
    write_json(
        folder / "run.json",
        {
            "gliofuse_version": "0.1.0",
            "python": "3.11.9",
            "platform": "Linux-6.1-x86_64",
            "packages": {"numpy": "2.1.0", "scikit-learn": "1.6.1", "torch": "2.13.0"},
            "started": "2026-01-05T10:00:00",
            "finished": "2026-01-05T11:12:30",
            "seconds": 4350.0,
            "command": f"gliofuse run study.yaml{bad}",
            "design": {
                "name": design,
                "title": "Radiomic and deep-learning fusion signatures",
                "citation": "J Biotech Research 2024;17:146-158",
                "doi": "",
                "endpoint": "LGG / HGG",
                "notes": [
                    "The paper gives no grey-level discretisation; 32 bins are used.",
                    f"Second-level signatures are out-of-fold.{bad}",
                ],
            },
            "models": [{"name": name} for name in names],
            "final_model": names[-1],
            "left_out": [f"no t2: radiomics_t2 and dl_t2 left out{bad}"],
            "n_cases": len(ids),
            "n_positive": int(y.sum()),
            "features_per_model": {name: 1967 for name in names if name.startswith("radiomics_")},
            "settings_hash": "3f2a9c01d4e5b678",
            "endpoint_text": f"grade ≥ 3{bad}",
            "warnings": [f"two constant features were dropped{bad}"],
            "logrank": {"class": {"statistic": 9.81, "p": 0.0017}},
        },
    )


def _write_tables(
    folder: Path,
    rng: np.random.Generator,
    names: list[str],
    ids: list[str],
    y: np.ndarray,
    fold: np.ndarray,
    hostile: str | None,
) -> None:
    bad = hostile or ""
    excluded = pd.DataFrame(
        {
            "case_id": [f"TCGA-{number}{bad}" for number in range(9000, 9007)],
            "reason": [f"grade is missing{bad}"] * 5 + ["no t1ce image"] * 2,
        }
    )
    write_csv(folder / "excluded.csv", excluded)
    failed = pd.DataFrame(
        {
            "case_id": [f"TCGA-9100{bad}"],
            "stage": ["radiomics"],
            "error": [f"GeometryError: spacing of flair.nii.gz differs{bad}"],
        }
    )
    write_csv(folder / "failed_cases.csv", failed)
    everyone = [*ids, *excluded["case_id"], *failed["case_id"]]
    write_csv(
        folder / "cohort.csv",
        pd.DataFrame({"case_id": everyone, "center": f"TCGA{bad}", "grade": 3}),
    )
    rows = [
        (case, str(part), "test" if fold[place] == part else "training")
        for part in range(5)
        for place, case in enumerate(ids)
    ]
    write_csv(folder / "folds.csv", pd.DataFrame(rows, columns=["case_id", "fold", "cohort"]))
    write_csv(
        folder / "characteristics.csv",
        pd.DataFrame(
            [
                ("n", "", "96", "46", "50", None, ""),
                (f"Age (years){bad}", "mean ± SD", "46.6 ± 13.1", "42.9 ± 12.0", "50.1 ± 13.3",
                 0.0061, "Welch t"),
                ("Age (years)", "range", "20–75", "20–70", "22–75", None, ""),
                ("Sex", "female", "51 (53 %)", "25 (54 %)", "26 (52 %)", 0.97, "chi-square"),
                ("Sex", "male", "45 (47 %)", "21 (46 %)", "24 (48 %)", None, ""),
                ("IDH", "mutant", "77 (80 %)", "42 (91 %)", "35 (70 %)", 0.018, "Fisher"),
            ],
            columns=["variable", "level", "all", "grade 2", f"grade 3{bad}", "p", "test"],
        ),
    )  # fmt: skip
    tests = []
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            p = float(rng.random() ** 3)
            tests.append(("test", a, b, 0.8, 0.85, -0.05, -0.1, 0.0, p, min(1.0, 6 * p)))
    write_csv(
        folder / "delong.csv",
        pd.DataFrame(
            tests,
            columns=[
                "cohort",
                "model_a",
                "model_b",
                "auc_a",
                "auc_b",
                "difference",
                "ci_low",
                "ci_high",
                "p",
                "p_holm",
            ],
        ),
    )
    curves, confusions = [], []
    for place, name in enumerate(names):
        x = np.sort(rng.random(40))
        power = 0.5 - 0.035 * place
        for rate in [0.0, *x, 1.0]:
            curves.append(("test", name, rate, rate ** max(power, 0.08), 1 - rate))
        right = 30 + place
        confusions.append(("test", name, right, 46 - right, 50 - right, right))
    write_csv(
        folder / "roc.csv",
        pd.DataFrame(
            curves,
            columns=["cohort", "model", "false_positive_rate", "true_positive_rate", "threshold"],
        ),
    )
    write_csv(
        folder / "confusion.csv",
        pd.DataFrame(
            confusions,
            columns=[
                "cohort",
                "model",
                "true_negative",
                "false_positive",
                "false_negative",
                "true_positive",
            ],
        ),
    )
    paper = [
        ("test", name, metric, 0.7 + 0.02 * place)
        for place, name in enumerate(names)
        for metric in ("auc", "accuracy", "sensitivity", "specificity")
    ]
    write_csv(
        folder / "paper_results.csv",
        pd.DataFrame(paper, columns=["cohort", "model", "metric", "value"]),
    )
    write_csv(
        folder / "thresholds.csv",
        pd.DataFrame(
            [(str(part), name, 0.45 + 0.02 * part) for part in range(5) for name in names],
            columns=["fold", "model", "threshold"],
        ),
    )


def _write_utility(folder: Path, rng: np.random.Generator, names: list[str]) -> None:
    predicted = np.linspace(0.03, 0.97, 40)
    rows = []
    for place, name in enumerate(names[-4:]):
        observed = np.clip(predicted + 0.06 * np.sin(5 * predicted + place), 0, 1)
        rows += [
            ("test", name, x, value, max(0, value - 0.12), min(1, value + 0.12))
            for x, value in zip(predicted, observed, strict=True)
        ]
    write_csv(
        folder / "calibration.csv",
        pd.DataFrame(
            rows, columns=["cohort", "model", "predicted", "observed", "ci_low", "ci_high"]
        ),
    )
    summary = [
        ("test", name, 0.7, 0.45, 0.98, 0.05, -0.4, 0.5, 0.16, 0.12, 0.2) for name in names[-4:]
    ]
    columns = [
        f"{name}{suffix}"
        for name in ("slope", "intercept", "brier")
        for suffix in ("", "_ci_low", "_ci_high")
    ]
    write_csv(
        folder / "calibration_summary.csv",
        pd.DataFrame(summary, columns=["cohort", "model", *columns]),
    )
    thresholds = np.linspace(0.01, 0.99, 99)
    share = 0.52
    decisions = [("test", "treat none", t, 0.0) for t in thresholds]
    decisions += [("test", "treat all", t, share - (1 - share) * t / (1 - t)) for t in thresholds]
    for place, name in enumerate(names[-4:]):
        decisions += [("test", name, t, share * (1 - t ** (1.5 + place / 2))) for t in thresholds]
    write_csv(
        folder / "decision_curve.csv",
        pd.DataFrame(decisions, columns=["cohort", "model", "threshold", "net_benefit"]),
    )
    write_csv(
        folder / "clinical_impact.csv",
        pd.DataFrame(
            [(names[-1], t, 1000 * (1 - t) ** 0.7, 520 * (1 - t**3)) for t in thresholds],
            columns=["model", "threshold", "high_risk", "high_risk_with_event"],
        ),
    )
    write_json(
        folder / "tables" / "nomogram.json",
        {
            "intercept": -4.2,
            "outcome": "grade ≥ 3",
            "terms": [
                {"name": "score", "label": "Imaging score", "unit": "", "min": -3.0, "max": 4.0,
                 "step": 0.1, "coefficient": 1.3},
                {"name": "age", "label": "Age", "unit": "years", "min": 20, "max": 75, "step": 1,
                 "coefficient": 0.045},
                {"name": "sex", "label": "Sex", "unit": "", "coefficient": -0.3,
                 "levels": [{"label": "female", "value": 0}, {"label": "male", "value": 1}]},
                {"name": "vasari", "label": "VASARI score", "unit": "", "min": 40, "max": 110,
                 "step": 1, "coefficient": 0.02},
            ],
        },
    )  # fmt: skip
    days = np.linspace(0, 3000, 30)
    survival = [
        (group, day, np.exp(-day / scale), np.exp(-day / scale) - 0.05, np.exp(-day / scale) + 0.05,
         int(48 * np.exp(-day / scale)))
        for group, scale in (("grade 2", 4500), ("grade 3", 1800))
        for day in days
    ]  # fmt: skip
    write_csv(
        folder / "tables" / "kaplan_meier.csv",
        pd.DataFrame(
            survival, columns=["group", "time_days", "survival", "ci_low", "ci_high", "at_risk"]
        ).assign(groups="class"),
    )


def _write_explanation(
    folder: Path, rng: np.random.Generator, names: list[str], folds: int
) -> None:
    fusions = {
        "radiomics_fusion": [name for name in names if name.startswith("radiomics_")][:4],
        "rdl": ["radiomics_fusion", "dl_fusion"],
    }
    contributions = [
        (str(part), model, term, 0.9 - 0.35 * place + rng.normal(0, 0.12))
        for part in range(folds)
        for model, terms in fusions.items()
        if model in names
        for place, term in enumerate(terms)
    ]
    columns = ["fold", "model", "term", "coefficient"]
    write_csv(folder / "tables" / "contributions.csv", pd.DataFrame(contributions, columns=columns))
    pool = [
        f"{{}}.whole.{image}_{family}_{name}"
        for image in ("original", "wavelet-LLH", "log-sigma-2-0-mm-3D", "square")
        for family, name in (
            ("glcm", "Contrast"),
            ("glszm", "SmallAreaLowGrayLevelEmphasis"),
            ("firstorder", "90Percentile"),
            ("gldm", "DependenceNonUniformityNormalized"),
        )
    ]
    selected = []
    for name in names:
        sequence = name.removeprefix("radiomics_")
        if sequence not in SEQUENCES:
            continue
        for part in range(folds):
            for place, feature in enumerate(pool):
                if rng.random() < 0.95 - 0.055 * place:
                    selected.append(
                        (str(part), name, feature.format(sequence), rng.normal(0.3, 0.3))
                    )
    table = pd.DataFrame(selected, columns=["fold", "model", "feature", "coefficient"])
    write_csv(folder / "tables" / "selected_features.csv", table)
    features = list(dict.fromkeys(table["feature"]))[:12] if len(table) else ["a.b.c", "d.e.f"]
    values = np.corrcoef(rng.normal(size=(len(features), 8)))
    write_csv(
        folder / "tables" / "correlation.csv",
        pd.DataFrame(values, columns=features).assign(feature=features)[["feature", *features]],
    )
    write_csv(
        folder / "tables" / "timing.csv",
        pd.DataFrame(
            [("radiomics", 180.0), ("slices", 42.0), ("fit", 3900.0), ("evaluation", 30.0)],
            columns=["stage", "seconds"],
        ),
    )
    for part in range(folds):
        epochs = np.arange(1, 13)
        write_csv(
            folder / "curves" / f"dl_fusion-{part}.csv",
            pd.DataFrame(
                {
                    "model": "dl_fusion",
                    "fold": str(part),
                    "epoch": epochs,
                    "loss": 0.7 * np.exp(-epochs / 9) + rng.normal(0, 0.01, 12),
                    "validation_auc": 0.85 - 0.3 / epochs + rng.normal(0, 0.02, 12),
                }
            ),
        )
    (folder / "gradcam").mkdir(exist_ok=True)
    (folder / "gradcam" / "TCGA-0001.png").write_bytes(PIXEL)
