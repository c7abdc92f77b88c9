"""Figures of merit where patients have a time to an event, possibly censored.

Times are in any one unit. Everything is of the cause-specific hazard: a competing cause counts as
censored, but for the cumulative incidence.
"""

from gliofuse.evaluation.survival.calibration import (
    observed_expected,
    survival_calibration,
    survival_calibration_groups,
    survival_calibration_summary,
)
from gliofuse.evaluation.survival.competing import cumulative_incidence
from gliofuse.evaluation.survival.concordance import (
    Concordance,
    harrell_concordance,
    uno_concordance,
)
from gliofuse.evaluation.survival.curves import (
    LOGRANK_WEIGHTS,
    LogRank,
    kaplan_meier,
    logrank,
    median_survival,
)
from gliofuse.evaluation.survival.decision import survival_added_benefit, survival_decision_curve
from gliofuse.evaluation.survival.product_limit import restricted_mean, survival_at
from gliofuse.evaluation.survival.sample_size import survival_development_size
from gliofuse.evaluation.survival.scores import brier_scores, null_brier_scores, time_auc

__all__ = [
    "LOGRANK_WEIGHTS",
    "Concordance",
    "LogRank",
    "brier_scores",
    "cumulative_incidence",
    "harrell_concordance",
    "kaplan_meier",
    "logrank",
    "median_survival",
    "null_brier_scores",
    "observed_expected",
    "restricted_mean",
    "survival_added_benefit",
    "survival_at",
    "survival_calibration",
    "survival_calibration_groups",
    "survival_calibration_summary",
    "survival_decision_curve",
    "survival_development_size",
    "time_auc",
    "uno_concordance",
]
