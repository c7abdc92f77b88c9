"""Figures of merit from prediction tables: tables in, tables out, an interval on every estimate.

Nothing here draws, fits a model or reads a file. Missing values are refused with an error, not
dropped: who makes a prediction table lists the patients that have none as excluded.
"""

from gliofuse.evaluation.auc import AUC, DeLongTest, auc_delong, delong_matrix, delong_test, holm
from gliofuse.evaluation.metrics import METRICS, metrics_table
from gliofuse.evaluation.predictions import pool_predictions
from gliofuse.evaluation.roc import confusion, confusion_table, roc_points, youden_threshold

__all__ = [
    "AUC",
    "METRICS",
    "DeLongTest",
    "auc_delong",
    "confusion",
    "confusion_table",
    "delong_matrix",
    "delong_test",
    "holm",
    "metrics_table",
    "pool_predictions",
    "roc_points",
    "youden_threshold",
]
