"""The command line: one module a command, each loading what it needs when it is called."""

from __future__ import annotations

import os
import sys
import warnings
from importlib.metadata import version as _version

import typer

from gliofuse.errors import GliofuseError

__all__ = ["app", "main"]

app = typer.Typer(
    name="gliofuse",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    show_version: bool = typer.Option(False, "--version", help="Print the version and stop."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Glioma MRI to radiomic and deep features, fused signatures, honest evaluation, a report.

    Research software; not a medical device.

    \b
    Examples
      gliofuse phantom data --cases 48          make a synthetic cohort to try things on
      gliofuse cohort scan DIR -o cohort.csv    write a manifest from a folder of MRI
      gliofuse run --design rdl --cohort cohort.csv --endpoint "grade >= 3" -o runs/first
    """
    if show_version:
        typer.echo(_version("gliofuse"))
        raise typer.Exit()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a mistake of the user's is one line on stderr and exit code 2."""
    # Threads of OpenMP that wait by spinning multiply a network's time where cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # joblib replaces a worker that has grown, by loading torch say: nothing for a user to act on.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
    words = sys.argv[1:] if arguments is None else arguments
    try:
        app(args=words)
    except GliofuseError as error:
        if "--debug" in words:
            raise
        from rich.console import Console

        Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {_escape(str(error))}")
        raise SystemExit(2) from None


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


from gliofuse.cli import cohort as _cohort  # noqa: E402, F401
from gliofuse.cli import compare as _compare  # noqa: E402, F401
from gliofuse.cli import demo as _demo  # noqa: E402, F401
from gliofuse.cli import dicom as _dicom  # noqa: E402, F401
from gliofuse.cli import export as _export  # noqa: E402, F401
from gliofuse.cli import extract as _extract  # noqa: E402, F401
from gliofuse.cli import phantom as _phantom  # noqa: E402, F401
from gliofuse.cli import predict as _predict  # noqa: E402, F401
from gliofuse.cli import preprocess as _preprocess  # noqa: E402, F401
from gliofuse.cli import report as _report  # noqa: E402, F401
from gliofuse.cli import run as _run  # noqa: E402, F401
from gliofuse.cli import segment as _segment  # noqa: E402, F401
from gliofuse.cli import stability as _stability  # noqa: E402, F401
from gliofuse.cli import train as _train  # noqa: E402, F401
