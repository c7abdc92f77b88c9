"""What the designs that select features say of how they nest it."""

from __future__ import annotations

__all__ = ["SELECTION_CHOICE"]

#: For a design's ``choices``.
SELECTION_CHOICE = (
    "Features are selected anew inside the folds of every inner choice (the LASSO's penalty, grid "
    "searches, Platt's curve), which the papers do once, with the labels of those folds; setting "
    "selection: paper does as they do."
)
