"""A page as PDF, printed by a browser that is there."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from gliofuse.errors import InputError, RunError
from gliofuse.files import atomic_path

__all__ = ["BROWSERS", "find_browser", "print_pdf"]

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("msedge", "microsoft-edge"),
)
"""Programs that print a page, in the order in which they are looked for."""

_SECONDS = 120


def find_browser() -> str:
    """Return the program that prints.

    Raises
    ------
    InputError
        If none is on PATH.
    """
    for name in BROWSERS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise InputError(
        f"--pdf: none of {', '.join(BROWSERS)} is on PATH; install Chromium, Chrome or Edge, or "
        "print the page from any browser"
    )


def print_pdf(page: str | Path) -> Path:
    """Print a page beside itself, as ``.pdf``.

    Raises
    ------
    InputError
        If no browser is there.
    RunError
        If it does not print.
    """
    source, program = Path(page), find_browser()
    target = source.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(prefix="gliofuse-") as profile, atomic_path(target) as made:
        # Pages are gliofuse's own, fetch nothing and hold scripts of the nomogram alone. Without
        # a user namespace, as in containers, the browser's own sandbox cannot be set up.
        words = [program, "--headless", "--disable-gpu", "--no-sandbox", "--no-pdf-header-footer"]
        words += [f"--user-data-dir={profile}", f"--print-to-pdf={made}", source.resolve().as_uri()]
        try:
            done = subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RunError(f"{program} did not print {source}: {error}") from None
        if done.returncode or not Path(made).stat().st_size:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise RunError(f"{program} did not print {source}: {said[-1] if said else 'no word'}")
    return target
