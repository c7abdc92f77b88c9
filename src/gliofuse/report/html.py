"""From the summary to one HTML file that needs nothing else: no network, no second file."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gliofuse.files import write_text
from gliofuse.report import wording
from gliofuse.report.drawing import draw_all, file_name, run_drawings
from gliofuse.report.svg import inline_svg

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render", "write_report"]

_TEMPLATES = Path(__file__).parent / "templates"
_HEADING = re.compile(r'<h2 id="([\w-]+)">(.*?)</h2>', re.DOTALL)


def write_report(run_folder: str | Path) -> Path:
    """Draw a run folder's report: ``report.html`` and ``figures/*.svg``.

    Only the folder's tables are read; drawing again gives the same files.

    Parameters
    ----------
    run_folder
        A folder that ``gliofuse run`` wrote. ``run.json`` must be in it; a section whose table is
        missing is left out.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    InputError
        If the folder or its ``run.json`` is missing.
    """
    from gliofuse.report.checklists import filled_checklists
    from gliofuse.report.summary import summarise

    folder = Path(run_folder)
    summary = summarise(folder)
    figures, problems = draw_all(run_drawings(summary), folder / "figures")
    path = folder / "report.html"
    page = render(
        "report.html.j2",
        summary=summary,
        figures=figures,
        problems=problems,
        checklists=filled_checklists(summary),
    )
    write_text(path, page)
    return path


def render(template: str, *, figures: dict[str, str], **values: Any) -> str:
    """Fill a page's template; every value is escaped, the figures are inlined.

    Parameters
    ----------
    template
        Name of a page in ``templates``; it gives a ``body`` block and is wrapped by the base page.
    figures
        SVG text by name.
    **values
        What the template shows.
    """
    from markupsafe import Markup

    environment = _environment()
    body = environment.get_template(template).render(figures=figures, **values)
    contents = [{"id": name, "title": Markup(title)} for name, title in _HEADING.findall(body)]
    return environment.get_template("base.html.j2").render(
        body=Markup(body),
        contents=contents,
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup((_TEMPLATES / "page.js").read_text(encoding="utf-8")),
        **values,
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def inlined(text: str, name: str, title: str) -> Markup:
        return Markup(inline_svg(text, name=name.replace("_", "-"), title=title))

    environment.filters |= {
        "inlined": inlined,
        "number": wording.format_number,
        "p": wording.format_p,
        "percent": wording.format_percent,
        "seconds": wording.format_seconds,
        "metric": wording.metric_label,
        "model": wording.model_label,
        "cohort": wording.cohort_label,
        "data_uri": _data_uri,
        "file_name": file_name,
        "as_yaml": _as_yaml,
    }
    environment.globals |= {
        "interval": wording.format_interval,
        "bounds": wording.format_bounds,
        "plural": wording.plural,
    }
    return environment


def _data_uri(path: str) -> str:
    # As the source of an <img>, an SVG can neither run scripts nor load anything.
    kind = "svg+xml" if path.endswith(".svg") else "png"
    content = base64.b64encode(Path(path).read_bytes()).decode()
    return f"data:image/{kind};base64,{content}"


def _as_yaml(value: Any) -> str:
    import yaml

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
