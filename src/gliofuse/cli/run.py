"""``gliofuse run``: a design over a cohort, to a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gliofuse.cli import app
from gliofuse.cli.study_options import (
    CohortOption,
    CompleteCasesOption,
    CovariatesOption,
    EndpointOption,
    ExternalOption,
    FoldsOption,
    GroupOption,
    HorizonsOption,
    LabelsOption,
    PresetOption,
    RepeatsOption,
    SchedulerOption,
    SeedOption,
    SequencesOption,
    SplitOption,
    StratifyOption,
    SubgroupsOption,
    SurvivalOption,
    ThresholdOption,
    TimeUnitOption,
    UntilOption,
    WorkersOption,
)

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from gliofuse.cohort import Endpoint

__all__ = ["command_line", "print_summary", "run"]


@app.command()
def run(
    study_file: Annotated[
        Path | None, typer.Argument(help="Study file (YAML); the options below override it.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Run folder.")] = None,
    design: Annotated[
        str | None, typer.Option(help="A built-in design, or your_design.py.")
    ] = None,
    cohort: CohortOption = None,
    endpoint: EndpointOption = None,
    preset: PresetOption = None,
    features: Annotated[
        Path | None, typer.Option(help="Start from a feature table (CSV, Parquet).")
    ] = None,
    clinical: Annotated[Path | None, typer.Option(help="With --features: clinical table.")] = None,
    id_column: Annotated[
        str | None, typer.Option(help="With --features: the patient's id in both tables.")
    ] = None,
    sequence: Annotated[
        str | None, typer.Option(help="With --features: the sequence that they come from.")
    ] = None,
    sequences: SequencesOption = None,
    labels: LabelsOption = None,
    covariates: CovariatesOption = None,
    complete_cases: CompleteCasesOption = None,
    subgroups: SubgroupsOption = None,
    survival: SurvivalOption = None,
    time_unit: TimeUnitOption = None,
    horizons: HorizonsOption = None,
    until: UntilOption = None,
    folds: FoldsOption = None,
    repeats: RepeatsOption = None,
    split: SplitOption = None,
    external: ExternalOption = None,
    group: GroupOption = None,
    stratify: StratifyOption = None,
    seed: SeedOption = None,
    threshold: ThresholdOption = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A design's setting, KEY=VALUE; repeatable.")
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="The design's ablation too (two of them have one).")
    ] = False,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of features to share between runs.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Go on in a folder that holds another study.")
    ] = False,
) -> None:
    """Run a design on a cohort and write the report.

    Stopped runs go on where they stopped when the same command is given again. `gliofuse designs`
    lists the designs and their settings, `gliofuse init-study` writes a study file with every key.

    \b
    Examples
      gliofuse run study.yaml -o runs/first
      gliofuse run --design rdl --cohort cohort.csv --endpoint "grade >= 3" -o runs/grade
      gliofuse run --design rdl --cohort cohort.csv --endpoint "grade >= 3" \\
          --folds 5 --repeats 3 --preset paper -o runs/paper
      gliofuse run --design rdl --cohort cohort.csv --endpoint "idh == mutant" \\
          --split center:Hospital-C -o runs/external
      gliofuse run --design rdl --cohort cohort.csv --endpoint "idh == mutant" \\
          --split center -o runs/each-centre-in-turn
      gliofuse run --design rdl --cohort cohort.csv --endpoint "idh == mutant" \\
          --folds 5 --external Hospital-C -o runs/inside-and-outside
      gliofuse run --design rdl --cohort visits.csv --endpoint "grade >= 3" \\
          --group patient_id -o runs/several-visits
      gliofuse run --design imaging-clinical --cohort cohort.csv --endpoint "grade >= 3" \\
          --covariates age,sex --subgroups sex,age --complete-cases -o runs/complete
      gliofuse run --design rdl --features radiomics.csv --clinical clinical.csv \\
          --id-column ID --endpoint "WHO CNS Grade >= 4" -o runs/table
      gliofuse run --design deep-radiomics --cohort cohort.csv --endpoint "os_months, died" \\
          --time-unit months --horizons 12,24 --covariates age,grade -o runs/survival
    """
    from gliofuse.cli.progress import TerminalProgress, console
    from gliofuse.report import write_report
    from gliofuse.study.options import study_from_options
    from gliofuse.study.runner import run_study

    study = study_from_options(
        study_file,
        design=design,
        cohort=cohort,
        endpoint=endpoint,
        preset=preset,
        features=features,
        clinical=clinical,
        id_column=id_column,
        sequence=sequence,
        sequences=sequences,
        labels=labels,
        covariates=covariates,
        complete_cases=complete_cases,
        subgroups=subgroups,
        survival=survival,
        time_unit=time_unit,
        horizons=horizons,
        until=until,
        folds=folds,
        repeats=repeats,
        split=split,
        external=external,
        group=group,
        stratify=stratify,
        seed=seed,
        threshold=threshold,
        settings=[*(setting or []), *(["ablate=true"] if ablate else [])],
        workers=workers,
        scheduler=scheduler,
        cache=cache,
    )
    folder = out or Path("runs") / study.name
    result = run_study(
        study,
        folder,
        progress=TerminalProgress(),
        command=command_line(),
        force=force,
    )
    report = write_report(result.folder)
    print_summary(result.metrics, study.endpoint, console)
    if len(result.failed_cases):
        console.print(
            f"[yellow]{result.failed_cases['case_id'].nunique()} patients failed and were left "
            f"out:[/] {result.folder / 'failed_cases.csv'}"
        )
    console.print(f"report: {report}", soft_wrap=True, highlight=False)
    if len(result.failed_cases):
        raise typer.Exit(1)


def command_line() -> str:
    """Return the command as it was given, quoted for a shell."""
    import shlex
    import sys

    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def print_summary(metrics: pd.DataFrame, endpoint: Endpoint, console: Console) -> None:
    """Print the held-out figures of every model."""
    from rich.table import Column, Table

    from gliofuse.evaluation.endpoints import evaluation_of
    from gliofuse.report.wording import metric_label

    evaluation = evaluation_of(endpoint)
    _, *others = evaluation.summary_metrics
    for cohort, group in metrics.groupby("cohort", sort=False):
        overall = group[group["class"].fillna("") == ""] if "class" in group else group
        values = overall.set_index(["model", "metric"])
        first = evaluation.headline_among(str(cohort), set(overall["metric"]))
        name = Column("model", no_wrap=True, overflow="fold")
        table = Table(name, f"{metric_label(first)} (95 % CI)", *map(metric_label, others))
        for model in group["model"].unique():
            head, *rest = (
                values.loc[(model, metric)] if (model, metric) in values.index else None
                for metric in (first, *others)
            )
            interval = "" if head is None else f" ({head['ci_low']:.3f}-{head['ci_high']:.3f})"
            told = _told(head)
            table.add_row(str(model), told + interval * (told != "-"), *map(_told, rest))
        how = "chose the epoch: optimistic" if cohort == "validation" else "held out"
        table.title = f"{cohort}: {evaluation.patients_line(group)}, {how}"
        console.print(table)


def _told(row: pd.Series | None) -> str:
    """Return an estimate in words, a dash where the patients allow none."""
    return "-" if row is None or row["estimate"] != row["estimate"] else f"{row['estimate']:.3f}"
