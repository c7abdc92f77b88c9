"""From a cohort to a trained network in one call: what ``gliofuse train`` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gliofuse.cohort import (
    SEQUENCES,
    BinaryEndpoint,
    Cohort,
    SplitSettings,
    SurvivalEndpoint,
    make_folds,
)
from gliofuse.deep.data import (
    CaseDataset,
    PatchSettings,
    augmentation_preset,
    build_patches,
    build_slices,
    input_preset,
)
from gliofuse.deep.data.store import ArrayStore
from gliofuse.deep.networks import NETWORKS, SHAPE_FEATURES
from gliofuse.deep.training.loop import train_network
from gliofuse.deep.training.progress import TrainingProgress
from gliofuse.deep.training.settings import TrainingSettings
from gliofuse.deep.training.trained import TrainedNetwork
from gliofuse.errors import InputError, SettingError, did_you_mean
from gliofuse.files import write_csv
from gliofuse.imaging import cohort_convention

__all__ = ["CohortTraining", "Counter", "explain_patients", "train_on_cohort"]

_MOST = 0.8  # rarer sequences are left out, rather than the patients who lack them

#: Opens a stage of so many steps, and gives the function that takes how many are done.
Counter = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass
class CohortTraining:
    """What came of a training on a cohort.

    Attributes
    ----------
    trained : TrainedNetwork
    predictions : pandas.DataFrame
        ``case_id, cohort, y_true, probability, slices, spread``. ``cohort`` is ``validation``, or
        ``training (apparent)`` for the patients that were learned from.
    excluded : pandas.DataFrame
        ``case_id, reason``: patients without label, sequence or mask.
    failures : pandas.DataFrame
        ``case_id, stage, error``: patients whose images could not be used.
    notes : pandas.DataFrame
        ``case_id, note``: patients for whom a stated rule was applied.
    training, validation : CaseDataset
    cohort : Cohort
        The patients that took part.
    """

    trained: TrainedNetwork
    predictions: pd.DataFrame
    excluded: pd.DataFrame
    failures: pd.DataFrame
    notes: pd.DataFrame
    training: CaseDataset = field(repr=False)
    validation: CaseDataset | None = field(repr=False)
    cohort: Cohort = field(repr=False)


def train_on_cohort(
    cohort: Cohort,
    endpoint: BinaryEndpoint,
    *,
    network: str,
    sequences: Sequence[str] | None = None,
    preset: str = "quick",
    changes: Mapping[str, Any] | None = None,
    validation_fraction: float = 0.25,
    survival: SurvivalEndpoint | None = None,
    weights: str | Path | None = None,
    convention: str | None = None,
    region: str = "whole",
    seed: int = 0,
    directory: str | Path,
    cache: str | Path | None = None,
    workers: int | None = 1,
    counter: Counter | None = None,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> CohortTraining:
    """Cut, split, train, predict, and write the folder.

    Parameters
    ----------
    cohort : Cohort
    endpoint : BinaryEndpoint
    network : str
        Name in :data:`gliofuse.deep.networks.NETWORKS`.
    sequences : sequence of str, optional
        Channels; ``None`` takes those that four patients in five have.
    preset : {"paper", "quick"}
        Of the images and of the training.
    changes : mapping, optional
        Training settings to replace.
    validation_fraction : float
        Share of each class that is put aside to choose the epoch; 0 keeps the last epoch.
    survival : SurvivalEndpoint, optional
        For a network with a survival head.
    weights : path or "imagenet", optional
    convention : str, optional
        Of the masks' labels; ``None`` takes the one that fits.
    region : str
        The tumour.
    seed : int
        Of the split, augmentation, initial weights and order.
    directory : path
        Gets the network, ``curves.csv`` and ``.svg``, ``predictions.csv``, ``excluded.csv``,
        ``failed_cases.csv`` and ``notes.csv``.
    cache : path, optional
        Folder of cut arrays; by default ``cache`` in ``directory``.
    workers : int or None
        Processes for cutting.
    counter, progress : callable, optional
        Told of the stages before, and of the training.

    Raises
    ------
    InputError
        If the network, a sequence or a setting is unknown, or too few patients remain.
    """
    if network not in NETWORKS:
        raise SettingError(f"network: got {network!r}; {did_you_mean(network, NETWORKS)}")
    spec = NETWORKS[network]
    if spec.needs_survival and survival is None:
        raise InputError(f"network {network!r} needs the survival of the patients: survival=...")
    settings = TrainingSettings.preset(network, preset, **dict(changes or {}))
    images = input_preset(network, preset)
    chosen = _sequences(cohort, sequences)
    outcome, unlabelled = endpoint.outcome(cohort.clinical)
    labels = outcome["y_true"]
    usable, lacking = cohort.subset(labels.index).with_sequences(chosen, mask=True)
    excluded = pd.concat([unlabelled, lacking], ignore_index=True)

    folder = Path(directory)
    count = counter or (lambda name, total: nullcontext(lambda done: None))
    found = convention or cohort_convention((case.mask for case in usable), workers=workers)
    build: Any = build_patches if isinstance(images.settings, PatchSettings) else build_slices
    with count(f"cutting {spec.input}", len(usable)) as advance:
        store: ArrayStore = build(
            usable,
            chosen,
            region,
            found,
            images.settings,
            cache_dir=folder / "cache" if cache is None else cache,
            workers=workers,
            progress=advance,
        )
    failures = store.failures
    kept = list(store.case_ids)
    shape = None
    if spec.needs_shape:
        shape, failed = _shape(usable.subset(kept), region, found, workers)
        failures = pd.concat([failures, failed], ignore_index=True)
        kept = [case_id for case_id in kept if case_id in shape.index]
    times = None
    if survival is not None:
        times = survival.outcome(cohort.clinical)[0].reindex(kept)
    training_ids, validation_ids = _split(labels.loc[kept], validation_fraction, seed)

    def dataset(case_ids: Sequence[str], *, augmented: bool) -> CaseDataset:
        return store.dataset(
            case_ids,
            labels,
            augmentation=augmentation_preset(images.augmentation) if augmented else None,
            center_crop=images.center_crop,
            shape=shape,
            survival=times,
            seed=seed,
        )

    training = dataset(training_ids, augmented=True)
    validation = dataset(validation_ids, augmented=False) if validation_ids else None
    trained = train_network(
        network,
        training,
        validation,
        settings=settings,
        directory=folder,
        seed=seed,
        weights=weights,
        progress=progress,
    )
    predictions = _predictions(trained, training, validation)
    write_csv(folder / "predictions.csv", predictions)
    write_csv(folder / "excluded.csv", excluded)
    write_csv(folder / "failed_cases.csv", failures)
    write_csv(folder / "notes.csv", store.notes)
    return CohortTraining(
        trained,
        predictions,
        excluded,
        failures,
        store.notes,
        training,
        validation,
        usable.subset(kept),
    )


def explain_patients(
    result: CohortTraining, directory: str | Path, *, patients: int = 4
) -> pd.DataFrame:
    """Write Grad-CAM maps and figures of some validation patients, of each class in turn.

    Without validation patients, training patients are taken.

    Returns
    -------
    pandas.DataFrame
        The shares of the heat, one row a patient; also written as ``heat_shares.csv``.
    """
    from gliofuse.deep.explain import explain_case

    dataset = result.training if result.validation is None else result.validation
    assert dataset.labels is not None
    by_class = [dataset.labels.index[dataset.labels == label] for label in (1, 0)]
    turns = [case_id for pair in zip(*by_class) for case_id in pair]
    rest = [case_id for case_id in dataset.case_ids if case_id not in turns]
    rows = [
        explain_case(
            result.trained, dataset, case_id, case=result.cohort[case_id], directory=directory
        )
        for case_id in [*turns, *rest][:patients]
    ]
    table = pd.DataFrame(rows)
    write_csv(Path(directory) / "heat_shares.csv", table)
    return table


def _sequences(cohort: Cohort, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the channels, in the order of :data:`SEQUENCES`, so that files fit each other."""
    if wanted is None:
        needed = _MOST * len(cohort)
        common = [s for s in cohort.sequences if sum(s in case.images for case in cohort) >= needed]
        if not common:
            raise InputError(
                f"no sequence is there for {_MOST:.0%} of the patients (there are "
                f"{', '.join(cohort.sequences)}): name those to use"
            )
        return tuple(common)
    for name in wanted:
        if name not in cohort.sequences:
            raise InputError(f"sequences: {did_you_mean(name, cohort.sequences)}; got {name!r}")
    return tuple(name for name in SEQUENCES if name in wanted)


