"""What a feature's name says: one grammar for every column of a feature table.

A column is ``<sequence>.<region>.<stem>``. The stem of a radiomic feature is
``<image>_<family>_<Feature>`` as PyRadiomics spells them, that of a learned one
``<network>_<number>``. :class:`FeatureName` reads and writes them; the functions answer what is
asked of whole tables. Nothing else takes a name apart.
"""

from gliofuse.features.name import KINDS, FeatureName, Kind
from gliofuse.features.table import columns_of, qualify, regions_of, sequences_of

__all__ = [
    "KINDS",
    "FeatureName",
    "Kind",
    "columns_of",
    "qualify",
    "regions_of",
    "sequences_of",
]
