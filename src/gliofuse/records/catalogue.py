"""Every file of a run folder, a fold's folder and a comparison folder, in the order of a reader."""

from __future__ import annotations

from gliofuse.errors import RunError, did_you_mean
from gliofuse.records import (
    comparison,
    explanation,
    groups,
    hazards,
    patients,
    performance,
    predictions,
    run,
    survival,
)
from gliofuse.records.features import FEATURES
from gliofuse.records.files import DataFile, OtherFile, TableFile

__all__ = [
    "COMPARISON_FILES",
    "CONTACT_SHEET",
    "FIGURES",
    "FOLD_FILES",
    "GRADCAM",
    "REPORT",
    "RUN_FILES",
    "RUN_LOG",
    "STUDY",
    "fold_table",
    "table_named",
]

STUDY = OtherFile(
    "study.yaml",
    "The study as it was run, with every default written out; `gliofuse run` takes it.",
)
RUN_LOG = OtherFile("run.log", "What was said while it ran, with the time, and errors in full.")
COMPARISON_LOG = OtherFile("compare.log", "What was said while it ran, with the time.")
REPORT = OtherFile("report.html", "The report, which needs no other file.", optional=True)
FIGURES = OtherFile("figures/{name}.svg", "The report's figures, for a paper.", optional=True)
FOLD = OtherFile("folds/{fold}", "A fold's results, see below.")
CACHE = OtherFile(
    "features/cache", "Features and arrays patient by patient, unless the study names a cache."
)
COMPARISON_CACHE = OtherFile("cache", "Features that the designs share.", optional=True)
NETWORKS = OtherFile(
    "networks",
    "The trained networks, a folder each, which `gliofuse.deep.training.load_trained` reads; while "
    "one is in training, where it goes on after a stop.",
    optional=True,
)
GRADCAM = OtherFile(
    "gradcam/{model}/{case_id}.svg",
    "Where a network looks in a held-out patient, on slices.",
    optional=True,
)
GRADCAM_HEAT = OtherFile(
    "gradcam/{model}/{case_id}.nii.gz", "The same heat as an image.", optional=True
)
CONTACT_SHEET = OtherFile(
    "contact_sheet.png", "Slices of the patients whom every design misjudges.", optional=True
)
RUN_OF_DESIGN = OtherFile("{design}", "The run folder of a design.")

_JUDGED = (
    performance.METRICS,
    performance.ROC,
    performance.CONFUSION,
    performance.CLASS_CONFUSION,
    performance.DELONG,
    predictions.THRESHOLDS,
    performance.CALIBRATION,
    performance.CALIBRATION_SUMMARY,
    performance.DECISION_CURVE,
    performance.CLINICAL_IMPACT,
    performance.OPTIMISM,
    performance.RECALIBRATION,
    performance.CASE_MIX,
    survival.FOLLOW_UP,
    survival.CONCORDANCE,
    survival.BRIER_CURVE,
    survival.SCORE_CONTRASTS,
    survival.RISK_GROUPS,
    survival.RISK_TESTS,
    survival.CUMULATIVE_INCIDENCE,
    explanation.KAPLAN_MEIER,
    groups.CENTERS,
    groups.CENTER_SUMMARY,
    groups.CENTER_ALONE,
    groups.SUBGROUPS,
)
_OF_FOLDS = (
    predictions.APPARENT,
    explanation.SELECTED_FEATURES,
    explanation.CONTRIBUTIONS,
    explanation.COEFFICIENTS,
    explanation.MODEL_CHOICE,
    explanation.ODDS_RATIOS,
    hazards.HAZARD_RATIOS,
    hazards.PROPORTIONAL_HAZARDS,
    hazards.SCHOENFELD,
    explanation.CORRELATION,
    explanation.CURVES,
    explanation.NETWORK_PATIENTS,
)

RUN_FILES: tuple[DataFile, ...] = (
    STUDY,
    run.RUN,
    RUN_LOG,
    REPORT,
    FIGURES,
    patients.COHORT,
    patients.EXCLUDED,
    patients.FAILED_CASES,
    patients.NOTES,
    patients.SIMILAR,
    patients.FOLDS,
    patients.CHARACTERISTICS,
    patients.CENTER_CHARACTERISTICS,
    patients.MISSING,
    patients.SAMPLE_SIZE,
    predictions.PREDICTIONS,
    predictions.PREDICTIONS_CSV,
    *_JUDGED,
    performance.ADDED_BENEFIT,
    performance.PAPER_RESULTS,
    *_OF_FOLDS,
    explanation.HEAT_SHARES,
    GRADCAM,
    GRADCAM_HEAT,
    run.NOMOGRAM,
    explanation.NOMOGRAM_AXES,
    explanation.TIMING,
    FEATURES,
    CACHE,
    FOLD,
)
FOLD_FILES: tuple[DataFile, ...] = (
    run.DONE,
    predictions.FOLD_PREDICTIONS,
    *(table.of_one_fold() for table in _OF_FOLDS),
    NETWORKS,
)
COMPARISON_FILES: tuple[DataFile, ...] = (
    run.COMPARISON,
    COMPARISON_LOG,
    REPORT,
    FIGURES,
    RUN_OF_DESIGN,
    predictions.PREDICTIONS,
    *_JUDGED,
    comparison.AGREEMENT,
    comparison.MISJUDGED,
    CONTACT_SHEET,
    comparison.COMPARISON_TIMING,
    COMPARISON_CACHE,
)


def fold_table(name: str) -> TableFile | None:
    """Return the table of this name that folds write, as it stands in the run folder.

    ``None`` for a table of a design's own.
    """
    return next((table for table in _OF_FOLDS if table.name == name), None)


def table_named(name: str) -> TableFile:
    """Return the table of figures of merit with this name, in a run or a comparison.

    Raises
    ------
    RunError
        If no file of this name is declared.

    Examples
    --------
    >>> table_named("metrics").path
    'metrics.csv'
    """
    known = {
        file.name: file
        for file in (*RUN_FILES, *COMPARISON_FILES)
        if isinstance(file, TableFile) and (file in _JUDGED or file.path == f"{file.name}.csv")
    }
    if name not in known:
        raise RunError(f"no table {name!r} is declared for a run folder; "
                       f"{did_you_mean(name, known)}")  # fmt: skip
    return known[name]
