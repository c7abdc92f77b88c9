"""Signatures: one risk from many features, with the training patients' risks out of fold."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from gliofuse.errors import InputError, SettingError, did_you_mean
from gliofuse.signature import MedianImputer
from gliofuse.signature.nested import InnerFold
from gliofuse.survival._checks import Float, check_outcome
from gliofuse.survival.elastic_net import CoxElasticNet, event_folds
from gliofuse.survival.forest import MartingaleForestTopK
from gliofuse.survival.time_net import TimeElasticNet

__all__ = ["SurvivalSignature", "ridge_signature", "survival_signature"]

_WEIGHTS = ("cox", "time")


#: Standard deviations from the training patients' mean beyond which a value counts as lying there:
#: radiomic features are skewed, and a linear predictor would follow a new patient's energy to ten.
_FARTHEST = 4.0


def _bounded(z: pd.DataFrame) -> pd.DataFrame:
    return z.clip(-_FARTHEST, _FARTHEST)


class SurvivalSignature(BaseEstimator):
    """Median imputation, z-score within 4, forest selection, Cox elastic net, as one estimator.

    The penalty is chosen on folds in which everything before it is fitted anew. ``held_out_`` goes
    one further: each fold's patients get the risk of a chain that was fitted, penalty included, on
    the other folds alone. The inner folds of such a chain are those other folds, so that each pair
    of folds is left out once for both of its members. What a later model learns from must be
    ``held_out_``; ``risk`` of training patients is too good.

    Where cross-validation finds that no feature helps, the signature is the constant 0 and
    ``null_`` is set; where it finds so for a held-out fold alone, that fold's risks are 0.

    Parameters
    ----------
    selector : MartingaleForestTopK or None
        None offers all features to the net.
    net : CoxElasticNet or TimeElasticNet
        Default the former. Its own folds are not used.
    folds : int, default=5
        Stratified by event; no more than there are events.
    random_state : int, default=0
        Of the folds.

    Attributes
    ----------
    selected_features_ : DataFrame
        feature, coefficient (per standard deviation of the feature), frequency (of its selection);
        features of coefficient 0 left out, the largest first.
    held_out_ : Series
        Training patients' risk out of fold, name ``risk``.
    null_ : bool
    net_ : CoxElasticNet or TimeElasticNet
        The net of all training patients, with its path of penalties.
    null_folds_ : int
        Held-out folds whose signature is the constant 0.
    """

    def __init__(
        self,
        selector: MartingaleForestTopK | None = None,
        net: CoxElasticNet | TimeElasticNet | None = None,
        *,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.selector = selector
        self.net = net
        self.folds = folds
        self.random_state = random_state

    def fit(
        self,
        X: pd.DataFrame,
        y: pd.DataFrame,
        *,
        offset: pd.Series | None = None,
        people: pd.Series | None = None,
    ) -> Self:
        """Fit on training patients.

        Parameters
        ----------
        X : DataFrame of shape (patients, features)
            NaN where a feature is missing.
        y : DataFrame
            time, event; index of X.
        offset : Series, optional
            Each patient's log hazard by a clinical model, best out of fold: the signature is then
            what the features add to it.
        people : Series, optional
            The person behind each row, by the index of X: all rows of a person are on one side of
            every fold.

        Raises
        ------
        InputError
            If X has no such form, or offset or people lack a patient.
        EndpointError
            If fewer than three patients have the event.
        """
        event = check_outcome(y, events=3)[1]
        _check_features(X, y)
        own_offset = None if offset is None else _aligned("offset", offset, X).to_numpy(float)
        who = None if people is None else pd.factorize(_aligned("people", people, X))[0]
        splits = event_folds(event, max(self.folds, 3), self.random_state, who)
        chains = _Chains(self, X, y, own_offset, splits)
        self._chain, self.net_ = chains.fitted(())
        held_out = np.zeros(len(X))
        self.null_folds_ = 0
        for number, (_, test) in enumerate(splits):
            prepare, net = chains.fitted((number,))
            held_out[test] = net.predict(prepare.transform(X.iloc[test]))
            self.null_folds_ += net.null_
        self.held_out_ = pd.Series(held_out, index=X.index, name="risk")
        self.null_ = self.net_.null_
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    @property
    def selected_features_(self) -> pd.DataFrame:
        """The features with weight; the net's columns are z-scores."""
        check_is_fitted(self, "net_")
        if self.selector is None:
            names, frequency = self.feature_names_in_, np.ones(self.feature_names_in_.size)
        else:
            forest = self._chain.named_steps["forest"]
            names = forest.get_feature_names_out()
            frequency = forest.frequency_[forest.selected_]
        table = pd.DataFrame(
            {"feature": names, "coefficient": self.net_.coef_, "frequency": frequency}
        )
        table = table[table["coefficient"] != 0]
        order = table["coefficient"].abs().sort_values(ascending=False, kind="stable").index
        return table.loc[order].reset_index(drop=True)

    def risk(self, X: pd.DataFrame) -> pd.Series:
        """Return each patient's log relative hazard; an offset is not part of it.

        Raises
        ------
        InputError
            If X lacks a feature that the signature was fitted on.
        """
        check_is_fitted(self, "net_")
        lacking = [name for name in self.feature_names_in_ if name not in X.columns]
        if lacking:
            raise InputError(f"X lacks the feature {lacking[0]!r} (one of {len(lacking)})")
        values = self._chain.transform(X[list(self.feature_names_in_)])
        return pd.Series(self.net_.predict(values), index=X.index, name="risk")


