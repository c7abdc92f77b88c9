"""The options that ``run``, ``compare`` and ``train`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "CohortOption",
    "CompleteCasesOption",
    "CovariatesOption",
    "EndpointOption",
    "ExternalOption",
    "FoldsOption",
    "GroupOption",
    "PresetOption",
    "RepeatsOption",
    "SchedulerOption",
    "SeedOption",
    "SequencesOption",
    "SplitOption",
    "StratifyOption",
    "SubgroupsOption",
    "SurvivalOption",
    "ThresholdOption",
    "WorkersOption",
]

# What `run` and `compare` are both asked for.
CohortOption = Annotated[Path | None, typer.Option("--cohort", help="Manifest, cohort.csv.")]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        help='For example "grade >= 3", "atrx_mutated == 1" or, several classes, "grade: 2, 3, 4".',
    ),
]
PresetOption = Annotated[
    str | None, typer.Option("--preset", help="paper, or quick for two cores (default).")
]
SequencesOption = Annotated[
    str | None, typer.Option("--sequences", help="Sequences to use, for example t1ce,flair.")
]
CovariatesOption = Annotated[
    str | None,
    typer.Option("--covariates", help="Clinical columns that may enter, for example age,sex."),
]
CompleteCasesOption = Annotated[
    bool | None,
    typer.Option(
        "--complete-cases", help="Leave out who lacks a covariate; by default it is imputed."
    ),
]
SubgroupsOption = Annotated[
    str | None,
    typer.Option("--subgroups", help="Judge in groups of these columns, for example sex,age."),
]
SurvivalOption = Annotated[
    str | None,
    typer.Option("--survival", help="Time and event column for Kaplan-Meier: os_days,died."),
]
FoldsOption = Annotated[int | None, typer.Option("--folds", help="k-fold cross-validation.")]
RepeatsOption = Annotated[int | None, typer.Option("--repeats", help="Repeats of the k-fold.")]
SplitOption = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="holdout, kfold, center (each in turn), center:NAME[,NAME] or column:NAME.",
    ),
]
ExternalOption = Annotated[
    str | None,
    typer.Option(
        "--external",
        help="Centres that take no part in the k-fold and are predicted by a model of the others.",
    ),
]
GroupOption = Annotated[
    str | None,
    typer.Option(
        "--group", help="Clinical column of the person: all rows of one stay on one side."
    ),
]
StratifyOption = Annotated[
    str | None,
    typer.Option(
        "--stratify", help="Columns that the parts hold alike beside the classes: sex,grade."
    ),
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Of splits, searches, networks.")]
ThresholdOption = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        help="half (0.5) or youden (on training patients); by default the design's own.",
    ),
]
WorkersOption = Annotated[int | None, typer.Option("--workers", help="Processes; -1: every core.")]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Dask scheduler, tcp://host:8786.")
]
