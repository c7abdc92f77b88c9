"""A study: a design run over a split of a cohort, with everything that came out in one folder."""

from gliofuse.study.progress import Progress
from gliofuse.study.settings import StudySettings, check_study, read_study

__all__ = [
    "Progress",
    "StudySettings",
    "check_study",
    "read_study",
]
