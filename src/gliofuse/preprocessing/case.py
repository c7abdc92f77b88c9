"""One patient through all steps: align, strip, correct, and sample each image once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from gliofuse.cohort.case import Case
from gliofuse.cohort.sequences import SEQUENCES
from gliofuse.errors import GliofuseError, PreprocessingError
from gliofuse.files import file_state, settings_hash
from gliofuse.imaging import Volume, read_mask, to_lps
from gliofuse.preprocessing.bias import bias_field, correct_bias
from gliofuse.preprocessing.brain import Brain, extract_brain
from gliofuse.preprocessing.checks import (
    LEAST_DICE,
    check_brain,
    check_registration,
    dice,
)
from gliofuse.preprocessing.head import Head, find_head
from gliofuse.preprocessing.inspect_input import ScanState, inspect_scan
from gliofuse.preprocessing.normalise import normalise_brain
from gliofuse.preprocessing.record import CASE_FILE, CaseRecord, Geometry
from gliofuse.preprocessing.registration import Registered, register, turned_about
from gliofuse.preprocessing.resampling import grid_around, resample
from gliofuse.preprocessing.settings import PreprocessingSettings
from gliofuse.preprocessing.template import template_grid
from gliofuse.preprocessing.transforms import Affine
from gliofuse.version import __version__

__all__ = ["CaseWork", "fingerprint_of", "preprocess_case"]

_MARGIN_MM = 10.0
_MASK_MOVED_MM = 1.5
_WELL_ALIGNED = 0.6  # nats on the coarse grid; heads upside down reach a third of it
_UPSIDE_DOWN_GAIN = 1.25


@dataclass
class CaseWork:
    """What is known of a patient while the steps go on; the pictures are drawn from it."""

    record: CaseRecord
    volumes: dict[str, Volume] = field(default_factory=dict)
    states: dict[str, ScanState] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    to_scan: dict[str, Affine] = field(default_factory=dict)  # from the reference's points
    fields: dict[str, Volume] = field(default_factory=dict)
    brains: dict[str, Volume] = field(default_factory=dict)  # each in its own scan
    brain: Volume | None = None  # the patient's, in the reference's space
    to_template: Affine | None = None  # from the reference's points
    tumour: Volume | None = None
    written: dict[str, Volume] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step, and name it if it fails."""
        self.record.stage = name
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = self.record.seconds.get(name, 0.0) + time.perf_counter() - start
            self.record.seconds[name] = round(spent, 2)


def fingerprint_of(case: Case, settings: PreprocessingSettings) -> str:
    """Return a hash of a patient's files, the settings and the version."""
    files = {**case.images, **({"mask": case.mask} if case.mask else {})}
    own = settings.brain_mask_of(case.case_id)
    files |= {} if own is None else {"brain": own}
    states = {name: file_state(path) for name, path in files.items()}
    return settings_hash([states, settings.model_dump(mode="json"), __version__])


def preprocess_case(
    case: Case, folder: Path, settings: PreprocessingSettings, *, threads: int = 2
) -> CaseRecord:
    """Take one patient's scans to aligned, stripped volumes in ``folder``.

    A patient who was finished with the same files and settings is left as is. A refusal is no
    exception: it is in the record, and the pictures show it.

    Parameters
    ----------
    case : Case
    folder : Path
        The patient's own.
    settings : PreprocessingSettings
    threads : int

    Returns
    -------
    CaseRecord
        Also in ``case.json``.
    """
    from gliofuse.preprocessing.pictures import write_pictures

    work = CaseWork(CaseRecord(case.case_id, space=settings.space))
    try:
        work.record.stage = "reading"
        work.record.fingerprint = fingerprint_of(case, settings)
        if (folder / CASE_FILE).exists():
            before = CaseRecord.read(folder)
            if before.fingerprint == work.record.fingerprint and not before.failed:
                return before
        _steps(work, case, settings, threads)
        with work.step("writing"):
            _write(work, folder)
        work.record.stage = ""
    except GliofuseError as error:
        work.record.error = " ".join(str(error).split())
    folder.mkdir(parents=True, exist_ok=True)
    with work.step(work.record.stage or "pictures"):
        write_pictures(work, folder)
    if not work.record.failed:
        work.record.stage = ""
    work.record.write(folder)
    return work.record


def _steps(work: CaseWork, case: Case, settings: PreprocessingSettings, threads: int) -> None:
    with work.step("reorient"):
        _read(work, case, settings)
    if settings.does("register"):
        with work.step("register"):
            _register(work, settings, threads)
    else:
        work.to_scan = {name: Affine.identity() for name in work.volumes}
    if settings.does("brain") or settings.space == "template":
        with work.step("brain"):
            _find_brains(work, case, settings, threads)
    if settings.does("bias"):
        with work.step("bias"):
            _correct_bias(work, threads)
    with work.step("resample"):
        _resample(work, case, settings)
    if settings.does("normalise") and settings.intensities != "none":
        with work.step("normalise"):
            _normalise(work, settings)


