"""Limitations of a survival study: its events, its follow-up, and what imaging adds."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    "ENOUGH_EVENTS",
    "events",
    "imaging_adds",
    "left_out_horizons",
    "not_proportional",
    "searched_threshold",
]

Limit = dict[str, str]
#: Events below which validation figures are unsteady (Collins et al., Stat Med 2016;35:214).
ENOUGH_EVENTS = 100
#: Events for each coefficient of a Cox model (Peduzzi et al., J Clin Epidemiol 1995;48:1503).
_EVENTS_A_COEFFICIENT = 10


def events(context: RunContext, found: Findings) -> Limit | None:
    """Say how few events there are to judge by and to learn from, and what they allow."""
    rows = found["follow_up"]["rows"] if found["follow_up"] else []
    judged = next((row for row in rows if row["cohort"] == context.primary), None)
    if judged is None:
        return None
    carried, scarce = _carried(context, found)
    if judged["events"] >= ENOUGH_EVENTS:
        return {"title": "Few events for the candidates", "text": carried} if scarce else None
    text = (
        f"Of the {plural(int(judged['n']), 'patient')} whose figures stand first, "
        f"{int(judged['events'])} had the event. Figures of merit become steady with about "
        f"{ENOUGH_EVENTS} events"
    )
    head = context.metric(context.primary, context.run.final.name, context.headline)
    if head and head.get("ci_low") is not None and head.get("ci_high") is not None:
        name = within(context.metric_label(context.headline))
        bounds = format_bounds(head["ci_low"], head["ci_high"], 2)
        text += f"; here the interval of the final model's {name} is {bounds}"
    return {"title": "Few events", "text": f"{text}. {carried}".strip()}


def _training_events(context: RunContext) -> pd.Series:
    """Return the training patients' events, by fold."""
    table = context.table(PREDICTIONS)
    if table is None:
        return pd.Series(dtype=int)
    training = table[table["cohort"] == "training"].drop_duplicates(["fold", "case_id"])
    return training.groupby("fold")["event"].sum()


def _carried(context: RunContext, found: Findings) -> tuple[str, bool]:
    """Say what the training patients' events carry, and return whether candidates are more."""
    counts = _training_events(context)
    if counts.empty:
        return "", False
    learned, size = int(counts.min()), found["sample_size"]
    known = [row["candidates"] for row in size["carried"]] if size else []
    candidates = max((value for value in known if value is not None), default=0)
    who = "The fold with the fewest has" if len(counts) > 1 else "The training patients have"
    text = f"{who} {plural(learned, 'event')} to learn from"
    if candidates:
        each = learned / candidates
        text += (
            f", for {plural(candidates, 'candidate parameter')} "
            f"({format_number(each, 1 if each >= 0.1 else 3)} each)"
        )
    carried = learned // _EVENTS_A_COEFFICIENT
    what = plural(carried, "coefficient") if carried else "no coefficient"
    text += (
        f": by the rule of thumb of {_EVENTS_A_COEFFICIENT} events each they carry {what} of a Cox "
        "model."
    )
    return text, learned < _EVENTS_A_COEFFICIENT * candidates


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
    alike, folds = _folds_alike(context, final.name, clinical.name)
    if alike == folds > 0:
        return {
            "title": "Imaging took no part in the final model",
            "text": f"{final.label} gives every patient the risk that {clinical.label} gives: in "
            "no fold did imaging enter it. Whatever it shows is the clinical covariates' own.",
        }
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
    if alike:
        both += f". In {alike} of {folds} folds imaging did not enter: the two models are one there"
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


def _folds_alike(context: RunContext, first: str, second: str) -> tuple[int, int]:
    """Return in how many folds two models give all patients the same risk, and of how many."""
    own = context.predictions[context.predictions["cohort"] == context.primary]
    if own.empty:
        return 0, 0
    wide = own.pivot_table(index=["fold", "case_id"], columns="model", values="risk")
    if not {first, second} <= set(wide):
        return 0, 0
    same = np.isclose(wide[first], wide[second], rtol=1e-9, atol=1e-12)
    folds = pd.Series(same, index=wide.index.get_level_values("fold")).groupby(level=0).all()
    return int(folds.sum()), len(folds)


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
