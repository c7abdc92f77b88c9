"""What the commands do, for Python: the names that :mod:`gliofuse` itself offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from gliofuse.cohort import Cohort, Endpoint, join_clinical, scan_folder, write_manifest
from gliofuse.cohort import read_manifest as _read_manifest
from gliofuse.cohort.manifest import write_new_manifest
from gliofuse.errors import InputError, did_you_mean
from gliofuse.files import write_csv
from gliofuse.records import COMPARISON, METRICS, ComparisonFolder, RunFolder, RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gliofuse.radiomics import RadiomicsSettings
    from gliofuse.study.progress import Progress
    from gliofuse.study.settings import StudySettings

__all__ = [
    "Comparison",
    "Run",
    "compare",
    "extract",
    "load_run",
    "read_cohort",
    "run",
    "scan",
]

Table: TypeAlias = str | Path | pd.DataFrame


def scan(
    folder: str | Path,
    *,
    clinical: str | Path | None = None,
    id_column: str | None = None,
    layout: str | None = None,
    visit: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> tuple[Cohort, pd.DataFrame]:
    """Find the patients in a folder of MRI, as ``gliofuse cohort scan`` does.

    Parameters
    ----------
    folder : path
    clinical : path, optional
        Table with a row a patient (CSV), joined by ``id_column``.
    id_column : str, optional
    layout : str, optional
        By default found from the file names.
    visit : str, optional
        Take this visit instead of the first.
    out : path, optional
        Manifest to write, so that the commands can go on with it.
    overwrite : bool, default False
        Replace a manifest that differs.

    Returns
    -------
    cohort : Cohort
    remarks : DataFrame
        Columns ``case_id, rule, detail``: what was not understood, doubled or left.

    Raises
    ------
    InputError
        If nothing in the folder is understood, or the table cannot be joined.
    """
    if (clinical is None) != (id_column is None):
        raise InputError("clinical and id_column go together: give both or neither")
    found = scan_folder(Path(folder), layout=layout, visit=visit)
    cohort, remarks = found.cohort, found.notes
    if clinical is not None and id_column is not None:
        cohort, more = join_clinical(cohort, clinical, id_column, layout=found.layout)
        remarks = pd.concat([remarks, more], ignore_index=True)
    if out is not None:
        write_new_manifest(cohort, out, overwrite=overwrite)
        cohort = _read_manifest(out, check_files=False)
    return cohort, remarks


def read_cohort(path: str | Path) -> Cohort:
    """Read a manifest; see :func:`gliofuse.cohort.read_manifest`."""
    return _read_manifest(path)


def extract(
    cohort: Cohort | str | Path,
    *,
    settings: RadiomicsSettings | str = "original",
    regions: Sequence[str] = ("whole",),
    sequences: Sequence[str] | None = None,
    normalisation: str = "none",
    labels: str = "auto",
    workers: int = 1,
    cache: str | Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the radiomic features of a cohort, as ``gliofuse extract`` does.

    For one image see :class:`~gliofuse.radiomics.RadiomicsExtractor`.

    Parameters
    ----------
    cohort : Cohort or path
        A manifest's path will do.
    settings : RadiomicsSettings or str
        A feature bank by name, a design's (``"rdl"``) or a preset (``"original"``), or a
        PyRadiomics parameter file.
    regions : sequence of str
        For example ``"whole"`` or ``"ring(whole, 5)"``.
    sequences : sequence of str, optional
        By default those of the cohort.
    normalisation : {"none", "minmax", "zscore", "percentile"}
    labels : str
        Label convention of the masks; ``auto`` takes the one that fits.
    workers : int
        Processes; -1 takes every core.
    cache : path, optional
        Folder of finished patients.

    Returns
    -------
    features : DataFrame
        Index ``case_id``; columns ``<sequence>.<region>.<image>_<family>_<Feature>``.
    failures : DataFrame
        Columns ``case_id, stage, error``: patients without features, and why.
    """
    from gliofuse.designs.framework.banks import feature_bank
    from gliofuse.imaging import cohort_convention
    from gliofuse.radiomics import extract_cohort

    patients = cohort if isinstance(cohort, Cohort) else _read_manifest(cohort)
    bank = feature_bank(settings) if isinstance(settings, str) else settings
    masks = [case.mask for case in patients if case.mask is not None]
    return extract_cohort(
        patients,
        settings=bank,
        regions=regions,
        sequences=sequences,
        convention=cohort_convention(masks, named=labels, workers=workers),
        normalisation=normalisation,
        workers=workers,
        cache=cache,
    )


