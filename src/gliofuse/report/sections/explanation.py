"""What the models rest on: contributions, selected features, correlation, Grad-CAM, curves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from gliofuse.report.sections.context import RunContext
from gliofuse.report.tables import records
from gliofuse.report.wording import feature_label, model_label

__all__ = [
    "contributions",
    "correlation",
    "gradcam",
    "model_choice",
    "networks",
    "selected_features",
    "training_curves",
]

_INTERCEPT = {"intercept", "(intercept)", "const", "bias"}
_MOST_TERMS = 12
_MOST_FEATURES = 40
_MOST_IMAGES = 24
_MOST_IMAGE_BYTES = 12_000_000


def contributions(context: RunContext) -> list[dict[str, Any]]:
    """Return for each fusion model its terms with their coefficient in every fold.

    Where the run wrote no ``contributions.csv``, models of few terms in ``coefficients.csv``
    stand for it.
    """
    required = ("model", "term", "coefficient")
    table = context.tables.table("tables/contributions.csv", *required)
    if table is None:
        table = context.tables.table("tables/coefficients.csv", *required)
        if table is None:
            return []
        terms = table.groupby("model")["term"].nunique()
        table = table[table["model"].isin(terms[terms <= _MOST_TERMS].index)]
    table = table[~table["term"].str.lower().isin(_INTERCEPT)].dropna(subset=["coefficient"])
    models = []
    for model in context.in_order(table["model"].unique()):
        own = table[table["model"] == model]
        terms = [
            {
                "term": str(term),
                "label": _term_label(str(term)),
                "mean": float(rows["coefficient"].mean()),
                "values": [float(value) for value in rows["coefficient"]],
            }
            for term, rows in own.groupby("term", sort=False)
        ]
        models.append({"model": model, "label": model_label(model), "terms": terms})
    return models


def _term_label(term: str) -> str:
    return feature_label(term) if "." in term else model_label(term)


def selected_features(context: RunContext) -> dict[str, Any] | None:
    """Return for each model how many of the folds chose each feature, the steadiest first."""
    table = context.tables.table("tables/selected_features.csv", "model", "feature")
    if table is None:
        return None
    if "fold" not in table:
        table = table.assign(fold="1")
    table = table[~table["feature"].astype(str).str.lower().isin(_INTERCEPT)]
    folds = max(int(table["fold"].nunique()), len(_fold_names(context)))
    models = []
    for model in context.in_order(table["model"].unique()):
        own = table[table["model"] == model]
        features = _steadiest_first(own)
        per_fold = own.groupby("fold")["feature"].nunique()
        models.append(
            {
                "model": model,
                "label": model_label(model),
                "n_features": len(features),
                "n_in_every_fold": sum(entry["folds"] == folds for entry in features),
                "fewest": int(per_fold.min()) if len(per_fold) == folds else 0,
                "most": int(per_fold.max()),
                "candidates": (context.run.get("features_per_model") or {}).get(model),
                "features": features[:_MOST_FEATURES],
            }
        )
    return {"folds": folds, "models": models, "shown": _MOST_FEATURES}


def _steadiest_first(own: pd.DataFrame) -> list[dict[str, Any]]:
    features: list[dict[str, Any]] = []
    for name, rows in own.groupby("feature", sort=False):
        values = rows["coefficient"].dropna() if "coefficient" in rows else pd.Series(dtype=float)
        features.append(
            {
                "feature": str(name),
                "label": feature_label(str(name)),
                "folds": int(rows["fold"].nunique()),
                "mean": float(values.mean()) if len(values) else None,
            }
        )
    return sorted(
        features, key=lambda entry: (-entry["folds"], -abs(entry["mean"] or 0), entry["feature"])
    )


def _fold_names(context: RunContext) -> list[str]:
    table = context.tables.table("folds.csv", "case_id", "fold", "cohort")
    if table is None:
        return []
    return list(dict.fromkeys(table.loc[table["cohort"] == "training", "fold"]))


def correlation(context: RunContext) -> dict[str, Any] | None:
    """Return the correlation matrix of the selected features, from its square or long table."""
    table = context.tables.table("tables/correlation.csv")
    if table is None:
        return None
    long = {"feature_a", "feature_b", "correlation"}
    if long <= set(table.columns):
        table = table.pivot_table(
            index="feature_a", columns="feature_b", values="correlation", sort=False
        )
        table = table.reindex(columns=table.index)
    else:
        table = table.drop(columns=[name for name in ("fold", "model") if name in table])
        table = table.set_index(table.columns[0])
    values = table.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or values.shape[0] < 2:
        return None
    return {
        "labels": [_term_label(str(name)) for name in table.index],
        "values": [[None if value != value else float(value) for value in row] for row in values],
    }


def training_curves(context: RunContext) -> list[dict[str, Any]]:
    """Return every network's loss and validation AUC by epoch, one entry a network and fold."""
    frames: list[tuple[str, pd.DataFrame]] = []
    for path in context.tables.files("curves/*.csv"):
        frame = context.tables.table(f"curves/{path.name}", "epoch")
        if frame is not None:
            frames.append((path.stem, frame))
    frame = context.tables.table("tables/curves.csv", "epoch")
    if frame is not None:
        frames.append(("", frame))
    curves = []
    for stem, frame in frames:
        keys = [name for name in ("model", "fold") if name in frame]
        groups = frame.groupby(keys, sort=False) if keys else [((), frame)]
        for key, rows in groups:
            model = str(rows["model"].iloc[0]) if "model" in frame else stem
            fold = str(rows["fold"].iloc[0]) if "fold" in frame else ""
            curves.append(_curve(model, fold, rows))
            del key
    return curves


