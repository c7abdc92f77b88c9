"""Pages of the site that are written from the code: commands, study file, designs, gallery.

MkDocs calls :func:`on_files` before it reads the pages. Figures of the gallery are those of the
run folder that the environment variable ``GLIOFUSE_GALLERY`` names; ``make docs`` makes one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from gliofuse.cli import app
from gliofuse.designs import DESIGNS
from gliofuse.designs.framework.keys import Setting, settings_of
from gliofuse.designs.framework.overview import DesignOverview, design_overview
from gliofuse.study.settings import StudySettings
from gliofuse.study.template import study_template

#: Pattern of a figure's name, and what a reader should know of it.
GALLERY = {
    "roc*": "Receiver operating characteristic of the models over held-out patients.",
    "forest": "The figure of merit of every model, with its interval.",
    "calibration*": "Calibration: observed against predicted risk.",
    "decision_curve*": "Decision curve: net benefit over thresholds, against treating all or none.",
    "nomogram*": "Nomogram of the final model.",
    "kaplan_meier*": "Survival by group, with the number at risk.",
    "hazard_ratios*": "Hazard ratios with their intervals.",
    "brier_curve": "Brier score over time.",
    "selection*": "Features that the folds selected.",
    "correlation": "Correlation of the selected features.",
    "curves*": "Training and validation loss of a network.",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those that stand in the folder."""
    pages = {
        "reference/commands.md": commands_page(),
        "reference/study-file.md": study_file_page(),
        "reference/designs.md": designs_page(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    figures = _figures()
    for figure in figures.values():
        files.append(File.generated(config, f"gallery/{figure.name}", content=figure.read_bytes()))
    files.append(File.generated(config, "gallery.md", content=gallery_page(figures)))
    return files


def commands_page() -> str:
    """Return the page of every command with its options."""
    lines = ["# Commands", "", "Each as `gliofuse COMMAND --help` prints it.", ""]
    for name, command in _commands(typer.main.get_command(app), "gliofuse"):
        lines += [f"## {name}", "", *_help(command.help or ""), ""]
        rows = list(_options(command))
        if rows:
            lines += [*_table(("option", "meaning", "default"), rows), ""]
    return "\n".join(lines)


def study_file_page() -> str:
    """Return the page of every key of a study file."""
    lines = [
        "# Study file",
        "",
        "`gliofuse init-study` writes one with every key explained; `gliofuse run study.yaml` "
        "runs it. Paths are relative to the file, and options of the command line override it.",
        "",
        *_table(("key", "takes", "default", "meaning"), map(_key, settings_of(StudySettings))),
        "",
        "## A file to start from",
        "",
        "```yaml",
        study_template().rstrip(),
        "```",
        "",
    ]
    return "\n".join(lines)


def designs_page() -> str:
    """Return the page of the built-in designs."""
    found = [design_overview(name) for name in DESIGNS]
    rows = (
        (f"[`{d.name}`](#{d.name})", d.title, ", ".join(d.sequences) or "any",
         ", ".join(d.endpoints), ", ".join(d.from_table) or "no")
        for d in found
    )  # fmt: skip
    names = ("design", "what it is", "sequences", "endpoints", "from a feature table")
    lines = ["# Designs", "", *_table(names, rows), ""]
    for design in found:
        lines += _design(design)
    return "\n".join(lines)


def gallery_page(figures: dict[str, Path]) -> str:
    """Return the page of figures that a run drew."""
    lines = ["# Gallery", ""]
    if not figures:
        return "\n".join([*lines, "`make docs` draws the figures of a small study here.", ""])
    lines += [
        "Figures of a study on synthetic patients, as its report shows them. They show what is "
        "drawn; the figures themselves mean nothing.",
        "",
    ]
    for caption, figure in figures.items():
        lines += [f"![{caption}](gallery/{figure.name})", "", f"*{caption}*", ""]
    return "\n".join(lines)


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    children = getattr(command, "commands", {})
    if not children or command.params:
        yield name, command
    for child, own in sorted(children.items()):
        yield from _commands(own, f"{name} {child}")


def _help(text: str) -> Iterator[str]:
    """Yield a command's help, its examples as code."""
    about, _, examples = text.partition("\b\n")
    yield from (line.rstrip() for line in about.splitlines())
    if examples:
        head, *lines = examples.splitlines()
        yield from (f"{head.strip()}:", "", "```sh", *(line.strip() for line in lines), "```")


def _options(command: click.Command) -> Iterator[tuple[str, str, str]]:
    for one in command.params:
        if isinstance(one, click.Argument):
            name = one.human_readable_name
        else:
            name = ", ".join([*one.opts, *one.secondary_opts])
        default = one.default if isinstance(one.default, str | int | float | Path) else ""
        yield f"`{name}`", getattr(one, "help", "") or "", "" if default is False else str(default)


def _design(one: DesignOverview) -> list[str]:
    lines = [f"## {one.name}", "", f"{one.title}. {one.citation}".strip(), ""]
    for kind, models in one.models.items():
        named = ", ".join(f"`{m.name}`{' (final)' * (m.role == 'final')}" for m in models)
        lines += [f"Models, {kind}: {named}.", ""]
    lines += [*_table(("setting", "takes", "default", "meaning"), map(_key, one.settings)), ""]
    return [*lines, "What the project chose:", "", *(f"- {choice}" for choice in one.choices), ""]


def _key(one: Setting) -> tuple[str, str, str, str]:
    return f"`{one.key}`", one.kind, f"`{one.default}`", one.meaning


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(names)
    yield _row(names)
    yield _row(["---"] * len(names))
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return (
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
    )


def _figures() -> dict[str, Path]:
    """Return one figure of each kind that the gallery's run has, by its caption."""
    folder = Path(os.environ.get("GLIOFUSE_GALLERY", "runs/docs"))
    every = sorted(folder.rglob("figures/*.svg"))
    found = {}
    for pattern, caption in GALLERY.items():
        fitting = (path for path in every if path.match(pattern + ".svg"))
        if (first := next(fitting, None)) is not None:
            found[caption] = first
    return found
