"""Feature families: one module each, with its definitions and its compiled kernels.

A family is registered by a line in :data:`FAMILIES`; nothing else knows them by name. Importing
them is light, since kernels are compiled when they are first called.
"""

from gliofuse.radiomics.families import firstorder, glcm, gldm, glrlm, glszm, ngtdm, shape
from gliofuse.radiomics.families._family import Family, Feature, Inside

__all__ = ["FAMILIES", "Family", "Feature", "Inside"]

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        shape.FAMILY,
        firstorder.FAMILY,
        glcm.FAMILY,
        glrlm.FAMILY,
        glszm.FAMILY,
        gldm.FAMILY,
        ngtdm.FAMILY,
    )
}
"""Every feature family by name, in PyRadiomics' order."""
