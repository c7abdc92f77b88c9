"""Synthetic glioma patients with a known truth: for trying things on, for tests, for the demo."""

from gliofuse.phantom.cohort import PhantomTruth, make_phantom
from gliofuse.phantom.latent import EFFECTS
from gliofuse.phantom.tumour import LOCATIONS, REGION_LABELS

__all__ = ["EFFECTS", "LOCATIONS", "REGION_LABELS", "PhantomTruth", "make_phantom"]
