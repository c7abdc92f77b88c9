"""``gliofuse predict``: a model's word on new patients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gliofuse.cli import app
from gliofuse.errors import SettingError

if TYPE_CHECKING:
    from gliofuse.model import TrainedModel
    from gliofuse.model.cohorts import CohortPredictions
    from gliofuse.model.prediction import Prediction

__all__ = ["predict"]

_Image = Annotated[Path | None, typer.Option(help="The patient's image of this sequence.")]


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="Folder that `gliofuse export` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for what is predicted.")],
    t1: _Image = None,
    t1ce: _Image = None,
    t2: _Image = None,
    flair: _Image = None,
    image: Annotated[
        list[str] | None,
        typer.Option(help="Of another sequence: NAME=FILE, for example adc=adc.nii.gz."),
    ] = None,
    mask: Annotated[Path | None, typer.Option(help="Tumour mask.")] = None,
    age: Annotated[float | None, typer.Option(help="For the model's variable of age.")] = None,
    sex: Annotated[str | None, typer.Option(help="For the model's variable of sex.")] = None,
    clinical: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE, repeatable; with --features a clinical table (CSV)."),
    ] = None,
    cohort: Annotated[Path | None, typer.Option(help="Manifest of patients instead.")] = None,
    features: Annotated[
        Path | None, typer.Option(help="Feature table (CSV, Parquet), for a model of a table.")
    ] = None,
    id_column: Annotated[str, typer.Option(help="With --features: its patients.")] = "case_id",
    dicom: Annotated[Path | None, typer.Option(help="Folder of DICOM files instead.")] = None,
    raw: Annotated[
        bool | None,
        typer.Option("--raw/--finished", help="Preprocess the scans; by default as the study did."),
    ] = None,
    segmenter: Annotated[
        Path | None, typer.Option(help="A segmenter's folder, for patients without a mask.")
    ] = None,
    design_file: Annotated[
        Path | None,
        typer.Option(help="File of the model's design, where that is one of one's own: it is run."),
    ] = None,
    dicom_out: Annotated[
        Path | None,
        typer.Option(help="Also write mask and prediction as DICOM (SEG, SR) into this folder."),
    ] = None,
    dicom_source: Annotated[
        Path | None,
        typer.Option(help="With --dicom-out: the scan's DICOM folder, where --dicom is not given."),
    ] = None,
    dicom_series: Annotated[
        str | None,
        typer.Option(help="With --dicom-out: Series Instance UID to refer to; by default t1ce's."),
    ] = None,
    case_id: Annotated[str, typer.Option(help="The patient's name in the files.")] = "patient",
    heat_maps: Annotated[
        bool,
        typer.Option(
            "--heat-maps/--no-heat-maps", help="Draw where the model's networks look (Grad-CAM)."
        ),
    ] = True,
    pdf: Annotated[
        bool,
        typer.Option("--pdf", help="One patient's page as PDF too (needs Chromium or Chrome)."),
    ] = False,
) -> None:
    """Predict one patient, a cohort, or the rows of a feature table.

    Writes prediction.json; of several patients one each, and predictions.csv. A cohort goes on
    where it stopped; patients who cannot be predicted are in failed_cases.csv and make the exit
    code 1.

    \b
    Examples
      gliofuse predict model --t1 t1.nii.gz --t1ce t1ce.nii.gz --t2 t2.nii.gz \\
          --flair flair.nii.gz --mask mask.nii.gz --age 54 --sex F -o out
      gliofuse predict model --cohort cohort.csv -o out
      gliofuse predict model --features features.csv --clinical clinical.csv -o out
      gliofuse predict model --dicom DICOM --segmenter segmenter --dicom-out results -o out
    """
    from gliofuse.model import load_model

    images = {"t1": t1, "t1ce": t1ce, "t2": t2, "flair": flair}
    files = {name: path for name, path in images.items() if path is not None}
    files |= {name: Path(path) for name, path in map(_pair, image or [])}
    ways = {"--cohort": cohort, "--features": features, "--dicom": dicom, "images": files or None}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        raise SettingError(
            f"give one of images (--t1 ...), --cohort, --features, --dicom; "
            f"got {', '.join(given) or 'none'}"
        )
    if pdf:
        from gliofuse.report.pdf import find_browser

        if cohort is not None or features is not None:
            raise SettingError("--pdf is of one patient's page; --cohort and --features have none")
        find_browser()
    loaded = load_model(model, design_file)
    if features is not None:
        _print_cohort(_of_table(loaded, features, clinical or [], id_column, out), out)
        return
    values = _values(loaded, age, sex, clinical or [])
    if cohort is not None:
        from gliofuse.cohort import read_manifest

        _of_cohort(loaded, read_manifest(cohort, check_files=False), out, raw, segmenter)
        return
    from gliofuse.cohort import Case
    from gliofuse.model.cohorts import explain_patient, predict_patient
    from gliofuse.model.prepare import preparation_of

    if dicom is not None:
        found = _from_dicom(dicom, out, values)
        if len(found) > 1:
            _of_cohort(loaded, found, out, True, segmenter)
            return
        (case,), raw = found.cases, True
    else:
        case = Case(case_id, files, mask, clinical=values)
    preparation = preparation_of(loaded, raw=raw, segmenter=segmenter)
    one = predict_patient(loaded, case, out, preparation)
    _print_patient(loaded, one)
    from gliofuse.report.patient import write_patient_report

    if dicom_out is not None:
        source = dicom_source or dicom
        _write_dicom(loaded, one, case, out, source, dicom_out, dicom_series)
    heat = explain_patient(loaded, one, case, out, preparation) if heat_maps else {}
    page = write_patient_report(
        one,
        loaded.description,
        out,
        case=preparation.applied(case, out),
        card=loaded.card,
        heat=heat,
    )
    typer.echo(f"written: {out / 'prediction.json'}; report: {page}")
    if pdf:
        from gliofuse.report.pdf import print_pdf

        typer.echo(f"PDF: {print_pdf(page)}")


def _write_dicom(
    model: TrainedModel,
    one: Prediction,
    case: Any,
    out: Path,
    source: Path | None,
    folder: Path,
    series: str | None,
) -> None:
    from gliofuse.model.dicom import write_dicom_results

    if source is None:
        raise SettingError("--dicom-out needs the scan's DICOM files: give --dicom-source DIR")
    predicted = out / "mask.nii.gz"
    automatic = case.mask is None and predicted.exists()
    written = write_dicom_results(
        one,
        model.description,
        source,
        folder,
        mask=predicted if automatic else case.mask,
        automatic=automatic,
        series_uid=series,
    )
    typer.echo(f"DICOM: {', '.join(map(str, written))}")


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name or not value:
        raise SettingError(f"write NAME=VALUE, got {text!r}")
    return name.strip(), value.strip()


def _values(
    model: TrainedModel, age: float | None, sex: str | None, clinical: list[str]
) -> dict[str, Any]:
    """Return the clinical values by the model's variables."""
    from gliofuse.model.checks import clinical_values

    values: dict[str, Any] = dict(map(_pair, clinical))
    names = [one.name for one in model.description.clinical]
    for option, value in (("age", age), ("sex", sex)):
        if value is None:
            continue
        own = [name for name in names if name.lower().split("_")[0] == option]
        if len(own) != 1:
            raise SettingError(
                f"--{option}: the model's variables are {', '.join(names) or 'none'}; write "
                "--clinical NAME=VALUE"
            )
        values[own[0]] = value
    return clinical_values(values, model.description.clinical)


