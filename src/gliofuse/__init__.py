"""Glioma MRI to radiomic and deep features, fused signatures, honest evaluation and a report.

What the commands do, from Python; a study in a notebook:

    >>> import gliofuse                                                     # doctest: +SKIP
    >>> cohort, remarks = gliofuse.scan("/data/glioma", clinical="table.csv",
    ...                                 id_column="patient_id")             # doctest: +SKIP
    >>> run = gliofuse.run(cohort, "grade >= 3", design="rdl", folds=5,
    ...                    out="runs/grade")                                # doctest: +SKIP
    >>> run.metrics                                # every estimate with its interval; a DataFrame
    ...                                                                     # doctest: +SKIP
    >>> run.figure("roc")                          # a matplotlib figure      # doctest: +SKIP
    >>> run.report                                 # the page that the command writes
    ...                                                                     # doctest: +SKIP

- :func:`scan`, :func:`read_cohort`: who takes part (``gliofuse cohort scan``)
- :func:`extract`, :class:`RadiomicsExtractor`: radiomic features, of a cohort or of one image
- :func:`run`, :func:`compare`: a design, or several, over a split (``gliofuse run``, ``compare``)
- :func:`load_model`: a study's model, for new patients (``gliofuse export``, ``predict``)
- :func:`load_run`: a finished run's or comparison's tables and figures

A stopped run goes on where it stopped when it is called again with the same arguments. This is
research software; nothing that it says may guide the care of a patient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.version import __version__

if TYPE_CHECKING:
    from gliofuse.api import Comparison, Run, compare, extract, load_run, read_cohort, run, scan
    from gliofuse.model import TrainedModel, load_model
    from gliofuse.radiomics import RadiomicsExtractor, RadiomicsSettings

__all__ = [
    "Comparison",
    "RadiomicsExtractor",
    "RadiomicsSettings",
    "Run",
    "TrainedModel",
    "__version__",
    "compare",
    "extract",
    "load_model",
    "load_run",
    "read_cohort",
    "run",
    "scan",
]


def __getattr__(name: str) -> Any:
    """Load on first use, so that importing gliofuse stays quick."""
    if name in ("RadiomicsExtractor", "RadiomicsSettings"):
        from gliofuse import radiomics

        return getattr(radiomics, name)
    if name in ("TrainedModel", "load_model"):
        from gliofuse import model

        return getattr(model, name)
    if name in __all__:
        from gliofuse import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
