"""The report of an event by a time."""

from __future__ import annotations

from dataclasses import replace

from gliofuse.report.endpoints import binary

__all__ = ["REPORT"]

REPORT = replace(
    binary.REPORT,
    output="A probability of the event by the given time, for patients who are watched so long",
)