def _read(work: CaseWork, case: Case, settings: PreprocessingSettings) -> None:
    record = work.record
    for name, path in case.images.items():
        volume = Volume.read(path)
        record.sources[name] = Geometry.of(volume)
        work.states[name] = inspect_scan(volume, f"{name} ({path.name})")
        record.notes += [f"{name}: {note}" for note in work.states[name].notes]
        work.volumes[name] = to_lps(volume)
    record.reference = _reference(case, settings)
    for name, volume in work.volumes.items():
        work.heads[name] = find_head(volume, name)
    stripped = {name for name, state in work.states.items() if state.stripped}
    if stripped and len(stripped) < len(work.volumes):
        with_skull = [name for name in work.volumes if name not in stripped]
        raise PreprocessingError(
            f"{', '.join(sorted(stripped))} came without a skull, {', '.join(with_skull)} with "
            f"one; give all sequences as they left the scanner, or all stripped"
        )


def _reference(case: Case, settings: PreprocessingSettings) -> str:
    if settings.reference is not None:
        if settings.reference not in case.images:
            raise PreprocessingError(
                f"no {settings.reference}, to which the others are to be aligned; there are "
                f"{', '.join(case.images) or 'no images'}"
            )
        return settings.reference
    for name in ("t1ce", "t1"):
        if name in case.images:
            return name
    raise PreprocessingError(
        f"no t1ce and no t1 to align the others to; choose another with --reference, of "
        f"{', '.join(case.images) or 'none'}"
    )


def _register(work: CaseWork, settings: PreprocessingSettings, threads: int) -> None:
    reference = work.record.reference
    fixed, head = work.volumes[reference], work.heads[reference]
    work.to_scan = {reference: Affine.identity()}
    refused = []
    for name, moving in work.volumes.items():
        if name == reference:
            continue
        other = work.heads[name]
        found = _registered(fixed, moving, head, other, settings.seed, threads)
        verdict = check_registration(
            fixed, moving, head, other, found, seed=settings.seed, threads=threads
        )
        if verdict.numbers["information"] < verdict.numbers["information_of_header"]:
            # aligned before, or never moved: a registration could only add its own error
            still = replace(found, transform=Affine.identity(), start="header")
            verdict = check_registration(
                fixed, moving, head, other, still, seed=settings.seed, threads=threads
            )
            found = still
            work.record.notes.append(f"{name}: aligned by its header, which no shift improves")
        work.to_scan[name] = found.transform
        work.record.numbers[name] = verdict.numbers
        refused += [f"{name}: {reason}" for reason in verdict.reasons]
    if refused:
        raise PreprocessingError("; ".join(refused))


def _registered(
    fixed: Volume, moving: Volume, head: Head, other: Head, seed: int, threads: int
) -> Registered:
    """Register from the headers and from the heads' centres; if neither leads far, also turned."""
    shift = other.upper_part().mean(axis=0) - head.upper_part().mean(axis=0)
    starts = {"header": Affine.identity(), "centres": Affine.shift(shift)}
    found = register(fixed, moving, head.surround, starts, seed=seed, threads=threads)
    reached = max(found.by_start.values())
    if reached >= _WELL_ALIGNED:
        return found
    turned = {
        f"turned by 180 degrees about {'xyz'[axis]}": turned_about(
            head.centre_mm, axis, 180.0, Affine.shift(other.centre_mm - head.centre_mm)
        )
        for axis in range(3)
    }
    otherwise = register(fixed, moving, head.surround, turned, seed=seed, threads=threads)
    better = max(otherwise.by_start.values()) > _UPSIDE_DOWN_GAIN * reached
    return otherwise if better else found


def _find_brains(work: CaseWork, case: Case, settings: PreprocessingSettings, threads: int) -> None:
    record = work.record
    found: Brain = extract_brain(
        {name: volume for name, volume in work.volumes.items() if not SEQUENCES[name].quantitative},
        work.heads,
        work.to_scan,
        record.reference,
        stripped=work.states[record.reference].stripped,
        method=settings.brain,
        given=settings.brain_mask_of(case.case_id),
        onto_template=settings.space == "template",
        seed=settings.seed,
        threads=threads,
    )
    work.brain, work.brains, work.to_template = found.mask, found.own, found.to_template
    record.notes += found.notes
    numbers = {"volume_ml": check_brain(found.mask, case.case_id)}
    inside = found.mask.array > 0
    for name, own in found.own.items():
        seen = resample(own, found.mask, work.to_scan[name], how="nearest")
        overlap = dice(seen.array > 0, inside)
        volume_ml = float((own.array > 0).sum()) * own.voxel_volume_mm3 / 1000
        record.numbers.setdefault(name, {}).update(brain_ml=volume_ml, brain_dice=overlap)
        if overlap < LEAST_DICE:
            raise PreprocessingError(
                f"{name}: its own brain overlaps the patient's with Dice {overlap:.2f}, at least "
                f"{LEAST_DICE:.2f} is needed: misaligned, or another patient's?"
            )
    record.numbers["brain"] = numbers


