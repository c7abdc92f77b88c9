"""Who was studied: flow of patients, endpoint, split, characteristics, failed cases."""

from __future__ import annotations

from typing import Any

from gliofuse.report.sections.context import RunContext
from gliofuse.report.tables import records
from gliofuse.report.wording import format_p, plural

__all__ = [
    "characteristics",
    "class_names",
    "endpoint_words",
    "patient_flow",
    "split_short",
    "split_words",
]

_SPLIT_KINDS = {
    "holdout": "one three-way split",
    "center": "a split by centre, with whole centres kept as external patients",
    "column": "the split that the cohort table prescribes",
}


def patient_flow(context: RunContext) -> dict[str, Any]:
    """Count the patients from the manifest to the analysis.

    Returns
    -------
    dict
        ``manifest``, ``excluded`` (reason, n, case_ids), ``failed`` (rows), ``analysed``,
        ``positive``, ``negative``, ``cohorts`` (per fold) and ``centers``.
    """
    tables, run = context.tables, context.run
    cohort = tables.table("cohort.csv", "case_id")
    excluded = tables.table("excluded.csv", "case_id", "reason")
    failed = tables.table("failed_cases.csv", "case_id")
    known: set[str] = set()
    for table in (cohort, excluded, failed, context.predictions):
        if table is not None:
            known |= set(table["case_id"].astype(str))
    analysed = run.get("n_cases") or context.predictions["case_id"].nunique()
    positive = run.get("n_positive")
    reasons: list[dict[str, Any]] = []
    if excluded is not None:
        for reason, rows in excluded.groupby("reason", sort=False):
            ids = list(dict.fromkeys(rows["case_id"].astype(str)))
            reasons.append({"reason": str(reason), "n": len(ids), "case_ids": ids})
    failed_rows = records(failed)
    for row in failed_rows:
        row.setdefault("stage", None)
        row.setdefault("error", None)
    return {
        "manifest": len(known) or analysed,
        "excluded": sorted(reasons, key=lambda entry: -entry["n"]),
        "n_excluded": 0 if excluded is None else int(excluded["case_id"].nunique()),
        "failed": failed_rows,
        "n_failed": len({row["case_id"] for row in failed_rows}),
        "analysed": analysed,
        "positive": positive,
        "negative": None if positive is None else analysed - positive,
        "folds": _folds(context),
        "centers": _centers(context),
    }


def _folds(context: RunContext) -> list[dict[str, Any]]:
    table = context.tables.table("folds.csv", "case_id", "fold", "cohort")
    if table is None:
        return []
    counts = table.groupby(["fold", "cohort"], sort=False)["case_id"].nunique().unstack()
    names = [name for name in ("training", "validation", "test", "external") if name in counts]
    counts = counts.fillna(0).astype(int)
    return [
        {"fold": str(fold), **{name: int(counts.loc[fold, name]) for name in names}}
        for fold in dict.fromkeys(table["fold"])
    ]


def _centers(context: RunContext) -> list[dict[str, Any]]:
    table = context.tables.table("cohort.csv", "case_id", "center")
    if table is None or table["center"].isna().all():
        return []
    predictions = context.predictions.drop_duplicates("case_id").set_index("case_id")["y_true"]
    rows = []
    for center, members in table.groupby("center", sort=True):
        labels = predictions.reindex(members["case_id"].astype(str)).dropna()
        if len(labels):
            rows.append(
                {"center": str(center), "n": len(labels), "positive": int((labels == 1).sum())}
            )
    return rows


def endpoint_words(context: RunContext) -> str:
    """Return the endpoint as a phrase."""
    given = context.run.get("endpoint_text")
    endpoint = context.study.get("endpoint") or {}
    if not given and isinstance(endpoint, dict):
        given = f"{endpoint.get('column', 'endpoint')} {endpoint.get('positive', '')}".strip()
    return _signs(str(given or endpoint))


def _signs(text: str) -> str:
    return text.replace(">=", "≥").replace("<=", "≤").replace("==", "=")


def class_names(context: RunContext) -> tuple[str, str]:
    """Return short names of the negative and the positive class for axes."""
    endpoint = context.study.get("endpoint") or {}
    if not isinstance(endpoint, dict) or not endpoint.get("positive"):
        return "negative", "positive"
    positive = f"{endpoint.get('column', '')} {endpoint['positive']}".strip()
    positive = _signs(positive)
    return ("rest", positive) if len(positive) <= 16 else ("negative", "positive")


def split_words(context: RunContext) -> str:
    """Return one sentence or two on how the patients were split."""
    split = context.split
    kind = split.get("kind", "")
    if kind == "kfold":
        folds, repeats = split.get("folds", "k"), split.get("repeats", 1)
        text = (
            f"The patients were cut into {folds} parts of like composition; in turn each part was "
            "put aside, the models learned on the others and then predicted the part put aside. "
            "Each patient is thus predicted by models that never saw that patient"
        )
        if isinstance(repeats, int) and repeats > 1:
            text += f"; this was repeated {repeats} times with other cuts and averaged per patient"
        text += "."
    elif kind in _SPLIT_KINDS:
        text = f"The patients were divided by {_SPLIT_KINDS[kind]}."
        if kind == "center" and split.get("external"):
            text += " External: " + ", ".join(str(name) for name in split["external"]) + "."
    elif kind == "none":
        text = "No patient was held out."
    else:
        text = "How the patients were split is not recorded in this folder."
    fraction = split.get("validation_fraction") or 0
    if kind != "column" and fraction:
        text += (
            f" Of the patients to learn from, {fraction:.0%} were put aside to choose the "
            "networks' stopping point; nothing else was learned from them."
        )
    return text


def split_short(context: RunContext) -> str:
    """Return the split in a few words."""
    split = context.split
    kind = split.get("kind")
    if kind == "kfold":
        text = f"{split.get('folds', 'k')}-fold cross-validation"
        if (split.get("repeats") or 1) > 1:
            text += f", repeated {split['repeats']} times"
    else:
        text = {
            "holdout": "one random three-way split",
            "center": "by centre",
            "column": "as a column of the cohort table says",
            "none": "nobody held out",
        }.get(str(kind), "not recorded")
    if split.get("seed") is not None and kind in ("kfold", "holdout"):
        text += f", seed {split['seed']}"
    return f"{text}; by patient, stratified by class"


def characteristics(context: RunContext) -> dict[str, Any] | None:
    """Return the table of clinical characteristics per group, its rows gathered by variable."""
    table = context.tables.table("characteristics.csv", "variable")
    if table is None:
        return None
    groups = [name for name in table.columns if name not in ("variable", "level", "p", "test")]
    rows, previous = [], None
    for row in records(table):
        variable = str(row["variable"])
        rows.append(
            {
                "variable": variable if variable != previous else "",
                "level": "" if row.get("level") is None else str(row["level"]),
                "values": ["" if row[group] is None else str(row[group]) for group in groups],
                "p": "" if row.get("p") is None else format_p(row["p"]),
                "test": "" if row.get("test") is None else str(row["test"]),
            }
        )
        previous = variable
    return {
        "groups": [str(group) for group in groups],
        "rows": rows,
        "has_p": "p" in table.columns and bool(table["p"].notna().any()),
        "note": f"{plural(len({row['variable'] for row in records(table)}), 'variable')}",
    }
