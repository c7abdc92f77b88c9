"""``gliofuse evaluate``: a model that was handed on, judged on other patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gliofuse.cli import app
from gliofuse.errors import InputError, SettingError

__all__ = ["evaluate"]


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(help="Folder that `gliofuse export` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the validation.")],
    cohort: Annotated[
        Path | None, typer.Option(help="Manifest of other patients, with their outcome.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Feature table, for a model of a table.")
    ] = None,
    clinical: Annotated[
        Path | None, typer.Option(help="With --features: clinical table with the outcome.")
    ] = None,
    id_column: Annotated[
        str, typer.Option(help="With --features: the patient's id in both tables.")
    ] = "case_id",
    segmenter: Annotated[
        Path | None, typer.Option(help="A segmenter's folder, for patients without a mask.")
    ] = None,
    design_file: Annotated[
        Path | None,
        typer.Option(help="File of the model's design, where that is one of one's own: it is run."),
    ] = None,
) -> None:
    """Validate a model on other patients, and write the report.

    Nothing of the model is changed: discrimination, calibration, decision curves, how the patients
    differ from those that it learned from, and what recalibration would bring. Stopped validations
    of images go on when the same command is given again.

    \b
    Examples
      gliofuse evaluate model --cohort other-hospital.csv -o validation
      gliofuse evaluate model --features radiomics.csv --clinical clinical.csv \\
          --id-column ID -o validation
    """
    from gliofuse.cli.progress import TerminalProgress, console, counting
    from gliofuse.cli.run import command_line, print_summary
    from gliofuse.cohort import read_manifest
    from gliofuse.cohort.tables import read_frame
    from gliofuse.model import load_model
    from gliofuse.model.cohorts import predict_into
    from gliofuse.model.prepare import preparation_of
    from gliofuse.report import write_report
    from gliofuse.study.external import evaluate_model

    if (cohort is None) == (features is None):
        raise SettingError("give either --cohort or --features with --clinical")
    own = (out / "predictions.parquet").exists() or (out / "patients").is_dir()
    if out.exists() and any(out.iterdir()) and not own:
        raise InputError(f"{out} holds files that are not a validation's; give another folder")
    loaded = load_model(model, design_file)
    patients = None
    if cohort is not None:
        patients = read_manifest(cohort, check_files=False)
        preparation = preparation_of(loaded, raw=None, segmenter=segmenter)
        with counting("predicting", len(patients)) as advance:
            found = predict_into(loaded, patients, out, preparation=preparation, progress=advance)
        predictions, failed, table = found.predictions, found.failed, patients.clinical
    else:
        if clinical is None:
            raise SettingError("--features also needs --clinical, the table with the outcome")
        table = read_frame(clinical, index=id_column)
        given = read_frame(str(features), index=id_column, numbers=True)
        both = given.index.intersection(table.index)
        if not len(both):
            raise InputError(f"{features} and {clinical} share no {id_column!r}")
        predictions, failed = loaded.predict_table(given.loc[both], table)
    metrics = evaluate_model(
        loaded,
        predictions,
        table,
        out,
        failed=failed,
        cohort=patients,
        source_file=str(cohort or features),
        command=command_line(),
        progress=TerminalProgress(),
    )
    report = write_report(out)
    print_summary(metrics, loaded.endpoint, console)
    if len(failed):
        console.print(f"[yellow]{len(failed)} patients could not be predicted:[/] {out}")
    console.print(f"report: {report}", soft_wrap=True, highlight=False)
    if len(failed):
        raise typer.Exit(1)