def _correct_bias(work: CaseWork, threads: int) -> None:
    for name, volume in work.volumes.items():
        if SEQUENCES[name].quantitative or work.states[name].normalised:
            continue
        if work.brain is None:
            mask = work.heads[name].mask
        else:
            mask = resample(
                work.brain, _coarse_of(volume), work.to_scan[name].inverse, how="nearest"
            )
        work.fields[name] = bias_field(volume, mask, threads=threads)
        inside = work.fields[name].array
        work.record.numbers.setdefault(name, {})["bias_spread"] = float(inside.std())


def _coarse_of(volume: Volume) -> Volume:
    from gliofuse.preprocessing.resampling import isotropic_grid

    return isotropic_grid(volume, 3.0)


def _resample(work: CaseWork, case: Case, settings: PreprocessingSettings) -> None:
    record = work.record
    reference = work.volumes[record.reference]
    if not settings.does("resample"):
        grid, to_reference = reference, Affine.identity()
    elif settings.space == "template" and work.to_template is not None:
        grid, to_reference = template_grid(settings.spacing_mm), work.to_template.inverse
    else:
        to_reference = Affine.identity()
        around = work.brain if work.brain is not None else work.heads[record.reference].mask
        points = around.index_to_point(np.argwhere(around.array > 0))
        grid = grid_around(points, reference.direction, settings.spacing_mm, _MARGIN_MM)
    brain = None
    if work.brain is not None and settings.does("brain"):
        smooth = work.brain.with_array(work.brain.array.astype(np.float32))
        brain = resample(smooth, grid, to_reference, how="linear").array >= 0.5
        work.written["brain"] = grid.with_array(brain.astype(np.uint8))
    for name, volume in work.volumes.items():
        to_scan = work.to_scan[name] @ to_reference
        record.transforms[name] = to_scan.as_list()
        whole = correct_bias(volume, work.fields[name]) if name in work.fields else volume
        sampled = resample(whole, grid, to_scan, how="bspline")
        if brain is not None:
            sampled = sampled.with_array(np.where(brain, sampled.array, 0))
        work.written[name] = sampled
    if case.mask is not None:
        _carry_mask(work, case.mask, grid, settings)


def _carry_mask(work: CaseWork, path: Path, grid: Volume, settings: PreprocessingSettings) -> None:
    mask = read_mask(path)
    drawn_on = settings.mask_drawn_on or _drawn_on(work, mask, path.name)
    work.tumour = mask
    transform = work.record.transform(drawn_on)
    carried = resample(mask, grid, transform, how="nearest")
    before = float((mask.array > 0).sum()) * mask.voxel_volume_mm3 / 1000
    after = float((carried.array > 0).sum()) * carried.voxel_volume_mm3 / 1000
    work.record.numbers["mask"] = {"drawn_ml": before, "carried_ml": after}
    if before > 0 and after == 0:
        raise PreprocessingError(
            f"{path.name}: nothing of the mask, drawn on {drawn_on}, lies in the aligned images; "
            f"is it another patient's?"
        )
    work.written["mask"] = carried
    work.record.notes.append(f"mask: carried from {drawn_on}")


def _drawn_on(work: CaseWork, mask: Volume, name: str) -> str:
    """The sequence whose grid the mask has; the reference first, if it is one of several."""
    record = work.record
    order = [record.reference, *(one for one in record.sources if one != record.reference)]
    grids = {one: record.sources[one].empty() for one in order}
    alike = [one for one in order if grids[one].same_geometry(mask)]
    if not alike:
        raise PreprocessingError(
            f"{name}: its grid is none of the sequences'; name the one it was drawn on with "
            f"--mask-drawn-on"
        )
    points = mask.index_to_point(np.argwhere(mask.array > 0)[::7])
    for other in alike[1:]:
        # where a mark on one scan lies on the other, if the patient moved in between
        between = work.to_scan[other] @ work.to_scan[alike[0]].inverse
        moved = np.linalg.norm(between.apply(points) - points, axis=1)
        if moved.size and moved.mean() > _MASK_MOVED_MM:
            raise PreprocessingError(
                f"{name}: {alike[0]} and {other} have its grid, but the patient moved by "
                f"{moved.mean():.1f} mm between them; name the one it was drawn on with "
                f"--mask-drawn-on"
            )
    return alike[0]


def _normalise(work: CaseWork, settings: PreprocessingSettings) -> None:
    if "brain" in work.written:
        brain = work.written["brain"].array > 0
    else:
        brain = work.written[work.record.reference].array > 0
    for name in work.volumes:
        if not SEQUENCES[name].quantitative:
            volume = work.written[name]
            work.written[name] = volume.with_array(
                normalise_brain(volume.array, brain, settings.intensities, name)
            )


def _write(work: CaseWork, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, volume in work.written.items():
        work.record.files[name] = f"{name}.nii.gz"
        volume.write(folder / f"{name}.nii.gz")
