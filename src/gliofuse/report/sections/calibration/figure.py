"""Calibration curves: observed share of positives against the predicted probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, GREY, MARKERS, RED, other_style, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_calibration"]

#: Up to this many points, they are groups of patients and are drawn with error bars.
_MOST_GROUPS = 15


def draw_calibration(
    panels: list[dict[str, Any]], *, final: str | None, event: str = "positives"
) -> Figure | None:
    """Draw one panel a cohort, with the patients' probabilities by class beneath.

    Parameters
    ----------
    panels : list of dict
        ``label``, ``curves`` (``model``, ``label``, ``predicted``, ``observed``, ``low``,
        ``high`` and, where some are groups of patients, ``kind``) and ``probabilities``
        (``negative``, ``positive``) of the final model.
    event : str
        What the probability is of.
    """
    from matplotlib.figure import Figure

    panels = [panel for panel in panels if panel["curves"]]
    if not panels:
        return None
    with_rug = any(any(panel["probabilities"].values()) for panel in panels)
    heights = [5, 1] if with_rug else [5]
    figure = Figure(figsize=(4.1 * len(panels), 0.82 * sum(heights)), layout="constrained")
    axes = figure.subplots(
        len(heights), len(panels), squeeze=False, height_ratios=heights, sharex=True
    )
    for column, panel in enumerate(panels):
        top = axes[0, column]
        top.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), label="ideal")
        others = 0
        for curve in panel["curves"]:
            chosen = curve["model"] == final
            if curve.get("kind") == "groups":
                _draw_groups(top, curve)
                continue
            colour, line = (BLUE, "-") if chosen else other_style(others)
            marker = "o" if chosen else MARKERS[others % len(MARKERS)]
            _draw_curve(top, curve, colour, line, marker, chosen)
            others += not chosen
        top.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel=f"observed share of {event}")
        top.legend(loc="upper left")
        if len(panels) > 1 or "horizon" in panel:
            top.set_title(panel["horizon"] if "horizon" in panel else panel["label"])
        tidy(top, grid="both")
        if with_rug:
            _draw_rug(axes[1, column], panel["probabilities"])
        axes[-1, column].set_xlabel("predicted probability")
    return figure


def _draw_curve(
    panel: Any, curve: dict[str, Any], colour: str, line: Any, marker: str, chosen: bool
) -> None:
    x, y, low, high = (curve[key] for key in ("predicted", "observed", "low", "high"))
    width = 2.4 if chosen else 1.2
    if len(x) > _MOST_GROUPS:
        panel.plot(x, y, color=colour, linestyle=line, linewidth=width, label=curve["label"])
        if low and chosen:
            panel.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        return
    panel.plot(
        x,
        y,
        color=colour,
        linestyle=line,
        linewidth=width * 0.7,
        marker=marker,
        markersize=5 if chosen else 3.5,
        label=curve["label"],
    )
    if low and chosen:
        panel.vlines(x, low, high, color=colour, linewidth=1)


def _draw_groups(panel: Any, curve: dict[str, Any]) -> None:
    panel.plot(
        curve["predicted"],
        curve["observed"],
        color=BLUE,
        linestyle="none",
        marker="o",
        markersize=5,
        label=curve["label"],
    )
    for at, low, high in zip(curve["predicted"], curve["low"], curve["high"], strict=True):
        if low is not None and high is not None:
            panel.vlines(at, low, high, color=BLUE, linewidth=1)


def _draw_rug(panel: Any, probabilities: dict[str, list[float]]) -> None:
    for values, sign, colour in (
        (probabilities["positive"], 1, BLUE),
        (probabilities["negative"], -1, RED),
    ):
        counts = [0] * 20
        for value in values:
            counts[min(19, int(value * 20))] += 1
        panel.bar(
            [(place + 0.5) / 20 for place in range(20)],
            [sign * count for count in counts],
            width=0.042,
            color=colour,
            alpha=0.75,
        )
    panel.axhline(0, color=GREY, linewidth=0.7)
    low, high = panel.get_ylim()
    panel.set_yticks([low * 0.55, high * 0.55], ["negative", "positive"])
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
