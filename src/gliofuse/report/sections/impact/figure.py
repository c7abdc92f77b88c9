"""Clinical impact curve: of so many patients, how many are called high-risk, how many rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, RED, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_impact"]


def draw_impact(impact: dict[str, Any]) -> Figure | None:
    """Draw both counts against the threshold, with bands where the table has bounds."""
    if not impact["threshold"]:
        return None
    figure, (panel,) = new_figure(width=5.0, height=3.6)
    for key, label, colour, line in (
        ("high_risk", "called high-risk", RED, (0, (5, 1.5))),
        ("high_risk_with_event", "called high-risk, and positive", BLUE, "-"),
    ):
        panel.plot(
            impact["threshold"], impact[key], color=colour, linestyle=line, linewidth=2, label=label
        )
        for low, high in (("_ci_low", "_ci_high"), ("_low", "_high")):
            if f"{key}{low}" in impact and f"{key}{high}" in impact:
                panel.fill_between(
                    impact["threshold"],
                    [float("nan") if value is None else value for value in impact[f"{key}{low}"]],
                    [float("nan") if value is None else value for value in impact[f"{key}{high}"]],
                    color=colour,
                    alpha=0.12,
                    linewidth=0,
                )
                break
    panel.set(
        xlim=(0, 1),
        ylim=(0, None),
        xlabel="threshold probability",
        ylabel="patients (of 1,000 like these)",
    )
    panel.legend(loc="upper right")
    tidy(panel, grid="both")
    return figure
