"""Writing a synthetic cohort whose truth is known."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.compute import parallel_map
from gliofuse.errors import InputError, RunError, did_you_mean
from gliofuse.files import write_csv, write_json
from gliofuse.imaging import Volume
from gliofuse.phantom.anatomy import make_head
from gliofuse.phantom.fields import Grid
from gliofuse.phantom.latent import EFFECTS, Latent, ceilings, draw_latent, draw_outcomes
from gliofuse.phantom.scanner import CENTERS, RENDERED, render_sequence
from gliofuse.phantom.tumour import REGION_LABELS, TumourPlan, make_tumour, plan_tumour

__all__ = ["PhantomTruth", "is_phantom", "make_phantom"]

_MIN_CASES = 4
_MIN_VOXELS = 24
# A part shows its severity with this much noise of its own, so that parts and sequences together
# tell more than any one of them.
_EXPRESSION_NOISE = 0.3


@dataclass(frozen=True)
class PhantomTruth:
    """What is known of a synthetic cohort.

    Attributes
    ----------
    folder : Path
        Holds one folder a patient, ``clinical.csv``, ``cohort.csv`` and ``truth.json``.
    settings : dict
        The arguments of :func:`make_phantom`.
    ceiling : dict
        Endpoint to the best AUC (``theoretical`` and ``empirical``) that its outcome allows.
    effects : dict
        How each clinical column comes from the severity.
    cases : DataFrame
        Index case_id: severity (standard normal), decoy, place and planned size of the tumour.
    """

    folder: Path
    settings: dict[str, Any]
    ceiling: dict[str, Any]
    effects: dict[str, Any]
    cases: pd.DataFrame

    @property
    def manifest(self) -> Path:
        """The ready manifest."""
        return self.folder / "cohort.csv"

    @property
    def ceiling_auc(self) -> float:
        """The theoretical ceiling for grade >= 3."""
        return float(self.ceiling["grade >= 3"]["theoretical"])

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> PhantomTruth:
        """Read the ``truth.json`` of a phantom's folder."""
        path = Path(folder) / "truth.json"
        if not path.exists():
            raise InputError(f"{path}: no such file; make a phantom there with  gliofuse phantom")
        stored = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            Path(folder),
            stored["settings"],
            stored["ceiling"],
            stored["effects"],
            pd.DataFrame(stored["cases"]).set_index("case_id"),
        )


def is_phantom(manifest: str | Path) -> bool:
    """Whether a manifest's patients are made up: it lies in a phantom's folder."""
    return (Path(manifest).parent / "truth.json").is_file()


