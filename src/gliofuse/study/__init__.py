"""A study: a design run over a split of a cohort, with everything that came out in one folder."""

from gliofuse.study.folder import RunFolder
from gliofuse.study.progress import Progress
from gliofuse.study.settings import StudySettings, check_study, read_study

__all__ = [
    "Progress",
    "RunFolder",
    "StudySettings",
    "check_study",
    "read_study",
]
