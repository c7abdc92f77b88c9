"""How the patients were divided, in words."""

from __future__ import annotations

from collections.abc import Collection

from gliofuse.cohort import DRAWN_SHARE, SplitSettings
from gliofuse.report.wording import join_words

__all__ = ["split_short", "split_words"]

_SIDES = ("training", "validation", "test", "external")


def split_words(split: SplitSettings, sides: Collection[str], *, alike: str = "class") -> str:
    """Return one sentence or two on how the patients were split.

    Parameters
    ----------
    split : SplitSettings
        As carried out.
    sides : collection of str
        What patients of the run were: ``training``, ``validation``, ``test``, ``external``.
    alike : str
        What of the outcome the split keeps alike.
    """
    known = [side for side in _SIDES if side in sides]
    by = f" ({join_words([alike, *split.stratify])})" if split.stratify else ""
    if split.kind == "kfold":
        text = (
            f"The patients were cut into {split.folds} parts of like composition{by}; in turn "
            "each part was put aside, the models learned on the others and then predicted the part "
            "put aside. Each patient is thus predicted by models that never saw that patient"
        )
        if split.repeats > 1:
            text += f"; this was repeated {split.repeats} times with other cuts"
        text += "."
        if split.external:
            text += (
                f" The patients of {', '.join(split.external)} took no part in this; they were "
                "predicted by a model of all the others."
            )
    elif split.kind == "bootstrap":
        text = (
            f"In each of {split.resamples} resamples {DRAWN_SHARE:.1%} of the patients were drawn "
            f"without putting back, of like composition{by}; the models learned on these and "
            "predicted the others. Each patient is thus predicted by models that never saw that "
            "patient, and were fitted to fewer patients than there are. Further models were fitted "
            "to all patients, to see how much too well they describe these."
        )
    elif split.kind == "none" and known == ["external"]:
        text = "All of them are new to the models, which were fitted to others before."
    elif split.kind == "none":
        text = "No patient was held out."
    elif split.kind == "center" and split.external:
        text = (
            "The patients were divided by centre: whole centres were kept as external patients "
            f"({join_words(split.external)})."
        )
        if "test" in sides:
            text += " Of the others a part was held out as test patients."
    elif split.kind == "center":
        text = "Each centre in turn was put aside and predicted by models of the others."
    elif split.kind == "column":
        text = (
            f"A column of the table ({split.column}) says which patients are {join_words(known)}."
        )
    else:
        text = f"The patients were divided once, at random, into {join_words(known)} patients"
        text += f" of like composition{by}." if by else "."
    shared = split.validation == "epochs"
    if "validation" in sides and not (split.kind == "column" and not split.validation_fraction):
        text += (
            f" Of the patients to learn from, {split.validation_fraction:.0%} were put aside to "
            "choose the networks' stopping point"
            + ("; models without one learned from them too." if shared else ".")
        )
    elif "validation" in sides:
        text += " The validation patients chose the networks' stopping point."
    return text


def split_short(split: SplitSettings, sides: Collection[str], *, alike: str = "class") -> str:
    """Return the split in a few words; the parameters are those of :func:`split_words`."""
    if split.kind == "kfold":
        text = f"{split.folds}-fold cross-validation"
        if split.repeats > 1:
            text += f", repeated {split.repeats} times"
        if split.external:
            text += f"; external: {join_words(split.external)}"
    elif split.kind == "bootstrap":
        text = f"{split.resamples} resamples of {DRAWN_SHARE:.1%} of the patients"
    elif split.kind == "holdout":
        text = f"one random split into {join_words([s for s in _SIDES if s in sides])}"
    elif split.kind == "center":
        text = "by centre"
    elif split.kind == "column":
        text = f"as the column {split.column} says"
    elif set(sides) == {"external"}:
        text = "all patients are new to a model that was handed on"
    else:
        text = "nobody held out"
    if split.kind in ("kfold", "bootstrap", "holdout"):
        text += f", seed {split.seed}; stratified by {join_words([alike, *split.stratify])}"
    return f"{text}; by " + ("patient" if split.group is None else f"person ({split.group})")
