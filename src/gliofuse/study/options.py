"""From the options of a command, a notebook or a form to a study's settings.

Every door builds its study here, so that an option means the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gliofuse.cohort import Endpoint, parse_endpoint
from gliofuse.errors import SettingError
from gliofuse.study.settings import StudySettings, check_study, read_study

__all__ = ["OPTIONS", "parse_setting", "study_from_options"]

#: What can be set in a study beside its design's own settings.
OPTIONS = (
    "preset", "design", "cohort", "endpoint", "features", "clinical", "id_column", "sequence",
    "sequences", "labels", "covariates", "complete_cases", "subgroups", "survival",
    "time_unit", "horizons", "until", "split",
    "folds", "repeats", "validation_fraction", "external", "group", "stratify",
    "seed", "threshold", "explain",
    "workers", "scheduler", "cache",
)  # fmt: skip


def study_from_options(
    study_file: Path | None = None,
    *,
    settings: Mapping[str, Any] | Sequence[str] = (),
    preset: str | None = None,
    **options: Any,
) -> StudySettings:
    """Return the study that a file and the options that were given describe.

    Options override the file; those that were not given (``None``) leave it as it is.

    Parameters
    ----------
    study_file : path, optional
    settings : mapping or sequence of str
        The design's own settings; as ``KEY=VALUE`` each, or by key.
    preset : str, optional
        ``paper`` or ``quick``.
    **options
        The others of :data:`OPTIONS`, as on the command line or as a study file holds them.

    Raises
    ------
    SettingError
        If neither names a cohort and an endpoint, or an option cannot be parsed.
    """
    given: dict[str, Any] = {}
    if study_file is not None:
        given = read_study(study_file).model_dump(mode="json", exclude_unset=True)
    changes = {name: value for name, value in options.items() if value is not None}
    if "endpoint" in changes:
        given["endpoint"] = _endpoint(changes["endpoint"])
    _times(given, changes)
    for name in ("design", "cohort"):
        if name in changes:
            given[name] = str(changes[name])
    for name in ("labels", "explain", "complete_cases"):
        if name in changes:
            given[name] = changes[name]
    if "features" in changes:
        given["table"] = _table(changes)
    elif lone := next((n for n in ("clinical", "id_column", "sequence") if n in changes), None):
        raise SettingError(
            f"--{lone.replace('_', '-')} goes with --features; a cohort's clinical columns are in "
            "its manifest (`gliofuse cohort scan --clinical` joins them)"
        )
    for name in ("sequences", "covariates"):
        if name in changes:
            given[name] = _words(changes[name])
    if "survival" in changes:
        given["survival"] = _survival(changes["survival"])
        if "time_unit" in changes:
            given["survival"]["unit"] = changes["time_unit"]
    _split(given, changes)
    if "subgroups" in changes:
        given.setdefault("evaluation", {})["subgroups"] = _words(changes["subgroups"])
    if "threshold" in changes:
        given.setdefault("evaluation", {})["threshold"] = changes["threshold"]
    for name in ("workers", "scheduler", "cache"):
        if name in changes:
            value = changes[name]
            given.setdefault("compute", {})[name] = str(value) if name == "cache" else value
    own = given.setdefault("settings", {})
    if preset is not None:
        own["preset"] = preset
    own.update(settings if isinstance(settings, Mapping) else dict(map(parse_setting, settings)))
    if "cohort" not in given and "table" not in given:
        raise SettingError(
            "no patients named: give --cohort cohort.csv (made by `gliofuse cohort scan`), or "
            "--features, --clinical and --id-column"
        )
    if "endpoint" not in given:
        raise SettingError('no endpoint named: give for example --endpoint "grade >= 3"')
    if "name" not in given:
        given["name"] = Path(str(given.get("design", "rdl"))).stem
    return check_study(given, source=str(study_file or "command line"))


def parse_setting(pair: str) -> tuple[str, Any]:
    """Return the key and the value of ``KEY=VALUE``, the value read as YAML.

    Raises
    ------
    SettingError
        If there is no ``=``.

    Examples
    --------
    >>> parse_setting("epochs=30")
    ('epochs', 30)
    """
    import yaml

    key, equals, value = pair.partition("=")
    if not equals:
        raise SettingError(f"--set {pair!r}: write KEY=VALUE, for example --set networks=none")
    return key.strip(), yaml.safe_load(value)


def _endpoint(given: str | Endpoint | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    return (given if isinstance(given, Endpoint) else parse_endpoint(given)).as_dict()


def _times(given: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Add what the options say of the times of a survival endpoint, or of survival columns."""
    asked = [name for name in ("time_unit", "horizons", "until") if name in changes]
    if not asked:
        return
    endpoint = given.get("endpoint") or {}
    if endpoint.get("kind") == "survival":
        if "time_unit" in changes:
            endpoint["unit"] = changes["time_unit"]
        if "horizons" in changes:
            endpoint["horizons"] = _words(changes["horizons"])
        if "until" in changes:
            endpoint["until"] = changes["until"]
    elif asked == ["time_unit"] and "survival" in changes:
        return
    else:
        option = asked[0].replace("_", "-")
        raise SettingError(
            f'--{option} is for a survival endpoint, for example --endpoint "os_days, died"'
        )


def _table(changes: Mapping[str, Any]) -> dict[str, str]:
    for name in ("clinical", "id_column"):
        if name not in changes:
            raise SettingError(f"--features also needs --{name.replace('_', '-')}")
    names = ("features", "clinical", "id_column", "sequence")
    return {name: str(changes[name]) for name in names if name in changes}


def _words(given: str | Sequence[Any]) -> list[str]:
    parts = given.split(",") if isinstance(given, str) else map(str, given)
    return [part.strip() for part in parts if part.strip()]


def _survival(given: str | Sequence[str]) -> dict[str, str]:
    words = _words(given)
    if len(words) != 2:
        raise SettingError(f"--survival {given!r}: write TIME,EVENT, for example os_days,died")
    return {"time": words[0], "event": words[1]}


def _split(given: dict[str, Any], changes: Mapping[str, Any]) -> None:
    split = dict(given.get("split", {}))
    for name in ("folds", "repeats", "seed", "validation_fraction", "group"):
        if name in changes:
            split[name] = changes[name]
    for name in ("external", "stratify"):
        if name in changes:
            split[name] = _words(changes[name])
    if "folds" in changes and "split" not in changes:
        split.setdefault("kind", "kfold")
    if "split" in changes:
        kind, _, argument = str(changes["split"]).partition(":")
        split["kind"] = kind
        if kind == "center" and argument:
            split["external"] = [part.strip() for part in argument.split(",")]
        if kind == "column" and argument:
            split["column"] = argument
        if kind == "bootstrap" and argument:
            split["resamples"] = argument
    kind = split.get("kind", "kfold")
    for name in ("folds", "repeats"):
        if name in changes and kind != "kfold":
            raise SettingError(
                f"--{name} is of a cross-validation, and the split is {kind}; leave one out"
            )
    if split:
        given["split"] = split
