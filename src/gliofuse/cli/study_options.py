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
    "HorizonsOption",
    "LabelsOption",
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
    "TimeUnitOption",
    "UntilOption",
    "WorkersOption",
]

# What `run` and `compare` are both asked for.
CohortOption = Annotated[Path | None, typer.Option("--cohort", help="Manifest, cohort.csv.")]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        help='For example "grade >= 3", "atrx_mutated == 1"; several classes "grade: 2, 3, 4"; '
        'survival "os_days, died" (time, event; or "os_days, status == 2").',
    ),
]
PresetOption = Annotated[
    str | None, typer.Option("--preset", help="paper, or quick for two cores (default).")
]
SequencesOption = Annotated[
    str | None, typer.Option("--sequences", help="Sequences to use, for example t1ce,flair.")
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        help="What the masks' labels mean: brats, brats2023, binary, or of one's own, "
        "1=necrosis,2=edema,3=nonenhancing,4=enhancing (BraTS 2013); by default what fits.",
    ),
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
TimeUnitOption = Annotated[
    str | None,
    typer.Option("--time-unit", help="Of survival times: days (default), weeks, months or years."),
]
HorizonsOption = Annotated[
    str | None,
    typer.Option(
        "--horizons", help="Times at which survival is predicted; by default 1, 3 and 5 years."
    ),
]
UntilOption = Annotated[
    float | None,
    typer.Option("--until", help="End of follow-up: what came later counts as not seen."),
]
FoldsOption = Annotated[int | None, typer.Option("--folds", help="k-fold cross-validation.")]
RepeatsOption = Annotated[int | None, typer.Option("--repeats", help="Repeats of the k-fold.")]
SplitOption = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="holdout, kfold, bootstrap[:RESAMPLES] (.632+), center (each in turn), "
        "center:NAME[,NAME] or column:NAME.",
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
        help="half (0.5) or youden; of survival's risk: median or optimal (largest log-rank "
        "statistic); learned on training patients. By default the design's own.",
    ),
]
WorkersOption = Annotated[int | None, typer.Option("--workers", help="Processes; -1: every core.")]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Dask scheduler, tcp://host:8786.")
]
