"""Forest plot: every model's AUC with its interval, and the publication's value beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, GREY, INK, RED, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_forest"]


def draw_forest(
    panels: list[dict[str, Any]], *, final: str | None, metric: str = "AUC"
) -> Figure | None:
    """Draw one panel a cohort, the models from top to bottom.

    Parameters
    ----------
    panels : list of dict
        ``label`` and ``rows``, each row with ``model``, ``label``, ``estimate``, ``low``,
        ``high`` and ``paper`` (the publication's value on other patients, or ``None``).
    """
    panels = [panel for panel in panels if panel["rows"]]
    if not panels:
        return None
    count = max(len(panel["rows"]) for panel in panels)
    figure, axes = new_figure(
        1, len(panels), width=5.6 if len(panels) == 1 else 3.9, height=1.1 + 0.27 * count
    )
    lowest = min(_lowest(panel["rows"]) for panel in panels)
    left = max(0.0, min(0.45, int(lowest * 20 - 0.5) / 20))
    for axis, panel in zip(axes, panels, strict=True):
        _draw_panel(axis, panel, final)
        axis.set(xlim=(left, 1.01), ylim=(count - 0.4, -0.6), xlabel=f"{metric}, 95 % CI")
        if len(panels) > 1:
            axis.set_title(panel["label"])
        beside = axis.get_subplotspec()
        if beside and not beside.is_first_col() and _same_labels(panel, panels[0]):
            axis.set_yticklabels([])
    handles, labels = next(
        (found for axis in axes if (found := axis.get_legend_handles_labels())[0]), ([], [])
    )
    if handles:
        figure.legend(handles, labels, loc="outside upper left")
    return figure


def _lowest(rows: list[dict[str, Any]]) -> float:
    values = [row[key] for row in rows for key in ("estimate", "low", "paper")]
    return min([value for value in values if value is not None], default=0.5)


def _same_labels(panel: dict[str, Any], first: dict[str, Any]) -> bool:
    return [row["label"] for row in panel["rows"]] == [row["label"] for row in first["rows"]]


def _draw_panel(axis: Any, panel: dict[str, Any], final: str | None) -> None:
    axis.axvline(0.5, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)))
    paper_drawn = False
    for place, row in enumerate(panel["rows"]):
        chosen = row["model"] == final
        colour = BLUE if chosen else INK
        if row["estimate"] is not None:
            if row["low"] is not None and row["high"] is not None:
                axis.plot(
                    [row["low"], row["high"]],
                    [place, place],
                    color=colour,
                    linewidth=2.4 if chosen else 1.3,
                    solid_capstyle="butt",
                )
            axis.plot(row["estimate"], place, marker="s", color=colour, markersize=6)
        if row["paper"] is not None:
            axis.plot(
                row["paper"],
                place,
                marker="D",
                markerfacecolor="white",
                markeredgecolor=RED,
                markersize=5,
                linestyle="none",
                label=None if paper_drawn else "publication, other patients",
            )
            paper_drawn = True
    axis.set_yticks(range(len(panel["rows"])), [row["label"] for row in panel["rows"]])
    for tick, row in zip(axis.get_yticklabels(), panel["rows"], strict=True):
        tick.set_fontweight("bold" if row["model"] == final else "normal")
    axis.tick_params(axis="y", length=0)
    tidy(axis, grid="x")
