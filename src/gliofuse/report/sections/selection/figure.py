"""Selected features: how many of the folds chose each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, GREY, RED, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_selection"]

_LONGEST_LABEL = 84


def draw_selection(features: list[dict[str, Any]], *, folds: int) -> Figure | None:
    """Draw a bar a feature: the share of folds that chose it, coloured by its coefficient's sign.

    Parameters
    ----------
    features : list of dict
        ``label``, ``folds`` (how many chose it) and ``mean`` (of its coefficient, or ``None``).
    folds : int
        How many folds were fitted.
    """
    if not features or folds < 2:
        return None
    from matplotlib.ticker import MaxNLocator

    figure, (panel,) = new_figure(width=7.6, height=0.8 + 0.22 * len(features))
    for place, feature in enumerate(features):
        mean = feature["mean"]
        colour = GREY if mean is None else (BLUE if mean >= 0 else RED)
        panel.barh(place, feature["folds"], color=colour, height=0.7)
    labels = [_shorten(feature["label"]) for feature in features]
    panel.set_yticks(range(len(features)), labels, fontsize=7.5)
    panel.set(
        ylim=(len(features) - 0.4, -0.6),
        xlim=(0, folds),
        xlabel=f"folds that chose the feature (of {folds})",
    )
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.tick_params(axis="y", length=0)
    tidy(panel, grid="x")
    return figure


def _shorten(text: str) -> str:
    if len(text) <= _LONGEST_LABEL:
        return text
    half = _LONGEST_LABEL // 2 - 1
    return f"{text[:half]}…{text[-half:]}"
