"""What a fitted design is beside its code, in parts that can be kept without running any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FittedState", "PortableNetwork"]


@dataclass(frozen=True)
class PortableNetwork:
    """A trained network and what is taken off the log-odds of its probability.

    Attributes
    ----------
    trained : gliofuse.deep.training.TrainedNetwork
    prior_shift : float
        See :class:`~gliofuse.designs.framework.networks.NetworkSignature`.
    """

    trained: Any
    prior_shift: float = 0.0


@dataclass(frozen=True)
class FittedState:
    """Everything that a fitted design predicts with, but for the design itself.

    Nothing in it is of one training patient, but for the support vectors of a machine and the
    times of a Cox model's baseline.

    Attributes
    ----------
    estimators : mapping of str to object
        scikit-learn estimators.
    networks : mapping of str to PortableNetwork
    values : mapping of str to object
        What JSON can hold.
    """

    estimators: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, PortableNetwork] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: Mapping[str, FittedState]) -> FittedState:
        """Return the states of several parts as one; :meth:`part` takes them apart again."""
        kinds = ("estimators", "networks", "values")
        return cls(
            *(
                {
                    f"{name}/{key}": value
                    for name, state in parts.items()
                    for key, value in getattr(state, kind).items()
                }
                for kind in kinds
            )
        )

    def part(self, name: str) -> FittedState:
        """Return the state that was joined under a name."""
        own = f"{name}/"
        return FittedState(
            *(
                {key.removeprefix(own): one for key, one in kind.items() if key.startswith(own)}
                for kind in (self.estimators, self.networks, self.values)
            )
        )
