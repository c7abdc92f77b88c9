"""The report of an endpoint of several classes."""

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
                *("performance", "optimism", "class_auc", "class_roc", "class_confusion"),
                *("added", "publication"),
            ),
        ),
        Chapter("limitations", "What these figures cannot tell", ("limitations", "remarks")),
        Chapter("probabilities", "Can the probabilities be used?", ("class_calibration",)),
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
        Chapter(
            "results",
            "Results",
            ("performance", "class_auc", "class_roc", "class_confusion", "tests"),
        ),
        Chapter("limitations", "What this comparison cannot tell", ("comparison_limits",)),
        Chapter("probabilities", "Can the probabilities be used?", ("class_calibration",)),
        Chapter("misjudged", "Patients whom all designs misjudge", ("shared_misjudged",)),
        Chapter("agreement", "Agreement between designs", ("agreement",)),
        Chapter("designs", "The designs", ("compared_designs",)),
        Chapter("cost", "Time and memory", ("cost",)),
        Chapter("settings", "Settings and versions", ("compared_settings",)),
    ),
    notes={
        "macro_auc": "Macro AUC: mean of the AUCs of each class against the rest.",
        "hand_till": "Hand and Till's M: mean of the AUCs of each class against each other one; it "
        "does not depend on how many patients the classes have.",
        "balanced_accuracy": "Balanced accuracy: mean of the classes' sensitivities.",
        "kappa": "Cohen's kappa: agreement beyond chance, 1 is perfect and 0 is chance; the "
        "quadratic one counts a call that is two classes away four times as much as one away.",
        "brier": "Brier score: squared error summed over the classes, 0 to 2; lower is better.",
        "log_loss": "Log loss: lower is better; always predicting the classes' shares gives their "
        "entropy.",
        "macro_auc_pooled": "The macro AUC compares a patient only with patients whom the same "
        "fold's model predicted, over repeats it is their mean; that of pooled folds is of each "
        "patient's mean probabilities, and no interval of it holds.",
    },
    output="A probability of each class",
    values=lambda endpoint: endpoint.classes,
)
