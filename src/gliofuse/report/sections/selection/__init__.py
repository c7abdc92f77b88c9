"""The features that each model kept, and in how many of the folds."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import FOLDS, SELECTED_FEATURES
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.naming import feature_label
from gliofuse.report.sections import Findings
from gliofuse.report.sections.contributions import INTERCEPT, models_in
from gliofuse.report.sections.selection.figure import draw_selection

__all__ = ["data", "drawings"]

_KEYS = ("model", "class")
_MOST_FEATURES = 40
_MOST_DRAWN = 20


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return for each model how many of the folds chose each feature, the steadiest first."""
    table = context.table(SELECTED_FEATURES)
    if table is None:
        return None
    table = table[table["feature"] != INTERCEPT]
    folds = max(int(table["fold"].nunique()), _n_folds(context))
    models = []
    for model, label, of_class, own in models_in(context, table):
        features = _steadiest_first(own)
        per_fold = own.groupby("fold")["feature"].nunique()
        models.append(
            {
                "model": model,
                "class": of_class,
                "label": label,
                "n_features": len(features),
                "n_in_every_fold": sum(entry["folds"] == folds for entry in features),
                "fewest": int(per_fold.min()) if len(per_fold) == folds else 0,
                "most": int(per_fold.max()),
                "features": features[:_MOST_FEATURES],
            }
        )
    return {"folds": folds, "models": models} if models else None


def drawings(data: dict[str, Any], context: Context) -> list[Drawing]:
    """Return a figure for each model."""
    return [
        Drawing(
            "_".join(["selection", *(file_name(model[key]) for key in _KEYS if model[key])]),
            f"Features chosen by {model['label']}",
            draw_selection,
            (model["features"][:_MOST_DRAWN],),
            {"folds": data["folds"]},
            f"The steadiest {min(_MOST_DRAWN, len(model['features']))}. Blue: positive mean "
            "coefficient; orange: negative; grey: none given.",
        )
        for model in data["models"]
    ]


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


def _n_folds(context: Context) -> int:
    table = context.table(FOLDS)
    return 0 if table is None else int(table["fold"].nunique())
