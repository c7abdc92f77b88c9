"""Risk signatures of many features, and fitted survival designs made of them and of Cox models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.designs.framework.base import Design, FittedDesign
from gliofuse.designs.framework.classes import contributions_by_term
from gliofuse.designs.framework.context import FitContext
from gliofuse.designs.framework.cox import FittedCox, admitted, fit_cox, in_columns, risk_only
from gliofuse.designs.framework.networks import NetworkRecipe, NetworkSignature
from gliofuse.designs.framework.state import FittedState
from gliofuse.errors import SettingError
from gliofuse.inputs import CaseData
from gliofuse.records import Nomogram
from gliofuse.survival import CoxModel, ridge_signature, survival_signature

__all__ = [
    "SIGNATURE_METHODS",
    "FittedSignature",
    "FittedSurvival",
    "SignatureMethod",
    "SignaturePart",
    "check_method",
    "fit_integrated",
    "fit_signature",
    "restored_survival",
]

SignatureMethod = Literal["offset", "cox", "stability", "ridge", "paper"]

#: What each way of building a signature is, for a reader.
SIGNATURE_METHODS: dict[str, str] = {
    "offset": "forest and Cox elastic net on what the clinical risk leaves unexplained",
    "cox": "forest on martingale residuals, Cox elastic net",
    "stability": "the same, of features selected in most random halves of the patients",
    "ridge": "ridge Cox of all features",
    "paper": "forest on survival time, elastic net on it",
}


@dataclass(frozen=True)
class SignaturePart:
    """A fitted signature, whom it learned from, and what it reads: a sequence's features, and
    those of a network."""

    estimator: Any
    case_ids: tuple[str, ...]
    network: NetworkSignature | None = None
    suffix: str = ""
    sequence: str = ""


@dataclass(frozen=True)
class FittedSignature:
    """One signature, of one part or of the mean of several.

    Attributes
    ----------
    parts : tuple of SignaturePart
    known : pandas.Series
        The training patients' scores from fits that did not see them.
    scale : CoxModel
        Of these scores alone: what a score means for survival.
    features : callable
        Gives the features of patients for a part.
    """

    parts: tuple[SignaturePart, ...]
    known: pd.Series
    scale: CoxModel
    features: Callable[[CaseData, SignaturePart], pd.DataFrame]

    def state(self) -> FittedState:
        """Return the parts and the scale, for :meth:`restored`."""
        parts = {}
        for number, part in enumerate(self.parts):
            own = {} if part.network is None else {"network": part.network.portable()}
            values = {"suffix": part.suffix, "sequence": part.sequence}
            parts[str(number)] = FittedState({"estimator": part.estimator}, own, values)
        scale = FittedState(values={"scale": self.scale.as_dict(), "parts": len(self.parts)})
        joined = FittedState.joined(parts)
        return replace(joined, values={**joined.values, **scale.values})

    @classmethod
    def restored(
        cls,
        state: FittedState,
        features: Callable[[CaseData, SignaturePart], pd.DataFrame],
        recipe: NetworkRecipe | None = None,
    ) -> FittedSignature:
        """Return the signature that a state was taken of, without its training patients."""
        parts = []
        for number in range(state.values["parts"]):
            own = state.part(str(number))
            kept = own.networks.get("network")
            network = None
            if kept is not None and recipe is not None:
                network = NetworkSignature.restored(recipe, kept)
            parts.append(SignaturePart(own.estimators["estimator"], (), network, **own.values))
        scale = CoxModel.from_dict(state.values["scale"])
        return cls(tuple(parts), pd.Series(dtype=float), scale, features)

    def score(self, data: CaseData) -> pd.Series:
        """Return the signature of patients, by ``case_id``."""
        scores = [part.estimator.risk(self.features(data, part)) for part in self.parts]
        return pd.concat(scores, axis=1).mean(axis=1).rename("signature")

    @property
    def selected(self) -> pd.DataFrame:
        """The features with their coefficients, ``feature, coefficient``."""
        tables = [part.estimator.selected_features_ for part in self.parts]
        return pd.concat(tables, ignore_index=True)


def fit_signature(
    method: SignatureMethod,
    training: CaseData,
    parts: Mapping[tuple[str, ...], tuple[NetworkSignature | None, str]],
    features: Callable[[CaseData, SignaturePart], pd.DataFrame],
    context: FitContext,
    *,
    sequence: str = "",
    top_k: int = 10,
    trees: int = 100,
    folds: int = 5,
    offset: pd.Series | None = None,
) -> FittedSignature:
    """Fit a signature on training patients, of which the parts may see different ones.

    Parameters
    ----------
    method : str
        Of :data:`SIGNATURE_METHODS`.
    training : CaseData
    parts : mapping
        The patients of each part, and the network (with the suffix of its features' names) that
        it reads.
    features : callable
    context : FitContext
    sequence : str, optional
        The one whose features the parts read; empty for all.
    top_k, trees : int
        Features that the forest keeps, and its trees.
    folds : int
        Of the choice of the penalty, and of the out-of-fold scores.
    offset : pandas.Series, optional
        The clinical model's out-of-fold risk, beyond which method ``offset`` learns.
    """
    fitted, known = [], []
    for case_ids, (network, suffix) in parts.items():
        own = training.subset(case_ids)
        part = SignaturePart(None, case_ids, network, suffix, sequence)
        table = features(own, part)
        estimator = _estimator(method, context, top_k=top_k, trees=trees, folds=folds)
        given = None if offset is None or method != "offset" else offset.loc[list(case_ids)]
        people = None if context.groups is None else context.groups.loc[list(case_ids)]
        estimator.fit(table, own.survival, offset=given, people=people)
        fitted.append(replace(part, estimator=estimator))
        known.append(estimator.held_out_)
    scores = pd.concat(known).groupby(level=0, sort=False).mean().rename("signature")
    scores = scores.loc[list(training.case_ids)]
    return FittedSignature(tuple(fitted), scores, _scale(scores, training), features)


def check_method(method: str | None, clinical: tuple[str, ...]) -> None:
    """Refuse a signature beyond the clinical risk where there is none.

    Raises
    ------
    SettingError
        If the method is ``offset`` and no covariate is named.
    """
    if method == "offset" and not clinical:
        raise SettingError(
            "method 'offset' learns what the clinical risk leaves unexplained, and no covariates "
            "are named: give --covariates, or --set method=cox"
        )


def fit_integrated(
    signature: FittedSignature,
    clinical: FittedCox,
    training: CaseData,
    context: FitContext,
    *,
    admit: Literal["gain", "always"],
    **options: Any,
) -> tuple[FittedCox, bool]:
    """Return the Cox model of clinical terms and a signature, and whether the signature is in it.

    Parameters
    ----------
    signature : FittedSignature
    clinical : FittedCox
        Of the clinical terms alone; it is the integrated model too where the signature stays out.
    training : CaseData
    context : FitContext
    admit : {"gain", "always"}
        Whether it must gain out of fold, as :func:`~.cox.admitted` says, or enters in any case.
    **options
        As for :func:`~.cox.fit_cox`.
    """
    if admit == "gain" and not admitted(signature.known, training, clinical):
        return clinical, False
    score = signature.known.to_frame()
    columns, endpoint = clinical.coding.columns, clinical.endpoint
    return fit_cox(training, columns, endpoint, context, beside=score, **options), True


def _estimator(method: str, context: FitContext, *, top_k: int, trees: int, folds: int) -> Any:
    if method == "ridge":
        return ridge_signature(folds=folds, seed=context.seed)
    return survival_signature(
        k=top_k,
        trees=trees,
        folds=folds,
        target="time" if method == "paper" else "martingale",
        weights="time" if method == "paper" else "cox",
        stability=0.5 if method == "stability" else None,
        seed=context.seed,
    )


def _scale(scores: pd.Series, training: CaseData) -> CoxModel:
    """Return the Cox model of the scores; one that has the order reversed says nothing."""
    table, y = scores.to_frame(), training.survival
    model = CoxModel(penalty=1 / len(table)).fit(table, y)
    if model.coefficients_["signature"] >= 0:
        return model
    return CoxModel().fit(table * 0.0, y)


class FittedSurvival(FittedDesign):
    """Networks, signatures and Cox models, by the names of the design's models.

    Parameters
    ----------
    design : Design
    endpoint : SurvivalEndpoint
    networks : mapping of str to NetworkSignature
    signatures : mapping of str to FittedSignature
    cox : mapping of str to FittedCox
    beside : mapping of str to str
        The signature that a Cox model has beside its clinical terms, where it has one.
    outcome : pandas.DataFrame
        The training patients' times and events, for the tables of hazard ratios.
    """

    def __init__(
        self,
        design: Design,
        endpoint: SurvivalEndpoint,
        networks: Mapping[str, NetworkSignature],
        signatures: Mapping[str, FittedSignature],
        cox: Mapping[str, FittedCox],
        beside: Mapping[str, str],
        outcome: pd.DataFrame,
    ) -> None:
        super().__init__(design, networks)
        self.endpoint = endpoint
        self.signatures = dict(signatures)
        self.cox = dict(cox)
        self.beside = dict(beside)
        self.outcome = outcome

    def state(self) -> FittedState:
        """Return signatures, Cox models and networks, for :func:`restored_survival`."""
        parts = {f"signature.{name}": one.state() for name, one in self.signatures.items()}
        parts |= {f"cox.{name}": one.state() for name, one in self.cox.items()}
        joined, found = FittedState.joined(parts), super().state()
        values = {
            "signatures": list(self.signatures),
            "cox": list(self.cox),
            "beside": self.beside,
        }
        return FittedState(
            joined.estimators,
            {**joined.networks, **found.networks},
            {**joined.values, **values},
        )

    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return each model's risk and survival at the horizons, by ``case_id``."""
        found = {}
        scores = {name: one.score(data) for name, one in self.signatures.items()}
        for name in self.names:
            if name in self.cox:
                own = self.beside.get(name)
                score = None if own is None else scores[own].to_frame()
                found[name] = self.cox[name].predict(data, score)
            elif name in self.signatures:
                scale = self.signatures[name].scale
                found[name] = in_columns(scale, scores[name].to_frame(), self.endpoint)
            else:
                risk = self.networks[name].patients(data)["risk"]
                found[name] = risk_only(risk, self.endpoint)
        return pd.concat(found, axis=1).rename_axis(index="case_id")

    def out_of_fold(self) -> dict[str, pd.DataFrame]:
        """Return the training patients' predictions from fits that did not see them."""
        found = {
            name: in_columns(one.scale, one.known.to_frame(), self.endpoint)
            for name, one in self.signatures.items()
        }
        return found | {name: one.known for name, one in self.cox.items()}

    def contributions(self, data: CaseData, predicted: pd.DataFrame) -> pd.DataFrame:
        """Return what each clinical term and signature adds to the Cox models."""
        found = []
        for name, one in self.cox.items():
            own = self.beside.get(name)
            score = None if own is None else self.signatures[own].score(data).to_frame()
            added = contributions_by_term(one.contributions(data, score))
            found.append(added.assign(model=name))
        none = super().contributions(data, predicted)
        return pd.concat(found, ignore_index=True) if found else none

    def selected_features(self, data: CaseData) -> pd.DataFrame | None:
        """Return the values of the features of the final model's signature."""
        name = self.beside.get(self.design.final_model, self.design.final_model)
        if name not in self.signatures:
            return None
        signature = self.signatures[name]
        tables = [
            signature.features(data, part)[list(part.estimator.selected_features_["feature"])]
            for part in signature.parts
        ]
        table = pd.concat(tables, axis=1)
        return table.loc[:, ~table.columns.duplicated()]

    def nomograms(self) -> dict[str, Nomogram | None]:
        """Return the Cox models with clinical terms, the final one first."""
        final = self.design.final_model
        ordered = sorted(self.cox, key=lambda name: name != final)
        shown = [name for name in ordered if name in (final, "clinical")]
        return {name: self.cox[name].nomogram() for name in shown}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return signatures' features, Cox coefficients, hazard ratios and their tests."""
        from gliofuse.survival import univariate_table

        selected = [one.selected.assign(model=name) for name, one in self.signatures.items()]
        found = super().tables()
        if any(len(table) for table in selected):
            found["selected_features"] = pd.concat(selected, ignore_index=True)
        ratios, hazards, residuals = [], [], []
        for name, one in self.cox.items():
            plain = CoxModel().fit(one.table, self.outcome)
            single = univariate_table(one.table, self.outcome, variables=one.variables)
            for kind, table in (("univariable", single), ("multivariable", plain.summary())):
                ratios.append(table.assign(model=name, kind=kind, n=plain.n_, events=plain.events_))
            hazards.append(plain.proportional_hazards(variables=one.variables).assign(model=name))
            residuals.append(plain.schoenfeld().assign(model=name))
        if ratios:
            found["hazard_ratios"] = pd.concat(ratios, ignore_index=True)
            found["proportional_hazards"] = pd.concat(hazards, ignore_index=True)
            found["schoenfeld"] = pd.concat(residuals, ignore_index=True)
        return found


def restored_survival(
    design: Design,
    state: FittedState,
    features: Callable[[CaseData, SignaturePart], pd.DataFrame],
    recipes: Mapping[str, NetworkRecipe] | None = None,
) -> FittedSurvival:
    """Return the fitted survival design that a state was taken of.

    Parameters
    ----------
    design : Design
    state : FittedState
    features : callable
        Gives the features of patients for a part of a signature.
    recipes : mapping of str to NetworkRecipe, optional
        Of the networks by model; the signatures read networks of the first.
    """
    endpoint = design.available.endpoint
    assert isinstance(endpoint, SurvivalEndpoint)
    recipes = recipes or {}
    recipe = next(iter(recipes.values()), None)
    signatures = {
        name: FittedSignature.restored(state.part(f"signature.{name}"), features, recipe)
        for name in state.values["signatures"]
    }
    cox = {
        name: FittedCox.restored(state.part(f"cox.{name}"), endpoint)
        for name in state.values["cox"]
    }
    networks = {
        name: NetworkSignature.restored(own, state.networks[name]) for name, own in recipes.items()
    }
    none = pd.DataFrame(columns=["time", "event"])
    return FittedSurvival(design, endpoint, networks, signatures, cox, state.values["beside"], none)
