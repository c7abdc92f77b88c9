"""A fitted design in a folder, and back; nothing in the folder is run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gliofuse.cohort import SurvivalEndpoint, endpoint_from_dict
from gliofuse.designs import (
    DESIGNS,
    Available,
    Design,
    FittedDesign,
    find_design,
    parse_settings,
    with_clinical_comparator,
)
from gliofuse.designs.framework.state import FittedState, PortableNetwork
from gliofuse.errors import InputError, did_you_mean
from gliofuse.files import atomic_folder, file_hash, write_json, write_text
from gliofuse.model.description import FORMAT, MODEL, ModelDescription, NetworkFile
from gliofuse.model.integrity import SUMS, check_files, seal

__all__ = ["Bundle", "check_place", "read_bundle", "write_bundle"]

_ESTIMATORS = "estimators.skops"


@dataclass(frozen=True)
class Bundle:
    """What a model's folder holds.

    Attributes
    ----------
    folder : pathlib.Path
    description : ModelDescription
    fitted : FittedDesign
    card : dict
        The model card.
    parts : mapping of str to dict
        What was fitted beside the design, by name: see :mod:`gliofuse.model.parts`.
    """

    folder: Path
    description: ModelDescription
    fitted: FittedDesign
    card: dict[str, Any] = field(repr=False)
    parts: Mapping[str, dict[str, Any]] = field(repr=False)

    @property
    def segmenter(self) -> Path | None:
        """The folder of the segmenter that goes with the model, if one does."""
        folder = self.folder / "segmenter"
        return folder if folder.is_dir() else None


def write_bundle(
    folder: Path,
    description: ModelDescription,
    fitted: FittedDesign,
    *,
    card: Mapping[str, Any],
    card_text: str,
    parts: Mapping[str, Mapping[str, Any]] | None = None,
    files: Mapping[str, Path] | None = None,
    segmenter: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Write a model's folder, whole or not at all.

    Parameters
    ----------
    folder : pathlib.Path
    description : ModelDescription
        Without networks and values, which are taken from ``fitted``.
    fitted : FittedDesign
    card, card_text : mapping, str
        The model card as JSON and as Markdown.
    parts : mapping, optional
        What was fitted beside the design, by name.
    files : mapping of str to path, optional
        Files that the design's settings name, by setting; they are copied into the folder.
    segmenter : path, optional
        Folder of the segmenter that made the masks; it is copied, without its patients' ids.
    overwrite : bool, default False
        Whether a model that stands there is replaced; anything else never is.

    Raises
    ------
    InputError
        If the folder is there already, or the design cannot be handed on.
    """
    check_place(folder, overwrite)
    state = fitted.state()
    with atomic_folder(folder) as place:
        if state.estimators:
            from gliofuse.model.estimators import save_estimators

            save_estimators(place / _ESTIMATORS, state.estimators)
        description = description.model_copy(
            update={
                "networks": _write_networks(place, state.networks),
                "values": dict(state.values),
                "setting_files": _copy_settings(place, files or {}),
            }
        )
        MODEL.write(place / MODEL.path, description)
        write_json(place / "card.json", card)
        write_text(place / "card.md", card_text)
        for name, part in (parts or {}).items():
            write_json(place / "parts" / f"{name}.json", part)
        if segmenter is not None:
            _copy_segmenter(place / "segmenter", segmenter)
        seal(place)


def read_bundle(folder: str | Path, design_file: str | Path | None = None) -> Bundle:
    """Read a model's folder.

    Parameters
    ----------
    folder : path
    design_file : path, optional
        Of a design of one's own, whose code is run; a model holds none.

    Raises
    ------
    InputError
        If it holds no model, a file was added, changed or is missing, an object of an unlisted
        type would be made, or the model was written by a newer version.
    """
    place = Path(folder)
    names = check_files(place)
    description = _described(place)
    state = FittedState(
        estimators=_estimators(place) if _ESTIMATORS in names else {},
        networks=_read_networks(place, description.networks),
        values=description.values,
    )
    design = planned_design(place, description, design_file)
    try:
        fitted = design.restore(state)
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"{place / MODEL.path}: does not describe a fitted {description.design!r} ({error!r}); "
            "it was written by another version of gliofuse"
        ) from error
    parts = {
        Path(name).stem: json.loads((place / name).read_text(encoding="utf-8"))
        for name in names
        if name.startswith("parts/")
    }
    card = json.loads((place / "card.json").read_text(encoding="utf-8"))
    return Bundle(place, description, fitted, card, parts)


