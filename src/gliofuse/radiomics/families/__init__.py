"""Feature families: one module each, with its definitions and its compiled kernels.

The modules are imported when a family is first computed, since compiled code takes its time to
load; the names alone stand in :mod:`gliofuse.radiomics.settings`.
"""
