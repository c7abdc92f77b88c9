"""A methods paragraph for a paper: sentences that are true of this run, with their references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gliofuse.report.context import RunContext
from gliofuse.report.naming import sequence_label
from gliofuse.report.references import REFERENCES, Reference, of_design
from gliofuse.report.sections import Findings
from gliofuse.report.wording import join_words, plural

__all__ = ["data"]

_METHODS = {"delong": "delong1988", "newcombe": "newcombe2006", "wilson": "wilson1927"}

_Sentence = tuple[str, tuple[str, ...]]


def data(context: RunContext, found: Findings) -> dict[str, Any]:
    """Return the paragraphs, numbers of references in brackets, and the references in order."""
    known = {**REFERENCES, "design": of_design(context.run.design)}
    keys: dict[str, int] = {}

    def cited(sentence: _Sentence) -> str:
        text, wanted = sentence
        if not wanted:
            return text
        numbers = [keys.setdefault(key, len(keys) + 1) for key in wanted]
        return f"{text[:-1]} [{','.join(map(str, numbers))}]."

    paragraphs = [
        " ".join(map(cited, part(context, found))) for part in (_inputs, _models, _evaluation)
    ]
    references: list[Reference] = [known[key] for key in keys]
    return {
        "paragraphs": [paragraph for paragraph in paragraphs if paragraph],
        "references": [{"words": one.words, "bibtex": one.bibtex} for one in references],
    }


def _inputs(context: RunContext, found: Findings) -> Iterator[_Sentence]:
    run, people = context.run, found["patients"]
    made_up = "synthetic patients, made by gliofuse's phantom," if run.synthetic else "patients"
    counts = ", ".join(f"{label}: {n}" for _, label, n in context.classes)
    yield (
        f"{run.n_cases} {made_up} were analysed; the outcome was {people['endpoint']}"
        + (f" ({counts})." if counts else "."),
        (),
    )
    if people["n_excluded"]:
        yield f"{plural(people['n_excluded'], 'patient')} of the given cohort were excluded.", ()
    if people["n_failed"]:
        yield f"{plural(people['n_failed'], 'patient')} could not be processed.", ()
    if run.preprocessing:
        yield f"Raw scans were preprocessed: {run.preprocessing.rstrip('.')}.", ()
    tables = [one for one in context.folder.feature_tables() if one.kind == "radiomic"]
    if run.source == "table":
        number = sum(len(one.columns()) for one in tables)
        yield f"Features were given as a table ({plural(number, 'column')}).", ()
    else:
        names = join_words([sequence_label(name) for name in run.sequences])
        yield f"Images were {names}.", ()
        for one in tables:
            yield _features(one.definition(), len(one.columns())), ("griethuysen2017",)
    missing = found["missing"]
    if missing and missing["n_missing"] and not missing["complete_cases"]:
        yield (
            "Missing clinical values were replaced, in each fold, by the training patients' median "
            "or most frequent level.",
            (),
        )


def _features(definition: dict[str, Any], number: int) -> str:
    asked = definition.get("settings", {})
    setting = asked.get("setting", {})
    text = f"{plural(number, 'radiomic feature')} a patient, as PyRadiomics defines them"
    images = sorted(name for name in asked.get("imageType", {}) if name != "Original")
    if images:
        text += f", of the original and of filtered images ({join_words(images)})"
    if setting.get("binCount"):
        text += f", with {setting['binCount']} grey levels"
    elif setting.get("binWidth"):
        text += f", with grey levels {setting['binWidth']:g} wide"
    return f"{text}, were computed within {join_words(definition.get('regions', []))}."


def _models(context: RunContext, found: Findings) -> Iterator[_Sentence]:
    run = context.run
    text = f"Models followed the design “{run.design.title}”"
    if run.design.preset == "quick":
        text += ", with less effort than the publication's (preset quick)"
    yield f"{text}.", ("design",) if run.design.citation else ()
    if run.left_out:
        yield "What of its published form was left out is listed in the report.", ()
    yield found["patients"]["split"]["words"].rstrip(), ()
    if run.split.kind != "none":
        yield (
            "Scaling, selection of features and every other step that learns were fitted to "
            "training patients alone.",
            (),
        )
    thresholds = found["thresholds"]
    if thresholds and thresholds["learned"]:
        yield "Thresholds were those of Youden's index on each fold's training patients.", ()
    elif thresholds:
        yield "Patients were called positive from a probability of 0.5.", ()
    yield f"All that is random came from the seed {run.split.seed}.", ()


def _evaluation(context: RunContext, found: Findings) -> Iterator[_Sentence]:
    cohorts = found["performance"]["cohorts"]
    for text in dict.fromkeys(cohort["intervals"] for cohort in cohorts if cohort["intervals"]):
        used = [key for name, key in _METHODS.items() if name in _recorded(context)]
        refits = any(name.endswith("_refits") for name in _recorded(context))
        more = ("bengio2004",) if refits else ()
        yield text, (*used, *more, *(("harrell1982",) if "jackknife" in text else ()))
    tested = dict.fromkeys(cohort["test"] for cohort in cohorts if cohort["has_tests"])
    if tested:
        yield (
            f"Models were compared with the final one by {join_words([*tested])}, adjusted by "
            "Holm's method.",
            ("holm1979",),
        )
    if found["optimism"]:
        yield (
            "How much too well the models describe their own patients was estimated by the .632+ "
            "method.",
            ("efron1997",),
        )
    if found["calibration"]:
        yield (
            "Calibration was judged by observed over expected events, intercept, slope and a "
            "flexible curve.",
            ("vancalster2019",),
        )
    if found["decision"]:
        yield "Net benefit was drawn as decision curves.", ("vickers2006",)
    run = context.run
    versions = [f"{name} {run.packages[name]}" for name in _packages(context)]
    python = [f"Python {run.python}"] if run.python else []
    with_others = f" ({join_words([*python, *versions])})" if python or versions else ""
    yield f"Analyses were made with gliofuse {run.gliofuse_version}{with_others}.", ("gliofuse",)


def _packages(context: RunContext) -> list[str]:
    """Return the packages whose version a reader may want, of those that the run used."""
    networks = any(model.kind in ("deep", "hybrid") for model in context.models)
    used = {"scikit-learn": True, "torch": networks, "lifelines": context.kind.outcome is not None}
    return [name for name, wanted in used.items() if wanted and name in context.run.packages]


def _recorded(context: RunContext) -> set[str]:
    """Return how intervals were found, by the tables; without what refitting adds also."""
    table = context.metrics
    names = set(table["interval"].dropna().astype(str)) if "interval" in table else set()
    return names | {name.removesuffix("_refits") for name in names}
