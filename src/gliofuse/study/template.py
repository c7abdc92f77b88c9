"""A study file to start from: every key, with its default and its meaning."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import yaml

from gliofuse.designs.framework.keys import Setting, settings_of
from gliofuse.designs.framework.overview import design_overview
from gliofuse.study.settings import StudySettings

__all__ = ["study_template"]

_HEAD = """\
# A study of gliofuse: `gliofuse run {file}`.
# Keys without a # are set; the others show their defaults. Paths are relative to this file.
"""


def study_template(
    *,
    file: str = "study.yaml",
    cohort: str = "cohort.csv",
    endpoint: str = "grade >= 3",
    design: str = "rdl",
) -> str:
    """Return a commented study file (YAML) that holds every key there is.

    Parameters
    ----------
    file : str
        Name of the file, for the command in its first line.
    cohort, endpoint, design : str
        What the three keys that a study cannot do without are set to.

    Raises
    ------
    SettingError
        If there is no such design.
    """
    given = {"cohort": cohort, "endpoint": endpoint, "design": design}
    own = design_overview(design).settings
    every = list(settings_of(StudySettings))
    lines = [_HEAD.format(file=file)]
    for key, field in StudySettings.model_fields.items():
        lines += _comment(field.description or "")
        inner = [one for one in every if one.key.partition(".")[0] == key]
        if key in given:
            lines.append(yaml.safe_dump({key: given[key]}).rstrip())
        elif key == "settings":
            lines += ["settings:", *_members(own, keep={"preset"})]
        elif key == "split":
            lines += ["split:", *_members(inner, keep={"kind", "folds", "seed"})]
        elif _is_group(inner, key):
            lines += [f"# {key}:", *_members(inner, keep=set())]
        else:
            lines.append(f"# {key}: {inner[0].default}")
        lines.append("")
    return "\n".join(lines)


def _members(settings: Iterable[Setting], keep: set[str]) -> list[str]:
    lines = []
    for one in settings:
        name = one.key.rpartition(".")[2]
        lines += _comment(f"{one.meaning} [{one.kind}]".strip(), indent="  ")
        mark = "" if name in keep else "# "
        value = "" if one.default == "required" else one.default
        lines.append(f"  {mark}{name}: {value}".rstrip())
    return lines


def _comment(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, 96, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _is_group(inner: list[Setting], key: str) -> bool:
    return inner[0].key != key
