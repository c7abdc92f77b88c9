"""Figures of merit from prediction tables: tables in, tables out, an interval on every estimate.

Nothing here draws, fits a model or reads a file. Missing values are refused with an error, not
dropped: who makes a prediction table lists the patients that have none as excluded.
"""

from gliofuse.evaluation.agreement import agreement_table, misjudged_by_all
from gliofuse.evaluation.auc import AUC, auc_delong, auc_within
from gliofuse.evaluation.calibration import (
    HOSMER_LEMESHOW_CAVEAT,
    HosmerLemeshow,
    calibration_curve,
    calibration_groups,
    calibration_summary,
    calibration_table,
    hosmer_lemeshow,
)
from gliofuse.evaluation.centers import (
    GIVEAWAY_V,
    RandomEffects,
    center_alone,
    center_summary,
    cramers_v,
    random_effects,
)
from gliofuse.evaluation.characteristics import characteristics_table, correlation_matrix
from gliofuse.evaluation.comparison import DeLongTest, delong_matrix, delong_test, holm
from gliofuse.evaluation.decision import (
    TREAT_ALL,
    TREAT_NONE,
    added_benefit,
    clinical_impact,
    decision_curve,
)
from gliofuse.evaluation.groups import group_levels, performance_by_group
from gliofuse.evaluation.inference import shares_training
from gliofuse.evaluation.metrics import METRICS, metrics_table
from gliofuse.evaluation.nomogram import (
    NomogramPoints,
    cox_nomogram,
    logistic_nomogram,
    nomogram_points,
)
from gliofuse.evaluation.optimism import optimism_table, plus_632
from gliofuse.evaluation.predictions import pool_columns, pool_predictions
from gliofuse.evaluation.reclassification import RECLASSIFICATION_CAVEAT, net_reclassification
from gliofuse.evaluation.roc import confusion, confusion_table, roc_points, youden_threshold
from gliofuse.evaluation.sample_size import sample_size_table
from gliofuse.evaluation.survival import (
    LOGRANK_WEIGHTS,
    Concordance,
    LogRank,
    brier_scores,
    cumulative_incidence,
    harrell_concordance,
    kaplan_meier,
    logrank,
    median_survival,
    null_brier_scores,
    observed_expected,
    restricted_mean,
    survival_added_benefit,
    survival_at,
    survival_calibration,
    survival_calibration_groups,
    survival_calibration_summary,
    survival_decision_curve,
    survival_development_size,
    time_auc,
    uno_concordance,
)

__all__ = [
    "AUC",
    "GIVEAWAY_V",
    "HOSMER_LEMESHOW_CAVEAT",
    "LOGRANK_WEIGHTS",
    "METRICS",
    "RECLASSIFICATION_CAVEAT",
    "TREAT_ALL",
    "TREAT_NONE",
    "Concordance",
    "DeLongTest",
    "HosmerLemeshow",
    "LogRank",
    "NomogramPoints",
    "RandomEffects",
    "added_benefit",
    "agreement_table",
    "auc_delong",
    "auc_within",
    "brier_scores",
    "calibration_curve",
    "calibration_groups",
    "calibration_summary",
    "calibration_table",
    "center_alone",
    "center_summary",
    "characteristics_table",
    "clinical_impact",
    "confusion",
    "confusion_table",
    "correlation_matrix",
    "cox_nomogram",
    "cramers_v",
    "cumulative_incidence",
    "decision_curve",
    "delong_matrix",
    "delong_test",
    "group_levels",
    "harrell_concordance",
    "holm",
    "hosmer_lemeshow",
    "kaplan_meier",
    "logistic_nomogram",
    "logrank",
    "median_survival",
    "metrics_table",
    "misjudged_by_all",
    "net_reclassification",
    "nomogram_points",
    "null_brier_scores",
    "observed_expected",
    "optimism_table",
    "performance_by_group",
    "plus_632",
    "pool_columns",
    "pool_predictions",
    "random_effects",
    "restricted_mean",
    "roc_points",
    "sample_size_table",
    "shares_training",
    "survival_added_benefit",
    "survival_at",
    "survival_calibration",
    "survival_calibration_groups",
    "survival_calibration_summary",
    "survival_decision_curve",
    "survival_development_size",
    "time_auc",
    "uno_concordance",
    "youden_threshold",
]
