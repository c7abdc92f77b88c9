"""Which figures a report has: drawn from the summary, saved beside it, and kept for inlining."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gliofuse.files import write_text
from gliofuse.report.figures.style import to_svg
from gliofuse.report.wording import format_p

__all__ = ["Drawing", "comparison_drawings", "draw_all", "file_name", "run_drawings"]


@dataclass(frozen=True)
class Drawing:
    """A figure to draw: its file name, what it shows, and the function with its data."""

    name: str
    title: str
    draw: Callable[..., Any]
    data: tuple[Any, ...]
    options: dict[str, Any]


def _drawing(
    name: str, title: str, draw: Callable[..., Any], *data: Any, **options: Any
) -> Drawing:
    return Drawing(name, title, draw, data, options)


def draw_all(drawings: list[Drawing], folder: Path) -> tuple[dict[str, str], list[str]]:
    """Draw the figures and save each as ``folder/NAME.svg``.

    Returns
    -------
    figures : dict of str
        SVG text by name; what holds nothing to draw is not in it.
    problems : list of str
        One line for each figure that could not be drawn: a table with values that no one
        foresaw must not cost the user the report of a long run.
    """
    figures: dict[str, str] = {}
    problems = []
    for drawing in drawings:
        try:
            text = to_svg(drawing.draw, *drawing.data, **drawing.options)
        except Exception as error:
            problems.append(f"{drawing.title} could not be drawn: {type(error).__name__}: {error}")
            continue
        if text is not None:
            figures[drawing.name] = text
            write_text(folder / f"{drawing.name}.svg", text)
    return figures, problems


def run_drawings(summary: dict[str, Any]) -> list[Drawing]:
    """Return the figures of a run's report, in the order of the report."""
    from gliofuse.report.figures.contributions import draw_contributions
    from gliofuse.report.figures.correlation import draw_correlation
    from gliofuse.report.figures.forest import draw_forest
    from gliofuse.report.figures.probabilities import draw_probabilities
    from gliofuse.report.figures.training import draw_training

    final = summary["final"]
    drawings = [
        _drawing("forest", "AUC of every model", draw_forest, _forest_panels(summary), final=final)
    ]
    for cohort in summary["cohorts"]:
        drawings += _cohort_drawings(cohort, summary)
    found = summary["misjudged"]
    if found:
        drawings.append(
            _drawing(
                "probabilities",
                "Predicted probabilities of the final model by true class",
                draw_probabilities,
                found["negative"],
                found["positive"],
                names=summary["classes"],
                threshold=_final_threshold(summary),
            )
        )
    drawings.append(
        _drawing(
            "contributions",
            "Coefficients of the fusion models",
            draw_contributions,
            summary["contributions"],
        )
    )
    drawings += _selection_drawings(summary)
    if summary["correlation"]:
        found = summary["correlation"]
        drawings.append(
            _drawing(
                "correlation",
                "Correlation of the selected features",
                draw_correlation,
                found["labels"],
                found["values"],
            )
        )
    drawings += _utility_drawings(summary)
    drawings.append(
        _drawing("training", "Training curves of the networks", draw_training, summary["curves"])
    )
    return drawings


def comparison_drawings(summary: dict[str, Any]) -> list[Drawing]:
    """Return the figures of a comparison's report."""
    from gliofuse.report.figures.forest import draw_forest

    drawings = [
        _drawing("forest", "AUC of the designs", draw_forest, _forest_panels(summary), final=None)
    ]
    for cohort in summary["cohorts"]:
        drawings.append(_roc_drawing(cohort, None))
    return drawings + _probability_drawings(summary)


def _forest_panels(summary: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "label": cohort["label"],
            "rows": [
                {"model": row["model"], "label": row["label"], **row["cells"]["auc"]}
                for row in cohort["rows"]
                if "auc" in row["cells"]
            ],
        }
        for cohort in summary["cohorts"]
    ]


def _cohort_drawings(cohort: dict[str, Any], summary: dict[str, Any]) -> list[Drawing]:
    from gliofuse.report.figures.confusion import draw_confusion

    name, label = file_name(cohort["cohort"]), cohort["label"]
    negative, positive = summary["classes"]
    return [
        _roc_drawing(cohort, summary["final"]),
        _drawing(
            f"confusion_{name}",
            f"Confusion matrices: {label}",
            draw_confusion,
            cohort["confusion"],
            negative=negative,
            positive=positive,
        ),
    ]


def _roc_drawing(cohort: dict[str, Any], final: str | None) -> Drawing:
    from gliofuse.report.figures.roc import draw_roc

    name, title = f"roc_{file_name(cohort['cohort'])}", f"ROC curves: {cohort['label']}"
    return _drawing(name, title, draw_roc, cohort["curves"], final=final)


def _final_threshold(summary: dict[str, Any]) -> float | None:
    for entry in summary["thresholds"]:
        if entry["model"] == summary["final"]:
            return float(entry["median"])
    return None


def _selection_drawings(summary: dict[str, Any]) -> list[Drawing]:
    from gliofuse.report.figures.selection import draw_selection

    found = summary["selected_features"]
    if not found:
        return []
    return [
        _drawing(
            f"selection_{file_name(model['model'])}",
            f"Features chosen by {model['label']}",
            draw_selection,
            model["features"][:20],
            folds=found["folds"],
        )
        for model in found["models"]
    ]


def _probability_drawings(summary: dict[str, Any]) -> list[Drawing]:
    from gliofuse.report.figures.calibration import draw_calibration
    from gliofuse.report.figures.decision import draw_decision

    final = summary["final"]
    panels = summary["calibration"]["panels"] if summary["calibration"] else []
    decisions = summary["decision_curve"]
    return [
        _drawing("calibration", "Calibration curves", draw_calibration, panels, final=final),
        _drawing("decision_curve", "Decision curves", draw_decision, decisions, final=final),
    ]


def _utility_drawings(summary: dict[str, Any]) -> list[Drawing]:
    from gliofuse.report.figures.impact import draw_impact
    from gliofuse.report.figures.nomogram import draw_nomogram
    from gliofuse.report.figures.survival import draw_survival

    drawings = _probability_drawings(summary)
    if summary["clinical_impact"]:
        drawings.append(
            _drawing(
                "clinical_impact", "Clinical impact curve", draw_impact, summary["clinical_impact"]
            )
        )
    if summary["nomogram"]:
        drawings.append(_drawing("nomogram", "Nomogram", draw_nomogram, summary["nomogram"]))
    for plot in summary["kaplan_meier"]:
        p = (plot["logrank"] or {}).get("p")
        drawings.append(
            _drawing(
                plot["name"],
                plot["title"],
                draw_survival,
                plot["groups"],
                p_text=None if p is None else f"log-rank p = {format_p(p)}".replace("= <", "<"),
            )
        )
    return drawings


def file_name(text: str) -> str:
    """Return a name that is safe as a file name and as an HTML identifier.

    Examples
    --------
    >>> file_name("radiomics t1ce/<b>")
    'radiomics-t1ce--b-'
    """
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
