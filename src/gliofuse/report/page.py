"""From a folder to one HTML file that needs nothing else: no network, no second file."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gliofuse.files import write_text
from gliofuse.records import COMPARISON, REPORT
from gliofuse.report import wording
from gliofuse.report.context import ComparisonContext, Context, RunContext
from gliofuse.report.drawing import Drawing, draw_all, file_name
from gliofuse.report.endpoints import Chapter
from gliofuse.report.sections import Findings, find_section
from gliofuse.report.svg import inline_svg

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = [
    "HERE",
    "drawings",
    "environment",
    "summarise",
    "write_comparison_report",
    "write_report",
]

_HEADER = "overview"
HERE = Path(__file__).parent
_SCRIPTS = ("nomogram.js", "page.js")


def write_report(run_folder: str | Path) -> Path:
    """Draw a run folder's report: ``report.html`` and ``figures/*.svg``.

    Only the folder's files are read; drawing again gives the same files.

    Parameters
    ----------
    run_folder : path
        A folder that ``gliofuse run`` wrote. The run must be finished; a section whose table is
        missing is left out.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    InputError
        If the folder holds no finished run, or one of another version.
    """
    context = RunContext(run_folder)
    return _write(context, context.kind.chapters, header=True)


def write_comparison_report(folder: str | Path) -> Path:
    """Draw a comparison folder's report: ``report.html`` and ``figures/*.svg``.

    Parameters
    ----------
    folder : path
        A folder that ``gliofuse compare`` wrote.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    InputError
        If the folder holds no finished comparison, or one of another version.
    """
    context = ComparisonContext(folder)
    return _write(context, context.kind.comparison_chapters, header=False)


def summarise(folder: str | Path) -> dict[str, Any]:
    """Return what a run's report shows as plain data: dictionaries, lists, text and numbers.

    Nothing is estimated here; numbers come from the tables that the study wrote.

    Parameters
    ----------
    folder : path
        A run folder.

    Returns
    -------
    dict
        The data of each section by its name; ``None`` where a section has nothing to show.

    Raises
    ------
    InputError
        If the folder holds no finished run, or one of another version.
    """
    context = RunContext(folder)
    return dict(_findings(context, context.kind.chapters))


def drawings(folder: str | Path) -> list[Drawing]:
    """Return the figures of a run's or comparison's report, drawn with :meth:`Drawing.figure`.

    Raises
    ------
    InputError
        If the folder holds no finished run or comparison, or one of another version.
    """
    context, chapters = context_of(folder)
    found = _findings(context, chapters)
    return [drawing for parts in _drawings(context, found).values() for drawing in parts]


def context_of(folder: str | Path) -> tuple[Context, tuple[Chapter, ...]]:
    """Return what a folder's page is made of: that of a comparison, or of a run."""
    if COMPARISON.at(Path(folder)).is_file():
        compared = ComparisonContext(folder)
        return compared, compared.kind.comparison_chapters
    run = RunContext(folder)
    return run, run.kind.chapters


def _findings(context: Context, chapters: tuple[Chapter, ...]) -> Findings:
    names = tuple(name for chapter in chapters for name in chapter.sections)
    return Findings(context, (_HEADER, *names) if isinstance(context, RunContext) else names)


def _drawings(context: Context, found: Findings) -> dict[str, list[Drawing]]:
    return {
        name: find_section(name).drawings(data, context)
        for name, data in found.items()
        if data is not None
    }


def _write(context: Context, chapters: tuple[Chapter, ...], *, header: bool) -> Path:
    found = _findings(context, chapters)
    parts = _drawings(context, found)
    figures, problems = draw_all(
        [drawing for part in parts.values() for drawing in part], context.folder.path
    )
    shown = {
        "context": context,
        "found": found,
        "figures": figures,
        "problems": [*context.problems, *problems],
    }
    templates = environment()

    def section(name: str) -> str:
        template = templates.get_template(find_section(name).template)
        return template.render(data=found[name], drawings=parts[name], **shown)

    page = templates.get_template("base.html.j2").render(
        header=section(_HEADER) if header else None,
        chapters=[
            {
                "name": chapter.name,
                "title": chapter.title,
                "sections": [section(name) for name in chapter.sections if found[name] is not None],
            }
            for chapter in chapters
            if any(found[name] is not None for name in chapter.sections)
        ],
        style=(HERE / "templates" / "style.css").read_text(encoding="utf-8"),
        script="\n".join(map(script_of, _SCRIPTS)),
        **shown,
    )
    path = context.folder.place(REPORT)
    write_text(path, page)
    return path


def script_of(name: str) -> str:
    """Return a script that the page carries."""
    return (HERE / "templates" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates with the filters that they use."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader([HERE / "sections", HERE / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def inlined(text: str, name: str, title: str) -> Markup:
        return Markup(inline_svg(text, name=name.replace("_", "-"), title=title))

    made.filters |= {
        "inlined": inlined,
        "number": wording.format_number,
        "chance": wording.format_probability,
        "p": wording.format_p,
        "percent": wording.format_percent,
        "seconds": wording.format_seconds,
        "metric": pass_context(_metric_label),
        "data_uri": _data_uri,
        "file_name": file_name,
        "as_yaml": _as_yaml,
    }
    made.globals |= {
        "interval": wording.format_interval,
        "bounds": wording.format_bounds,
        "plural": wording.plural,
    }
    return made


def _metric_label(variables: Any, name: str) -> str:
    """Return a figure of merit's name as the page's context words it."""
    context = variables.get("context")
    return wording.metric_label(name) if context is None else str(context.metric_label(name))


def _data_uri(path: str) -> str:
    # As the source of an <img>, an SVG can neither run scripts nor load anything.
    kind = "svg+xml" if path.endswith(".svg") else "png"
    content = base64.b64encode(Path(path).read_bytes()).decode()
    return f"data:image/{kind};base64,{content}"


def _as_yaml(value: Any) -> str:
    import yaml

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