def _shape(
    cohort: Cohort, region: str, convention: str, workers: int | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the 14 shape features, in the networks' order, and the patients without."""
    from gliofuse.radiomics import RadiomicsSettings, extract_cohort

    sequence = next(s for s in SEQUENCES if all(s in case.images for case in cohort))
    table, failures = extract_cohort(
        cohort,
        settings=RadiomicsSettings.preset("shape"),
        regions=(region,),
        sequences=(sequence,),  # shape is the mask's; any one image will do
        convention=convention,
        normalisation="minmax",
        workers=workers,
    )
    names = [f"{sequence}.{region}.original_shape_{name}" for name in SHAPE_FEATURES]
    return table[names].set_axis(list(SHAPE_FEATURES), axis=1), failures


def _split(labels: pd.Series, fraction: float, seed: int) -> tuple[list[str], list[str]]:
    if fraction == 0:
        return list(labels.index), []
    split = SplitSettings(kind="holdout", test_fraction=fraction, seed=seed)
    (fold,) = make_folds(split, labels, pd.DataFrame(index=labels.index))
    return list(fold.training), list(fold.test)


def _predictions(
    trained: TrainedNetwork, training: CaseDataset, validation: CaseDataset | None
) -> pd.DataFrame:
    parts = []
    for name, dataset in (("validation", validation), ("training (apparent)", training)):
        if dataset is None:
            continue
        table = trained.predict(dataset).reset_index()
        assert dataset.labels is not None
        table.insert(1, "cohort", name)
        table.insert(2, "y_true", dataset.labels.to_numpy())
        parts.append(table)
    return pd.concat(parts, ignore_index=True)
