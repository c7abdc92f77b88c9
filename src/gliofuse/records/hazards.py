"""What the Cox models of a run say of its training patients, and whether their hazards allow it."""

from __future__ import annotations

from gliofuse.records.files import TableFile, count, number, text
from gliofuse.records.predictions import MODEL

__all__ = ["HAZARD_RATIOS", "PROPORTIONAL_HAZARDS", "SCHOENFELD"]

_FOLD = text("The fold.")

HAZARD_RATIOS = TableFile(
    "tables/hazard_ratios.csv",
    "Hazard ratios of Cox models of the training patients, each term alone and all together; by "
    "maximum partial likelihood, without a penalty that the models themselves may have.",
    columns={
        "model": MODEL,
        "kind": text("`univariable` or `multivariable`."),
        "term": text("The variable; `variable=level` against the reference level."),
        "coefficient": number("Log hazard ratio per unit.", optional=True),
        "hazard_ratio": number("Per unit of the term.", optional=True),
        "ci_low": number("Lower bound of the 95 % confidence interval.", optional=True),
        "ci_high": number("Upper bound.", optional=True),
        "se": number("Standard error of the coefficient.", optional=True),
        "z": number("The coefficient by its standard error.", optional=True),
        "p": number("Wald's p value.", optional=True),
        "note": text("Why figures are missing.", optional=True),
        "n": count("Patients.", optional=True),
        "events": count("Of these with the event.", optional=True),
        "fold": _FOLD,
    },
    others="further figures of the fit",
    by_fold=True,
    optional=True,
)
PROPORTIONAL_HAZARDS = TableFile(
    "tables/proportional_hazards.csv",
    "Tests of proportional hazards by Schoenfeld's residuals, a row a term and one of all.",
    columns={
        "model": MODEL,
        "term": text("The variable; `GLOBAL` for all together."),
        "chi2": number("Chi-squared.", optional=True),
        "degrees": count("Its degrees of freedom."),
        "p": number("p value.", optional=True),
        "fold": _FOLD,
    },
    by_fold=True,
    optional=True,
)
SCHOENFELD = TableFile(
    "tables/schoenfeld.csv",
    "Scaled Schoenfeld residuals, a row an event and term.",
    columns={
        "model": MODEL,
        "term": text("The variable."),
        "time": number("Of the event, in the unit of the times."),
        "scaled_residual": number("With the coefficient: an estimate of it at that time.",
                                  optional=True),
        "fold": _FOLD,
    },
    by_fold=True,
    optional=True,
)  # fmt: skip
