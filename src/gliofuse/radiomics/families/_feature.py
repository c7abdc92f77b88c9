"""What is said about a feature: its definition, its IBSI code, and where it departs from IBSI."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Feature", "names"]


@dataclass(frozen=True)
class Feature:
    """The definition of one feature, as the reference page prints it.

    Parameters
    ----------
    name : str
        The name as PyRadiomics spells it.
    formula : str
        LaTeX, in the symbols that the family's docstring introduces.
    meaning : str
        What a high value says.
    ibsi : str, optional
        Code of the feature in the IBSI reference manual; empty where IBSI has no such feature.
    tag : str, optional
        Its tag in the table of IBSI's reference values, without the aggregation suffix.
    departure : str, optional
        How the value differs from IBSI's definition; empty where both agree.
    """

    name: str
    formula: str
    meaning: str
    ibsi: str = ""
    tag: str = ""
    departure: str = ""


def names(features: tuple[Feature, ...]) -> tuple[str, ...]:
    """Return the names of ``features`` in their order.

    Examples
    --------
    >>> names((Feature("Mean", "", ""), Feature("Range", "", "")))
    ('Mean', 'Range')
    """
    return tuple(feature.name for feature in features)