class Run:
    """A finished run: its tables as data frames and its figures.

    Attributes
    ----------
    folder : pathlib.Path
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).resolve()
        self._files = RunFolder(self.folder)
        _ = self.record  # a folder without a finished run is an error now, not later

    @cached_property
    def record(self) -> RunRecord:
        """What the run is: design, models, endpoint, split, versions."""
        return self._files.record

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Figures of merit of held-out patients, each with its interval."""
        return self._files.need(METRICS)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Every patient's prediction by every model; training rows are no performance."""
        return self._files.predictions()

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures of the report."""
        return tuple(self._drawings)

    def figure(self, name: str) -> Figure:
        """Return a figure of the report.

        Parameters
        ----------
        name : str
            One of :attr:`figures`, or the beginning of one: ``"roc"`` is the first ROC figure.

        Raises
        ------
        InputError
            If the report has no such figure.
        """
        drawings = self._drawings
        found = name if name in drawings else next((n for n in drawings if n.startswith(name)), "")
        if not found:
            raise InputError(f"the report has no figure {name!r}; {did_you_mean(name, drawings)}")
        figure = drawings[found].figure()
        if figure is None:
            raise InputError(f"figure {found!r}: the run's tables hold nothing to draw")
        return figure

    @cached_property
    def _drawings(self) -> dict[str, Any]:
        from gliofuse.report import drawings

        return {drawing.name: drawing for drawing in drawings(self.folder)}

    @property
    def report(self) -> Path:
        """The page ``report.html``, drawn if it is not there yet."""
        if not self._files.report.exists():
            from gliofuse.report import write_report

            write_report(self.folder)
        return self._files.report

    def __repr__(self) -> str:
        record = self.record
        return (
            f"Run({str(self.folder)!r}: {record.design.name}, {record.endpoint_text}, "
            f"{record.n_cases} patients, {len(record.models)} models)"
        )


class Comparison:
    """A finished comparison of designs.

    Attributes
    ----------
    folder : pathlib.Path
    runs : dict of str to Run
        By design.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).resolve()
        self._files = ComparisonFolder(self.folder)
        self.runs = {
            design.name: Run(self.folder / design.run_folder)
            for design in self._files.record.designs
        }

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Figures of merit of the designs' final models; ``model`` is the design."""
        return self._files.need(METRICS)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The predictions of the designs' final models."""
        return self._files.predictions()

    @property
    def report(self) -> Path:
        """The page ``report.html``, drawn if it is not there yet."""
        if not self._files.report.exists():
            from gliofuse.report import write_comparison_report

            write_comparison_report(self.folder)
        return self._files.report

    def __repr__(self) -> str:
        return f"Comparison({str(self.folder)!r}: {', '.join(self.runs)})"


