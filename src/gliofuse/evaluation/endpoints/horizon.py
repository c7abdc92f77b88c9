"""Evaluation of predictions of an event by a time: two classes, of the patients whose is known."""

from __future__ import annotations

from gliofuse.evaluation.endpoints.binary import BinaryEvaluation

__all__ = ["HorizonEvaluation"]


class HorizonEvaluation(BinaryEvaluation):
    """Figures of merit of a probability of the event by a time, as of any two classes."""
