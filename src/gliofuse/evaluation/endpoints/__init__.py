"""How each kind of endpoint is evaluated: one file a kind.

A kind is found by its module, the one named after ``endpoint.kind``: a new kind is a new file here
that holds one subclass of :class:`Evaluation`. What asks for an evaluation doesn't ask of what
kind it is.
"""

from __future__ import annotations

import importlib
import pkgutil

from gliofuse.cohort import Endpoint
from gliofuse.errors import EndpointError, did_you_mean
from gliofuse.evaluation.endpoints.base import Evaluation

__all__ = ["Evaluation", "evaluation_kinds", "evaluation_of"]


def evaluation_kinds() -> list[str]:
    """Return the kinds of endpoint that can be evaluated."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")


def evaluation_of(endpoint: Endpoint) -> Evaluation:
    """Return what evaluates predictions of an endpoint.

    Parameters
    ----------
    endpoint : Endpoint

    Raises
    ------
    EndpointError
        If there is no evaluation of its kind.
    """
    kinds = evaluation_kinds()
    if endpoint.kind not in kinds:
        raise EndpointError(
            f"predictions of a {endpoint.kind} endpoint cannot be evaluated: "
            f"{did_you_mean(endpoint.kind, kinds)}"
        )
    module = importlib.import_module(f"{__name__}.{endpoint.kind}")
    for kind in vars(module).values():
        own = isinstance(kind, type) and kind.__module__ == module.__name__
        if own and issubclass(kind, Evaluation):
            return kind(endpoint)
    raise EndpointError(f"{module.__name__} holds no subclass of Evaluation; write one")
