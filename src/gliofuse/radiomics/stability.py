"""Which features stay the same when the mask or the image changes a little."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from gliofuse.cohort.case import Case, Cohort
from gliofuse.errors import ManifestError, RegionError, SettingError, did_you_mean
from gliofuse.features import FeatureName
from gliofuse.radiomics.perturb import PERTURBATIONS, PerturbationSettings, perturb

if TYPE_CHECKING:
    import pandas as pd

    from gliofuse.imaging.labels import LabelConvention
    from gliofuse.imaging.volume import Volume
    from gliofuse.radiomics.parameters import RadiomicsSettings

__all__ = ["ORIGINAL", "SECOND_MASK", "Stability", "measure_stability", "second_masks"]

ORIGINAL = "original"
SECOND_MASK = "mask2"
FEWEST_PATIENTS = 3
"""Below this an intraclass correlation has no meaning."""


@dataclass(frozen=True, eq=False)
class Stability:
    """What a stability run found.

    Attributes
    ----------
    values : DataFrame
        Index ``(case_id, variant)``, one column a feature; the variants are ``original`` and the
        names of the perturbations, or ``mask2``.
    icc : DataFrame
        One row a feature: ``feature``, ``icc`` (ICC(2,1) over all variants) and the other columns
        of :func:`~gliofuse.radiomics.icc.intraclass_correlation`.
    by_variant : DataFrame
        The same for the original against each variant alone, with a column ``variant``.
    failures : DataFrame
        Columns ``case_id, stage, error``.
    """

    values: pd.DataFrame
    icc: pd.DataFrame
    by_variant: pd.DataFrame
    failures: pd.DataFrame

    def stable(self, threshold: float = 0.75) -> pd.DataFrame:
        """Return the rows of ``icc`` at or above a threshold."""
        return self.icc[self.icc["icc"] >= threshold].reset_index(drop=True)


def measure_stability(
    cohort: Cohort,
    *,
    settings: RadiomicsSettings,
    perturbations: Sequence[str] | None = None,
    masks2: Mapping[str, Path] | None = None,
    amounts: PerturbationSettings | None = None,
    regions: Sequence[str] = ("whole",),
    sequences: Sequence[str] | None = None,
    convention: str | LabelConvention = "auto",
    normalisation: str = "none",
    workers: int | None = 1,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Stability:
    """Extract every patient's features with and without changes and compare them.

    Parameters
    ----------
    cohort : Cohort
    settings : RadiomicsSettings
    perturbations : sequence of str, optional
        Of :data:`~gliofuse.radiomics.perturb.PERTURBATIONS`; by default all of them, or none if
        ``masks2`` is given.
    masks2 : mapping of str to Path, optional
        A second mask of each patient, for example another reader's.
    amounts : PerturbationSettings, optional
    regions, sequences, convention, normalisation, workers
        See :func:`gliofuse.radiomics.feature_table.extract_cohort`.
    seed : int
        Of the random perturbations; with the patient's id, so that the order does not matter.
    progress : callable, optional
        Called with the number of patients done so far.

    Returns
    -------
    Stability

    Raises
    ------
    SettingError
        If a perturbation is unknown or nothing is to be compared.
    ManifestError
        If fewer than three patients could be compared; the message has the first error.
    """
    import pandas as pd

    from gliofuse.compute import parallel_map

    names = list(perturbations) if perturbations is not None else []
    if perturbations is None and masks2 is None:
        names = list(PERTURBATIONS)
    for name in names:
        if name not in PERTURBATIONS:
            raise SettingError(
                f"perturbation {name!r} is unknown; {did_you_mean(name, PERTURBATIONS)}"
            )
    if not names and masks2 is None:
        raise SettingError("nothing to compare: name a perturbation or give second masks")
    function = partial(
        _variants,
        settings=settings,
        names=names,
        masks2=masks2,
        amounts=amounts or PerturbationSettings(),
        regions=tuple(regions),
        sequences=tuple(sequences) if sequences is not None else cohort.sequences,
        convention=convention,
        normalisation=normalisation,
        seed=seed,
    )
    rows: dict[tuple[str, str], dict[str, float]] = {}
    failures = []
    outcomes = parallel_map(function, list(cohort), workers=workers)
    for done, outcome in enumerate(outcomes, 1):
        case_id = outcome.item.case_id
        if outcome.failed:
            failures.append((case_id, "stability", outcome.error))
        else:
            rows.update(((case_id, name), row) for name, row in (outcome.result or {}).items())
        if progress is not None:
            progress(done)
    failed = pd.DataFrame(failures, columns=["case_id", "stage", "error"])
    done = len({case_id for case_id, _ in rows})
    if done < FEWEST_PATIENTS:
        first = f"; the first failure: {failures[0][0]}: {failures[0][2]}" if failures else ""
        raise ManifestError(
            f"stability needs at least {FEWEST_PATIENTS} patients, {done} of {len(cohort)} could "
            f"be compared{first}"
        )
    values = pd.DataFrame.from_dict(rows, orient="index")
    values.index = pd.MultiIndex.from_tuples(rows, names=["case_id", "variant"])
    icc, by_variant = _tables(values)
    return Stability(values, icc, by_variant, failed)


def second_masks(source: Path, case_ids: Sequence[str]) -> dict[str, Path]:
    """Return each patient's second mask, from a manifest or a folder.

    Parameters
    ----------
    source : Path
        A manifest with the same ``case_id`` and the second masks in its column ``mask``, or a
        folder with files named by the patient: ``<case_id>.nii.gz``.
    case_ids : sequence of str

    Raises
    ------
    ManifestError
        If there is no such file or folder, or it has no mask of any patient.
    """
    if source.is_dir():
        found = {}
        for path in sorted(source.iterdir()):
            stem = path.name.split(".nii")[0].split(".nrrd")[0]
            if stem in case_ids and path.is_file():
                found[stem] = path
    elif source.is_file():
        from gliofuse.cohort import read_manifest

        manifest = read_manifest(source)
        found = {case.case_id: case.mask for case in manifest if case.mask is not None}
    else:
        raise ManifestError(f"{source}: no such manifest or folder of second masks")
    matched = {case_id: found[case_id] for case_id in case_ids if case_id in found}
    if not matched:
        raise ManifestError(
            f"{source}: no second mask of any of {len(case_ids)} patients; name the files "
            f"<case_id>.nii.gz, for example {case_ids[0]}.nii.gz"
        )
    return matched


def _tables(values: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    from gliofuse.radiomics.icc import intraclass_correlation

    variants = list(dict.fromkeys(values.index.get_level_values("variant")))
    cases = list(dict.fromkeys(values.index.get_level_values("case_id")))
    index = pd.MultiIndex.from_product([cases, variants])
    cube = values.reindex(index).to_numpy(float).reshape(len(cases), len(variants), -1)
    names = list(values.columns)

    def table(chosen: list[int]) -> pd.DataFrame:
        found = intraclass_correlation(cube[:, chosen])
        found.insert(0, "feature", names)
        return found

    parts = [table([0, place]) for place in range(1, len(variants))]
    for part, variant in zip(parts, variants[1:]):
        part.insert(1, "variant", variant)
    return table(list(range(len(variants)))), pd.concat(parts, ignore_index=True)


def _variants(
    case: Case,
    *,
    settings: RadiomicsSettings,
    names: Sequence[str],
    masks2: Mapping[str, Path] | None,
    amounts: PerturbationSettings,
    regions: Sequence[str],
    sequences: Sequence[str],
    convention: str | LabelConvention,
    normalisation: str,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Return the features of each variant of one patient."""
    from gliofuse.imaging.images import load_case, read_mask
    from gliofuse.imaging.intensity import normalise_volume
    from gliofuse.radiomics.region_masks import column_name, masks_of

    loaded = load_case(case, sequences)
    masks = masks_of(loaded.mask, regions, convention, str(case.mask))
    others: dict[str, Any] = {}
    if masks2 is not None:
        if case.case_id not in masks2:
            raise ManifestError(f"patient {case.case_id}: no second mask")
        labels = read_mask(masks2[case.case_id])
        _check_grid(labels, loaded.mask, case, masks2[case.case_id])
        others = masks_of(labels, regions, convention, str(masks2[case.case_id]))
    coarser = _coarser(settings, amounts.bin_factor)
    rows: dict[str, dict[str, float]] = {}

    def store(variant: str, place: tuple[str, str], image: Volume, region: Any, how: Any) -> None:
        row = rows.setdefault(variant, {})
        for stem, value in _features(image, region, how).items():
            row[str(FeatureName(*place, stem))] = value

    for sequence, volume in loaded.volumes.items():
        image = normalise_volume(volume, normalisation, sequence)
        for expression, region in masks.items():
            place = (sequence, column_name(expression))
            store(ORIGINAL, place, image, region, settings)
            for name in names:
                # contour noise must be one contour for all sequences, image noise must not
                scope = expression if name == "contour" else ".".join(place)
                key = crc32(f"{case.case_id}|{name}|{scope}".encode())
                rng = np.random.default_rng([seed, key])
                changed, inside = perturb(name, image, region, rng, amounts)
                store(name, place, changed, inside, coarser if name == "binning" else settings)
            if masks2 is not None:
                store(SECOND_MASK, place, image, others[expression], settings)
    return rows


