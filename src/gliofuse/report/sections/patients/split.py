"""How the patients were divided, in words."""

from __future__ import annotations

from gliofuse.cohort import SplitSettings

__all__ = ["split_short", "split_words"]

_KINDS = {
    "holdout": "one three-way split",
    "center": "a split by centre, with whole centres kept as external patients",
    "column": "the split that the cohort table prescribes",
}
_SHORT = {
    "holdout": "one random three-way split",
    "center": "by centre",
    "column": "as a column of the cohort table says",
    "none": "nobody held out",
}


def split_words(split: SplitSettings) -> str:
    """Return one sentence or two on how the patients were split."""
    if split.kind == "kfold":
        text = (
            f"The patients were cut into {split.folds} parts of like composition; in turn each "
            "part was put aside, the models learned on the others and then predicted the part put "
            "aside. Each patient is thus predicted by models that never saw that patient"
        )
        if split.repeats > 1:
            text += (
                f"; this was repeated {split.repeats} times with other cuts and averaged per "
                "patient"
            )
        text += "."
        if split.external:
            text += (
                f" The patients of {', '.join(split.external)} took no part in this; they were "
                "predicted by a model of all the others."
            )
    elif split.kind == "none":
        text = "No patient was held out."
    else:
        text = f"The patients were divided by {_KINDS[split.kind]}."
        if split.kind == "center":
            text += (
                " External: " + ", ".join(split.external) + "."
                if split.external
                else " Each centre in turn was put aside and predicted by models of the others."
            )
    if split.kind != "column" and split.validation_fraction:
        text += (
            f" Of the patients to learn from, {split.validation_fraction:.0%} were put aside to "
            "choose the networks' stopping point; nothing else was learned from them."
        )
    return text


def split_short(split: SplitSettings) -> str:
    """Return the split in a few words."""
    if split.kind == "kfold":
        text = f"{split.folds}-fold cross-validation"
        if split.repeats > 1:
            text += f", repeated {split.repeats} times"
        if split.external:
            text += f"; external: {', '.join(split.external)}"
    else:
        text = _SHORT[split.kind]
    if split.kind in ("kfold", "holdout"):
        text += f", seed {split.seed}"
    whom = "patient" if split.group is None else f"person ({split.group})"
    return f"{text}; by {whom}, stratified by class"
