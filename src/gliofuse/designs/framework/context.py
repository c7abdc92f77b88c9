"""What a design is given: what the cohort offers it, and how a fit is carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from gliofuse.cohort import Endpoint, SurvivalEndpoint

if TYPE_CHECKING:
    from gliofuse.deep.training import TrainingProgress
    from gliofuse.inputs import CaseData

__all__ = ["Available", "FitContext"]


@dataclass(frozen=True)
class Available:
    """What a cohort has to offer a design.

    Parameters
    ----------
    endpoint : Endpoint
        What is to be predicted.
    sequences : tuple of str
        MRI sequences that every analysed patient has, in the cohort's order.
    regions : tuple of str
        Named regions of the masks' label convention.
    images : bool
        Whether there are images; ``False`` when the study starts from a feature table.
    clinical : tuple of str
        Columns of the clinical table that may enter a model.
    survival : SurvivalEndpoint, optional
        The study's survival columns, for a network that learns survival beside the endpoint.
    deep : bool
        Whether the networks' libraries are installed.
    """

    endpoint: Endpoint
    sequences: tuple[str, ...]
    regions: tuple[str, ...] = ("whole",)
    images: bool = True
    clinical: tuple[str, ...] = ()
    survival: SurvivalEndpoint | None = None
    deep: bool = True


@dataclass(frozen=True)
class FitContext:
    """How a fit is carried out; only seed and ``validation`` change what is fitted.

    Parameters
    ----------
    seed : int
    validation : {"cohort", "epochs"}
        Whether the validation patients are a cohort of their own, or are there for a network's
        choice of epoch alone.
    workers : int
        Processes that the fit may use.
    scratch : pathlib.Path, optional
        Folder for trained networks, and for checkpoints while they train, so that a killed
        training resumes; ``None`` keeps none.
    device : str
        ``auto``, ``cpu`` or ``gpu``.
    groups : pandas.Series, optional
        The person behind each row, by ``case_id``: rows of one person stay together in inner folds.
    watch : callable, optional
        Called with a network's name and its
        :class:`~gliofuse.deep.training.TrainingProgress` after each batch.
    """

    seed: int = 0
    validation: Literal["cohort", "epochs"] = "cohort"
    workers: int = 1
    scratch: Path | None = None
    device: str = "auto"
    groups: pd.Series | None = field(default=None, compare=False, repr=False)
    watch: Callable[[str, TrainingProgress], None] | None = field(
        default=None, compare=False, repr=False
    )

    def learners(self, training: CaseData, validation: CaseData | None) -> CaseData:
        """Return the patients that a model without epochs learns from.

        These are the validation patients too, where they are there for a network's sake alone.
        """
        if validation is None or self.validation == "cohort":
            return training
        return training.subset((*training.case_ids, *validation.case_ids))

    def folder(self, name: str) -> Path | None:
        """Return the scratch folder of one step, or ``None``."""
        return None if self.scratch is None else self.scratch / name
