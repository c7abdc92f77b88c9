"""``gliofuse designs``: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gliofuse.cli import app

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from gliofuse.designs.framework.overview import DesignOverview

__all__ = ["designs"]


@app.command()
def designs(
    name: Annotated[
        str | None, typer.Argument(help="A design to look at closely, or your_design.py.")
    ] = None,
) -> None:
    """List the designs, or show one with its models, its settings and its choices.

    \b
    Examples
      gliofuse designs
      gliofuse designs rdl
      gliofuse designs my_design.py
    """
    from rich.console import Console

    from gliofuse.designs import DESIGNS
    from gliofuse.designs.framework.overview import design_overview

    console = Console(highlight=False)
    if name is not None:
        _show(design_overview(name), console)
        return
    console.print(_listed([design_overview(one) for one in DESIGNS]))
    console.print("\n`gliofuse designs NAME` shows a design's models and settings.", markup=False)


def _listed(found: list[DesignOverview]) -> Table:
    from rich.table import Table

    table = Table("design", "what it is", "sequences", "endpoints", "from a feature table")
    for one in found:
        table.add_row(
            f"[bold]{one.name}[/]",
            one.title,
            ", ".join(one.sequences) or "any",
            ", ".join(one.endpoints),
            ", ".join(one.from_table) or "no",
        )
    return table


def _show(one: DesignOverview, console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    console.print(f"[bold]{one.name}[/]: {escape(one.title)}")
    if one.citation:
        console.print(escape(one.citation), style="dim")
    console.print(f"sequences: {', '.join(one.sequences) or 'any'}")
    console.print(f"endpoints: {', '.join(one.endpoints)}")
    console.print(f"from a feature table: {', '.join(one.from_table) or 'no, it needs images'}")
    for kind, models in one.models.items():
        names = ", ".join(f"{m.name}{' (final)' * (m.role == 'final')}" for m in models)
        console.print(f"models, {kind}: {names}")
    table = Table("setting", "takes", "default", "meaning", title="--set KEY=VALUE")
    for row in one.settings:
        table.add_row(row.key, *map(escape, (row.kind, row.default, row.meaning)))
    console.print(table)
    console.print(
        "What the publication leaves open, and the project chose:" if one.citation else "Choices:"
    )
    for choice in one.choices:
        console.print(f"- {choice}", markup=False)
