"""``gliofuse compare``: several designs on one cohort, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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

__all__ = ["compare"]


@app.command()
def compare(
    study_files: Annotated[
        list[Path] | None, typer.Argument(help="Study files, instead of --designs.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder.")] = Path("runs/compare"),
    designs: Annotated[
        str, typer.Option(help="Built-in designs or your_design.py, separated by commas.")
    ] = "rdl,deep-radiomics,shape-resnet,imaging-clinical",
    cohort: CohortOption = None,
    endpoint: EndpointOption = None,
    preset: PresetOption = None,
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
        list[str] | None,
        typer.Option("--set", help="DESIGN.KEY=VALUE, for one design; repeatable."),
    ] = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Go on in a folder that holds another comparison.")
    ] = False,
) -> None:
    """Compare designs on the same patients, splits and seeds; one report for all.

    \b
    Examples
      gliofuse compare --cohort cohort.csv --endpoint "grade >= 3" -o runs/four
      gliofuse compare --designs rdl,my_design.py --cohort cohort.csv \\
          --endpoint "atrx_mutated == 1" --covariates age_years,sex --folds 5 -o runs/atrx
      gliofuse compare --designs imaging-clinical,rdl --cohort cohort.csv \\
          --endpoint "grade >= 3" --set imaging-clinical.weights=resnet34.pth -o runs/two
    """
    from gliofuse.cli.progress import TerminalProgress, console
    from gliofuse.cli.run import command_line, print_summary
    from gliofuse.errors import SettingError
    from gliofuse.report import write_comparison_report, write_report
    from gliofuse.study.compare import compare_designs
    from gliofuse.study.options import study_from_options

    names = [Path(name).stem if name.endswith(".py") else name for name in designs.split(",")]
    own: dict[str, list[str]] = {name: [] for name in names}
    for pair in setting or []:
        name, _, rest = pair.partition(".")
        if name not in own or "=" not in rest:
            raise SettingError(
                f"--set {pair!r}: write DESIGN.KEY=VALUE with a design of {', '.join(own)}"
            )
        own[name].append(rest)
    options: dict[str, Any] = {
        "cohort": cohort,
        "endpoint": endpoint,
        "preset": preset,
        "sequences": sequences,
        "labels": labels,
        "covariates": covariates,
        "complete_cases": complete_cases,
        "subgroups": subgroups,
        "survival": survival,
        "time_unit": time_unit,
        "horizons": horizons,
        "until": until,
        "folds": folds,
        "repeats": repeats,
        "split": split,
        "external": external,
        "group": group,
        "stratify": stratify,
        "seed": seed,
        "threshold": threshold,
        "workers": workers,
        "scheduler": scheduler,
    }
    if study_files:
        studies = {path.stem: study_from_options(path, **options) for path in study_files}
    else:
        studies = {
            name: study_from_options(None, design=design, settings=own[name], **options)
            for name, design in zip(names, designs.split(","), strict=True)
        }
    result = compare_designs(
        studies, out, progress=TerminalProgress(), command=command_line(), force=force
    )
    for run in result.runs.values():
        write_report(run.folder)
    report = write_comparison_report(result.folder)
    first = next(iter(studies.values()))
    print_summary(result.metrics, first.endpoint, console)
    console.print(f"report: {report}", soft_wrap=True, highlight=False)
