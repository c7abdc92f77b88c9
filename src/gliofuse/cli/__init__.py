"""The command line: one module a command, each loading what it needs when it is called."""

from __future__ import annotations

import errno
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
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    show_version: bool = typer.Option(False, "--version", help="Print the version and stop."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    quiet: bool = typer.Option(False, "-q", "--quiet", help="Print results and errors alone."),
    verbose: bool = typer.Option(False, "-v", "--verbose", help="Print every step of the log."),
) -> None:
    """Glioma MRI to radiomic and deep features, fused signatures, honest evaluation, a report.

    Research software; not a medical device.

    \b
    Examples
      gliofuse phantom data --cases 48          make a synthetic cohort to try things on
      gliofuse cohort scan DIR -o cohort.csv    write a manifest from a folder of MRI
      gliofuse designs                          what there is to choose from
      gliofuse init-study -o study.yaml         a study file with every key explained
      gliofuse run --design rdl --cohort cohort.csv --endpoint "grade >= 3" -o runs/first
    """
    if show_version:
        typer.echo(_version("gliofuse"))
        raise typer.Exit()
    if quiet or verbose:
        from gliofuse.cli.progress import set_verbosity

        set_verbosity(-1 if quiet else 1)


#: Exit codes: what the user gave was refused; the system did not play along; Ctrl-C.
REFUSED, SYSTEM, STOPPED = 2, 3, 130

_REMEDIES = {
    errno.ENOSPC: "; free some space, and give the same command again",
    errno.EDQUOT: "; free some of your quota, and give the same command again",
    errno.EACCES: "; choose a place that you may read and write",
    errno.EPERM: "; choose a place that you may read and write",
    errno.EROFS: "; choose a place that can be written to",
    errno.ENOTDIR: "; a file stands where a folder is needed, choose another place",
    errno.EISDIR: "; a folder stands where a file is needed, choose another name",
    errno.EMFILE: "; use fewer --workers, or raise `ulimit -n`",
    errno.ECONNREFUSED: "; is the --scheduler running at this address?",
}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; what a user can mend is one line on stderr, see the exit codes."""
    # Threads of OpenMP that wait by spinning multiply a network's time where cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # joblib replaces a worker that has grown, by loading torch say: nothing for a user to act on.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
    words = sys.argv[1:] if arguments is None else arguments
    try:
        app(args=words)
    except KeyboardInterrupt:
        _say("stopped: the same command, given again, goes on where it stopped")
        raise SystemExit(STOPPED) from None
    except Exception as error:
        line = told(error)
        if line is None or "--debug" in words:
            raise
        _say(f"[bold red]error:[/] {_escape(line)}")
        raise SystemExit(REFUSED if isinstance(error, GliofuseError) else SYSTEM) from None


def told(error: Exception) -> str | None:
    """Return an error that a user can mend as one line, None if it is a fault of the program."""
    if isinstance(error, GliofuseError):
        return str(error)
    if isinstance(error, UnicodeError):
        return f"a file is not in UTF-8 ({error}); save it as UTF-8 and try again"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}{_REMEDIES.get(error.errno or 0, '')}"
    if isinstance(error, MemoryError):
        return "the memory is full; use fewer --workers, or a machine with more"
    if type(error).__name__ == "ValidationError" and hasattr(error, "errors"):  # pydantic's
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the input"
        return f"{where}: {first['msg']}, got {first['input']!r}"
    if type(error).__module__.startswith("pyarrow"):
        return f"a Parquet file cannot be read ({error}); write it anew"
    return None


def _say(text: str) -> None:
    from rich.console import Console

    Console(stderr=True, soft_wrap=True).print(text, highlight=False)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


from gliofuse.cli import cohort as _cohort  # noqa: E402, F401
from gliofuse.cli import compare as _compare  # noqa: E402, F401
from gliofuse.cli import demo as _demo  # noqa: E402, F401
from gliofuse.cli import designs as _designs  # noqa: E402, F401
from gliofuse.cli import dicom as _dicom  # noqa: E402, F401
from gliofuse.cli import evaluate as _evaluate  # noqa: E402, F401
from gliofuse.cli import export as _export  # noqa: E402, F401
from gliofuse.cli import extract as _extract  # noqa: E402, F401
from gliofuse.cli import figures as _figures  # noqa: E402, F401
from gliofuse.cli import init_study as _init_study  # noqa: E402, F401
from gliofuse.cli import phantom as _phantom  # noqa: E402, F401
from gliofuse.cli import predict as _predict  # noqa: E402, F401
from gliofuse.cli import preprocess as _preprocess  # noqa: E402, F401
from gliofuse.cli import report as _report  # noqa: E402, F401
from gliofuse.cli import run as _run  # noqa: E402, F401
from gliofuse.cli import segment as _segment  # noqa: E402, F401
from gliofuse.cli import stability as _stability  # noqa: E402, F401
from gliofuse.cli import train as _train  # noqa: E402, F401
