"""The report of a time to an event."""

from __future__ import annotations

import pandas as pd

from gliofuse.cohort import Endpoint, SurvivalEndpoint
from gliofuse.records import CONCORDANCE
from gliofuse.report.endpoints import Chapter, EndpointReport

__all__ = ["REPORT"]


def _values(endpoint: Endpoint) -> tuple[str, ...]:
    return ("0", "1", "2") if "competing" in endpoint.outcome_columns else ("0", "1")


def _labels(endpoint: Endpoint) -> tuple[str, ...]:
    return ("censored", "with the event", "with a competing cause")[: len(_values(endpoint))]


def _outcome(predictions: pd.DataFrame) -> pd.Series:
    found = predictions["event"].astype(int)
    if "competing" not in predictions:
        return found
    return found.mask((found == 0) & (predictions["competing"] == 1), 2)


def _words(endpoint: Endpoint) -> str:
    assert isinstance(endpoint, SurvivalEndpoint)
    event = endpoint.event if endpoint.seen is None else f"{endpoint.event} = {endpoint.seen}"
    return f"the time to the event {event} ({endpoint.time}, in {endpoint.unit})"


REPORT = EndpointReport(
    chapters=(
        Chapter("done", "What was done", ("done",)),
        Chapter(
            "patients",
            "Patients",
            ("patients", "case_mix", "follow_up", "characteristics", "missing"),
        ),
        Chapter(
            "results",
            "Results",
            ("performance", "optimism", "horizons", "brier_curve", "publication"),
        ),
        Chapter(
            "limitations",
            "What these figures cannot tell",
            ("limitations", "sample_size", "remarks"),
        ),
        Chapter("risk_groups", "Risk groups", ("risk_groups",)),
        Chapter("survival", "Survival by clinical groups", ("survival",)),
        Chapter(
            "probabilities",
            "Can the probabilities be used?",
            ("horizon_calibration", "horizon_decision", "added"),
        ),
        Chapter("nomogram", "Nomograms and calculators", ("nomogram",)),
        Chapter("hazards", "Hazard ratios", ("hazard_ratios", "proportional_hazards")),
        Chapter("incidence", "Competing causes", ("incidence",)),
        Chapter(
            "inside",
            "What the models rest on",
            (
                *("contributions", "choice", "selection", "correlation"),
                *("training", "network_patients", "heat"),
            ),
        ),
        Chapter("design", "The design", ("design",)),
        Chapter("methods", "Methods, for a paper", ("methods",)),
        Chapter("failed", "Failed cases", ("failed",)),
        Chapter("settings", "Settings and versions", ("settings",)),
        Chapter("checklists", "Reporting checklists", ("checklists",)),
    ),
    comparison_chapters=(
        Chapter("done", "What was compared", ("compared",)),
        Chapter("patients", "Patients", ("patients", "follow_up", "characteristics")),
        Chapter("results", "Results", ("performance", "tests", "horizons", "brier_curve")),
        Chapter("limitations", "What this comparison cannot tell", ("comparison_limits",)),
        Chapter("risk_groups", "Risk groups", ("risk_groups",)),
        Chapter(
            "probabilities",
            "Can the probabilities be used?",
            ("horizon_calibration", "horizon_decision"),
        ),
        Chapter("misjudged", "Patients whom all designs misjudge", ("shared_misjudged",)),
        Chapter("agreement", "Agreement between designs", ("agreement",)),
        Chapter("designs", "The designs", ("compared_designs",)),
        Chapter("cost", "Time and memory", ("cost",)),
        Chapter("settings", "Settings and versions", ("compared_settings",)),
    ),
    notes={
        "c_index_pooled": "The C-index (Harrell's) compares a patient only with patients whom the "
        "same fold's model predicted, over repeats it is their mean; that of pooled folds compares "
        "all, though risks of different models are not on one scale. No interval of it holds.",
        "uno_c": "Uno's C weights pairs by the probability of not being censored, so that it does "
        "not depend on how long patients were followed.",
        "ibs": "Integrated Brier score: the mean of the Brier score over time; lower is better.",
        "calibration_slope": "Calibration slope: 1 is ideal; below 1 risks are too extreme.",
        "auc": "AUC at a time: of a patient who had the event by then and one who had not, how "
        "often the first has the higher risk; censored patients are weighted for.",
        "brier": "Brier score: mean squared error of the predicted probability of the event by "
        "then; lower is better.",
        "ipa": "IPA, index of prediction accuracy: by what share the Brier score lies below that "
        "of one Kaplan-Meier curve for all; 0 or less means that it says no more than that curve.",
        "oe": "Observed / expected: events by then, by Kaplan-Meier, over the sum of the predicted "
        "risks; 1 is ideal.",
    },
    output="A risk, and the probability of no event by each horizon",
    values=_values,
    labels=_labels,
    outcome=_outcome,
    words=_words,
    alike="event",
    tests=CONCORDANCE,
)
