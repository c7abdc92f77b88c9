"""Kernels are compiled when first called, together with those that they call."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gliofuse.radiomics._kernel import kernel


@kernel
def _doubled(x: float) -> float:
    """Return twice the number."""
    return 2 * x


@kernel
def _sum_of_doubles(values: np.ndarray) -> float:
    total = 0.0
    for x in values:
        total += _doubled(x)
    return total


def test_a_kernel_keeps_its_name_and_docstring():
    assert (_doubled.__name__, _doubled.__doc__) == ("_doubled", "Return twice the number.")


def test_the_first_call_may_come_from_many_threads_at_once():
    together = threading.Barrier(4)

    def call(_):
        together.wait()
        return _sum_of_doubles(np.arange(4.0))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(4))) == [12.0] * 4
    assert _doubled(1.5) == 3.0
