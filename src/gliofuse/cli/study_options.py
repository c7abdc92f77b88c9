"""From the options of ``run`` and ``compare`` to a study's settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gliofuse.errors import SettingError

if TYPE_CHECKING:
    from gliofuse.study import StudySettings

__all__ = [
    "CohortOption",
    "CovariatesOption",
    "EndpointOption",
    "FoldsOption",
    "PresetOption",
    "RepeatsOption",
    "SchedulerOption",
    "SeedOption",
    "SequencesOption",
    "SplitOption",
    "SurvivalOption",
    "ThresholdOption",
    "WorkersOption",
    "study_from_options",
]

# What `run` and `compare` are both asked for.
CohortOption = Annotated[Path | None, typer.Option("--cohort", help="Manifest, cohort.csv.")]
EndpointOption = Annotated[
    str | None,
    typer.Option("--endpoint", help='For example "grade >= 3" or "atrx_mutated == 1".'),
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
SurvivalOption = Annotated[
    str | None,
    typer.Option("--survival", help="Time and event column for Kaplan-Meier: os_days,died."),
]
FoldsOption = Annotated[int | None, typer.Option("--folds", help="k-fold cross-validation.")]
RepeatsOption = Annotated[int | None, typer.Option("--repeats", help="Repeats of the k-fold.")]
SplitOption = Annotated[
    str | None,
    typer.Option("--split", help="holdout, kfold, center:NAME[,NAME] or column:NAME."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Of splits, searches, networks.")]
ThresholdOption = Annotated[
    str | None, typer.Option("--threshold", help="half (0.5) or youden (on training patients).")
]
WorkersOption = Annotated[int | None, typer.Option("--workers", help="Processes; -1: every core.")]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Dask scheduler, tcp://host:8786.")
]


def study_from_options(
    study_file: Path | None,
    *,
    settings: list[str] | None = None,
    preset: str | None = None,
    **options: Any,
) -> StudySettings:
    """Return the study that a file and the options that were given describe.

    Options override the file; those that were not given (``None``) leave it as it is.

    Raises
    ------
    SettingError
        If neither names a cohort and an endpoint, or an option cannot be parsed.
    """
    import yaml

    from gliofuse.study import check_study, read_study

    given: dict[str, Any] = {}
    if study_file is not None:
        given = read_study(study_file).model_dump(mode="json", exclude_unset=True)
    changes = {name: value for name, value in options.items() if value is not None}
    if "endpoint" in changes:
        given["endpoint"] = _endpoint(changes["endpoint"])
    for name in ("design", "cohort"):
        if name in changes:
            given[name] = str(changes[name])
    if "features" in changes:
        missing = [name for name in ("clinical", "id_column") if name not in changes]
        if missing:
            option = "--" + missing[0].replace("_", "-")
            raise SettingError(f"--features also needs {option}")
        given["table"] = {
            name: str(changes[name])
            for name in ("features", "clinical", "id_column", "sequence")
            if name in changes
        }
    for name in ("sequences", "covariates"):
        if name in changes:
            given[name] = [part.strip() for part in changes[name].split(",") if part.strip()]
    if "survival" in changes:
        given["survival"] = _survival(changes["survival"])
    _split(given, changes)
    if "threshold" in changes:
        given.setdefault("evaluation", {})["threshold"] = changes["threshold"]
    for name in ("workers", "scheduler", "cache"):
        if name in changes:
            value = changes[name]
            given.setdefault("compute", {})[name] = str(value) if name == "cache" else value
    own = given.setdefault("settings", {})
    if preset is not None:
        own["preset"] = preset
    for pair in settings or []:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SettingError(f"--set {pair!r}: write KEY=VALUE, for example --set networks=none")
        own[key.strip()] = yaml.safe_load(value)
    if "cohort" not in given and "table" not in given:
        raise SettingError(
            "no patients named: give --cohort cohort.csv (made by `gliofuse cohort scan`), or "
            "--features, --clinical and --id-column"
        )
    if "endpoint" not in given:
        raise SettingError('no endpoint named: give for example --endpoint "grade >= 3"')
    if "name" not in given:
        given["name"] = str(given.get("design", "rdl")).removesuffix(".py").split("/")[-1]
    return check_study(given, source=str(study_file or "command line"))


def _endpoint(text: str) -> dict[str, Any]:
    from gliofuse.cohort import parse_endpoint

    return dict(parse_endpoint(text).as_dict())


def _survival(text: str) -> dict[str, str]:
    time, comma, event = text.partition(",")
    if not comma:
        raise SettingError(f"--survival {text!r}: write TIME,EVENT, for example os_days,died")
    return {"time": time.strip(), "event": event.strip()}


def _split(given: dict[str, Any], changes: dict[str, Any]) -> None:
    split = dict(given.get("split", {}))
    for name in ("folds", "repeats", "seed"):
        if name in changes:
            split[name] = changes[name]
    if "folds" in changes and "split" not in changes:
        split.setdefault("kind", "kfold")
    if "split" in changes:
        kind, _, argument = str(changes["split"]).partition(":")
        split["kind"] = kind
        if kind == "center" and argument:
            split["external"] = [part.strip() for part in argument.split(",")]
        if kind == "column" and argument:
            split["column"] = argument
    if split:
        given["split"] = split