def _of_table(
    model: TrainedModel, features: Path, clinical: list[str], id_column: str, out: Path
) -> CohortPredictions:
    from gliofuse.cohort.tables import read_frame
    from gliofuse.model.cohorts import CohortPredictions, write_predictions

    if len(clinical) > 1 or any("=" in one for one in clinical):
        raise SettingError("with --features, --clinical is one table (CSV, Parquet)")
    known = read_frame(clinical[0], index=id_column) if clinical else None
    table = read_frame(features, index=id_column, numbers=True)
    found = CohortPredictions(*model.predict_table(table, known))
    write_predictions(found, out)
    return found


def _of_cohort(
    model: TrainedModel, patients: Any, out: Path, raw: bool | None, segmenter: Path | None
) -> None:
    from gliofuse.cli.progress import counting
    from gliofuse.model.cohorts import predict_into
    from gliofuse.model.prepare import preparation_of

    preparation = preparation_of(model, raw=raw, segmenter=segmenter)
    with counting("predicting", len(patients)) as advance:
        found = predict_into(model, patients, out, preparation=preparation, progress=advance)
    _print_cohort(found, out)


def _from_dicom(folder: Path, out: Path, values: dict[str, Any]) -> Any:
    from dataclasses import replace

    from gliofuse.cli.progress import bars
    from gliofuse.cohort import Cohort
    from gliofuse.model.prepare import dicom_cohort

    with bars() as drawn:
        task = drawn.add_task("reading", total=None, unit="files")
        found = dicom_cohort(
            folder,
            out / "dicom",
            progress=lambda done, total: drawn.update(task, completed=done, total=total),
        )
    if values and len(found) > 1:
        raise SettingError(
            f"{folder} holds {len(found)} patients; clinical values are given for one alone: "
            f"predict --cohort {out / 'dicom' / 'nifti' / 'cohort.csv'} with their columns in it"
        )
    return Cohort(tuple(replace(case, clinical={**case.clinical, **values}) for case in found))


def _print_patient(model: TrainedModel, one: Prediction) -> None:
    from gliofuse.cli.progress import console

    plain: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}
    for warning in one.warnings:
        console.print(f"look at this: {warning}", style="yellow", **plain)
    for own in one.models:
        mark = "*" if own == one.final else " "
        typer.echo(f"{mark} {own.label}: {_said(own)}")
    typer.echo(one.note)


def _said(own: Any) -> str:
    parts = []
    if own.probability is not None:
        parts.append(f"probability {own.probability:.3f}")
    parts += [f"{name} {value:.3f}" for name, value in own.probabilities.items()]
    if own.risk is not None:
        parts.append(f"log hazard {own.risk:.2f}")
    parts += [f"{name} {value:.0%}" for name, value in own.survival.items() if value is not None]
    if own.called is not None:
        at = "" if own.threshold is None else f" (threshold {own.threshold:.3g})"
        parts.append(f"called {own.called}{at}")
    return ", ".join(parts)


def _print_cohort(found: CohortPredictions, out: Path) -> None:
    from gliofuse.cli.progress import console

    for row in found.failed.itertuples():
        console.print(f"{row.case_id}: {row.error}", style="red", markup=False, soft_wrap=True)
    number = len(found.predictions) + len(found.failed)
    typer.echo(f"{len(found.predictions)} of {number} patients: {out / 'predictions.csv'}")
    if len(found.failed):
        raise typer.Exit(1)