def make_phantom(
    out: str | os.PathLike[str],
    *,
    cases: int = 48,
    seed: int = 0,
    shape: tuple[int, int, int] = (96, 112, 96),
    effect: float = 1.0,
    effect_sequence: str | Sequence[str] = "all",
    effect_region: str | Sequence[str] = "all",
    shuffle_labels: bool = False,
    workers: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> PhantomTruth:
    """Write synthetic patients with glioma whose outcomes hang on a known severity.

    A patient is a skull-stripped parametric head with a glioma of necrosis, enhancing rim and
    oedema, in four sequences with noise, bias field and a centre's own contrast. The latent
    severity ``v`` makes the tumour larger and more necrotic, the rim brighter on t1ce, the
    oedema brighter on flair and t2, and every part more uneven; the outcomes follow from ``v``
    with known slopes. Every patient has all three labels, low-grade ones with a faint rim. The
    column ``histology`` is made from the grade, as pathologists do: it is no predictor of it.

    Called again with the same arguments it writes only the patients that are missing.

    Parameters
    ----------
    out : path
        Folder to fill: ``<case_id>/{t1,t1ce,t2,flair,mask}.nii.gz``, ``clinical.csv``,
        ``cohort.csv`` (manifest) and ``truth.json``.
    cases : int
        Patients, at least 4.
    seed : int
        Of everything; one seed gives one cohort, whatever the number of workers.
    shape : tuple of int
        Voxels (z, y, x), each at least 24; the field of view is always the same.
    effect : float
        Strength of the outcomes' dependence on the severity. 0: none, ceiling 0.5; 1: ceiling
        0.94 for grade >= 3; 3: 0.99.
    effect_sequence : str or sequence of str
        ``"all"``, or the sequences that alone show the severity.
    effect_region : str or sequence of str
        ``"all"``, or the parts (``necrosis``, ``edema``, ``enhancing``) that alone show it.
        Whenever one of the two is restricted, size and shape carry no effect either, since every
        sequence has them; everything without effect shows a severity of the same distribution
        that bears on nothing.
    shuffle_labels : bool
        Deals the outcomes out anew, so that nothing in the images predicts them.
    workers : int or None
        Processes; ``None`` takes every core.
    progress : callable, optional
        Called with the number of patients finished so far.

    Returns
    -------
    PhantomTruth

    Raises
    ------
    InputError
        If an argument is out of range, or ``out`` holds something other than this phantom.
    RunError
        If a patient could not be written.
    """
    folder = Path(out)
    sequences = _chosen(effect_sequence, RENDERED, "effect_sequence")
    regions = _chosen(effect_region, tuple(REGION_LABELS), "effect_region")
    _check_arguments(cases, seed, shape, effect)
    settings = {
        "cases": int(cases),
        "seed": int(seed),
        "shape": [int(size) for size in shape],
        "effect": float(effect),
        "effect_sequence": list(sequences),
        "effect_region": list(regions),
        "shuffle_labels": bool(shuffle_labels),
    }
    _check_folder(folder, settings)
    latent = draw_latent(seed, cases)
    everywhere = len(sequences) == len(RENDERED) and len(regions) == len(REGION_LABELS)
    patients = [
        _Patient(
            folder=folder / f"phantom-{number + 1:04d}",
            seed=seed,
            number=number,
            shape=(int(shape[0]), int(shape[1]), int(shape[2])),
            severity=float(latent.true[number]),
            decoy=float(latent.decoy[number]),
            center=center,
            sequences=sequences,
            regions=regions,
            size_shows_effect=everywhere,
        )
        for number, center in enumerate(_allot_centers(seed, cases))
    ]
    truth = _write_tables(folder, settings, latent, patients)
    for done, outcome in enumerate(parallel_map(_write_patient, patients, workers=workers), 1):
        if outcome.failed:
            raise RunError(f"{outcome.item.folder}: {outcome.error}")
        if progress is not None:
            progress(done)
    return truth


@dataclass(frozen=True)
class _Patient:
    folder: Path
    seed: int
    number: int
    shape: tuple[int, int, int]
    severity: float
    decoy: float
    center: str
    sequences: tuple[str, ...]
    regions: tuple[str, ...]
    size_shows_effect: bool

    def rng(self, stream: int) -> np.random.Generator:
        """Return the patient's own generator for one purpose; 0 is the latent's."""
        return np.random.default_rng([self.seed, self.number, stream])

    def plan(self) -> TumourPlan:
        shown = self.severity if self.size_shows_effect else self.decoy
        return plan_tumour(self.rng(1), _share(shown))


def _write_patient(patient: _Patient) -> None:
    paths = {name: patient.folder / f"{name}.nii.gz" for name in (*RENDERED, "mask")}
    if all(path.exists() for path in paths.values()):
        return
    grid = Grid(patient.shape)
    head = make_head(patient.rng(2), grid)
    tumour = make_tumour(patient.rng(3), grid, head, patient.plan())
    shown = np.isin(tumour.mask, [REGION_LABELS[region] for region in patient.regions])
    for stream, sequence in enumerate(RENDERED, 4):
        rng = patient.rng(stream)
        noise = {region: _EXPRESSION_NOISE * rng.standard_normal() for region in REGION_LABELS}
        decoy = {region: _share(patient.decoy + own) for region, own in noise.items()}
        effect = {region: _share(patient.severity + own) for region, own in noise.items()}
        image = render_sequence(
            rng,
            grid,
            head,
            tumour,
            sequence=sequence,
            severity=effect if sequence in patient.sequences else decoy,
            elsewhere=effect if patient.size_shows_effect else decoy,
            shown=shown,
            center=CENTERS[patient.center],
        )
        Volume(image, grid.spacing_mm, grid.origin_mm).write(paths[sequence])
    Volume(tumour.mask, grid.spacing_mm, grid.origin_mm).write(paths["mask"])


def _write_tables(
    folder: Path, settings: dict[str, Any], latent: Latent, patients: list[_Patient]
) -> PhantomTruth:
    effect, seed = settings["effect"], settings["seed"]
    outcomes = draw_outcomes(latent, seed=seed, effect=effect)
    if settings["shuffle_labels"]:
        order = np.random.default_rng([seed, 3]).permutation(len(outcomes))
        outcomes = outcomes.iloc[order].reset_index(drop=True)
    ids = [patient.folder.name for patient in patients]
    plans = [patient.plan() for patient in patients]
    clinical = outcomes.assign(
        location=[plan.location for plan in plans],
        laterality=[plan.laterality for plan in plans],
        center=[patient.center for patient in patients],
    )
    clinical.insert(0, "case_id", ids)
    manifest = clinical[["case_id", "center"]].copy()
    for name in (*RENDERED, "mask"):
        manifest[name] = [f"{case_id}/{name}.nii.gz" for case_id in ids]
    manifest = manifest.join(clinical.drop(columns=["case_id", "center"]))
    cases = pd.DataFrame([asdict(plan) for plan in plans]).drop(columns=["location", "laterality"])
    cases.insert(0, "case_id", ids)
    cases.insert(1, "severity", latent.true)
    cases.insert(2, "decoy", latent.decoy)
    known = ceilings(
        latent, outcomes, effect=0.0 if settings["shuffle_labels"] else settings["effect"]
    )
    truth = PhantomTruth(folder, settings, known, EFFECTS, cases.set_index("case_id"))
    write_csv(folder / "clinical.csv", clinical)
    write_csv(folder / "cohort.csv", manifest)
    write_json(
        folder / "truth.json",
        {
            "settings": settings,
            "ceiling": known,
            "effects": EFFECTS,
            "centers": {name: asdict(center) for name, center in CENTERS.items()},
            "cases": cases.to_dict(orient="records"),
        },
    )
    return truth


def _allot_centers(seed: int, cases: int) -> list[str]:
    names = list(CENTERS)
    shares = np.array([center.share for center in CENTERS.values()])
    places = (np.arange(cases) + 0.5) / cases
    allotted = np.searchsorted(np.cumsum(shares)[:-1], places)
    return [names[place] for place in np.random.default_rng([seed, 2]).permutation(allotted)]


def _share(latent: float) -> float:
    """Return a standard normal severity as a share between 0 and 1."""
    from statistics import NormalDist

    return NormalDist().cdf(latent)


def _chosen(given: str | Sequence[str], allowed: tuple[str, ...], name: str) -> tuple[str, ...]:
    words = given.split(",") if isinstance(given, str) else list(given)
    words = [word.strip() for word in words if word.strip()]
    if words == ["all"]:
        return allowed
    for word in words:
        if word not in allowed:
            raise InputError(f"{name}: unknown {word!r}; {did_you_mean(word, (*allowed, 'all'))}")
    if not words:
        raise InputError(f"{name} must name at least one; {did_you_mean('', (*allowed, 'all'))}")
    return tuple(word for word in allowed if word in words)


def _check_arguments(cases: int, seed: int, shape: Sequence[int], effect: float) -> None:
    if cases < _MIN_CASES:
        raise InputError(f"cases must be at least {_MIN_CASES}, got {cases!r}")
    if seed < 0:
        raise InputError(f"seed must not be negative, got {seed!r}")
    if len(shape) != 3 or min(shape) < _MIN_VOXELS:
        raise InputError(
            f"shape must be three numbers (z, y, x) of at least {_MIN_VOXELS}, got {tuple(shape)}"
        )
    if not 0 <= effect < np.inf:
        raise InputError(f"effect must be 0 or a positive number, got {effect!r}")


def _check_folder(folder: Path, settings: dict[str, Any]) -> None:
    """Refuse a folder with anything but this phantom, finished or not."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the phantom")
    if not any(folder.iterdir()):
        return
    if not (folder / "truth.json").exists():
        raise InputError(f"{folder} is not empty and holds no phantom; choose another folder")
    held = PhantomTruth.read(folder).settings
    different = [name for name, value in settings.items() if held.get(name) != value]
    if different:
        name = different[0]
        raise InputError(
            f"{folder} holds another phantom: its {name} is {held.get(name)}, "
            f"{settings[name]} was asked for; choose another folder or delete this one"
        )