def _curve(model: str, fold: str, rows: pd.DataFrame) -> dict[str, Any]:
    def column(*names: str) -> list[float | None]:
        for name in names:
            if name in rows:
                return [None if value != value else float(value) for value in rows[name]]
        return []

    return {
        "model": model,
        "label": model_label(model),
        "fold": fold,
        "epoch": column("epoch"),
        "loss": column("loss", "training_loss", "train_loss"),
        "validation_loss": column("validation_loss"),
        "validation_auc": column("validation_auc"),
        "seconds": column("seconds"),
        "peak_mb": column("peak_memory_mb", "peak_mb", "memory_mb"),
    }


def model_choice(context: RunContext) -> list[dict[str, Any]]:
    """Return how candidate models did inside the training patients, and how often each was taken.

    Read from ``imaging_model_choice.csv``: model, classifier, training_cv_auc, chosen, by fold.
    """
    table = context.tables.table(
        "tables/imaging_model_choice.csv", "model", "training_cv_auc", "chosen"
    )
    if table is None:
        return []
    if "classifier" not in table:
        table = table.assign(classifier="")
    table = table.assign(taken=table["chosen"].astype(str).str.lower().isin(("yes", "true", "1")))
    rows = []
    for (model, classifier), own in table.groupby(["model", "classifier"], sort=False):
        values = pd.to_numeric(own["training_cv_auc"], errors="coerce").dropna()
        rows.append(
            {
                "label": model_label(str(model)),
                "classifier": str(classifier),
                "mean": float(values.mean()) if len(values) else None,
                "low": float(values.min()) if len(values) else None,
                "high": float(values.max()) if len(values) else None,
                "taken": int(own["taken"].sum()),
                "folds": len(own),
            }
        )
    return rows


def networks(context: RunContext) -> list[dict[str, Any]]:
    """Return each network's epochs, seconds an epoch and peak memory, over its folds."""
    return [
        {
            "label": label,
            "folds": len(own),
            "epochs": max(len(curve["epoch"]) for curve in own),
            "seconds": _mean(value for curve in own for value in curve["seconds"]),
            "peak_mb": max(
                (value for curve in own for value in curve["peak_mb"] if value is not None),
                default=None,
            ),
        }
        for label, own in _by_label(training_curves(context)).items()
        if any(curve["epoch"] for curve in own)
    ]


def _by_label(curves: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for curve in curves:
        found.setdefault(curve["label"], []).append(curve)
    return found


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def gradcam(context: RunContext) -> dict[str, Any] | None:
    """Return the heat maps to show (paths), and their shares of heat by place, if any.

    Pictures lie in ``gradcam/`` or in a folder a network beneath it; the design's last networks,
    which see most, come first.
    """
    root = context.tables.folder / "gradcam"
    paths = [path for end in ("png", "svg") for path in context.tables.files(f"gradcam/**/*.{end}")]
    order = {name: place for place, name in enumerate(reversed(context.models))}
    paths.sort(key=lambda path: (order.get(path.parent.name, len(order)), path.as_posix()))
    shares = _heat_shares(context)
    if not paths and not shares:
        return None
    shown: list[dict[str, str]] = []
    size = 0
    for path in paths[:_MOST_IMAGES]:
        size += path.stat().st_size
        if size > _MOST_IMAGE_BYTES and shown:
            break
        *networks, case = path.relative_to(root).with_suffix("").parts
        caption = " · ".join([*(model_label(name) for name in networks), case])
        shown.append({"path": str(path), "caption": caption})
    return {"images": shown, "n_images": len(paths), "shares": shares}


def _heat_shares(context: RunContext) -> list[dict[str, Any]]:
    places = ("inside", "edge", "outside")
    needed = ("case_id", "model", *(f"heat_{place}" for place in places))
    rows = []
    for path in context.tables.files("tables/heat_shares*.csv"):
        table = context.tables.table(f"tables/{path.name}", *needed)
        for row in records(table):
            rows.append(
                {
                    "case_id": str(row["case_id"]),
                    "label": model_label(row["model"]),
                    "cells": [
                        {"heat": row[f"heat_{place}"], "area": row.get(f"area_{place}")}
                        for place in places
                    ],
                }
            )
    return rows[:_MOST_FEATURES]
