"""How the final model's features correlate."""

from __future__ import annotations

from typing import Any

from gliofuse.records import CORRELATION
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing
from gliofuse.report.naming import feature_label
from gliofuse.report.plain import plain
from gliofuse.report.sections import Findings
from gliofuse.report.sections.correlation.figure import draw_correlation

__all__ = ["data", "drawings"]


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return the correlation matrix, its features in the order of the table."""
    table = context.table(CORRELATION)
    if table is None:
        return None
    square = table.pivot_table(
        index="feature_a", columns="feature_b", values="correlation", sort=False
    )
    square = square.reindex(columns=square.index)
    if len(square) < 2:
        return None
    return {
        "labels": [feature_label(str(name)) for name in square.index],
        "values": [[plain(value) for value in row] for row in square.to_numpy(dtype=float)],
    }


def drawings(data: dict[str, Any], context: Context) -> list[Drawing]:
    """Return the matrix as a figure."""
    return [
        Drawing(
            "correlation",
            "Correlation of the selected features",
            draw_correlation,
            (data["labels"], data["values"]),
            {},
            "Blue: rise together; orange: one falls where the other rises.",
        )
    ]
