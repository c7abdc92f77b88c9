"""HD-BET and SynthStrip, where the user has them: programs on PATH in their own environment."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from gliofuse.errors import PreprocessingError
from gliofuse.imaging import Volume, read_mask

__all__ = ["PROGRAMS", "run_program"]

PROGRAMS: dict[str, tuple[str, ...]] = {
    "hd-bet": ("hd-bet",),
    "synthstrip": ("mri_synthstrip", "synthstrip-docker", "synthstrip-singularity"),
}
"""Names that each method may have on PATH."""

_MINUTES = 30


def run_program(method: str, image: Volume) -> Volume:
    """Return the brain mask of an external program, in the image's space.

    Raises
    ------
    PreprocessingError
        If it is not on PATH, fails, takes too long, or writes no mask.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS[method])), None)
    if program is None:
        raise PreprocessingError(
            f"{method}: no {' or '.join(PROGRAMS[method])} on PATH; install it, or leave out "
            f"--brain to use the built-in extraction"
        )
    with tempfile.TemporaryDirectory() as folder:
        scan, out = Path(folder) / "scan.nii.gz", Path(folder) / "out.nii.gz"
        image.write(scan)
        if method == "hd-bet":
            command = [program, "-i", str(scan), "-o", str(out), "--save_bet_mask"]
            places = [Path(folder) / name for name in ("out_bet.nii.gz", "out_mask.nii.gz")]
        else:
            command = [program, "-i", str(scan), "-m", str(out)]
            places = [out]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=60 * _MINUTES, check=False
            )
        except subprocess.TimeoutExpired:
            raise PreprocessingError(f"{method}: not done after {_MINUTES} minutes") from None
        written = next((place for place in places if place.exists()), None)
        if done.returncode or written is None:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise PreprocessingError(
                f"{method} failed: {said[-1] if said else f'exit code {done.returncode}'}"
            )
        return read_mask(written)
