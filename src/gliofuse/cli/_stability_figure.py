"""The picture of a stability run: how each family's features fare, and which change hurts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gliofuse.features import FeatureName

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["draw_stability"]


def draw_stability(icc: pd.DataFrame, by_variant: pd.DataFrame, *, threshold: float) -> Figure:
    """Draw the spread of the ICC per family and the stable share per family and variant.

    Parameters
    ----------
    icc : DataFrame
        ``feature`` and ``icc``.
    by_variant : DataFrame
        ``feature``, ``variant`` and ``icc``.
    threshold : float
    """
    from matplotlib.figure import Figure

    from gliofuse.radiomics.families import FAMILIES
    from gliofuse.report.style import BLUE, GREY, RED, tidy

    family = icc["feature"].map(_family)
    shown = [name for name in FAMILIES if (family == name).any()]
    variants = list(dict.fromkeys(by_variant["variant"]))
    share = np.array(
        [
            [
                (part["icc"][part["feature"].map(_family) == name] >= threshold).mean()
                for name in shown
            ]
            for part in (by_variant[by_variant["variant"] == variant] for variant in variants)
        ]
    )
    height = 1.6 + 0.32 * max(len(shown), len(variants))
    figure = Figure(figsize=(9.2, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    groups = [icc["icc"][family == name].dropna().to_numpy() for name in shown]
    rng = np.random.default_rng(0)  # only spreads the dots
    for place, values in enumerate(groups):
        spread = place + rng.uniform(-0.28, 0.28, values.size)
        left.plot(values, spread, ".", color=BLUE, markersize=2.5, alpha=0.45, rasterized=False)
        if values.size:
            middle = float(np.median(values))
            left.plot([middle, middle], [place - 0.36, place + 0.36], color="black", linewidth=1.6)
    left.axvline(threshold, color=RED, linewidth=1, linestyle=(0, (4, 2)))
    left.set_yticks(range(len(shown)), shown)
    left.invert_yaxis()
    left.set_xlim(min(-0.02, *(float(g.min()) if g.size else 0.0 for g in groups)), 1.02)
    left.set_xlabel("ICC(2,1) over all variants; bar: median")
    tidy(left, grid="x")
    right.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(share.shape):
        value = share[row, column]
        text = "" if np.isnan(value) else f"{100 * value:.0f}"
        colour = "white" if value > 0.6 else "black"
        right.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    right.set_xticks(range(len(shown)), shown, rotation=40, ha="right")
    right.set_yticks(range(len(variants)), variants)
    right.set_xlabel(f"% of features with ICC >= {threshold:g} against the original")
    right.tick_params(length=0, colors=GREY, labelcolor="black")
    for spine in right.spines.values():
        spine.set_visible(False)
    return figure


def _family(feature: str) -> str:
    return FeatureName.parse(feature).family or "other"
