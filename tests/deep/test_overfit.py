"""Every network can learn eight patients by heart: the least that is asked of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from gliofuse.deep.data import PatchSettings, SliceSettings, build_patches, build_slices  # noqa: E402
from gliofuse.deep.networks import NETWORKS, SHAPE_FEATURES, build_network  # noqa: E402
from gliofuse.deep.training import TrainingSettings, train_network  # noqa: E402
from gliofuse.deep.training.predict import patient_auc  # noqa: E402

SEQUENCES = ("t1", "flair")
OPTIONS = {"resnet34": {"frozen": False}}


@pytest.fixture(scope="module")
def stores(tiny_cohort, tmp_path_factory):
    """Return the eight patients as slices and as patches, as small as the networks allow."""
    folder = tmp_path_factory.mktemp("overfit")
    slices = SliceSettings(size=32, which="k-largest", k=1)
    patches = PatchSettings(size_zyx=(8, 16, 16))
    return {
        "slices": build_slices(tiny_cohort, SEQUENCES, settings=slices, cache_dir=folder / "s"),
        "patches": build_patches(tiny_cohort, SEQUENCES, settings=patches, cache_dir=folder / "p"),
    }


@pytest.mark.slow(minutes=4)  # beside the first test of designs, which compiles the kernels
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_eight_patients_are_learned_by_heart(name, stores, tiny_labels):
    store, spec = stores[NETWORKS[name].input], NETWORKS[name]
    random = np.random.default_rng(0)
    ids = store.case_ids
    extra = {}
    if spec.needs_shape:
        values = random.normal(size=(len(ids), 14))
        extra["shape"] = pd.DataFrame(values, index=list(ids), columns=list(SHAPE_FEATURES))
    if spec.needs_survival:
        time = random.uniform(100, 900, len(ids))
        extra["survival"] = pd.DataFrame({"time": time, "event": 1}, index=list(ids))
    single = name in ("densenet121", "resnet34")
    dataset = store.dataset(
        ids, tiny_labels, sequences=("flair",) if single else SEQUENCES, **extra
    )
    torch.manual_seed(1)
    network = build_network(name, dataset.sequences, **OPTIONS.get(name, {}))
    for module in network.modules():
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)):
            module.momentum = 0.5  # in so few steps the usual 0.1 remembers the random start
    settings = TrainingSettings(
        epochs=12, batch_size=8, learning_rate=5e-4, schedule="cosine", device="cpu"
    )
    trained = train_network(network, dataset, settings=settings, seed=1)
    table = trained.predict(dataset)
    assert patient_auc(tiny_labels.loc[list(ids)], table["probability"]) == 1.0
