"""Radiomic features of patients: sequences and regions at once, patients in parallel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gliofuse.cohort.case import Case, Cohort
from gliofuse.cohort.sequences import check_sequences
from gliofuse.errors import ImageError, InputError, ManifestError, SettingError
from gliofuse.features import FeatureName
from gliofuse.files import file_state
from gliofuse.imaging.finite import check_finite
from gliofuse.imaging.images import read_mask
from gliofuse.imaging.intensity import normalise_volume
from gliofuse.imaging.labels import LabelConvention, get_convention
from gliofuse.imaging.regions import region_mask
from gliofuse.imaging.volume import Volume, check_same_geometry
from gliofuse.radiomics._cache import PatientCache, group_key
from gliofuse.radiomics.extractor import one_level
from gliofuse.radiomics.groups import Group, compute_groups, groups, region_values
from gliofuse.radiomics.parameters import RadiomicsSettings
from gliofuse.radiomics.preprocess import Preprocessed, normalize_image, preprocess
from gliofuse.radiomics.region import Region
from gliofuse.radiomics.region_masks import column_name, masks_of

if TYPE_CHECKING:
    import pandas as pd

    from gliofuse.preprocessing import GreyScale

__all__ = ["check_regions", "extract_case", "extract_cohort", "feature_table"]

Key = tuple[str, Group]


def extract_case(
    case: Case,
    *,
    settings: RadiomicsSettings,
    regions: Sequence[str] = ("whole",),
    sequences: Sequence[str],
    convention: str | LabelConvention = "brats",
    normalisation: str | GreyScale = "none",
    cache: str | os.PathLike[str] | None = None,
    threads: int = 1,
) -> dict[str, float]:
    """Return the features of one patient.

    The mask is read once, each sequence once, and each filter runs once a sequence, over the box
    around all regions.

    Parameters
    ----------
    case : Case
    settings : RadiomicsSettings
    regions : sequence of str
        Region expressions, for example ``"whole"`` or ``"ring(whole, 5)"``.
    sequences : sequence of str
    convention : str or LabelConvention
        What the mask's labels mean.
    normalisation : {"none", "minmax", "zscore", "percentile"} or GreyScale
        What is done to each image before anything else; see
        :func:`gliofuse.imaging.normalise_volume`. A scale that was learned from other patients
        maps it instead.
    cache : path, optional
        Folder of finished groups of features; what is found there is not computed again.
    threads : int
        Sequences that are worked on at the same time, at about 250 MB each for a head of
        240 x 240 x 155 voxels.

    Returns
    -------
    dict
        ``<sequence>.<region>.<image>_<family>_<Feature>``; the shape features, which only the mask
        enters, stand under every sequence.

    Raises
    ------
    ManifestError
        If the patient lacks a sequence or the mask.
    ImageError, GeometryError
        If a file cannot be read, a voxel is not finite, or images and mask differ in geometry.
    RegionError
        If a region has no voxel, or too few.
    SettingError
        If the bin width leaves a single grey level.
    """
    check_sequences(sequences)
    missing = case.lacks(sequences)
    if missing or case.mask is None:
        raise ManifestError(
            f"patient {case.case_id}: no {', '.join(missing)} in the manifest; add the file or "
            f"leave the patient out"
        )
    chosen = get_convention(convention)
    names = {column_name(region): region for region in regions}
    store = PatientCache(cache, case.case_id)
    keys = _keys(case, settings, names, sequences, chosen, normalisation)
    todo = [key for key, stored in keys.items() if store.get(stored) is None]
    if todo:
        computed = _compute(case, settings, names, todo, chosen, normalisation, threads)
        for key in todo:
            store.put(keys[key], computed[key])
        store.save()
    out: dict[str, float] = {}
    for (sequence, group), stored in keys.items():
        for name, value in (store.get(stored) or {}).items():
            out[str(FeatureName(sequence, group.region, name))] = value
    return out


def extract_cohort(
    cohort: Cohort,
    *,
    settings: RadiomicsSettings,
    regions: Sequence[str] = ("whole",),
    sequences: Sequence[str] | None = None,
    convention: str | LabelConvention = "brats",
    normalisation: str = "none",
    workers: int | None = 1,
    scheduler: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features of every patient; one that fails is listed, the others go on.

    Parameters
    ----------
    cohort : Cohort
    settings, regions, convention, normalisation, cache
        See :func:`extract_case`.
    sequences : sequence of str, optional
        By default those of the cohort.
    workers : int or None
        Processes; ``None`` or -1 takes every core.
    scheduler : str, optional
        Address of a Dask scheduler.
    progress : callable, optional
        Called with the number of patients done so far.

    Returns
    -------
    features : DataFrame
        Index ``case_id`` in the cohort's order, one column a feature.
    failures : DataFrame
        Columns ``case_id, stage, error``.

    Raises
    ------
    RegionError, ManifestError, SettingError
        If a region or sequence is wrong for every patient.
    """
    import pandas as pd

    from gliofuse.compute import parallel_map, resolve_workers

    wanted = tuple(sequences) if sequences is not None else cohort.sequences
    check_sequences(wanted)
    check_regions(regions, convention)  # a wrong expression is one error, not one a patient
    function = partial(
        extract_case,
        settings=settings,
        regions=tuple(regions),
        sequences=wanted,
        convention=convention,
        normalisation=normalisation,
        cache=cache,
        # cores that no patient's process takes
        threads=1 if scheduler else max(1, resolve_workers(None) // resolve_workers(workers)),
    )
    rows: dict[str, dict[str, float]] = {}
    failures = []
    outcomes = parallel_map(function, list(cohort), workers=workers, scheduler=scheduler)
    for done, outcome in enumerate(outcomes, 1):
        if outcome.failed:
            failures.append((outcome.item.case_id, "radiomics", outcome.error))
        else:
            rows[outcome.item.case_id] = outcome.result or {}
        if progress is not None:
            progress(done)
    table = feature_table(rows, settings=settings, regions=regions, sequences=wanted)
    return table, pd.DataFrame(failures, columns=["case_id", "stage", "error"])


def feature_table(
    rows: Mapping[str, Mapping[str, float]],
    *,
    settings: RadiomicsSettings,
    regions: Sequence[str],
    sequences: Sequence[str],
) -> pd.DataFrame:
    """Return patients' features as a table, its columns in an order that no patient decides.

    Parameters
    ----------
    rows : mapping
        ``case_id`` to what :func:`extract_case` gave.
    settings, regions, sequences
        As given to :func:`extract_case`.
    """
    import pandas as pd

    columns = [
        str(FeatureName(sequence, region, name))
        for sequence in sequences
        for region in regions
        for name in settings.feature_names()
    ]
    values = np.array(
        [[row[column] for column in columns] for row in rows.values()], dtype=np.float64
    ).reshape(len(rows), len(columns))
    return pd.DataFrame(values, index=pd.Index(list(rows), name="case_id"), columns=columns)


def check_regions(regions: Sequence[str], convention: str | LabelConvention) -> None:
    """Refuse a region expression that is wrong for every patient.

    Raises
    ------
    RegionError
    """
    for region in regions:
        region_mask(Volume(np.zeros((1, 1, 1), dtype=np.uint8)), region, convention)


def _keys(
    case: Case,
    settings: RadiomicsSettings,
    names: dict[str, str],
    sequences: Sequence[str],
    convention: LabelConvention,
    normalisation: str | GreyScale,
) -> dict[Key, str]:
    """Return, in the order of the columns, the cache key of each sequence's groups."""
    out = {}
    labels = {name: list(values) for name, values in sorted(convention.regions.items())}
    mask = file_state(case.mask or "")
    images = {sequence: file_state(case.images[sequence]) for sequence in sequences}
    for sequence in sequences:
        source = {
            "mask": mask,
            "labels": labels,
            "image": images[sequence],
            "normalisation": (
                normalisation if isinstance(normalisation, str) else normalisation.as_dict(sequence)
            ),
        }
        no_image = (
            source if _region_depends_on_image(settings) else {"mask": mask, "labels": labels}
        )
        for name in names:
            for group in groups(settings, [name]):
                inputs = source if group.of_image else no_image
                out[sequence, group] = group_key(group, settings, inputs)
    return out


def _compute(
    case: Case,
    settings: RadiomicsSettings,
    names: dict[str, str],
    todo: Sequence[Key],
    convention: LabelConvention,
    normalisation: str | GreyScale,
    threads: int,
) -> dict[Key, dict[str, float]]:
    assert case.mask is not None
    labels = read_mask(case.mask)
    needed = dict.fromkeys(group.region for _, group in todo)
    found_masks = masks_of(labels, [names[name] for name in needed], convention, str(case.mask))
    masks = {name: found_masks[names[name]] for name in needed}
    without_image: dict[Group, dict[str, float]] = {}

    def one(sequence: str) -> dict[Key, dict[str, float]]:
        path = case.images[sequence]
        image = Volume.read(path)
        check_finite(image, str(path))
        if settings.setting.geometryTolerance is None and not settings.setting.correctMask:
            check_same_geometry(image, labels, str(path), str(case.mask))
        mine = [group for name, group in todo if name == sequence]
        try:
            if isinstance(normalisation, str):
                image = normalise_volume(image, normalisation, sequence)
            else:
                image = normalisation.apply(image, sequence)
            found = _sequence(image, labels, masks, settings, mine, without_image)
        except InputError as error:
            raise type(error)(f"{path}: {error}") from error
        return {(sequence, group): values for group, values in found.items()}

    wanted = list(dict.fromkeys(sequence for sequence, _ in todo))
    out: dict[Key, dict[str, float]] = {}
    if threads == 1 or len(wanted) == 1:
        for sequence in wanted:
            out.update(one(sequence))
        return out
    # the compiled kernels and the decompression release Python's lock
    with ThreadPoolExecutor(min(threads, len(wanted))) as pool:
        for values in pool.map(one, wanted):
            out.update(values)
    return out


def _sequence(
    image: Volume,
    labels: Volume,
    masks: dict[str, np.ndarray],
    settings: RadiomicsSettings,
    wanted: Sequence[Group],
    known: dict[Group, dict[str, float]],
) -> dict[Group, dict[str, float]]:
    setting = settings.setting
    if setting.normalize:  # of the whole image, so once for all regions
        image = normalize_image(
            image, scale=setting.normalizeScale, remove_outliers=setting.removeOutliers
        )
        setting = setting.updated({"normalize": False})
    regions = dict.fromkeys(group.region for group in wanted)
    prepared = {
        name: preprocess(image, labels.with_array(masks[name]), setting) for name in regions
    }
    out: dict[Group, dict[str, float]] = {}
    for name, region in prepared.items():
        mine = [group for group in wanted if group.region == name]
        if any(group.of_image for group in mine) and (
            message := one_level(region.image.array[region.texture_mask], settings)
        ):
            raise SettingError(message)
        for group in mine:
            if group.of_image:
                continue
            if group not in known or _region_depends_on_image(settings):
                known[group] = region_values(
                    Region(region.mask[region.box], region.image.spacing_mm),
                    group.family,
                    settings.wanted(group.family),
                )
            out[group] = known[group]
    for same in _sharing(prepared.values()):
        together = {name: region for name, region in prepared.items() if region.image is same}
        out.update(
            compute_groups(
                same.array,
                same.spacing_mm,
                {name: region.texture_mask for name, region in together.items()},
                settings,
                [group for group in wanted if group.region in together],
            )
        )
    lost = [group for group in wanted if not out.get(group)]
    if lost:
        raise ImageError(
            f"the image of shape {image.shape} (z, y, x) is too small for the filter behind "
            f"{lost[0].image}; leave that image type out"
        )
    return out


def _region_depends_on_image(settings: RadiomicsSettings) -> bool:
    """Whether a region is changed by the image, so that its shape differs by sequence."""
    setting = settings.setting
    return (
        setting.resegmentRange is not None
        or setting.correctMask
        or setting.geometryTolerance is not None
    )


def _sharing(prepared: Iterable[Preprocessed]) -> list[Volume]:
    """Return the distinct images; regions that were not resampled or cropped share one."""
    images: list[Volume] = []
    for region in prepared:
        if not any(region.image is image for image in images):
            images.append(region.image)
    return images
