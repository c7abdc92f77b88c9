"""How a heat map is shared out among the tumour, its edge and the rest."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from gliofuse.errors import InputError, RegionError
from gliofuse.imaging import Volume, check_same_geometry

__all__ = ["HeatShares", "heat_shares"]


@dataclass(frozen=True)
class HeatShares:
    """Shares of the heat, and of the voxels seen, in three zones.

    Attributes
    ----------
    inside, edge, outside : float
        Shares of the heat; they sum to 1. NaN if there is no heat at all.
    area_inside, area_edge, area_outside : float
        Shares of the voxels that the network saw: what a map without any preference would give.
    """

    inside: float
    edge: float
    outside: float
    area_inside: float
    area_edge: float
    area_outside: float

    @property
    def preference(self) -> float:
        """Heat per voxel inside the tumour over heat per voxel seen; 1 means no preference."""
        return self.inside / self.area_inside if self.area_inside else float("nan")

    def as_dict(self) -> dict[str, float]:
        """Return the numbers with the names that tables use."""
        named = {f"heat_{key}".replace("heat_area", "area"): v for key, v in asdict(self).items()}
        return {**named, "heat_preference": self.preference}


def heat_shares(
    heat: Volume, mask: Volume, *, edge_mm: float = 5.0, seen: np.ndarray | None = None
) -> HeatShares:
    """Return the shares of a heat map inside a tumour, in the ring around it, and outside.

    Parameters
    ----------
    heat : Volume
        Zero or positive.
    mask : Volume
        Tumour where above zero; in the heat's geometry.
    edge_mm : float
        Width of the ring outside the tumour, measured between voxel centres in mm.
    seen : ndarray of bool, shape (z, y, x), or None
        The voxels that the network saw; None takes all.

    Returns
    -------
    HeatShares

    Raises
    ------
    GeometryError
        If the two volumes differ in geometry.
    RegionError
        If the mask has no voxel.
    InputError
        If ``edge_mm`` is negative, or the heat is negative or not finite anywhere.

    Notes
    -----
    The heat alone says little where the network is shown a crop of the tumour: most of what it
    sees is tumour. Read ``inside`` beside ``area_inside``.

    Examples
    --------
    >>> tumour = np.zeros((1, 1, 10))
    >>> tumour[..., 4:6] = 1
    >>> shares = heat_shares(Volume(np.ones((1, 1, 10))), Volume(tumour), edge_mm=2)
    >>> round(shares.inside, 2), round(shares.edge, 2), round(shares.outside, 2)
    (0.2, 0.4, 0.4)
    """
    from scipy.ndimage import distance_transform_edt

    check_same_geometry(heat, mask, "heat map", "mask")
    values = np.asarray(heat.array, dtype=np.float64)
    tumour = np.asarray(mask.array) > 0
    if edge_mm < 0:
        raise InputError(f"edge_mm: must be 0 or more, got {edge_mm!r}")
    if not np.isfinite(values).all() or values.min() < 0:
        raise InputError("heat map: must be finite and nowhere negative")
    if not tumour.any():
        raise RegionError("mask: has no tumour voxel, so the heat has no inside")
    distance = distance_transform_edt(~tumour, sampling=mask.spacing_mm)
    ring = ~tumour & (distance <= edge_mm)
    zones = (tumour, ring, ~tumour & ~ring)
    looked = np.ones_like(tumour) if seen is None else seen.astype(bool)
    total, area = float(values.sum()), int(looked.sum())
    nan = float("nan")
    heats = [float(values[zone].sum()) / total if total > 0 else nan for zone in zones]
    areas = [float((zone & looked).sum()) / area if area else nan for zone in zones]
    return HeatShares(*heats, *areas)
