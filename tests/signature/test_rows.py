"""A patient's score does not depend on who else is scored."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.signature.rows import weighted_sums


@pytest.mark.parametrize("columns", [1, 3, 17, 300])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_row_alone_has_the_sum_that_it_has_in_a_table(columns, order):
    rng = np.random.default_rng(columns)
    X = np.asarray(rng.normal(size=(50, columns)), order=order)
    coefficients = rng.normal(size=columns)
    together = weighted_sums(X, coefficients)
    np.testing.assert_allclose(together, X @ coefficients, rtol=1e-12, atol=1e-12)
    for some in (X[7:8], X[5:9], X[::-1]):
        assert set(weighted_sums(some, coefficients)) <= set(together)
