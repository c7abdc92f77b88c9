"""Figures of merit where patients have a time to an event, possibly censored."""

from gliofuse.evaluation.survival.curves import LogRank, kaplan_meier, logrank, median_survival

__all__ = ["LogRank", "kaplan_meier", "logrank", "median_survival"]