def run(
    cohort: Cohort | str | Path | None = None,
    endpoint: str | Endpoint | Mapping[str, Any] | None = None,
    *,
    out: str | Path,
    design: str = "rdl",
    features: Table | None = None,
    clinical: Table | None = None,
    id_column: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    force: bool = False,
    **options: Any,
) -> Run:
    """Run a design over a split and write the report, as ``gliofuse run`` does.

    Parameters
    ----------
    cohort : Cohort or path, optional
        The patients' images; or give ``features``, ``clinical`` and ``id_column``.
    endpoint : str, Endpoint or mapping
        ``"grade >= 3"``, ``"idh == mutant"``, or several classes, ``"grade: 2, 3, 4"``.
    out : path
        The run folder. One that was stopped goes on.
    design : str
        A built-in design, or the path of one's own.
    features, clinical : path or DataFrame, optional
        Tables with the column ``id_column``.
    id_column : str, optional
    settings : mapping, optional
        The design's own.
    progress : Progress, optional
        Told of stages; nothing is printed by default.
    force : bool, default False
        Go on in a folder that holds another study.
    **options
        ``preset, sequences, covariates, survival, split, folds, repeats, seed, threshold,
        workers, cache, ...``: as on the command line, see ``gliofuse run --help``.

    Returns
    -------
    Run

    Raises
    ------
    InputError, RunError
        As the command says them.
    """
    from gliofuse.report import write_report
    from gliofuse.study.runner import run_study

    folder = Path(out)
    sources = _sources(folder, cohort, features, clinical, id_column)
    study = _study(design, endpoint, settings, sources, options)
    run_study(study, folder, progress=progress, command="gliofuse.run()", force=force)
    write_report(folder)
    return Run(folder)


def compare(
    cohort: Cohort | str | Path | None = None,
    endpoint: str | Endpoint | Mapping[str, Any] | None = None,
    *,
    out: str | Path,
    designs: Sequence[str],
    features: Table | None = None,
    clinical: Table | None = None,
    id_column: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
    force: bool = False,
    **options: Any,
) -> Comparison:
    """Compare designs on the same patients and splits, as ``gliofuse compare`` does.

    Parameters
    ----------
    designs : sequence of str
    settings : mapping, optional
        By design.
    cohort, endpoint, out, features, clinical, id_column, progress, force, **options
        As of :func:`run`.

    Returns
    -------
    Comparison
    """
    from gliofuse.report import write_comparison_report, write_report
    from gliofuse.study.compare import compare_designs

    folder = Path(out)
    sources = _sources(folder, cohort, features, clinical, id_column)
    studies = {
        Path(name).stem: _study(name, endpoint, (settings or {}).get(name), sources, options)
        for name in designs
    }
    result = compare_designs(
        studies, folder, progress=progress, command="gliofuse.compare()", force=force
    )
    for finished in result.runs.values():
        write_report(finished.folder)
    write_comparison_report(folder)
    return Comparison(folder)


def load_run(folder: str | Path) -> Run | Comparison:
    """Open the folder of a finished run, or of a finished comparison.

    Raises
    ------
    InputError
        If it holds neither.
    """
    compared = ComparisonFolder(Path(folder)).place(COMPARISON).exists()
    return Comparison(folder) if compared else Run(folder)


def _study(
    design: str,
    endpoint: str | Endpoint | Mapping[str, Any] | None,
    settings: Mapping[str, Any] | None,
    sources: Mapping[str, Any],
    options: Mapping[str, Any],
) -> StudySettings:
    from gliofuse.study.options import OPTIONS, study_from_options

    for name in options:
        if name not in OPTIONS:
            raise InputError(f"option {name!r} is unknown; {did_you_mean(name, OPTIONS)}")
    return study_from_options(
        design=design, endpoint=endpoint, settings=settings or {}, **sources, **options
    )


def _sources(
    folder: Path,
    cohort: Cohort | str | Path | None,
    features: Table | None,
    clinical: Table | None,
    id_column: str | None,
) -> dict[str, Any]:
    """Return the files that a study reads; what is in memory is written beside the run folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(cohort, Cohort):
        path = folder.with_name(f"{folder.name}.cohort.csv")
        write_manifest(cohort, path)
        cohort = path
    tables = {"features": features, "clinical": clinical}
    for name, table in tables.items():
        if isinstance(table, pd.DataFrame):
            path = folder.with_name(f"{folder.name}.{name}.csv")
            write_csv(path, table, index=id_column == table.index.name)
            tables[name] = path
    given = {"cohort": cohort, **tables, "id_column": id_column}
    return {name: value for name, value in given.items() if value is not None}
