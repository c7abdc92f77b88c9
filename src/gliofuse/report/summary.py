"""From a run folder to one dictionary of plain data, all that the report shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gliofuse.report.limitations import limitations
from gliofuse.report.sections import explanation, nomogram, patients, performance, utility
from gliofuse.report.sections.context import RunContext
from gliofuse.report.wording import model_label, plural

__all__ = ["summarise"]


def summarise(run_folder: str | Path) -> dict[str, Any]:
    """Read a run folder's tables into plain data: dictionaries, lists, text and numbers.

    Nothing is estimated here; numbers come from the tables that the study wrote. Sections whose
    table is missing are ``None`` or empty.

    Parameters
    ----------
    run_folder
        A folder with at least ``run.json``.

    Raises
    ------
    InputError
        If the folder or its ``run.json`` is missing.
    """
    context = RunContext.read(run_folder)
    run = context.run
    summary: dict[str, Any] = {
        "folder": context.tables.folder.resolve().name,
        "title": _title(context),
        "design": _design(context),
        "models": [
            {"model": name, "label": model_label(name), "final": name == context.final}
            for name in context.models
        ],
        "final": context.final,
        "primary": context.primary,
        "left_out": [str(text) for text in run.get("left_out") or []],
        "warnings": [str(text) for text in run.get("warnings") or []],
        "endpoint": patients.endpoint_words(context),
        "classes": patients.class_names(context),
        "split": {
            **context.split,
            "words": patients.split_words(context),
            "short": patients.split_short(context),
        },
        "patients": patients.patient_flow(context),
        "characteristics": patients.characteristics(context),
        "headline": performance.headline(context),
        "cohorts": performance.cohort_results(context),
        "delong": performance.delong_tables(context),
        "paper": performance.paper_table(context),
        "misjudged": performance.misjudged(context),
        "thresholds": utility.thresholds(context),
        "contributions": explanation.contributions(context),
        "selected_features": explanation.selected_features(context),
        "correlation": explanation.correlation(context),
        "calibration": utility.calibration(context),
        "decision_curve": utility.decision_curve(context),
        "clinical_impact": utility.clinical_impact(context),
        "nomogram": nomogram.nomogram(context),
        "kaplan_meier": utility.kaplan_meier(context),
        "model_choice": explanation.model_choice(context),
        "networks": explanation.networks(context),
        "curves": explanation.training_curves(context),
        "gradcam": explanation.gradcam(context),
        "feature_tables": [path.name for path in context.tables.files("features/*.parquet")],
        "timing": utility.timing(context),
        "study": context.study,
        "provenance": _provenance(context),
    }
    summary["what_was_done"] = _what_was_done(context, summary)
    summary["limitations"] = limitations(context, summary)
    return summary


def _title(context: RunContext) -> str:
    return str(context.study.get("name") or context.tables.folder.resolve().name)


def _design(context: RunContext) -> dict[str, Any]:
    design = context.design
    notes = design.get("notes") or []
    return {
        "name": str(design.get("name") or context.study.get("design") or ""),
        "title": str(design.get("title") or design.get("name") or "Design"),
        "citation": str(design.get("citation") or ""),
        "doi": str(design.get("doi") or ""),
        "notes": [str(note) for note in ([notes] if isinstance(notes, str) else notes)],
    }


def _provenance(context: RunContext) -> dict[str, Any]:
    run = context.run
    packages = run.get("packages")
    return {
        **{
            key: run.get(key)
            for key in (
                "gliofuse_version",
                "python",
                "platform",
                "started",
                "finished",
                "seconds",
                "command",
                "settings_hash",
            )
        },
        "packages": dict(sorted(packages.items())) if isinstance(packages, dict) else {},
        "seed": context.split.get("seed"),
    }


def _what_was_done(context: RunContext, summary: dict[str, Any]) -> list[str]:
    """Return the study in a few plain sentences."""
    people, design = summary["patients"], summary["design"]
    sentences = [
        f"From preoperative MRI of {plural(people['analysed'], 'patient')} the design "
        f"“{design['title']}” predicts {summary['endpoint']}."
    ]
    if people["positive"] is not None:
        sentences.append(
            f"{people['positive']} of the {people['analysed']} patients belong to the positive "
            f"class, {people['negative']} to the negative."
        )
    sentences.append(summary["split"]["words"])
    count = len(summary["models"])
    if count > 1 and context.final:
        sentences.append(
            f"{count} models were fitted; the design's final one is {model_label(context.final)}, "
            f"and the other{'s show' if count > 2 else ' shows'} what each part adds."
        )
    return sentences
