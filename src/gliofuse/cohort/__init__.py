"""Who is in the study: patients, manifests, data-set layouts, endpoints and splits."""

from gliofuse.cohort.case import SEQUENCES, Case, Cohort

__all__ = ["SEQUENCES", "Case", "Cohort"]
