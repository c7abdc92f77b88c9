"""Where a network looks: Grad-CAM in the volume's geometry, and what the map is worth.

Torch, MONAI and matplotlib are loaded when the first function is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gliofuse.deep.explain.figure import heat_figure
    from gliofuse.deep.explain.gradcam import grad_cam
    from gliofuse.deep.explain.patient import explain_case
    from gliofuse.deep.explain.randomisation import RandomisationCheck, randomisation_check
    from gliofuse.deep.explain.shares import HeatShares, heat_shares

__all__ = [
    "HeatShares",
    "RandomisationCheck",
    "explain_case",
    "grad_cam",
    "heat_figure",
    "heat_shares",
    "randomisation_check",
]

_HOMES = {
    "HeatShares": "shares",
    "RandomisationCheck": "randomisation",
    "explain_case": "patient",
    "grad_cam": "gradcam",
    "heat_figure": "figure",
    "heat_shares": "shares",
    "randomisation_check": "randomisation",
}


def __getattr__(name: str) -> Any:
    """Load the module of a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
