"""A model that was loaded, and what it predicts of new patients."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from gliofuse.cohort import Case, Cohort, Endpoint
from gliofuse.designs import FittedDesign
from gliofuse.errors import InputError, did_you_mean
from gliofuse.features import qualify
from gliofuse.files import file_hash
from gliofuse.inputs import CaseData, Source, compute_inputs
from gliofuse.model.bundle import Bundle, read_bundle
from gliofuse.model.checks import check_clinical, check_images, clinical_values
from gliofuse.model.integrity import SUMS
from gliofuse.model.judged import judged
from gliofuse.model.prediction import Prediction, predictions_of

__all__ = ["TrainedModel", "load_model"]

_Path = str | PathLike[str]


def load_model(folder: str | Path, design_file: str | Path | None = None) -> TrainedModel:
    """Load a model that ``gliofuse export`` wrote; no code in its folder is run.

    Parameters
    ----------
    folder : path
    design_file : path, optional
        The file of a design of one's own: it is run, if it is the one that was fitted.

    Raises
    ------
    InputError
        If the folder holds no model, or is not as it was written; if the design's file is
        missing or another one.

    Examples
    --------
    >>> model = load_model("model")                                         # doctest: +SKIP
    >>> images = {"t1": "t1.nii.gz", "t1ce": "t1ce.nii.gz"}
    >>> found = model.predict(images, "mask.nii.gz", {"age": 54})           # doctest: +SKIP
    >>> found.probability, found.final.called                               # doctest: +SKIP
    (0.83, '>= 3')
    """
    return TrainedModel(read_bundle(folder, design_file))


class TrainedModel:
    """A fitted design, ready for new patients.

    What it says of a patient doesn't depend on who else is predicted.

    Parameters
    ----------
    bundle : Bundle

    Attributes
    ----------
    bundle : Bundle
    description : ModelDescription
    card : dict
        The model card.
    fitted : FittedDesign
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.description = bundle.description
        self.card = bundle.card
        self.fitted = bundle.fitted
        self.sha256 = file_hash(bundle.folder / SUMS, length=64)

    def __repr__(self) -> str:
        about = self.description
        return f"TrainedModel({about.design}: {self.endpoint.describe()}; {about.fitted_on})"

    @property
    def endpoint(self) -> Endpoint:
        """What is predicted."""
        return self.fitted.design.available.endpoint

    @property
    def sequences(self) -> tuple[str, ...]:
        """The sequences that a patient must have; none where the model reads a table."""
        if self.description.source == "table":
            return ()
        parts = (part for one in self.fitted.design.inputs for part in one.parts)
        read = {name for part in parts for name in getattr(part, "sequences", ())}
        return tuple(name for name in self.description.sequences if name in read)

    def predict(
        self,
        images: Mapping[str, _Path],
        mask: _Path | None = None,
        clinical: Mapping[str, Any] | None = None,
        *,
        case_id: str = "patient",
        cache: Path | None = None,
    ) -> Prediction:
        """Predict one patient from finished images: aligned, and as those that were learned from.

        Parameters
        ----------
        images : mapping of str to path
            By sequence.
        mask : path
            The tumour mask, in the geometry of the images.
        clinical : mapping, optional
            Values of the model's clinical variables; what is missing is filled as in training.
        case_id : str
        cache : pathlib.Path, optional
            Folder where features and slices are kept.

        Raises
        ------
        InputError
            If the model is one of a table, the images, mask or values are not those of one patient
            that it can be asked about, or an input could not be computed.
        """
        files = {name: Path(path) for name, path in images.items()}
        values = clinical_values(clinical, self.description.clinical)
        where = None if mask is None else Path(mask)
        return self.predict_case(Case(case_id, files, where, clinical=values), cache=cache)

    def predict_case(self, case: Case, *, cache: Path | None = None) -> Prediction:
        """Predict a patient of a manifest; see :meth:`predict`."""
        self._check_source("images")
        if cache is None:
            with tempfile.TemporaryDirectory(prefix="gliofuse-") as folder:
                return self.predict_case(case, cache=Path(folder))
        present = tuple(name for name in self.sequences if name in case.images)
        if present and present != self.sequences:
            part = self.fitted.design.without(self.fitted, present)
            if part is not None:
                return self._predicted_without(case, part, cache)
        data, doubts = self._asked(case, cache)
        found = self._predicted(data)[case.case_id].model_copy(
            update={"warnings": doubts, "mask": "given"}
        )
        return judged(found, self.bundle.parts, data, case, self.description.sequences)

    def explain_case(
        self, case: Case, folder: Path, *, class_index: int = 1, cache: Path | None = None
    ) -> dict[str, dict[str, Any]]:
        """Draw where the model's networks look in a patient of finished images.

        Parameters
        ----------
        case : Case
            With its mask.
        folder : pathlib.Path
            Gets a folder a network, with the heat as an image and as a figure.
        class_index : int
            The class that is explained; 1 is the positive one.
        cache : pathlib.Path, optional
            As for :meth:`predict_case`, whose inputs are then not computed again.

        Returns
        -------
        dict of str to dict
            By network what :func:`gliofuse.deep.explain.explain_case` returns; empty of a model
            without networks.

        Raises
        ------
        InputError
            As :meth:`predict_case`.
        """
        if not self.fitted.networks:
            return {}
        from gliofuse.deep.explain import explain_case

        data, _ = self._asked(case, cache)
        return {
            name: explain_case(
                network.trained,
                network.recipe.dataset(data, augmented=False, seed=0),
                case.case_id,
                case=case,
                directory=folder / name,
                class_index=class_index,
            )
            for name, network in self.fitted.networks.items()
        }

    def predict_table(
        self, features: pd.DataFrame, clinical: pd.DataFrame | None = None
    ) -> tuple[dict[str, Prediction], pd.DataFrame]:
        """Predict patients from their rows of a feature table.

        Parameters
        ----------
        features : pandas.DataFrame
            Index ``case_id``; holds every feature that the model was fitted on.
        clinical : pandas.DataFrame, optional
            Index ``case_id``; a patient without a row has no clinical value.

        Returns
        -------
        dict of str to Prediction
            By ``case_id``.
        pandas.DataFrame
            ``case_id, stage, error``: the patients who could not be predicted.

        Raises
        ------
        InputError
            If the model reads images, or the table lacks a feature.
        """
        self._check_source("table")
        table = self._features(features)
        known = pd.DataFrame(index=table.index) if clinical is None else clinical
        known = known.set_axis(known.index.astype(str)).reindex(table.index)
        values, doubts, failed = {}, {}, []
        for case_id in table.index:
            row = known.loc[case_id].to_dict()
            lacking = table.columns[table.loc[case_id].isna()]
            try:
                values[case_id], said = check_clinical(case_id, row, self.description.clinical)
            except InputError as error:
                failed.append((case_id, "checking", str(error)))
                continue
            if len(lacking):
                said = (
                    *said,
                    f"{lacking[0]} and {len(lacking) - 1} more features are missing: the training "
                    "patients' medians stand in",
                )
            doubts[case_id] = said
        failures = pd.DataFrame(failed, columns=["case_id", "stage", "error"])
        if not values:
            return {}, failures
        source = Source(features=table, seed=self.description.seed)
        computed = compute_inputs(self.fitted.design.inputs, source)
        data = self._data(computed.values, values)
        found = self._predicted(data)
        for case_id, one in found.items():
            doubted = one.model_copy(update={"warnings": doubts[case_id]})
            found[case_id] = judged(doubted, self.bundle.parts, data.subset((case_id,)))
        return found, failures

    def _predicted_without(self, case: Case, part: FittedDesign, cache: Path | None) -> Prediction:
        """Return what the models that can do without a sequence say; the best one leads."""
        about, known = self.description, self.description.held_out
        present = part.design.available.sequences
        models = tuple(one for one in about.models if one.name in part.names)
        best = max(models, key=lambda one: known[one.name].estimate if one.name in known else -1.0)
        data, doubts = self._asked(case, cache, part)
        scores = part.predict(data)
        found = predictions_of(
            about.model_copy(update={"models": models, "final_model": best.name}),
            self.endpoint,
            scores,
            part.contributions(data, scores),
        )[case.case_id]
        figure = known.get(best.name)
        said = "which nobody was held out for"
        if figure is not None:
            limits = (
                "" if figure.ci_low is None else f", {figure.ci_low:.2f} to {figure.ci_high:.2f}"
            )
            said = f"{figure.metric} {figure.estimate:.2f}{limits}, on held-out patients"
        lacking = ", ".join(name for name in self.sequences if name not in present)
        note = (
            f"no {lacking}: predicted by {best.label} alone ({said}), the best model of those that "
            f"need no {lacking}, not by {about.final_model}; whether the patient is like the "
            "training patients was not checked, and no class is ruled out"
        )
        return found.model_copy(
            update={"warnings": (note, *doubts), "mask": "given", "model_sha256": self.sha256}
        )

    def _asked(
        self, case: Case, cache: Path | None, part: FittedDesign | None = None
    ) -> tuple[CaseData, tuple[str, ...]]:
        """Return a patient's inputs, of the whole fit or a part, and what is doubtful of them."""
        from gliofuse.imaging import read_once

        about, fitted = self.description, part or self.fitted
        sequences = self.sequences if part is None else part.design.available.sequences
        values, doubts = check_clinical(case.case_id, case.clinical, about.clinical)
        source = Source(Cohort((case,)), convention=about.convention, cache=cache, seed=about.seed)
        with read_once():
            doubts = (*check_images(case, sequences, about.convention), *doubts)
            computed = compute_inputs(fitted.design.inputs, source)
        for row in computed.failures.itertuples():
            raise InputError(f"patient {case.case_id} ({row.stage}): {row.error}")
        notes = (str(note) for value in computed.values.values() for note in value.notes["note"])
        data = self._data(computed.values, {case.case_id: values})
        return data, (*doubts, *dict.fromkeys(notes))

    def _data(self, inputs: Mapping[str, Any], values: Mapping[str, Mapping[str, Any]]) -> CaseData:
        index = pd.Index(list(values), name="case_id")
        columns = [one.name for one in self.description.clinical]
        clinical = pd.DataFrame(list(values.values()), index=index, columns=columns)
        return CaseData(tuple(values), inputs, clinical)

    def _predicted(self, data: CaseData) -> dict[str, Prediction]:
        scores = self.fitted.predict(data)
        added = self.fitted.contributions(data, scores)
        found = predictions_of(self.description, self.endpoint, scores, added)
        entered = data.clinical.astype(object).where(data.clinical.notna(), None)
        return {
            case_id: one.model_copy(
                update={
                    "clinical": entered.loc[case_id].to_dict(),
                    "model_sha256": self.sha256,
                }
            )
            for case_id, one in found.items()
        }

    def _features(self, features: pd.DataFrame) -> pd.DataFrame:
        table = features.set_axis(features.index.astype(str)).rename_axis("case_id")
        if table.index.has_duplicates:
            twice = table.index[table.index.duplicated()][0]
            raise InputError(f"patient {twice!r} stands in two rows of the feature table")
        names = [qualify(str(name), self.description.table_sequence) for name in table.columns]
        table = table.set_axis(names, axis=1)
        lacking = [name for name in self.description.features if name not in table.columns]
        if lacking:
            raise InputError(
                f"the feature table lacks {lacking[0]!r} (one of {len(lacking)} of the model's "
                f"{len(self.description.features)}); {did_you_mean(lacking[0], names[:20])}"
            )
        return table[list(self.description.features)].apply(pd.to_numeric, errors="coerce")

    def _check_source(self, source: str) -> None:
        if self.description.source != source:
            needs = {"images": "images and a mask", "table": "a feature table (--features)"}
            raise InputError(
                f"{self.bundle.folder}: this model reads {needs[self.description.source]}"
            )
