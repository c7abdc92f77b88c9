"""Figures of merit where a patient is of one of several classes.

Labels are names of classes, predictions a probability a class; every figure of merit has an
interval, and a class with too few patients to be judged is said to have them. The functions of two
classes are in :mod:`gliofuse.evaluation` and agree with these where both apply.
"""

from gliofuse.evaluation.multiclass.agreement import (
    called_patients,
    class_agreement_table,
    class_misjudged_by_all,
)
from gliofuse.evaluation.multiclass.auc import (
    MacroAUC,
    hand_till,
    macro_auc,
    macro_auc_within,
    one_vs_rest_auc,
)
from gliofuse.evaluation.multiclass.calibration import (
    class_calibration_curves,
    class_calibration_summary,
    class_roc_points,
)
from gliofuse.evaluation.multiclass.calls import (
    class_rates,
    cohen_kappa,
    confusion_counts,
    confusion_counts_table,
)
from gliofuse.evaluation.multiclass.comparison import macro_auc_matrix, macro_auc_test
from gliofuse.evaluation.multiclass.metrics import (
    CLASS_METRICS,
    MULTICLASS_METRICS,
    multiclass_metrics_table,
)
from gliofuse.evaluation.multiclass.scores import brier_scores, log_losses

__all__ = [
    "CLASS_METRICS",
    "MULTICLASS_METRICS",
    "MacroAUC",
    "brier_scores",
    "called_patients",
    "class_agreement_table",
    "class_calibration_curves",
    "class_calibration_summary",
    "class_misjudged_by_all",
    "class_rates",
    "class_roc_points",
    "cohen_kappa",
    "confusion_counts",
    "confusion_counts_table",
    "hand_till",
    "log_losses",
    "macro_auc",
    "macro_auc_matrix",
    "macro_auc_test",
    "macro_auc_within",
    "multiclass_metrics_table",
    "one_vs_rest_auc",
]
