"""Training a network on patients, predicting with it, keeping it, reading its features.

torch loads with the first of these that is used, Lightning only when training starts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gliofuse.deep.training.features import extract_features
    from gliofuse.deep.training.hyperparameters import TrainingSettings
    from gliofuse.deep.training.loop import train_network
    from gliofuse.deep.training.state import TrainingProgress
    from gliofuse.deep.training.trained import TrainedNetwork, load_trained

__all__ = [
    "TrainedNetwork",
    "TrainingProgress",
    "TrainingSettings",
    "extract_features",
    "load_trained",
    "train_network",
]

_HOME = {
    "TrainedNetwork": "trained",
    "TrainingProgress": "state",
    "TrainingSettings": "hyperparameters",
    "extract_features": "features",
    "load_trained": "trained",
    "train_network": "loop",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
