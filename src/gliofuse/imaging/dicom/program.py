"""Running dcm2niix on the files of one stack."""

from __future__ import annotations

import json
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gliofuse.errors import ImageError
from gliofuse.imaging.dicom.frames import EXTRA
from gliofuse.imaging.dicom.stacks import Stack
from gliofuse.imaging.dicom.subset import write_frames
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
    """Return the path of dcm2niix, which the Python package of that name carries.

    Raises
    ------
    MissingExtraError
        If neither the package nor the program is installed.
    """
    found = shutil.which("dcm2niix")
    return found or str(require("dcm2niix", extra=EXTRA).bin)


def run_program(stack: Stack, folder: Path) -> list[Converted]:
    """Convert the files of a stack, or its frames of an enhanced file, with dcm2niix.

    Parameters
    ----------
    stack : Stack
    folder : Path
        Empty folder for links to the files and for what is written.

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
    given.mkdir()
    made.mkdir()
    for number, file in enumerate(stack.files):
        target, part = given / f"{number:06}.dcm", stack.frames.get(file.path)
        if part is None:
            _link(file.path.resolve(), target)
        else:
            _take_frames(file.path, part, target)
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


def _take_frames(source: Path, frames: tuple[int, ...], target: Path) -> None:
    with warnings.catch_warnings():  # what pydicom says may quote the header
        warnings.simplefilter("ignore")
        try:
            write_frames(source, frames, target)
        except Exception as error:  # any way in which a file can be broken
            raise ImageError(
                f"the frames of the file cannot be taken apart ({type(error).__name__}); export it "
                f"as single images"
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
