"""The derived images: which types there are, and what PyRadiomics calls the images of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gliofuse.radiomics.parameters import Setting

__all__ = ["IMAGE_TYPES", "image_names", "image_type_of"]

IMAGE_TYPES: dict[str, str] = {
    "Original": "original",
    "Wavelet": "wavelet",
    "LoG": "log-sigma",
    "Square": "square",
    "SquareRoot": "squareroot",
    "Logarithm": "logarithm",
    "Exponential": "exponential",
    "Gradient": "gradient",
    "LBP2D": "lbp-2D",
    "LBP3D": "lbp-3D",
}
"""Image types and how the names of their images begin."""


def image_names(image_type: str, setting: Setting) -> tuple[str, ...]:
    """Return the names, as PyRadiomics spells them, of the images of one image type."""
    if image_type == "LoG":
        return tuple(
            f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D" for sigma in setting.sigma or ()
        )
    if image_type == "Wavelet":
        bands: tuple[str, ...] = ("LLH", "LHL", "LHH", "HLL", "HLH", "HHL", "HHH")
        if setting.force2D:
            axis = setting.force2Ddimension
            bands = tuple(b[:axis] + b[axis + 1 :] for b in bands if b[axis] == "L")
        levels = setting.level or 1
        parts = ["wavelet" if n == 1 else f"wavelet{n}" for n in range(1, levels + 1)]
        low = "LL" if setting.force2D else "LLL"
        return (*(f"{p}-{b}" for p in parts for b in bands), f"{parts[-1]}-{low}")
    if image_type == "LBP3D":
        levels = setting.lbp3DLevels or 2
        return (*(f"lbp-3D-m{n}" for n in range(1, levels + 1)), "lbp-3D-k")
    return (IMAGE_TYPES[image_type],)


def image_type_of(image_name: str) -> str:
    """Return the image type that an image's name belongs to.

    Examples
    --------
    >>> image_type_of("wavelet-LLH"), image_type_of("square"), image_type_of("squareroot")
    ('Wavelet', 'Square', 'SquareRoot')
    """
    exact = [key for key, prefix in IMAGE_TYPES.items() if prefix == image_name]
    return (
        exact[0]
        if exact
        else next(key for key, prefix in IMAGE_TYPES.items() if image_name.startswith(prefix))
    )
