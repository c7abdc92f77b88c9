"""Raw scans of a study, preprocessed before anything else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gliofuse.cohort import read_manifest
from gliofuse.compute import resolve_workers
from gliofuse.errors import ManifestError
from gliofuse.study.patients import Patients, load_patients
from gliofuse.study.progress import Progress
from gliofuse.study.settings import StudySettings

__all__ = ["patients_of"]


def patients_of(study: StudySettings, cache: Path, progress: Progress) -> Patients:
    """Return a study's patients; where it says how, their raw scans are preprocessed first.

    Parameters
    ----------
    study : StudySettings
    cache : Path
        Holds the preprocessed volumes, in ``preprocessed/``.
    progress : Progress

    Raises
    ------
    InputError
        If a file is not of its form, or no patient is left.
    """
    workers = resolve_workers(study.compute.workers)
    if study.preprocess is None:
        return load_patients(study, label_workers=workers)
    from gliofuse.preprocessing import STEPS, preprocess_cohort

    assert study.cohort is not None
    raw = read_manifest(study.cohort, check_files=False)
    folder = cache / "preprocessed"
    with progress.stage("preprocessing", len(raw), "patients") as count:
        done, failed = preprocess_cohort(
            raw, folder, study.preprocess, workers=workers, progress=count
        )
    for row in failed.itertuples():
        progress.say(f"{row.case_id} refused ({row.stage}): {row.error}")
    if not len(done):
        raise ManifestError(
            f"{study.cohort}: no patient came through preprocessing, for example "
            f"{failed['case_id'][0]}: {failed['error'][0]}; see {folder / 'index.html'}"
        )
    settings = study.preprocess
    steps = [step for step in STEPS if step in settings.steps]
    said = (
        f"{len(done)} of {len(raw)} patients' raw scans were preprocessed ({', '.join(steps)}; "
        f"{settings.space} space, voxels of {settings.spacing_mm:g} mm, grey values: "
        f"{settings.intensities}); pictures of each step: {folder / 'index.html'}"
    )
    progress.say(said)
    refused = pd.DataFrame(failed, columns=["case_id", "stage", "error"])
    return load_patients(
        study, label_workers=workers, manifest=folder / "cohort.csv"
    ).after_preprocessing(said, refused)
