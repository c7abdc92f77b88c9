"""Limitations of a survival study: its events, its follow-up, and what imaging adds."""

from __future__ import annotations

from gliofuse.records import PREDICTIONS
from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.wording import (
    format_bounds,
    format_interval,
    format_number,
    format_p,
    join_words,
    plural,
    within,
)

__all__ = [
    "events",
    "imaging_adds",
    "left_out_horizons",
    "not_proportional",
    "searched_threshold",
]

Limit = dict[str, str]
#: Events below which validation figures are unsteady (Collins et al., Stat Med 2016;35:214).
_ENOUGH_EVENTS = 100
#: Events for each coefficient of a Cox model (Peduzzi et al., J Clin Epidemiol 1995;48:1503).
_EVENTS_A_COEFFICIENT = 10


def events(context: RunContext, found: Findings) -> Limit | None:
    """Say how few events there are to judge by and to learn from, and what they allow."""
    rows = found["follow_up"]["rows"] if found["follow_up"] else []
    judged = next((row for row in rows if row["cohort"] == context.primary), None)
    learned = _training_events(context)
    if judged is None or (judged["events"] >= _ENOUGH_EVENTS and not _scarce(learned, found)):
        return None
    text = (
        f"Of the {plural(int(judged['n']), 'patient')} whose figures stand first, "
        f"{int(judged['events'])} had the event. Figures of merit become steady with about "
        f"{_ENOUGH_EVENTS} events"
    )
    head = context.metric(context.primary, context.run.final.name, context.headline)
    if head and head.get("ci_low") is not None and head.get("ci_high") is not None:
        name = within(context.metric_label(context.headline))
        bounds = format_bounds(head["ci_low"], head["ci_high"], 2)
        text += f"; here the interval of the final model's {name} is {bounds}"
    return {"title": "Few events", "text": f"{text}.{_carried(learned, found)}"}


def _training_events(context: RunContext) -> int | None:
    """Return the events of the fold with the fewest in training."""
    table = context.table(PREDICTIONS)
    if table is None:
        return None
    training = table[table["cohort"] == "training"].drop_duplicates(["fold", "case_id"])
    counts = training.groupby("fold")["event"].sum()
    return None if counts.empty else int(counts.min())


def _candidates(found: Findings) -> int | None:
    size = found["sample_size"]
    known = [row["candidates"] for row in size["carried"]] if size else []
    return max((value for value in known if value is not None), default=None)


def _scarce(learned: int | None, found: Findings) -> bool:
    candidates = _candidates(found)
    return (
        learned is not None
        and candidates is not None
        and (learned < _EVENTS_A_COEFFICIENT * candidates)
    )


def _carried(learned: int | None, found: Findings) -> str:
    """Say what the training patients' events carry."""
    if learned is None:
        return ""
    text = f" The fold with the fewest has {plural(learned, 'event')} to learn from"
    carried = learned // _EVENTS_A_COEFFICIENT
    rule = f"the rule of thumb of {_EVENTS_A_COEFFICIENT} events each"
    candidates = _candidates(found)
    if candidates:
        each = learned / candidates
        text += (
            f", for {plural(candidates, 'candidate parameter')} "
            f"({format_number(each, 1 if each >= 0.1 else 3)} each)"
        )
    what = (
        "no coefficient of a Cox model"
        if not carried
        else plural(carried, "coefficient of a Cox model", "coefficients of a Cox model")
    )
    return f"{text}: by {rule} they carry {what}."


def imaging_adds(context: RunContext, found: Findings) -> Limit | None:
    """Hold the final model against the clinical one: worse, or not shown to be better."""
    clinical = next((one for one in context.models if one.kind == "clinical"), None)
    final, metric = context.run.final, context.headline
    if clinical is None or clinical.name == final.name:
        return None
    rows = [context.metric(context.primary, name, metric) for name in (final.name, clinical.name)]
    values = [None if row is None else row["estimate"] for row in rows]
    if values[0] is None or values[1] is None:
        return None
    name = within(context.metric_label(metric))
    test = context.difference(context.primary, final.name, clinical.name)
    both = (
        f"The {name} of {final.label} is {format_number(values[0], 3)}, that of {clinical.label}, "
        f"which knows no image, {format_number(values[1], 3)}"
    )
    if test is not None:
        both += (
            f"; the difference is {format_interval(test['estimate'], test['low'], test['high'])}"
            f", p {_equals(test['p'])}"
        )
    if values[0] < values[1]:
        if test is not None and test["high"] is not None and test["high"] < 0:
            return {
                "title": "Imaging made the clinical model worse",
                "text": f"{both}. What imaging brought in took away from what the clinical "
                "covariates tell without it: there is no reason here to use it.",
            }
        return {
            "title": "The final model falls below the clinical one",
            "text": f"{both}. That may be chance, but nothing here shows that imaging adds to the "
            "clinical covariates: there is no reason here to prefer the final model.",
        }
    if test is None or test["low"] is None or test["low"] > 0:
        return None
    return {
        "title": "Imaging is not shown to add to the clinical model",
        "text": f"{both}. The interval of the difference holds 0.",
    }


def _equals(p: float | None) -> str:
    text = format_p(p)
    return text if text.startswith("<") else f"= {text}"


def left_out_horizons(found: Findings) -> Limit | None:
    """Name the horizons that nothing is said of."""
    known = found["follow_up"]
    if not known or not known["left_out"]:
        return None
    return {"title": "Horizons left out", "text": " ".join(known["left_out"])}


def searched_threshold(found: Findings) -> Limit | None:
    """Say that the threshold was chosen because it divides best."""
    known = found["risk_groups"]
    if known is None or known["rule"] != "optimal":
        return None
    return {
        "title": "The threshold was searched for",
        "text": "Risk groups are divided where the training patients' survival differs most. Such "
        "a threshold is unsteady, and only the held-out patients' curves may be read.",
    }


def not_proportional(found: Findings) -> Limit | None:
    """Name the models whose hazard ratios change over time."""
    known = found["proportional_hazards"]
    names = [
        model["label"]
        for model in (known["models"] if known else [])
        if any(row["global"] and row["rejected"] for row in model["rows"])
    ]
    if not names:
        return None
    return {
        "title": "Hazards are not proportional",
        "text": f"In the training patients the test of all variables together speaks against "
        f"constant hazard ratios of {join_words(names)} (p < 0.05): their hazard ratios are means "
        "over time, and predictions at single horizons may be off.",
    }