class _Chains:
    """The chains of one fit, by the folds that they leave out; what two share is fitted once."""

    def __init__(
        self,
        signature: SurvivalSignature,
        X: pd.DataFrame,
        y: pd.DataFrame,
        offset: Float | None,
        splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    ) -> None:
        self.selector, self.net = signature.selector, signature.net or CoxElasticNet()
        self.X, self.y, self.offset = X, y, offset
        self.tests = [test for _, test in splits]
        self._prepared: dict[Hashable, Pipeline] = {}

    def rows(self, left_out: tuple[int, ...]) -> NDArray[np.intp]:
        """Return the patients outside some folds, in order."""
        kept = [test for number, test in enumerate(self.tests) if number not in left_out]
        return np.sort(np.concatenate(kept))

    def _offset(self, rows: NDArray[np.intp]) -> Float | None:
        return None if self.offset is None else self.offset[rows]

    def prepared(self, left_out: tuple[int, ...]) -> Pipeline:
        """Return what comes before the net, fitted outside some folds."""
        key = frozenset(left_out)
        if key not in self._prepared:
            rows = self.rows(left_out)
            steps: list[tuple[str, Any]] = [
                ("impute", MedianImputer().set_output(transform="pandas")),
                ("zscore", StandardScaler().set_output(transform="pandas")),
                ("bound", FunctionTransformer(_bounded).set_output(transform="pandas")),
            ]
            options = {}
            if self.selector is not None:
                steps.append(("forest", clone(self.selector)))
                options["forest__offset"] = self._offset(rows)
            pipeline = Pipeline(steps)
            self._prepared[key] = pipeline.fit(self.X.iloc[rows], self.y.iloc[rows], **options)
        return self._prepared[key]

    def fitted(self, left_out: tuple[int, ...]) -> tuple[Pipeline, CoxElasticNet | TimeElasticNet]:
        """Return the chain that is fitted outside some folds, its penalty chosen there too."""
        rows = self.rows(left_out)
        inner = []
        for number, test in enumerate(self.tests):
            if number in left_out:
                continue
            training = self.rows((*left_out, number))
            if not self.y["event"].iloc[training].any():
                continue
            before = self.prepared((*left_out, number))
            inner.append(
                InnerFold(
                    np.searchsorted(rows, training),
                    np.searchsorted(rows, test),
                    np.asarray(before.transform(self.X.iloc[training])),
                    np.asarray(before.transform(self.X.iloc[test])),
                )
            )
        before = self.prepared(left_out)
        net = clone(self.net).fit(
            np.asarray(before.transform(self.X.iloc[rows])),
            self.y.iloc[rows],
            offset=self._offset(rows),
            inner=inner,
        )
        return before, net


