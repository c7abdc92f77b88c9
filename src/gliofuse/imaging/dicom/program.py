"""Running dcm2niix on the files of one stack."""

from __future__ import annotations

import json
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gliofuse.errors import ImageError, MissingExtraError
from gliofuse.imaging.dicom.copies import write_frames, write_unified
from gliofuse.imaging.dicom.frames import EXTRA
from gliofuse.imaging.dicom.stacks import Stack
from gliofuse.optional import require

__all__ = ["Converted", "find_program", "run_program"]

_TIMEOUT_S = 1800


@dataclass(frozen=True)
class Converted:
    """One image that dcm2niix wrote.

    Parameters
    ----------
    image : Path
        Uncompressed NIfTI.
    facts : dict
        What its JSON file holds.
    """

    image: Path
    facts: dict[str, Any]


def find_program() -> str:
    """Return the path of dcm2niix: of the Python package that carries it, else the one on PATH.

    Raises
    ------
    MissingExtraError
        If neither the package nor the program is installed.
    """
    try:
        return str(require("dcm2niix", extra=EXTRA).bin)
    except MissingExtraError:
        found = shutil.which("dcm2niix")
        if found is None:
            raise
        return found


def run_program(stack: Stack, folder: Path, *, unified: bool = False) -> list[Converted]:
    """Convert the files of a stack, or its frames of an enhanced file, with dcm2niix.

    Parameters
    ----------
    stack : Stack
    folder : Path
        For links to the files and for what is written; made.
    unified : bool
        Give copies of the files in which what divides a volume without need is the same.

    Returns
    -------
    list of Converted
        In the order of their names; more than one where dcm2niix divides the files.

    Raises
    ------
    ImageError
        If it writes nothing. The message does not quote the program, which prints names.
    """
    given, made = folder / "in", folder / "out"
    given.mkdir(parents=True)
    made.mkdir()
    _give(stack, given, unified)
    words = [
        find_program(), "-g", "i", "-b", "y", "-ba", "y", "-z", "n", "-m", "y", "-i", "n",
        "-x", "n", "-w", "2", "-c", "", "-f", "image", "-o", str(made), str(given),
    ]  # fmt: skip
    try:
        ended = subprocess.run(
            words, capture_output=True, timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise ImageError(f"dcm2niix did not end within {_TIMEOUT_S // 60} minutes") from None
    except OSError as error:
        raise ImageError(f"dcm2niix cannot be started ({error.strerror})") from error
    images = sorted(made.glob("*.nii"))
    if not images:
        raise ImageError(
            f"dcm2niix made no image of {len(stack.files)} files (exit code {ended.returncode}): "
            f"they may be damaged or compressed in a way that it cannot read"
        )
    return [Converted(image, _facts(image.with_suffix(".json"))) for image in images]


def _give(stack: Stack, folder: Path, unified: bool) -> None:
    """Put the files of a stack, or copies, into a folder under names that say nothing."""
    sources = [file.path for file in stack.files]
    targets = [folder / f"{number:06}.dcm" for number in range(len(sources))]
    with warnings.catch_warnings():  # what pydicom says may quote the header
        warnings.simplefilter("ignore")
        try:
            if unified:
                write_unified(sources, targets)
                return
            for source, target in zip(sources, targets, strict=True):
                part = stack.frames.get(source)
                if part is None:
                    _link(source.resolve(), target)
                else:
                    write_frames(source, part, target)
        except Exception as error:  # any way in which a file can be broken
            raise ImageError(
                f"its files cannot be copied for dcm2niix ({type(error).__name__}); export them "
                f"again"
            ) from None


def _facts(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source)
    except OSError:  # Windows without the right to make links
        shutil.copyfile(source, target)
