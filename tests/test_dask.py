"""Loops over a Dask cluster on this machine."""

from __future__ import annotations

import math

import pytest

from gliofuse.compute import parallel_map


def _root(value: float) -> float:
    return math.sqrt(value)


@pytest.mark.filterwarnings("ignore")  # of a cluster's start and end, which are not ours
def test_loop_on_a_cluster_gives_the_same_outcomes_in_order():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        found = list(parallel_map(_root, [4.0, -1.0, 9.0], scheduler=cluster.scheduler_address))
    here = list(parallel_map(_root, [4.0, -1.0, 9.0]))
    assert [outcome.result for outcome in found] == [2.0, None, 3.0]
    assert [(o.item, o.error) for o in found] == [(o.item, o.error) for o in here]
