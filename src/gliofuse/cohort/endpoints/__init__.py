"""What is to be predicted: one file a kind of endpoint.

A kind is found by its module: a new one is a new file here, with the file of the same name in
:mod:`gliofuse.evaluation.endpoints` and :mod:`gliofuse.report.endpoints`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from gliofuse.cohort.endpoints.base import Endpoint, TwoClassEndpoint
from gliofuse.cohort.endpoints.binary import BinaryEndpoint
from gliofuse.cohort.endpoints.multiclass import MulticlassEndpoint
from gliofuse.cohort.endpoints.survival import TIME_UNITS, SurvivalEndpoint
from gliofuse.errors import EndpointError, did_you_mean

__all__ = [
    "TIME_UNITS",
    "BinaryEndpoint",
    "Endpoint",
    "MulticlassEndpoint",
    "SurvivalEndpoint",
    "TwoClassEndpoint",
    "endpoint_from_dict",
    "endpoint_kinds",
    "parse_endpoint",
]


@cache
def endpoint_kinds() -> dict[str, type[Endpoint]]:
    """Return the class of each kind of endpoint, by its name in a study file."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    concrete = [kind for kind in _below(Endpoint) if "kind" in vars(kind)]
    return {kind.kind: kind for kind in sorted(concrete, key=lambda kind: kind.kind)}


def _below(kind: Any) -> Iterator[type[Endpoint]]:
    for own in kind.__subclasses__():
        yield own
        yield from _below(own)


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint that a line of text means; column names may hold blanks.

    Parameters
    ----------
    text : str
        ``"column OPERATOR value"``, ``"column: class, class, class"`` or, for survival,
        ``"time column, event column"``.

    Raises
    ------
    EndpointError
        If it is none of them.

    Examples
    --------
    >>> parse_endpoint("WHO CNS Grade >= 4").column
    'WHO CNS Grade'
    >>> parse_endpoint("MGMT in {positive, weak}").describe()
    'MGMT in {positive, weak}'
    >>> parse_endpoint("grade: 2, 3, 4").classes
    ('2', '3', '4')
    >>> parse_endpoint("os_days, status == 2").as_dict()
    {'kind': 'survival', 'time': 'os_days', 'event': 'status', 'seen': '2'}
    """
    for kind in endpoint_kinds().values():
        endpoint = kind.parse(text)
        if endpoint is not None:
            return endpoint
    examples = "; ".join(kind.example for kind in endpoint_kinds().values())
    raise EndpointError(f"cannot understand the endpoint {text!r}; write for example {examples}")


def endpoint_from_dict(fields: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint that :meth:`Endpoint.as_dict` wrote; keys without a value don't count.

    Raises
    ------
    EndpointError
        If the kind or a key is unknown, or a key is missing.

    Examples
    --------
    >>> endpoint_from_dict({"kind": "binary", "column": "grade", "positive": ">= 3"}).describe()
    'grade >= 3'
    """
    kinds = endpoint_kinds()
    fields = {key: value for key, value in fields.items() if value is not None}
    name = str(fields.get("kind", "binary"))
    if name not in kinds:
        raise EndpointError(f"endpoint kind {name!r} is unknown: {did_you_mean(name, kinds)}")
    kind = kinds[name]
    for key in fields:
        known = (*kind.fields, *kind.optional_fields)
        if key not in ("kind", *known):
            raise EndpointError(f"endpoint key {key!r} is unknown: {did_you_mean(key, known)}")
    for key in kind.fields:
        if key not in fields:
            raise EndpointError(
                f"a {name} endpoint needs {key!r}, got {sorted(fields)}; write for example "
                f"{kind.example}"
            )
    return kind.from_fields({key: value for key, value in fields.items() if key != "kind"})
