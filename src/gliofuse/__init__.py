"""Glioma MRI to radiomic and deep features, fused signatures, honest evaluation and a report."""

__version__ = "0.1.0"

__all__ = ["__version__"]
