"""Contributions: coefficients of the fusion models, with their spread over folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, GREY, INK, RED, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_contributions"]


def draw_contributions(models: list[dict[str, Any]]) -> Figure | None:
    """Draw one panel a fusion model: bars of the mean coefficient, a dot for every fold.

    Parameters
    ----------
    models : list of dict
        ``label`` and ``terms``, each with ``label``, ``mean`` and ``values`` (one a fold).
    """
    models = [model for model in models if model["terms"]]
    if not models:
        return None
    heights = [0.9 + 0.36 * len(model["terms"]) for model in models]
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.2, sum(heights)), layout="constrained")
    axes = figure.subplots(len(models), 1, squeeze=False, height_ratios=heights).ravel()
    for panel, model in zip(axes, models, strict=True):
        _draw_model(panel, model)
    axes[-1].set_xlabel("coefficient (log odds per standard deviation where terms are z-scored)")
    return figure


def _draw_model(panel: Any, model: dict[str, Any]) -> None:
    terms = model["terms"]
    for place, term in enumerate(terms):
        colour = BLUE if term["mean"] >= 0 else RED
        panel.barh(place, term["mean"], color=colour, alpha=0.55, height=0.62)
        if len(term["values"]) > 1:
            offsets = [place + 0.22 * ((index % 3) - 1) for index in range(len(term["values"]))]
            panel.plot(
                term["values"],
                offsets,
                linestyle="none",
                marker="o",
                markersize=3.2,
                markerfacecolor="white",
                markeredgecolor=INK,
                markeredgewidth=0.8,
            )
    panel.axvline(0, color=GREY, linewidth=0.9)
    panel.set_yticks(range(len(terms)), [term["label"] for term in terms])
    panel.set_ylim(len(terms) - 0.5, -0.5)
    panel.tick_params(axis="y", length=0)
    panel.set_title(model["label"], loc="left")
    tidy(panel, grid="x")