def _check_features(X: Any, y: pd.DataFrame) -> None:
    if not isinstance(X, pd.DataFrame) or X.shape[1] == 0:
        got = f"shape {X.shape}" if isinstance(X, pd.DataFrame) else type(X).__name__
        raise InputError(f"X must be a DataFrame with one feature or more, got {got}")
    if X.index.has_duplicates:
        double = X.index[X.index.duplicated()][0]
        raise InputError(f"X must hold one row a patient: {double!r} comes twice")
    if not X.index.equals(y.index):
        raise InputError(
            f"X and y must hold the same patients in the same order, got {len(X)} and {len(y)} rows"
        )


def _aligned(name: str, values: pd.Series, X: pd.DataFrame) -> pd.Series:
    own = pd.Series(values).reindex(X.index)
    if own.isna().any():
        raise InputError(
            f"{name} must have a value for every patient: {own.index[own.isna()][0]!r} has none "
            f"(one of {int(own.isna().sum())})"
        )
    return own


def survival_signature(
    *,
    k: int = 10,
    target: str = "martingale",
    weights: str = "cox",
    l1_ratio: float = 0.5,
    rule: str = "best",
    stability: float | None = None,
    subsamples: int = 25,
    trees: int = 100,
    folds: int = 5,
    seed: int = 0,
) -> SurvivalSignature:
    """Return the chain z-score, forest (the best ``k``), elastic net.

    Parameters
    ----------
    k : int
        Features that the forest hands on; ten in the paper.
    target : {"martingale", "time"}
        What the forest learns: martingale residuals, or the paper's survival time.
    weights : {"cox", "time"}
        What the elastic net is of: Cox's partial likelihood, or linear regression of the time, as
        the paper may have meant it; that risk is no log hazard, and takes no offset.
    l1_ratio : float
        Mixture of the elastic net.
    rule : {"best", "one-se"}
        How cautious the penalty is (``weights="cox"`` alone).
    stability : float, optional
        Keep only features that the forest has among its best in at least this share of
        ``subsamples`` random halves of the patients; there may be none.
    trees, folds, seed : int

    References
    ----------
    Front Oncol 2022;12:969907 (z-score, forest on survival time, ten features, elastic net).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(80, 30))).add_prefix("f")
    >>> y = pd.DataFrame({"time": rng.exponential(np.exp(-1.5 * X["f3"])), "event": 1})
    >>> signature = survival_signature(trees=20, folds=3).fit(X, y)
    >>> signature.selected_features_["feature"][0], signature.held_out_.shape
    ('f3', (80,))
    """
    if stability is not None and not 0 < stability <= 1:
        raise SettingError(f"stability must be above 0 and up to 1, got {stability!r}")
    selector = MartingaleForestTopK(
        k,
        trees=trees,
        target=target,
        subsamples=0 if stability is None else subsamples,
        threshold=0.5 if stability is None else stability,
        random_state=seed,
    )
    if weights not in _WEIGHTS:
        raise SettingError(f"weights got {weights!r}; {did_you_mean(weights, _WEIGHTS)}")
    net: CoxElasticNet | TimeElasticNet = (
        CoxElasticNet(l1_ratios=l1_ratio, rule=rule)
        if weights == "cox"
        else TimeElasticNet(l1_ratio=l1_ratio)
    )
    return SurvivalSignature(selector, net, folds=folds, random_state=seed)


def ridge_signature(*, rule: str = "best", folds: int = 5, seed: int = 0) -> SurvivalSignature:
    """Return a ridge Cox model on the z-scores of all features."""
    net = CoxElasticNet(l1_ratios=0.0, penalties=20, rule=rule)
    return SurvivalSignature(None, net, folds=folds, random_state=seed)
