"""The one warning of this package."""

__all__ = ["SignatureWarning"]


class SignatureWarning(UserWarning):
    """A selector or scorer went on by a stated rule where its data did not carry its method.

    Examples are a test that no feature passes, a penalty whose solution did not converge, or
    classes that a plain logistic model separates. Callers catch and record it.
    """