def _features(image: Volume, region: Any, settings: RadiomicsSettings) -> dict[str, float]:
    import warnings

    from gliofuse.radiomics.extractor import RadiomicsExtractor, RadiomicsWarning

    mask = image.with_array(region.astype(np.uint8))
    plain = settings.setting.updated({"additionalInfo": False, "label": 1})
    extractor = RadiomicsExtractor(settings.model_copy(update={"setting": plain}))
    with warnings.catch_warnings():
        # a patient of a single grey level makes every texture feature of the table meaningless
        warnings.simplefilter("error", RadiomicsWarning)
        try:
            return extractor.execute(image, mask)
        except RadiomicsWarning as warning:
            raise SettingError(str(warning)) from warning


def _coarser(settings: RadiomicsSettings, factor: float) -> RadiomicsSettings:
    """Return the settings with wider grey levels."""
    setting = settings.setting
    if setting.binCount is not None:
        changes: dict[str, Any] = {"binCount": max(2, round(setting.binCount / factor))}
    else:
        changes = {"binWidth": setting.binWidth * factor}
    return settings.model_copy(update={"setting": setting.updated(changes)})


def _check_grid(labels: Volume, first: Volume, case: Case, path: Path) -> None:
    from gliofuse.imaging.volume import check_same_geometry

    check_same_geometry(labels, first, str(path), str(case.mask))
    if not labels.array.any():
        raise RegionError(f"{path}: nothing is segmented in the second mask")
