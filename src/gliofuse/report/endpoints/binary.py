"""The report of a yes-or-no endpoint."""

from __future__ import annotations

from gliofuse.report.endpoints import Chapter, EndpointReport

__all__ = ["REPORT"]

REPORT = EndpointReport(
    chapters=(
        Chapter("done", "What was done", ("done",)),
        Chapter("patients", "Patients", ("patients", "case_mix", "characteristics", "missing")),
        Chapter(
            "results",
            "Results",
            (
                *("performance", "optimism", "centers", "subgroups"),
                *("roc", "confusion", "misjudged"),
                *("thresholds", "publication"),
            ),
        ),
        Chapter(
            "limitations",
            "What these figures cannot tell",
            ("limitations", "sample_size", "remarks"),
        ),
        Chapter(
            "probabilities",
            "Can the probabilities be used?",
            ("calibration", "recalibration", "decision", "impact", "added"),
        ),
        Chapter("nomogram", "Nomogram and calculator", ("nomogram", "odds")),
        Chapter("survival", "Survival", ("survival",)),
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
        Chapter("patients", "Patients", ("patients", "characteristics")),
        Chapter("results", "Results", ("performance", "centers", "subgroups", "roc", "tests")),
        Chapter("limitations", "What this comparison cannot tell", ("comparison_limits",)),
        Chapter("probabilities", "Can the probabilities be used?", ("calibration", "decision")),
        Chapter("misjudged", "Patients whom all designs misjudge", ("shared_misjudged",)),
        Chapter("agreement", "Agreement between designs", ("agreement",)),
        Chapter("designs", "The designs", ("compared_designs",)),
        Chapter("cost", "Time and memory", ("cost",)),
        Chapter("settings", "Settings and versions", ("compared_settings",)),
    ),
    notes={
        "apca": "APCA: mean of the accuracies of the two classes.",
        "brier": "Brier score: mean squared error of the probability; lower is better, and always "
        "predicting the share of positives p gives p (1 − p).",
        "auc_within_centers": "AUC within centres compares a patient only with patients of the "
        "same centre, every such pair counting once; the AUC of all patients also counts pairs of "
        "different centres, and so how the centres differ in prevalence and scanner.",
        "auc_pooled": "The AUC compares a patient only with patients whom the same fold's model "
        "predicted, over repeats it is their mean; the AUC of pooled folds is the area under the "
        "curve drawn below, of each patient's mean probability: models of different folds are not "
        "calibrated alike, and a mean over repeats is an ensemble that nobody would use. No "
        "interval of it holds.",
    },
    output="A probability of the positive class",
    values=lambda endpoint: ("0", "1"),
)
