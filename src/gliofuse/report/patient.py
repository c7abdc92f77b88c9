"""One patient's page: what a model says, what it rests on, and whether to trust it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gliofuse.cohort import Case
from gliofuse.errors import InputError
from gliofuse.evaluation import nomogram_points
from gliofuse.files import write_text
from gliofuse.model.description import ModelDescription
from gliofuse.model.prediction import Prediction
from gliofuse.records import Nomogram
from gliofuse.report.page import HERE, environment
from gliofuse.report.sections.nomogram.figure import draw_nomogram
from gliofuse.report.style import new_figure, tidy, to_svg
from gliofuse.report.wording import metric_label, signs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["write_patient_report"]

PICTURE = "images.png"


def write_patient_report(
    prediction: Prediction,
    description: ModelDescription,
    folder: str | Path,
    *,
    case: Case | None = None,
    card: Mapping[str, Any] | None = None,
    heat: Mapping[str, Path] | None = None,
) -> Path:
    """Write ``report.html`` of one prediction: one file that needs nothing else.

    Parameters
    ----------
    prediction : Prediction
    description : ModelDescription
        Of the model.
    folder : path
        Gets the page, and ``images.png`` where there are images.
    case : Case, optional
        The patient's files; the mask's outline is drawn on them.
    card : mapping, optional
        The model card; its figures of the final model are shown.
    heat : mapping of str to path, optional
        Figures (SVG) of where each network looks, by its label.

    Returns
    -------
    Path
        The page.
    """
    target = Path(folder)
    picture = None
    if case is not None and case.images:
        from gliofuse.imaging.pictures import case_picture, contact_sheet

        shown = [name for name in description.sequences if name in case.images]
        picture = contact_sheet([case_picture(case, shown)], target / PICTURE, sequences=shown)
    final = prediction.final
    known = description.known_scores.get(prediction.final_model)
    told = final.probability if final.risk is None else final.risk
    whole = prediction.final_model == description.final_model  # else a sequence is missing
    marked = _position(description.nomogram, prediction) if whole else None
    figures = {
        "nomogram": to_svg(draw_nomogram, description.nomogram, marked) if marked else None,
        "contributions": to_svg(_draw_contributions, final.contributions),
        "place": to_svg(_draw_place, known, told, final.threshold) if known else None,
        "survival": to_svg(_draw_survival, final.survival),
    }
    page = (
        environment()
        .get_template("patient.html.j2")
        .render(
            prediction=prediction,
            description=description,
            outcome=signs(prediction.outcome),
            final=final,
            figures=figures,
            heat={name: path.read_text(encoding="utf-8") for name, path in (heat or {}).items()},
            picture=None if picture is None else str(picture),
            flags=prediction.checks.get("familiarity") or [],
            sets=prediction.checks.get("prediction_set") or {},
            metrics=_of_card(card),
            style=(HERE / "templates" / "style.css").read_text(encoding="utf-8"),
        )
    )
    path = target / "report.html"
    write_text(path, page)
    return path


def _position(model: Nomogram | None, prediction: Prediction) -> dict[str, float] | None:
    """Return the patient's points on the final model's nomogram, if there is one."""
    final = prediction.final
    if model is None:
        return None
    if model.link == "cox":
        predictor = final.risk
    else:
        chance = final.probability
        known = chance is not None and 0 < chance < 1
        predictor = math.log(chance / (1 - chance)) if known and chance is not None else None
    if predictor is None:
        return None
    try:
        return nomogram_points(model).of_patient(prediction.clinical, predictor)
    except InputError:
        return None  # a level that no training patient had


def _of_card(card: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    if card is None:
        return []
    own = card.get("quantitative_analysis", {}).get("performance_metrics", [])
    shown = [one for one in own if one.get("confidence_interval")][:4]
    return [{**one, "label": metric_label(one["type"])} for one in shown]


def _draw_contributions(terms: Sequence[Any]) -> Figure | None:
    """Draw what each term adds to the log-odds or log hazard, the largest on top."""
    ordered = sorted(terms, key=lambda one: abs(one.contribution))[-12:]
    if not ordered:
        return None
    figure, (axes,) = new_figure(width=6.2, height=0.6 + 0.28 * len(ordered))
    values = [one.contribution for one in ordered]
    colours = ["#c2410c" if value > 0 else "#1d6fa5" for value in values]
    axes.barh(range(len(values)), values, color=colours, height=0.62)
    axes.set_yticks(range(len(values)), [one.term for one in ordered])
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_xlabel("added to the linear predictor")
    tidy(axes, grid="x")
    return figure


def _draw_place(
    known: Sequence[float], value: float | None, threshold: float | None
) -> Figure | None:
    """Draw where the patient stands among what the model said of the study's patients."""
    if value is None:
        return None
    figure, (axes,) = new_figure(width=6.2, height=2.2)
    shares = np.linspace(0, 100, len(known))
    axes.step(known, shares, where="post", color="#1d6fa5", label="the study's patients")
    axes.axvline(value, color="#c2410c", linewidth=1.8, label="this patient")
    if threshold is not None:
        axes.axvline(threshold, color="0.45", linestyle="--", linewidth=1, label="threshold")
    axes.set(xlabel="what the model says", ylabel="study's patients below, %", ylim=(0, 100))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    tidy(axes, grid="both")
    return figure


def _draw_survival(survival: Mapping[str, float | None]) -> Figure | None:
    """Draw the probability of no event at the horizons."""
    known = {name: value for name, value in survival.items() if value is not None}
    if not known:
        return None
    figure, (axes,) = new_figure(width=4.6, height=2.4)
    axes.plot(range(len(known)), list(known.values()), "o-", color="#1d6fa5")
    axes.set_xticks(range(len(known)), list(known))
    axes.set(ylabel="probability of no event", ylim=(0, 1))
    tidy(axes, grid="y")
    return figure
