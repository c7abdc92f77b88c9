"""The list of a bundle's files with their checksums, and the refusal of anything else.

The list is a file as `sha256sum` writes it, so that `sha256sum -c SHA256SUMS` checks a bundle too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from gliofuse.errors import InputError
from gliofuse.files import file_hash, write_text

__all__ = ["SUMS", "check_files", "seal"]

SUMS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
#: Where a file may lie, and as what; none of these formats can hold code that reading would run.
_FORMS = (
    re.compile(r"(model|card)\.json"),
    re.compile(r"card\.md"),
    re.compile(r"estimators\.skops"),
    re.compile(r"networks/[\w.+-]+\.safetensors"),
    re.compile(r"segmenter/[\w.+-]+\.(json|safetensors)"),
    re.compile(r"parts/[\w.+-]+\.json"),
    re.compile(r"settings/[\w.+-]+\.(json|yaml|yml|csv|safetensors)"),
)


def seal(folder: Path) -> None:
    """List every file of a new bundle with its checksum.

    Raises
    ------
    InputError
        If a file is none that a bundle may hold.
    """
    names = sorted(_files_in(folder))
    for name in names:
        _check_form(folder, name)
    lines = [f"{file_hash(folder / name, length=64)}  {name}\n" for name in names]
    write_text(folder / SUMS, "".join(lines))


def check_files(folder: Path) -> tuple[str, ...]:
    """Return the files of a bundle, once they proved to be those that were written, unchanged.

    Raises
    ------
    InputError
        If the list is missing or broken, names a file outside the folder or of a form that a
        bundle does not have, a listed file is missing, changed or a link, or one is not listed.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the one that `gliofuse export` wrote")
    if not (folder / SUMS).is_file() or (folder / SUMS).is_symlink():
        raise InputError(f"{folder}: no model (no {SUMS}); `gliofuse export` writes one")
    listed = _listed(folder)
    present = set(_files_in(folder)) - {SUMS}
    if missing := sorted(set(listed) - present):
        raise InputError(f"{folder / missing[0]}: the model lacks this file; copy it again")
    if strange := sorted(present - set(listed)):
        raise InputError(
            f"{folder / strange[0]}: not a file of the model, so nothing of it is loaded; remove "
            "it, if you know where it comes from"
        )
    for name, expected in listed.items():
        if file_hash(folder / name, length=64) != expected:
            raise InputError(
                f"{folder / name}: changed since the model was written (its SHA-256 is another); "
                "copy the model again"
            )
    return tuple(listed)


def _listed(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{folder / SUMS}: not a list of checksums") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise InputError(
                f"{folder / SUMS}, line {number}: not a checksum and a file's name, each once"
            )
        _check_form(folder, match[2])
        found[match[2]] = match[1]
    return found


def _check_form(folder: Path, name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise InputError(f"{folder}: the model names a file outside its folder, {name!r}")
    if not any(form.fullmatch(name) for form in _FORMS):
        raise InputError(
            f"{folder / name}: no file that a model may hold; it has JSON, Markdown, skops, "
            "safetensors and tables in their places"
        )


def _files_in(folder: Path) -> Iterator[str]:
    """Yield every file below a folder, relative to it.

    Raises
    ------
    InputError
        If there is a link, which may lead anywhere, or something that is no file.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise InputError(f"{path}: a link; a model holds plain files alone")
        if path.is_file():
            yield path.relative_to(folder).as_posix()
        elif not path.is_dir():
            raise InputError(f"{path}: no plain file; a model holds plain files alone")
