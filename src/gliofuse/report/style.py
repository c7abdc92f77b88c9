"""What all figures share: colours, fonts, and turning a figure into repeatable SVG text."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "GREY",
    "INK",
    "LINES",
    "MARKERS",
    "PALETTE",
    "RED",
    "draw_counts",
    "new_figure",
    "other_style",
    "panels_of",
    "styled",
    "tidy",
    "to_svg",
]

# Okabe and Ito's colours, which people with any colour vision tell apart; yellow is left out since
# it is lost on white paper. Line styles repeat the distinction for black-and-white prints.
BLUE = "#0072B2"
RED = "#D55E00"
PALETTE = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1, 1.5)),
    (0, (8, 2)),
    "-",
)
MARKERS = ("o", "s", "^", "D", "v", "P")
INK = "#1c2530"
GREY = "#7a8592"


_FONTS = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: searchable, and a third of the size
    "svg.hashsalt": "gliofuse",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.labelsize": 9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "text.usetex": False,
    "text.parse_math": False,  # a "$" in a patient's or feature's name is a dollar sign
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
}


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 4.2, height: float = 3.6, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels, row by row; sizes are inches a panel."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.ravel())


def other_style(index: int) -> tuple[str, Any]:
    """Return the colour and line of the curve that stands ``index``-th beside the final model."""
    return PALETTE[index % len(PALETTE)], LINES[index % len(LINES)]


def tidy(axes: Axes, *, grid: str | None = None) -> None:
    """Give a panel a faint grid behind its data (``"x"``, ``"y"`` or ``"both"``)."""
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color="#dfe4ea", linewidth=0.6)  # type: ignore[arg-type]


def styled(draw: Callable[..., Figure | None], *data: Any, **options: Any) -> Figure | None:
    """Return what ``draw`` returns, drawn in the project's style."""
    import matplotlib

    with matplotlib.rc_context(_RC):
        return draw(*data, **options)


def to_svg(draw: Callable[..., Figure | None], *data: Any, **options: Any) -> str | None:
    """Draw a figure in the project's style and return it as SVG text.

    Parameters
    ----------
    draw : callable
        Returns a figure, or ``None`` where the data hold nothing to draw.
    *data, **options
        Handed to ``draw``.

    Returns
    -------
    str or None
        The same text for the same data: no date, no random identifiers.
    """
    import matplotlib

    with matplotlib.rc_context(_RC):
        figure = draw(*data, **options)
        if figure is None:
            return None
        buffer = io.StringIO()
        empty = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=empty, bbox_inches="tight", pad_inches=0.06)
    text = buffer.getvalue()
    return re.sub(r"'DejaVu Sans'(?:, [^;\"]*)?(?=[;\"])", _FONTS, text)


def panels_of(items: Sequence[Any], size: int) -> list[list[Any]]:
    """Cut a sequence into panels of at most ``size`` whose sizes differ by one at most.

    Examples
    --------
    >>> panels_of([1, 2, 3, 4, 5], 3)
    [[1, 2, 3], [4, 5]]
    """
    count = max(1, -(-len(items) // size))
    share, extra = divmod(len(items), count)
    cuts = [index * share + min(index, extra) for index in range(count + 1)]
    return [list(items[start:end]) for start, end in itertools.pairwise(cuts)]


def draw_counts(panel: Any, counts: Sequence[Sequence[int]], classes: Sequence[str]) -> None:
    """Draw a confusion matrix, shaded by the share of the true class.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
    counts : sequence of sequences of int
        Rows true, columns predicted.
    classes : sequence of str
    """
    from matplotlib.patches import Rectangle

    size = len(classes)
    for row, cells in enumerate(counts):
        total = sum(cells)
        for column, count in enumerate(cells):
            share = count / total if total else 0.0
            # Right decisions are blue, wrong ones orange; the number says it again.
            shade = (0.0, 0.447, 0.698) if row == column else (0.835, 0.369, 0.0)
            colour = tuple(1 - share * 0.75 * (1 - channel) for channel in shade)
            panel.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white"))
            panel.text(
                column + 0.5,
                row + 0.5,
                f"{count:g}\n{share:.0%}",
                ha="center",
                va="center",
                color="white" if share > 0.75 else INK,
                fontsize=10 if size < 4 else 8.5,
            )
    middles = [place + 0.5 for place in range(size)]
    panel.set(xlim=(0, size), ylim=(size, 0), aspect="equal", xlabel="predicted", ylabel="true")
    panel.set_xticks(middles, classes)
    panel.set_yticks(middles, classes, rotation=90, va="center")
    panel.tick_params(length=0)
    for spine in panel.spines.values():
        spine.set_visible(False)
