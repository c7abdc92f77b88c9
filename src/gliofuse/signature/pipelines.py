"""The selection and scoring chains of the designs, as scikit-learn pipelines.

Everything that learns is a step, so a pipeline that is fitted on training patients and cloned in
every fold leaks nothing. With ``selection="nested"`` (the default) the steps that select are
repeated in the folds of every inner choice too (`NestedPipeline`); with ``"paper"`` those folds
see features that all of the chain's training patients chose, so that their scores pick a penalty
but are no measure of performance. ``people``, the person behind each row, keeps a person's rows
on one side of these folds. Tables are DataFrames (patients, features); names are kept
throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from gliofuse.errors import InputError
from gliofuse.signature._grid_logistic import LinearScorer
from gliofuse.signature.backward_aic import BackwardAIC
from gliofuse.signature.elastic_net import ElasticNetSignature
from gliofuse.signature.forest import ForestSignature
from gliofuse.signature.forest_topk import ForestTopK
from gliofuse.signature.impute import MedianImputer
from gliofuse.signature.lasso import LassoSelector
from gliofuse.signature.levene import LeveneSelector
from gliofuse.signature.logistic import LogisticScorer
from gliofuse.signature.nested import NestedPipeline, PeoplePipeline
from gliofuse.signature.settings import (
    ImagingSignatureSettings,
    IntegratedSignatureSettings,
    SingleSequenceSettings,
)
from gliofuse.signature.svm import SVMSignature
from gliofuse.signature.ttest import TTestSelector

__all__ = [
    "coefficients",
    "contributions",
    "imaging_signature",
    "integrated_signature",
    "linear_score",
    "selected_features",
    "single_sequence_signature",
]


def single_sequence_signature(
    settings: SingleSequenceSettings | None = None, *, people: pd.Series | None = None
) -> Pipeline:
    """Return the chain of one sequence's radiomic signature.

    Steps ``impute`` (missing features become the median), ``ttest``, ``minmax`` (of the training
    patients, applied unchanged and unclipped), ``lasso``, ``scorer`` (`ElasticNetSignature`).

    Examples
    --------
    >>> single_sequence_signature().named_steps["scorer"].folds
    10
    """
    chosen = settings or SingleSequenceSettings()
    return _chain(
        chosen.selection,
        people,
        ("impute", MedianImputer()),
        ("ttest", TTestSelector(chosen.alpha)),
        ("minmax", MinMaxScaler()),
        (
            "lasso",
            LassoSelector(
                scoring=chosen.lasso_scoring, folds=chosen.lasso_folds, random_state=chosen.seed
            ),
        ),
        (
            "scorer",
            ElasticNetSignature(
                lambdas=chosen.lambdas,
                l1_ratios=chosen.l1_ratios,
                folds=chosen.folds,
                scoring=chosen.scoring,
                class_weight=chosen.class_weight,
                prior=chosen.prior,
                random_state=chosen.seed,
            ),
        ),
    )


def imaging_signature(
    settings: ImagingSignatureSettings | None = None, *, people: pd.Series | None = None
) -> Pipeline:
    """Return the chain of one imaging model.

    Steps ``impute`` (features of a region that a patient lacks become the median), ``zscore``,
    ``ttest``, ``lasso`` (10 folds scored by AUC, or by deviance where they are small), ``backward``
    (`BackwardAIC`, which leaves the features alone where the rule of thumb already holds),
    ``scorer`` (logistic regression; forest or SVM for the paper's comparison).
    `linear_score` of the logistic one is the imaging score.

    Examples
    --------
    >>> list(imaging_signature().named_steps)
    ['impute', 'zscore', 'ttest', 'lasso', 'backward', 'scorer']
    """
    chosen = settings or ImagingSignatureSettings()
    scorers = {
        "logistic": LogisticScorer(),
        "forest": ForestSignature(random_state=chosen.seed),
        "svm": SVMSignature(folds=chosen.folds, random_state=chosen.seed),
    }
    return _chain(
        chosen.selection,
        people,
        ("impute", MedianImputer()),
        ("zscore", StandardScaler()),
        ("ttest", TTestSelector(chosen.alpha)),
        (
            "lasso",
            LassoSelector(
                scoring=chosen.lasso_scoring,
                rule=chosen.lasso_rule,
                folds=chosen.folds,
                random_state=chosen.seed,
            ),
        ),
        ("backward", BackwardAIC(chosen.max_features, always=chosen.always_backward)),
        ("scorer", scorers[chosen.classifier]),
    )


def integrated_signature(
    settings: IntegratedSignatureSettings | None = None, *, people: pd.Series | None = None
) -> Pipeline:
    """Return the chain of a grading model.

    Steps ``impute`` (missing features become the median), ``zscore``, ``levene``, ``lasso``,
    ``forest`` (importance, the best eight), ``scorer`` (`SVMSignature`).

    Examples
    --------
    >>> list(integrated_signature().named_steps)
    ['impute', 'zscore', 'levene', 'lasso', 'forest', 'scorer']
    """
    chosen = settings or IntegratedSignatureSettings()
    return _chain(
        chosen.selection,
        people,
        ("impute", MedianImputer()),
        ("zscore", StandardScaler()),
        ("levene", LeveneSelector(chosen.alpha, center=chosen.center)),
        (
            "lasso",
            LassoSelector(
                scoring=chosen.lasso_scoring, folds=chosen.folds, random_state=chosen.seed
            ),
        ),
        ("forest", ForestTopK(chosen.top_k, trees=chosen.trees, random_state=chosen.seed)),
        (
            "scorer",
            SVMSignature(
                folds=chosen.folds,
                scoring=chosen.scoring,
                class_weight=chosen.class_weight,
                prior=chosen.prior,
                random_state=chosen.seed,
            ),
        ),
    )


def _chain(selection: str, people: pd.Series | None, *steps: tuple[str, Any]) -> Pipeline:
    kind = NestedPipeline if selection == "nested" else PeoplePipeline
    return kind(list(steps), people=people).set_output(transform="pandas")


def selected_features(pipeline: Pipeline, names: Sequence[str] | None = None) -> list[str]:
    """Return the names of the features that reach the last step of a fitted pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    names : sequence of str, optional
        The columns it was fitted on, where that was an array; a DataFrame's are known.
    """
    check_is_fitted(pipeline)
    kept = [str(name) for name in pipeline[:-1].get_feature_names_out()]
    if names is None or hasattr(pipeline[0], "feature_names_in_"):
        return kept
    if len(names) != pipeline[0].n_features_in_:
        raise InputError(
            f"names must hold the {pipeline[0].n_features_in_} columns that the pipeline was "
            f"fitted on, got {len(names)}"
        )
    given = {f"x{position}": str(name) for position, name in enumerate(names)}
    return [given[name] for name in kept]


def coefficients(model: Any, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the coefficients of a fitted linear pipeline or scorer.

    They apply to the columns that reach the scorer, scaled as the steps before it scale them
    (and standardised where the scorer does that itself, as `RidgeSignature`).

    Parameters
    ----------
    model : Pipeline or scorer
        Fitted, with ``coef_`` and ``intercept_`` in its last step.
    names : sequence of str, optional
        The columns it was fitted on; needed where it was fitted on an array.

    Returns
    -------
    DataFrame
        term, coefficient; the row ``(intercept)`` first.

    Raises
    ------
    InputError
        If the last step is not linear.
    """
    scorer = model[-1] if isinstance(model, Pipeline) else model
    check_is_fitted(scorer)
    if not hasattr(scorer, "coef_"):
        raise InputError(
            f"coefficients needs a linear scorer, got {type(scorer).__name__}, which has none; "
            "use an ElasticNetSignature, RidgeSignature or LogisticScorer"
        )
    values = np.ravel(scorer.coef_)
    if isinstance(model, Pipeline) and len(model) > 1:
        terms = selected_features(model, names)
    elif names is not None:
        terms = [str(name) for name in names]
    else:
        terms = [
            str(name)
            for name in getattr(scorer, "feature_names_in_", [f"x{i}" for i in range(values.size)])
        ]
    if len(terms) != values.size:
        raise InputError(f"names must hold the model's {values.size} columns, got {len(terms)}")
    return pd.DataFrame(
        {
            "term": ["(intercept)", *terms],
            "coefficient": np.r_[np.ravel(scorer.intercept_)[0], values],
        }
    )


def contributions(model: Any, X: pd.DataFrame) -> pd.DataFrame:
    """Return what each term of a fitted linear pipeline or scorer adds to a patient's log-odds.

    Parameters
    ----------
    model : Pipeline or scorer
        Fitted and linear.
    X : DataFrame of shape (patients, features)

    Returns
    -------
    DataFrame
        Index of X; ``(intercept)`` and a column a term. A row's sum is the patient's log-odds.

    Raises
    ------
    InputError
        If the last step is not linear.
    """
    terms = coefficients(model).set_index("term")["coefficient"]
    scorer, columns = model, X
    if isinstance(model, Pipeline):
        scorer = model[-1]
        columns = model[:-1].transform(X) if len(model) > 1 else X
    if isinstance(scorer, LinearScorer):
        added = scorer.contributions(columns)
    else:
        added = np.asarray(columns, dtype=np.float64) * terms.to_numpy()[1:]
    values = np.column_stack([np.full(len(X), terms.iloc[0]), added])
    return pd.DataFrame(values, index=X.index, columns=list(terms.index))


def linear_score(model: Any, X: pd.DataFrame, *, intercept: bool = True) -> pd.Series:
    """Return each patient's sum of coefficient times feature, the log-odds of a linear model.

    Parameters
    ----------
    model : Pipeline or scorer
        Fitted and linear.
    X : DataFrame of shape (patients, features)
    intercept : bool, default=True
        Whether to add the intercept.

    Returns
    -------
    Series
        Index of X, name ``score``.
    """
    score = np.asarray(model.decision_function(X), dtype=np.float64)
    if not intercept:
        score = score - float(coefficients(model)["coefficient"].iloc[0])
    return pd.Series(score, index=X.index, name="score")
