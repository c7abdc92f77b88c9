"""Taking a study from an archive, and giving it results, over DICOMweb."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from gliofuse.errors import ImageError, InputError, RunError
from gliofuse.files import atomic_path
from gliofuse.optional import require

__all__ = ["EXTRA", "fetch_study", "send_files"]

EXTRA = "dicom"


def fetch_study(
    url: str,
    study_uid: str,
    output: str | os.PathLike[str],
    *,
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Take every object of a study from an archive.

    Parameters
    ----------
    url : str
        Root of the archive's DICOMweb service, ``https://pacs.example/dicom-web``; a user's name
        and password may stand in it (``https://name:password@...``).
    study_uid : str
        Study Instance UID.
    output : path
        Folder to write to, one file an object, named by its SOP Instance UID.
    progress : callable, optional
        Told how many are written.

    Returns
    -------
    list of Path

    Raises
    ------
    RunError
        If the archive cannot be reached or refuses.
    InputError
        If it does not hold the study.
    """
    folder = Path(output)
    written: list[Path] = []
    client = _client(url)
    with _told_plainly(url):
        if not client.search_for_studies(search_filters={"StudyInstanceUID": study_uid}):
            raise InputError(f"{_without_password(url)} holds no study {study_uid!r}")
        folder.mkdir(parents=True, exist_ok=True)
        for dataset in client.iter_study(study_uid):
            path = folder / f"{_checked_uid(str(dataset.SOPInstanceUID))}.dcm"
            with atomic_path(path) as temporary:
                dataset.save_as(temporary, enforce_file_format=True)
            written.append(path)
            if progress is not None:
                progress(len(written))
    return written


def send_files(url: str, files: Sequence[str | os.PathLike[str]]) -> int:
    """Give DICOM files to an archive.

    Returns
    -------
    int
        How many it stored.

    Raises
    ------
    ImageError
        If a file is no DICOM; then nothing is sent.
    RunError
        If the archive cannot be reached, or does not store all of them.
    """
    pydicom = require("pydicom", extra=EXTRA)
    datasets = []
    for file in files:
        try:
            datasets.append(pydicom.dcmread(file))
        except (OSError, pydicom.errors.InvalidDicomError) as error:
            raise ImageError(f"{file} cannot be sent: {error}") from error
    client = _client(url)
    with _told_plainly(url):
        answer = client.store_instances(datasets)
    refused = answer.get("FailedSOPSequence") or []
    if len(refused):
        named = ", ".join(str(one.ReferencedSOPInstanceUID) for one in refused[:3])
        raise RunError(
            f"{_without_password(url)} refused {len(refused)} of {len(datasets)} files: {named}"
        )
    return len(datasets)


def _client(url: str) -> Any:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"an archive's address begins with http:// or https://, got {url!r}")
    module = require("dicomweb_client", extra=EXTRA)
    sessions = require("dicomweb_client.session_utils", extra=EXTRA)
    session = sessions.create_session()
    if parts.username:
        session = sessions.create_session_from_user_pass(parts.username, parts.password or "")
    client = module.DICOMwebClient(_without_password(url).rstrip("/"), session=session)
    client.set_http_retry_params(max_attempts=2, wait_exponential_multiplier=500)
    return client


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _checked_uid(uid: str) -> str:
    """Return a UID that is safe as the name of a file."""
    if not uid or set(uid) - set("0123456789."):
        raise ImageError(f"the archive sent an object whose UID is none: {uid!r}")
    return uid


@contextmanager
def _told_plainly(url: str) -> Iterator[None]:
    requests = require("requests", extra=EXTRA)
    try:
        yield
    except requests.RequestException as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"{_without_password(url)}: the archive failed: {reason[:200]}") from error
