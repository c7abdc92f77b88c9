"""How a cohort is divided."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["DRAWN_SHARE", "HOLDOUT_TEST_FRACTION", "SplitSettings"]

HOLDOUT_TEST_FRACTION = 0.3
#: The share of different patients in a bootstrap's resample, 1 - 1 / e.
DRAWN_SHARE = 0.632


class SplitSettings(BaseModel):
    """How a cohort is divided: who trains, who is put aside, and who is tested on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["kfold", "bootstrap", "holdout", "center", "column", "none"] = Field(
        default="kfold",
        description="kfold: every patient is tested once per repeat, but for those of the "
        "centres in external, if any: they are predicted by a model of all the others, in a "
        "fold of their own. bootstrap: in each resample 63.2 % of the patients, drawn without "
        "putting back, train, and the others are predicted; a further model is of all "
        "patients, for the .632+ estimate. holdout: one division. center: the patients of the "
        "centres in external are tested on, the others train; with no centre named, each "
        "centre in turn. column: a clinical column says training, validation, test or "
        "external. none: nobody is tested on, all train, but for those put aside by "
        "validation_fraction.",
    )
    folds: int = Field(default=5, ge=2, description="Of kfold.")
    repeats: int = Field(default=1, ge=1, description="Of kfold, each with another division.")
    resamples: int = Field(default=50, ge=2, description="Of bootstrap.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Of all that is drawn at random.")
    validation_fraction: float = Field(
        default=0.0,
        ge=0.0,
        lt=1.0,
        description="Share of the patients that are not tested on to put aside, for example to "
        "choose the number of epochs.",
    )
    validation: Literal["cohort", "epochs"] = Field(
        default="cohort",
        description="cohort: nothing but a network's epoch is chosen on the validation patients, "
        "and the figures of merit on them are shown. epochs: they are there for that choice alone, "
        "so that models without epochs learn from them too, and no figures are shown.",
    )
    test_fraction: float | None = Field(
        default=None,
        ge=0.0,
        lt=1.0,
        description="Share of the patients to test on; by default 0.3 for holdout, none for "
        "center.",
    )
    external: list[str] = Field(default_factory=list, description="Centres, of center and kfold.")
    column: str | None = Field(default=None, description="Clinical column, of column.")
    group: str | None = Field(
        default=None,
        description="Clinical column that names the person behind a row; all rows of a person "
        "stand on one side, in every kind of split.",
    )
    stratify: list[str] = Field(
        default_factory=list,
        description="Clinical columns of few values that the parts drawn at random hold alike, "
        "beside the classes; where combinations are rare, the first columns count most.",
    )
