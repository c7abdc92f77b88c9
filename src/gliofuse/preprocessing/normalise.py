"""Grey values onto one scale, within the brain; the last one is learned on training patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from gliofuse.errors import ImageError, InputError
from gliofuse.imaging.intensity import brain_mask, normalise, normalise_volume
from gliofuse.imaging.volume import Volume

__all__ = ["GreyScale", "HistogramStandardiser", "normalise_brain", "white_stripe"]

_STRIPE = 0.05  # share of the brain on either side of the peak
_LANDMARKS = (1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 99.0)


def normalise_brain(array: np.ndarray, brain: np.ndarray, method: str, sequence: str) -> np.ndarray:
    """Return the image on a common scale, 0 outside the brain.

    Parameters
    ----------
    array : ndarray, shape (z, y, x)
    brain : ndarray of bool, shape (z, y, x)
    method : {"none", "zscore", "minmax", "white-stripe"}
    sequence : str
        White matter is the brighter tissue on T1 and the darker one elsewhere.

    Raises
    ------
    ImageError
        If the brain is empty or of one grey value.
    """
    if method == "none":
        scaled = array
    elif method == "white-stripe":
        scaled = white_stripe(array, brain, sequence)
    else:
        scaled = normalise(array, method, brain)
    return np.where(brain, scaled, 0).astype(np.float32)


def white_stripe(array: np.ndarray, brain: np.ndarray, sequence: str) -> np.ndarray:
    """Return z-scores against normal-appearing white matter.

    The white matter's peak is the last one of the smoothed histogram on T1 and T1ce, and the
    highest one on T2 and FLAIR; the statistics come from the voxels within 5 % of the brain on
    either side of it.

    References
    ----------
    Shinohara RT et al. Statistical normalization techniques for magnetic resonance imaging.
    NeuroImage Clin 2014;6:9-19.
    """
    from scipy import ndimage

    values = np.asarray(array[brain], dtype=float)
    if not values.size or values.min() == values.max():
        raise ImageError("white-stripe: the brain is empty or of one grey value; look at the mask")
    low, high = np.percentile(values, (0.5, 99.0))
    counts, edges = np.histogram(values, bins=200, range=(float(low), float(high)))
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 4.0)
    centres = (edges[1:] + edges[:-1]) / 2
    inner = smooth[1:-1]
    rises = (inner > smooth[:-2]) & (inner >= smooth[2:]) & (inner > 0.25 * smooth.max())
    peaks = np.flatnonzero(rises) + 1
    if sequence in ("t1", "t1ce") and peaks.size:
        peak = float(centres[peaks[-1]])
    else:
        peak = float(centres[smooth.argmax()])
    place = float((values <= peak).mean())
    start, end = np.quantile(values, (max(place - _STRIPE, 0), min(place + _STRIPE, 1)))
    stripe = values[(values >= start) & (values <= end)]
    width = float(stripe.std())
    if not width > 0:
        raise ImageError("white-stripe: white matter has one grey value; use zscore")
    return (np.asarray(array, dtype=float) - float(stripe.mean())) / width


class HistogramStandardiser:
    """Piecewise linear map of each brain's percentiles to those that training patients have.

    An estimator of one sequence: fit it inside the fold, on training patients only.

    Parameters
    ----------
    percentiles : tuple of float
        Rising, between 0 and 100; the first and the last bound the scale.

    Attributes
    ----------
    landmarks_ : ndarray, shape (percentiles,)
        Mean of the training patients' percentiles, each patient's range mapped to 0 and 100.

    References
    ----------
    Nyul LG, Udupa JK, Zhang X. New variants of a method of MRI scale standardization. IEEE Trans
    Med Imaging 2000;19:143-150.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> brains = [gain * rng.gamma(4.0, size=2000) for gain in (1.0, 5.0)]
    >>> standard = HistogramStandardiser().fit(brains)
    >>> medians = [round(float(np.median(standard.transform(brain)))) for brain in brains]
    >>> medians[0] == medians[1]
    True
    """

    def __init__(self, percentiles: tuple[float, ...] = _LANDMARKS) -> None:
        self.percentiles = percentiles

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, as scikit-learn asks."""
        return {"percentiles": self.percentiles}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, as scikit-learn asks."""
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(self, brains: Iterable[np.ndarray], y: object = None) -> Self:
        """Learn the scale.

        Parameters
        ----------
        brains : iterable of ndarray
            The grey values within each training patient's brain, in any shape.
        y : ignored

        Raises
        ------
        InputError
            If there is no patient, or the percentiles do not rise.
        ImageError
            If a brain's values are all equal.
        """
        return self.fit_landmarks([self.landmarks_of(values) for values in brains])

    def fit_landmarks(self, landmarks: Iterable[np.ndarray]) -> Self:
        """Learn the scale from each training patient's :meth:`landmarks_of`.

        Raises
        ------
        InputError
            If there is no patient.
        """
        rows = [100 * (own - own[0]) / (own[-1] - own[0]) for own in landmarks]
        if not rows:
            raise InputError("the scale needs at least one training patient, got none")
        self.landmarks_ = np.mean(rows, axis=0)
        return self

    def transform(self, values: np.ndarray, brain: np.ndarray | None = None) -> np.ndarray:
        """Return one image on the learned scale.

        Parameters
        ----------
        values : ndarray
        brain : ndarray of bool, optional
            Where the percentiles are taken; by default everywhere.

        Raises
        ------
        InputError
            If it was not fitted.
        """
        if not hasattr(self, "landmarks_"):
            raise InputError("HistogramStandardiser: call fit on training patients first")
        array = np.asarray(values, dtype=float)
        found = self.landmarks_of(array if brain is None else array[brain])
        found, kept = np.unique(found, return_index=True)
        scale = self.landmarks_[kept]
        mapped = np.interp(array, found, scale)
        # The outermost pieces go on beyond the first and the last landmark.
        below, above = array < found[0], array > found[-1]
        mapped[below] = scale[0] + (array[below] - found[0]) * _slope(found, scale, 0)
        mapped[above] = scale[-1] + (array[above] - found[-1]) * _slope(found, scale, -2)
        return mapped

    def landmarks_of(self, values: np.ndarray) -> np.ndarray:
        """Return one brain's percentiles, in its own grey values.

        Raises
        ------
        InputError
            If the percentiles do not rise.
        ImageError
            If the values are all equal.
        """
        wanted = np.asarray(self.percentiles, dtype=float)
        if wanted.size < 2 or np.any(np.diff(wanted) <= 0) or wanted[0] < 0 or wanted[-1] > 100:
            raise InputError(f"percentiles must rise within 0 to 100, got {self.percentiles!r}")
        found = np.percentile(np.asarray(values, dtype=float), self.percentiles)
        if not found[-1] > found[0]:
            raise ImageError("histogram standardisation needs grey values that differ")
        return found


@dataclass(frozen=True)
class GreyScale:
    """The scale of each sequence that training patients have set.

    Attributes
    ----------
    landmarks : dict of str to tuple of float
        By sequence: ``landmarks_`` of a :class:`HistogramStandardiser`.
    """

    landmarks: dict[str, tuple[float, ...]]

    @classmethod
    def learn(cls, patients: Iterable[Mapping[str, np.ndarray]]) -> GreyScale:
        """Learn from the training patients' percentiles, by sequence.

        Raises
        ------
        InputError
            If there is no patient.
        """
        known = list(patients)
        if not known:
            raise InputError("the scale needs at least one training patient, got none")
        return cls(
            {
                name: tuple(
                    HistogramStandardiser()
                    .fit_landmarks([own[name] for own in known])
                    .landmarks_.tolist()
                )
                for name in known[0]
            }
        )

    def as_dict(self, sequence: str) -> dict[str, list[float]]:
        """Return what defines the map of one sequence, as plain data."""
        return {"histogram": list(self.landmarks.get(sequence, ()))}

    def apply(self, volume: Volume, sequence: str) -> Volume:
        """Return an image on the scale; one that is measured in a unit in its reference range.

        The percentiles are those of the brain, the voxels that are not 0; what is 0 stays 0.

        Raises
        ------
        ImageError
            If the brain is empty or of one grey value.
        """
        if sequence not in self.landmarks:
            return normalise_volume(volume, "zscore", sequence)
        brain = brain_mask(volume.array)
        if not brain.any():
            raise ImageError("histogram: every voxel is 0")
        standard = HistogramStandardiser()
        standard.landmarks_ = np.asarray(self.landmarks[sequence])
        return volume.with_array(np.where(brain, standard.transform(volume.array, brain), 0.0))


def _slope(found: np.ndarray, scale: np.ndarray, place: int) -> float:
    after = place + 1
    return float((scale[after] - scale[place]) / (found[after] - found[place]))
