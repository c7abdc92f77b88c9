"""Ids that tell nobody who a patient is, the key that can tell, and names out of free text."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gliofuse.errors import InputError

__all__ = ["Key", "open_key", "scrubber"]

_SALT_BYTES = 32
_ID_DIGITS = 10
_SERIES_DIGITS = 16
_HIDDEN = "***"
_LONG = 5

# Dates as people write them; four digits alone may be a matrix size and stay.
_DATES = re.compile(
    r"(?<!\d)(\d{1,2}[./-]\d{1,2}[./-](19|20)?\d\d|(19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}"
    r"|(19|20)\d\d(0\d|1[0-2])([0-2]\d|3[01]))(?!\d)"
)
# Short words of protocols that are also somebody's name.
_KEPT = frozenset({
    "axial", "cor", "sag", "tra", "t1w", "t2w", "tse", "fse", "gre", "iso", "mri", "flair", "post",
    "pre", "dwi", "adc", "spc", "vibe", "cube", "bravo", "jet", "fat", "sat", "head", "brain",
    "hirn", "kopf", "rage",
})  # fmt: skip


@dataclass
class Key:
    """The salt of a scan's pseudonyms, and whom and what they stand for.

    Whoever has it can tell who a patient is: it stays with the user.

    Parameters
    ----------
    path : Path
    salt : bytes
    patients : dict of str to str
        Pseudonym to PatientID.
    series : dict of str to dict
        Pseudonym of a series to its ``uid`` and the ``folder`` that was scanned.
    unreadable : list of str
        Files of the last scan that are damaged.
    """

    path: Path
    salt: bytes
    patients: dict[str, str] = field(default_factory=dict)
    series: dict[str, dict[str, str]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    def patient(self, patient_id: str) -> str:
        """Return a patient's pseudonym.

        Examples
        --------
        >>> Key(Path("key.json"), b"salt").patient("MRN-1")
        'p-f8a53a3362'
        """
        return f"p-{self._digest('patient', patient_id)[:_ID_DIGITS]}"

    def series_id(self, series_uid: str) -> str:
        """Return the pseudonym of a series."""
        return self._digest("series", series_uid)[:_SERIES_DIGITS]

    def image_id(self, uid: str) -> str:
        """Return the pseudonym of one image."""
        return self._digest("image", uid)[:_SERIES_DIGITS]

    def _digest(self, kind: str, value: str) -> str:
        return hmac.new(self.salt, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()

    def folders_of(self, series_ids: Iterable[str]) -> list[str]:
        """Return the folders in which series were found, each once."""
        known = (self.series[name]["folder"] for name in series_ids if name in self.series)
        return list(dict.fromkeys(known))

    def save(self) -> None:
        """Write the key for its owner's eyes only."""
        content: dict[str, Any] = {
            "note": "Tells who the pseudonyms are. Keep it, and do not pass it on with the data.",
            "salt": self.salt.hex(), "patients": self.patients, "series": self.series,
            "unreadable": self.unreadable,
        }  # fmt: skip
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        temporary = self.path.with_name(f".{self.path.name}-{os.getpid()}")
        with open(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(text)
        os.replace(temporary, self.path)


def open_key(path: str | os.PathLike[str], *, must_exist: bool = False) -> Key:
    """Read a key, or begin a new one with a random salt where there is none.

    Raises
    ------
    InputError
        If the file is no key, or is not there though it must be.
    """
    source = Path(path)
    if not source.exists():
        if must_exist:
            raise InputError(
                f"{source}: no such key; it was written by  gliofuse dicom scan  and tells which "
                f"series a row means: name it with --key, or scan again"
            )
        return Key(source, secrets.token_bytes(_SALT_BYTES))
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
        salt = bytes.fromhex(content["salt"])
        if not salt:
            raise ValueError("an empty salt")
        return Key(
            source, salt, dict(content.get("patients", {})),
            dict(content.get("series", {})), list(content.get("unreadable", [])),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{source}: not a key of gliofuse dicom scan ({type(error).__name__}); name another "
            f"file with --key"
        ) from error


def scrubber(names: Iterable[str]) -> Callable[[str], str]:
    """Return a function that takes names, numbers and dates of people out of free text.

    Parameters
    ----------
    names : iterable of str
        Names (``Family^Given``), ids and birth dates (``YYYYMMDD``) as they stand in headers.

    Examples
    --------
    >>> scrubber(["Huber^Anna", "19610403"])("T1 Huber 03.04.1961")
    'T1 *** ***'
    """
    words = sorted(_parts(names), key=len, reverse=True)
    # A long word is found inside others too ("T1_HUBERtra"), a short one only by itself.
    long = [re.escape(word) for word in words if len(word) >= _LONG]
    short = [re.escape(word) for word in words if len(word) < _LONG]
    alternatives = [*long, *(rf"(?<![^\W_]){word}(?![^\W_])" for word in short)]
    people = re.compile("|".join(alternatives) or r"(?!)", re.IGNORECASE)
    return lambda text: people.sub(_HIDDEN, _DATES.sub(_HIDDEN, text))


def _parts(names: Iterable[str]) -> set[str]:
    words: set[str] = set()
    for name in names:
        for word in [name.strip(), *re.split(r"[\s^=,;]+", name)]:
            plain = unicodedata.normalize("NFKD", word)
            plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
            for form in {word, plain}:
                ascii_only = form.isascii()
                if len(form) >= (3 if ascii_only else 2) and form.lower() not in _KEPT:
                    words.add(form)
    return words
