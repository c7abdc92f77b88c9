"""What all figures share: colours, fonts, and turning a figure into repeatable SVG text."""

from __future__ import annotations

import io
import itertools
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
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
    "fit_width",
    "is_legible",
    "natural_width_mm",
    "new_figure",
    "other_style",
    "page_width",
    "panels_of",
    "rc_of_files",
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
    "pdf.fonttype": 42,  # text that a journal can still edit
}

_MM_PER_INCH = 25.4
#: What a figure is fitted to, in mm; None on the page, where each has its own width.
_TARGET: ContextVar[float | None] = ContextVar("width_mm", default=None)
#: Of its natural width a panel keeps this at least, before fewer stand side by side.
_NARROWEST = 0.62
_NARROWEST_PANEL_MM = 18.0  # without its labels
_WIDEST_LEGEND = 0.72  # of its panel
_TALLEST_MM = 240.0  # what a page leaves above the caption
#: Smallest text of a fitted figure, in points: what journals ask for at least.
_SMALLEST_PT = 6.0


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    panels: int | None = None,
    width: float = 4.2,
    height: float = 3.6,
    **options: Any,
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels, row by row; sizes are inches a panel.

    ``panels`` is how many are drawn, where that is less than the grid holds.
    """
    from matplotlib.figure import Figure

    target = _TARGET.get()
    panels = rows * columns if panels is None else panels
    if target is not None:  # fewer panels side by side where the column is narrow
        columns = max(1, min(columns, int(target / (_NARROWEST * width * _MM_PER_INCH))))
        rows = -(-panels // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).ravel())
    for spare in axes[panels:]:
        spare.remove()
    return figure, axes[:panels]


@contextmanager
def page_width(width_mm: float) -> Iterator[None]:
    """Draw figures for a column of this width: with fewer panels side by side."""
    before = _TARGET.set(width_mm)
    try:
        yield
    finally:
        _TARGET.reset(before)


def natural_width_mm(figure: Figure) -> float:
    """Return the width that a figure was drawn at."""
    return float(figure.get_size_inches()[0]) * _MM_PER_INCH


def is_legible(figure: Figure) -> bool:
    """Whether nothing is cut off, no text lies on another, panels are not thin and it fits a page.

    The figure is laid out for it.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings(), matplotlib.rc_context(_RC):
        warnings.simplefilter("ignore", UserWarning)  # a layout that collapses is seen below
        canvas.draw()
    renderer = canvas.get_renderer()
    width, height = figure.get_size_inches() * figure.dpi
    panels = [panel for panel in figure.axes if panel.get_label() != "<colorbar>"]
    narrow = _NARROWEST_PANEL_MM / _MM_PER_INCH * figure.dpi
    if any(panel.get_window_extent(renderer).width < narrow for panel in panels):
        return False
    for panel in panels:
        legend = panel.get_legend()
        room = panel.get_window_extent(renderer)
        if legend is not None:
            box = legend.get_window_extent(renderer)
            inside = room.x0 <= (box.x0 + box.x1) / 2 <= room.x1 and box.y0 > room.y0
            if inside and box.width > _WIDEST_LEGEND * room.width:
                return False
    if height > _TALLEST_MM / _MM_PER_INCH * figure.dpi:
        return False
    boxes = [text.get_window_extent(renderer) for text in _texts(figure)]
    if any(b.x0 < -1 or b.y0 < -1 or b.x1 > width + 1 or b.y1 > height + 1 for b in boxes):
        return False
    return not any(_overlap(*pair) for pair in itertools.combinations(boxes, 2))


def _texts(figure: Figure) -> list[Any]:
    """Return the text that can be seen: of ticks only those within their axis."""
    found: list[Any] = [*figure.texts, *_of_legends(figure.legends)]
    for panel in figure.axes:
        legend = panel.get_legend()
        found += [panel.title, *panel.texts, *_of_legends([legend] if legend else [])]
        if not panel.axison:
            continue
        for axis in (panel.xaxis, panel.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-6 * (high - low)
            found.append(axis.label)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if low - slack <= tick.get_loc() <= high + slack:
                    found += [tick.label1, tick.label2]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def _of_legends(legends: Sequence[Any]) -> list[Any]:
    return [text for legend in legends for text in legend.get_texts()]


def _overlap(one: Any, other: Any) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    along = min(one.y1, other.y1) - max(one.y0, other.y0)
    lower = min(one.height, other.height)
    return bool(across > -0.2 * lower and along > 0.25 * lower)


def fit_width(figure: Figure, width_mm: float) -> None:
    """Give a figure this width; text and lines shrink less than it, and stay legible."""
    from matplotlib.text import Text

    width, height = figure.get_size_inches()
    share = width_mm / _MM_PER_INCH / width
    texts: list[Text] = [one for one in figure.findobj(Text) if isinstance(one, Text)]
    sizes = [float(text.get_fontsize()) for text in texts if text.get_text()]
    smallest = min(sizes, default=9.0)
    shrink = min(1.0, max(share, _SMALLEST_PT / smallest))
    for text in texts:
        text.set_fontsize(float(text.get_fontsize()) * shrink)
    figure.set_size_inches(width * share, height * max(share, shrink) if share < 1 else height)


def rc_of_files() -> Any:
    """Return the settings under which a figure is written to a file."""
    import matplotlib

    return matplotlib.rc_context(_RC)


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
