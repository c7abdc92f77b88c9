"""Segmenters that others have made, each run as a program in an environment of its own.

They need what gliofuse does not install (torchvision, Docker or Apptainer, weights of several GB),
so that gliofuse calls the Python interpreter, or the command, of the environment they live in.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from gliofuse.cohort import STRUCTURAL, Case
from gliofuse.errors import InputError, ManifestError, RunError, SettingError, did_you_mean
from gliofuse.imaging import Volume, check_same_geometry, read_mask

__all__ = [
    "OTHERS",
    "BratsWinner",
    "ExistingMask",
    "ExternalSegmenter",
    "GlioModa",
    "NnUNet",
    "segment_with",
]

# How these programs call the sequences.
_BRATS_NAMES = {"t1": "t1n", "t1ce": "t1c", "t2": "t2w", "flair": "t2f"}


class ExternalSegmenter(ABC):
    """Something that gives a patient's mask.

    Attributes
    ----------
    name : str
        In :data:`OTHERS` and on the command line.
    convention : str or None
        Label convention of its masks; None where it is that of what it was trained on.
    install : str
        What to do where it is missing.
    """

    name: ClassVar[str]
    convention: ClassVar[str | None] = None
    install: ClassVar[str] = ""

    @abstractmethod
    def check(self) -> None:
        """Raise :class:`InputError` if it is not there, saying what to install."""

    @abstractmethod
    def make(self, case: Case, out: Path) -> None:
        """Write the patient's mask to ``out`` (``.nii.gz``)."""

    def segment(self, case: Case, out: str | Path) -> Path:
        """Write a patient's mask and check that it lies on the images' grid.

        Raises
        ------
        InputError
            If the program is not installed, or the patient lacks a sequence that it needs.
        RunError
            If the program ends with an error, or writes no mask.
        GeometryError
            If the mask has another geometry than the images.
        """
        self.check()
        path = Path(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.make(case, path)
        if not path.is_file():
            raise RunError(f"{self.name}: wrote no mask of {case.case_id} to {path}")
        if case.images:
            first = next(iter(case.images.values()))
            check_same_geometry(read_mask(path), Volume.read(first), str(path), str(first))
        return path


@dataclass(frozen=True)
class ExistingMask(ExternalSegmenter):
    """The mask that the manifest names."""

    name: ClassVar[str] = "mask"

    def check(self) -> None:
        """Nothing to install."""

    def make(self, case: Case, out: Path) -> None:
        """Copy the mask, whatever its format."""
        if case.mask is None:
            raise ManifestError(f"patient {case.case_id}: no mask in the manifest")
        read_mask(case.mask).write(out)


@dataclass(frozen=True)
class NnUNet(ExternalSegmenter):
    """A trained folder of nnU-Net v2.

    Parameters
    ----------
    model : Path
        The folder with ``plans.json``, ``dataset.json`` and ``fold_*``.
    command : str
        Of the environment in which nnU-Net is installed.
    device : str
        ``cuda``, ``cpu`` or ``mps``.
    """

    name: ClassVar[str] = "nnunet"
    install: ClassVar[str] = (
        "install it in an environment of its own (pip install nnunetv2) and give that "
        "environment's command, /path/to/env/bin/nnUNetv2_predict_from_modelfolder"
    )

    model: Path
    command: str = "nnUNetv2_predict_from_modelfolder"
    device: str = "cuda"

    def check(self) -> None:
        """Look for the command and the trained folder."""
        if shutil.which(self.command) is None:
            raise InputError(f"nnunet: no command {self.command!r}; {self.install}")
        if not (self.model / "dataset.json").is_file():
            raise InputError(
                f"nnunet: {self.model} is not a trained folder: it has no dataset.json"
            )

    def channels(self) -> list[str]:
        """Return the sequences that the model takes, in the order of its channels."""
        from gliofuse.cohort import SEQUENCES

        content = json.loads((self.model / "dataset.json").read_text(encoding="utf-8"))
        named = content.get("channel_names") or content.get("modality") or {}
        known = {word: one.name for one in SEQUENCES.values() for word in (one.name, *one.synonyms)}
        found = []
        for key in sorted(named, key=int):
            word = str(named[key]).lower().translate(str.maketrans("", "", " -_"))
            if word not in known:
                raise InputError(
                    f"nnunet: {self.model}/dataset.json calls a channel {named[key]!r}; it must be "
                    f"one of {', '.join(SEQUENCES)} or a synonym: correct channel_names"
                )
            found.append(known[word])
        return found

    def make(self, case: Case, out: Path) -> None:
        """Lay the images out as nnU-Net wants them, and run it."""
        channels = self.channels()
        missing = case.lacks(channels, mask=False)
        if missing:
            raise ManifestError(
                f"patient {case.case_id}: nnunet needs {', '.join(channels)}, no "
                f"{', '.join(missing)} in the manifest"
            )
        with tempfile.TemporaryDirectory() as scratch:
            given, made = Path(scratch) / "given", Path(scratch) / "made"
            given.mkdir()
            for number, name in enumerate(channels):
                Volume.read(case.images[name]).write(given / f"case_{number:04d}.nii.gz")
            _run(
                [
                    *(self.command, "-i", str(given), "-o", str(made), "-m", str(self.model)),
                    *("-device", self.device),
                ],
                self.name,
                case,
            )
            if (made / "case.nii.gz").is_file():
                read_mask(made / "case.nii.gz").write(out)


@dataclass(frozen=True)
class _InPython(ExternalSegmenter):
    """A package with a Python interface, in the interpreter of its own environment.

    Parameters
    ----------
    python : str
        That interpreter.
    """

    module: ClassVar[str]
    script: ClassVar[str]
    least: ClassVar[tuple[str, ...]]

    python: str = sys.executable

    def check(self) -> None:
        """Ask the interpreter whether it has the package."""
        if shutil.which(self.python) is None:
            raise InputError(f"{self.name}: no interpreter {self.python!r}; {self.install}")
        asked = subprocess.run(
            [self.python, "-c", f"import {self.module}"], capture_output=True, check=False
        )
        if asked.returncode:
            raise InputError(f"{self.name}: {self.python} has no {self.module}; {self.install}")

    def make(self, case: Case, out: Path) -> None:
        """Run the package's script on the patient's files."""
        missing = case.lacks(self.least, mask=False)
        if missing:
            raise ManifestError(
                f"patient {case.case_id}: {self.name} needs {', '.join(self.least)}, no "
                f"{', '.join(missing)} in the manifest"
            )
        files = {
            _BRATS_NAMES[name]: str(path)
            for name, path in case.images.items()
            if name in _BRATS_NAMES
        }
        _run([self.python, "-c", self.script, json.dumps(files), str(out)], self.name, case)


@dataclass(frozen=True)
class GlioModa(_InPython):
    """GlioMODA, which takes any of the four sequences that its models were trained for."""

    name: ClassVar[str] = "gliomoda"
    convention: ClassVar[str | None] = "brats2023"
    module: ClassVar[str] = "gliomoda"
    least: ClassVar[tuple[str, ...]] = ()
    install: ClassVar[str] = (
        "install it in an environment of its own (pip install gliomoda) and give that "
        "environment's interpreter, /path/to/env/bin/python"
    )
    script: ClassVar[str] = (
        "import json, sys; from gliomoda import Inferer; "
        "Inferer().infer(**json.loads(sys.argv[1]), segmentation_file=sys.argv[2])"
    )


@dataclass(frozen=True)
class BratsWinner(_InPython):
    """The winner of the BraTS challenge for adult glioma before treatment, in its container."""

    name: ClassVar[str] = "brats"
    convention: ClassVar[str | None] = "brats2023"
    module: ClassVar[str] = "brats"
    least: ClassVar[tuple[str, ...]] = STRUCTURAL
    install: ClassVar[str] = (
        "install it in an environment of its own (pip install brats), with Docker or Apptainer on "
        "the machine, and give that environment's interpreter, /path/to/env/bin/python"
    )
    script: ClassVar[str] = (
        "import json, sys; from brats import AdultGliomaPreTreatmentSegmenter as S; "
        "S().infer_single(**json.loads(sys.argv[1]), output_file=sys.argv[2])"
    )


OTHERS: Mapping[str, type[ExternalSegmenter]] = MappingProxyType(
    {one.name: one for one in (ExistingMask, NnUNet, GlioModa, BratsWinner)}
)
"""Other segmenters by name."""


def segment_with(name: str, **options: object) -> ExternalSegmenter:
    """Return another segmenter, ready to run.

    Parameters
    ----------
    name : str
        In :data:`OTHERS`.
    **options
        Its own: ``model``, ``command`` and ``device`` of ``nnunet``; ``python`` of ``gliomoda``
        and ``brats``.

    Raises
    ------
    SettingError
        If the name or an option is unknown.
    InputError
        If it is not installed; says what to install.

    Examples
    --------
    >>> segment_with("mask").name
    'mask'
    """
    if name not in OTHERS:
        raise SettingError(f"segmenter {name!r} is unknown: {did_you_mean(name, OTHERS)}")
    given = {key: value for key, value in options.items() if value is not None}
    if "model" in given:
        given["model"] = Path(str(given["model"]))
    try:
        found = OTHERS[name](**given)
    except TypeError as error:
        raise SettingError(f"segmenter {name!r}: {error}") from None
    found.check()
    return found


def _run(command: list[str], name: str, case: Case) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise RunError(
            f"{name} ended with code {done.returncode} on {case.case_id}: "
            f"{said[-1] if said else 'it said nothing'}"
        )
