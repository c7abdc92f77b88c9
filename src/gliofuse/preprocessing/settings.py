"""What preprocessing does, as a study file or the command line says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gliofuse.cohort.sequences import SEQUENCES
from gliofuse.errors import SettingError, did_you_mean

__all__ = ["STEPS", "PreprocessingSettings", "Step", "check_settings"]

Step = Literal["reorient", "register", "brain", "bias", "resample", "normalise"]

STEPS: tuple[Step, ...] = get_args(Step)
"""The steps in the order in which they are done."""


class PreprocessingSettings(BaseModel):
    """From raw scans to the volumes that a design reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: tuple[Step, ...] = Field(
        default=STEPS, description="Those to do; their order is fixed, reorient always happens."
    )
    reference: str | None = Field(
        default=None, description="Sequence that the others are aligned to; t1ce, else t1."
    )
    space: Literal["native", "template"] = Field(
        default="native",
        description="native keeps the reference's axes and true millimetres; template aligns to "
        "MNI152 by an affine map, which changes sizes.",
    )
    spacing_mm: float = Field(default=1.0, ge=0.3, le=5.0, description="Of the cubic voxels.")
    brain: Literal["builtin", "hd-bet", "synthstrip"] = Field(
        default="builtin", description="Extraction; the last two are programs found on PATH."
    )
    brain_mask: str | None = Field(
        default=None,
        description="One's own mask on the reference's grid; {case_id} stands for the patient.",
    )
    mask_drawn_on: str | None = Field(
        default=None, description="Sequence of the tumour mask; by default found by its geometry."
    )
    intensities: Literal["none", "zscore", "minmax", "white-stripe"] = Field(
        default="none",
        description="Of the step normalise. Designs normalise on their own, so the default "
        "leaves grey values alone.",
    )
    seed: int = Field(default=0, ge=0, description="Of the voxels that registrations look at.")

    @field_validator("reference", "mask_drawn_on")
    @classmethod
    def _is_a_sequence(cls, name: str | None) -> str | None:
        if name is not None and name not in SEQUENCES:
            raise ValueError(f"unknown sequence {name!r}: {did_you_mean(name, SEQUENCES)}")
        return name

    def does(self, step: Step) -> bool:
        """Whether a step is done."""
        return step in self.steps

    def brain_mask_of(self, case_id: str) -> Path | None:
        """Return the patient's own brain mask, if there is to be one."""
        return None if self.brain_mask is None else Path(self.brain_mask.format(case_id=case_id))


def check_settings(given: dict[str, Any]) -> PreprocessingSettings:
    """Return checked settings.

    Raises
    ------
    SettingError
        For an unknown key, with the nearest name, or a value that is not allowed.
    """
    for key in given:
        if key not in PreprocessingSettings.model_fields:
            raise SettingError(
                f"preprocess: unknown key {key!r}; "
                f"{did_you_mean(key, PreprocessingSettings.model_fields)}"
            )
    for step in given.get("steps") or ():
        if step not in STEPS:
            raise SettingError(f"preprocess: unknown step {step!r}; {did_you_mean(step, STEPS)}")
    try:
        return PreprocessingSettings(**given)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise SettingError(
            f"preprocess.{where}: {problem['msg']} (got {problem.get('input')!r})"
        ) from None
