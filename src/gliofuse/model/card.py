"""The model card: what a model is, whom it learned from, how it did, and what it is not for.

The JSON follows the sections and field names of the TensorFlow Model Card Toolkit's public schema,
version 0.0.2: ``model_details``, ``model_parameters``, ``quantitative_analysis``,
``considerations``. The sections themselves are those of Mitchell et al. 2019, Model Cards for Model
Reporting, FAT* '19:220-229.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.cohort import endpoint_from_dict
from gliofuse.model.description import ModelDescription
from gliofuse.version import __version__

__all__ = ["SCHEMA", "card_text", "model_card"]

SCHEMA = "model_card.schema.json of the Model Card Toolkit, v0.0.2"

_INTENDED = ("Research: to study how the method does on other patients, and to compare methods.",)
_LIMITS = (
    "It is no medical device; nothing that it says may guide the care of a patient.",
    "It knows the scanners, protocols and patients that it learned from; of others nothing is "
    "known before they are tested.",
    "Its figures of performance are those of its study's held-out patients, who came from the "
    "same source; a model fitted on all of them has itself never been tested.",
)


def model_card(
    description: ModelDescription,
    *,
    classes: dict[str, int],
    metrics: pd.DataFrame | None,
    citation: str = "",
    notes: tuple[str, ...] = (),
    split: str = "",
) -> dict[str, Any]:
    """Return the model card as JSON can hold it.

    Parameters
    ----------
    description : ModelDescription
    classes : dict of str to int
        Patients that were learned from, by outcome.
    metrics : pandas.DataFrame or None
        The study's figures of merit: ``cohort, model, metric, estimate, ci_low, ci_high``.
    citation : str, optional
        Of the publication behind the design.
    notes : tuple of str, optional
        What the study left out or chose, a sentence each.
    split : str, optional
        How the study divided its patients.
    """
    endpoint = endpoint_from_dict(description.endpoint)
    clinical = ", ".join(one.name for one in description.clinical) or "none"
    return {
        "schema": SCHEMA,
        "schema_version": "0.0.2",
        "model_details": {
            "name": description.name,
            "overview": f"{description.title} ({description.design}), fitted on "
            f"{description.fitted_on} to predict {endpoint.describe()}.",
            "version": {"name": __version__, "diff": ""},
            "references": [{"reference": citation}] if citation else [],
        },
        "model_parameters": {
            "model_architecture": f"{description.final_model} of "
            f"{', '.join(one.name for one in description.models)}",
            "data": [
                {
                    "name": "training",
                    "description": f"{description.n_training} patients: "
                    + ", ".join(f"{number} {name}" for name, number in classes.items()),
                }
            ],
            "input_format": f"{description.source}: {', '.join(description.sequences)}; "
            f"clinical: {clinical}",
            "output_format": ", ".join(endpoint.prediction_columns),
            "settings": description.settings,
        },
        "quantitative_analysis": {
            "performance_metrics": _performance(metrics, description.final_model),
            "description": split,
        },
        "considerations": {
            "users": [{"description": "Researchers in neuro-oncology imaging."}],
            "use_cases": [{"description": one} for one in _INTENDED],
            "limitations": [{"description": one} for one in (*_LIMITS, *notes)],
            "tradeoffs": [],
            "ethical_considerations": [],
        },
    }


def _performance(metrics: pd.DataFrame | None, final: str) -> list[dict[str, Any]]:
    if metrics is None or metrics.empty:
        return []
    own = metrics[(metrics["model"] == final) & metrics["estimate"].notna()]
    return [
        {
            "type": str(row["metric"]),
            "value": float(row["estimate"]),
            "slice": str(row["cohort"]),
            "confidence_interval": {
                "lower_bound": _or_none(row.get("ci_low")),
                "upper_bound": _or_none(row.get("ci_high")),
            },
        }
        for row in own.to_dict("records")
    ]


def _or_none(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def card_text(card: dict[str, Any]) -> str:
    """Return the model card as Markdown."""
    details, parameters = card["model_details"], card["model_parameters"]
    analysis, said = card["quantitative_analysis"], card["considerations"]
    lines = [
        f"# Model card: {details['name']}",
        "",
        details["overview"],
        "",
        *(f"Publication: {one['reference']}" for one in details["references"]),
        f"Written by gliofuse {details['version']['name']}.",
        "",
        "## Data and input",
        "",
        *(f"- {one['name']}: {one['description']}" for one in parameters["data"]),
        f"- reads {parameters['input_format']}",
        f"- says {parameters['output_format']}",
        f"- models: {parameters['model_architecture']}",
        "",
        "## Performance of the final model in its study",
        "",
        analysis["description"],
        "",
        *_metric_lines(analysis["performance_metrics"]),
        "",
        "## Use",
        "",
        *(f"- {one['description']}" for one in said["use_cases"]),
        "",
        "## Limits",
        "",
        *(f"- {one['description']}" for one in said["limitations"]),
        "",
        "## Settings",
        "",
        *(f"- {name}: {value}" for name, value in parameters["settings"].items()),
    ]
    return "\n".join(lines) + "\n"


def _metric_lines(metrics: list[dict[str, Any]]) -> list[str]:
    if not metrics:
        return ["None: the study held nobody out."]
    lines = ["| patients | figure | estimate | 95 % interval |", "| --- | --- | --- | --- |"]
    for one in metrics:
        low, high = one["confidence_interval"].values()
        reach = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
        lines.append(f"| {one['slice']} | {one['type']} | {one['value']:.3f} | {reach} |")
    return lines
