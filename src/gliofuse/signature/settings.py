"""Settings of the ready-made chains; importing this module loads no scikit-learn."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ImagingSignatureSettings", "IntegratedSignatureSettings", "SingleSequenceSettings"]

Scoring = Literal["roc_auc", "accuracy", "balanced_accuracy", "neg_log_loss"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    #: ``nested`` repeats the selection inside the folds of every inner choice, ``paper`` does not
    selection: Literal["nested", "paper"] = "nested"


class SingleSequenceSettings(_Settings):
    """Of `single_sequence_signature` (J Biotech Research 2024;17:146-158).

    The grid, the ten folds, p < 0.05 and the balanced weights are the paper's; the score of the
    grid, the folds of the LASSO and the seed are the project's.
    """

    alpha: float = Field(default=0.05, gt=0, le=1)
    lasso_scoring: Literal["mse", "auc"] = "mse"
    lasso_folds: int = Field(default=10, ge=2)
    lambdas: tuple[float, ...] = tuple(2.0**power for power in range(-10, 11))
    l1_ratios: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    folds: int = Field(default=10, ge=2)
    scoring: Scoring = "neg_log_loss"
    class_weight: Literal["balanced"] | None = "balanced"
    prior: Literal["training", "weighted"] = "training"
    seed: int = 0


class ImagingSignatureSettings(_Settings):
    """Of `imaging_signature` (Quant Imaging Med Surg 2024;14:251-263).

    p < 0.05, ten folds scored by AUC, AIC and "fewer than 20 features" are the paper's; that few
    patients a fold are scored by deviance is the project's.
    """

    alpha: float = Field(default=0.05, gt=0, le=1)
    lasso_scoring: Literal["auto", "auc", "deviance"] = "auto"
    lasso_rule: Literal["best", "one-se"] = "best"
    folds: int = Field(default=10, ge=2)
    max_features: int | Literal["n/10"] = "n/10"
    always_backward: bool = False
    classifier: Literal["logistic", "forest", "svm"] = "logistic"
    seed: int = 0


class IntegratedSignatureSettings(_Settings):
    """Of `integrated_signature` (Front Oncol 2022;12:969907).

    100 trees, eight features, RBF kernel and grid search are the paper's; the level of Levene's
    test, the folds and the grid's range are the project's.
    """

    alpha: float = Field(default=0.05, gt=0, le=1)
    center: Literal["median", "mean"] = "median"
    lasso_scoring: Literal["mse", "auc"] = "mse"
    top_k: int = Field(default=8, ge=1)
    trees: int = Field(default=100, ge=1)
    folds: int = Field(default=10, ge=2)
    scoring: Literal["roc_auc", "accuracy", "balanced_accuracy"] = "roc_auc"
    class_weight: Literal["balanced"] | None = None
    prior: Literal["training", "weighted"] = "training"
    seed: int = 0