def planned_design(
    folder: Path, description: ModelDescription, design_file: str | Path | None = None
) -> Design:
    """Return the design that a model is of, planned as it was for its fit.

    Raises
    ------
    InputError
        If there is no such design, its settings are not of this version, or the file of a design
        of one's own is missing, another one, or not needed.
    """
    named = _design_name(folder, description, design_file)
    endpoint = endpoint_from_dict(description.endpoint)
    survival = None if description.survival is None else endpoint_from_dict(description.survival)
    assert survival is None or isinstance(survival, SurvivalEndpoint)
    settings = dict(description.settings)
    for name, file in description.setting_files.items():
        settings[name] = str(_inside(folder, file))
    kind = find_design(named, endpoint)
    available = Available(
        endpoint=endpoint,
        sequences=description.sequences,
        regions=description.regions,
        images=description.source == "images",
        clinical=tuple(one.name for one in description.clinical),
        survival=survival,
        deep=description.deep,
    )
    return with_clinical_comparator(kind(parse_settings(kind, settings), available))


def _described(folder: Path) -> ModelDescription:
    path = folder / MODEL.path
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    written = given.get("format") if isinstance(given, dict) else None
    if not isinstance(written, int):
        raise InputError(f"{path}: not a model's description (no format number)")
    if written > FORMAT:
        raise InputError(
            f"{path}: format {written}, written by gliofuse {given.get('gliofuse_version')}; this "
            f"version reads formats up to {FORMAT}: install a newer gliofuse"
        )
    try:
        return ModelDescription.model_validate(given)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise InputError(f"{path}: {where}: {problem['msg']}") from None


def check_place(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that a model must not be written to.

    Raises
    ------
    InputError
        If it holds anything but a model, or one that is not to be replaced.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / SUMS).is_file():
        raise InputError(f"{folder} is there and holds no model; choose another folder with -o")
    if not overwrite:
        raise InputError(f"{folder} holds a model; --overwrite replaces it, or choose another")


def _design_name(
    folder: Path, description: ModelDescription, design_file: str | Path | None
) -> str:
    """Return the name by which the design is found: its own, or its file's."""
    own = description.design_sha256
    if own and design_file is None:
        raise InputError(
            f"{folder / MODEL.path}: the design {description.design!r} is a file of one's own, and "
            f"a model holds no code; give it with --design-file (its SHA-256 is {own[:16]}...)"
        )
    if own and file_hash(str(design_file), length=64) != own:
        raise InputError(
            f"{design_file}: not the file that the model was fitted with, whose SHA-256 is "
            f"{own[:16]}...; give that one, or export the study again"
        )
    if not own and design_file is not None:
        raise InputError(
            f"--design-file {design_file}: this model's design, {description.design!r}, is built in"
        )
    if not own and description.design not in DESIGNS:
        raise InputError(
            f"{folder / MODEL.path}: no design {description.design!r}; "
            f"{did_you_mean(description.design, DESIGNS)}"
        )
    return str(design_file) if own else description.design


def _estimators(folder: Path) -> dict[str, Any]:
    from gliofuse.model.estimators import load_estimators

    return load_estimators(folder / _ESTIMATORS)


def _write_networks(
    folder: Path, networks: Mapping[str, PortableNetwork]
) -> dict[str, NetworkFile]:
    """Write each network's weights, those that several models read once."""
    files: dict[int, str] = {}
    found = {}
    for name, network in networks.items():
        own = id(network.trained)
        if own not in files:
            files[own] = f"networks/{re.sub(r'[^A-Za-z0-9_.+-]', '-', name)}.safetensors"
            network.trained.save_weights(folder / files[own])
        found[name] = NetworkFile(
            file=files[own],
            prior_shift=network.prior_shift,
            description=network.trained.describe(),
        )
    return found


def _read_networks(folder: Path, networks: Mapping[str, NetworkFile]) -> dict[str, PortableNetwork]:
    if not networks:
        return {}
    from gliofuse.optional import require

    for module in ("torch", "safetensors"):
        require(module, extra="deep")
    from gliofuse.deep.training.trained import described_network

    found: dict[str, PortableNetwork] = {}
    trained: dict[str, Any] = {}
    for name, network in networks.items():
        if network.file not in trained:
            path = _inside(folder, network.file)
            try:
                trained[network.file] = described_network(network.description, path)
            except (KeyError, TypeError, ValueError) as error:
                if isinstance(error, InputError):
                    raise
                raise InputError(f"{folder / MODEL.path}: network {name!r}: {error!r}") from error
        found[name] = PortableNetwork(trained[network.file], network.prior_shift)
    return found


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file that the description names; it must be one of the folder's."""
    path = folder / name
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{folder / MODEL.path}: names {name!r}, which is no file of the model")
    return path


def _copy_settings(folder: Path, files: Mapping[str, Path]) -> dict[str, str]:
    found = {}
    for name, path in files.items():
        found[name] = f"settings/{name}{path.suffix}"
        (folder / "settings").mkdir(exist_ok=True)
        shutil.copyfile(path, folder / found[name])
    return found


def _copy_segmenter(place: Path, segmenter: Path) -> None:
    place.mkdir()
    for path in segmenter.glob("*.safetensors"):
        shutil.copyfile(path, place / path.name)
    plan = json.loads((segmenter / "segmenter.json").read_text(encoding="utf-8"))
    trained = plan.get("trained", {})
    for side in ("training", "validation"):
        trained[side] = []
    write_json(place / "segmenter.json", {**plan, "trained": trained})
