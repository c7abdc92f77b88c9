"""What each design needs and offers, asked of its code, for those who choose one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gliofuse.cohort import STRUCTURAL, Endpoint
from gliofuse.cohort.endpoints import endpoint_kinds, parse_endpoint
from gliofuse.designs.framework.base import Design
from gliofuse.designs.framework.context import Available
from gliofuse.designs.framework.keys import Setting, settings_of
from gliofuse.designs.framework.registry import find_design
from gliofuse.errors import GliofuseError
from gliofuse.inputs import CohortInput

__all__ = ["DesignOverview", "design_overview"]

_CLINICAL = ("age", "sex")
_REGIONS = ("whole", "core", "enhancing", "edema", "necrosis")


@dataclass(frozen=True)
class DesignOverview:
    """A design, seen by someone who chooses one.

    Parameters
    ----------
    name, title, citation : str
    endpoints : tuple of str
        Kinds of endpoint that it predicts.
    from_table : tuple of str
        Those of them that it predicts from a feature table, without images.
    needs_covariates : bool
        Whether it predicts nothing unless clinical columns are named.
    sequences : tuple of str
        Of its publication's MRI; none where it reads any.
    models : dict of str to tuple of Model
        What it yields in the preset ``paper`` for each kind of endpoint, where everything is there
        that it can use.
    settings : tuple of Setting
    choices : tuple of str
        What its publication leaves open and the project chose.
    """

    name: str
    title: str
    citation: str
    endpoints: tuple[str, ...]
    from_table: tuple[str, ...]
    needs_covariates: bool
    sequences: tuple[str, ...]
    models: dict[str, tuple[Any, ...]]
    settings: tuple[Setting, ...]
    choices: tuple[str, ...]


def design_overview(name: str) -> DesignOverview:
    """Return what a design needs and offers.

    Parameters
    ----------
    name : str
        Of a built-in design, or the file of one's own.

    Raises
    ------
    SettingError
        If there is no such design.

    Examples
    --------
    >>> found = design_overview("imaging-clinical")
    >>> "survival" in found.endpoints
    False
    """
    design = find_design(name)
    models, from_table, alone = {}, [], False
    for kind, endpoint in _examples():
        whole = _plan(name, endpoint, images=True, clinical=_CLINICAL)
        if whole is None:
            continue
        models[kind] = whole.models
        alone = alone or _plan(name, endpoint, images=True, clinical=()) is not None
        table = _plan(name, endpoint, images=False, clinical=_CLINICAL)
        if table is not None and all(map(_comes_in_a_table, table.inputs)):
            from_table.append(kind)
    return DesignOverview(
        name=design.name,
        title=design.title,
        citation=design.paper.citation,
        endpoints=tuple(models),
        from_table=tuple(from_table),
        needs_covariates=bool(models) and not alone,
        sequences=design.paper.sequences,
        models=models,
        settings=tuple(_all_settings(name)),
        choices=(*design.choices, *design.choices_for_images),
    )


def _examples() -> Iterator[tuple[str, Endpoint]]:
    for name, kind in endpoint_kinds().items():
        yield name, parse_endpoint(kind.example.split('"')[1])


def _plan(
    name: str, endpoint: Endpoint, *, images: bool, clinical: tuple[str, ...]
) -> Design | None:
    """Return the design planned for a cohort that has everything, or None if it refuses it."""
    available = Available(endpoint, STRUCTURAL, _REGIONS, images, clinical, deep=True)
    try:
        design = find_design(name, endpoint)
        planned = design(design.Settings(preset="paper"), available)
        _ = planned.models, planned.inputs
    except GliofuseError:
        return None
    return planned


def _comes_in_a_table(one: Any) -> bool:
    return all(type(part).from_table is not CohortInput.from_table for part in one.parts)


def _all_settings(name: str) -> Iterator[Setting]:
    """Yield each setting once, also those of the classes for other endpoints."""
    seen: set[str] = set()
    for _, endpoint in _examples():
        for setting in settings_of(find_design(name, endpoint).Settings):
            if setting.key not in seen:
                seen.add(setting.key)
                yield setting
