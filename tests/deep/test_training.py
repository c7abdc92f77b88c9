"""Training: it learns, resumes to the same result, reports, and refuses what it cannot use."""

from __future__ import annotations

import gc
import json
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from gliofuse.deep.data import Augmentation, augmentation_preset
from gliofuse.deep.data.augmentation import Flip
from gliofuse.deep.training import (
    TrainingSettings,
    extract_features,
    load_trained,
    train_network,
)
from gliofuse.errors import InputError, RunError

pytestmark = pytest.mark.slow(minutes=0.2)

SETTINGS = TrainingSettings(
    epochs=6, batch_size=8, learning_rate=5e-3, balance="weights", device="cpu"
)
IDS = [f"p{i}" for i in range(8)]


class Tiny(nn.Module):
    """Two convolutions, batch normalisation and dropout, with the interface of a network."""

    gradcam_layer = "body"
    spatial_dims = 2

    def __init__(self, channels=2, shape_features=0):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(),
        )
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(8 + shape_features, 2)

    def features(self, image, shape=None):
        found = self.body(image).mean(dim=(2, 3))
        return found if shape is None else torch.cat([found, shape], dim=1)

    def forward(self, image, shape=None):
        return self.head(self.drop(self.features(image, shape)))


def tiny(channels=2, **options):
    torch.manual_seed(0)
    return Tiny(channels, **options)


@pytest.fixture
def data(tiny_slices, tiny_labels):
    def make(ids=IDS, **options):
        return tiny_slices.dataset(ids, options.pop("labels", tiny_labels), **options)

    return make


def same_weights(a, b):
    states = a.network.state_dict(), b.network.state_dict()
    return all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def figures(trained):
    """Return the curves without what is measured by the clock."""
    return trained.curves.drop(
        columns=[c for c in trained.curves if c.startswith(("seconds", "memory"))]
    )


def test_it_learns_what_is_in_the_images(data):
    settings = SETTINGS.model_copy(update={"epochs": 15})
    trained = train_network(tiny(), data(), settings=settings)
    predicted = trained.predict(data())
    assert (predicted["probability"] > 0.5).astype(int).tolist() == [0, 1] * 4
    curves = trained.curves
    assert curves["training_auc"].iloc[-1] == 1.0
    assert curves["training_loss"].iloc[-1] < curves["training_loss"].iloc[0]
    assert (curves["seconds_data"] + curves["seconds_step"] <= curves["seconds"]).all()
    assert "no validation patients" in trained.selection
    assert trained.best_epoch == 15
    assert not trained.network.training


def test_a_patient_is_the_mean_of_its_slices(data):
    trained = train_network(tiny(), data(), settings=SETTINGS)
    items = trained.predict_items(data())
    patients = trained.predict(data())
    assert list(patients.index) == IDS
    for case_id, group in items.groupby("case_id"):
        row = patients.loc[case_id]
        assert row["slices"] == len(group) == len(data().items_of(case_id))
        assert row["probability"] == pytest.approx(group["probability"].mean())
        assert row["spread"] == pytest.approx(group["probability"].std(ddof=0))


def test_a_batch_predicts_as_its_single_items_do(data):
    trained = train_network(tiny(), data(), settings=SETTINGS)
    dataset = data(["p2", "p3"])
    together = trained.predict_items(dataset)["probability"]
    for index in range(len(dataset)):
        image, shape = trained.inputs(dataset[index])
        with torch.inference_mode():
            alone = torch.softmax(trained.network(image), dim=1)[0, 1]
        assert shape is None
        assert float(alone) == pytest.approx(together[index], abs=1e-6)
    swapped = trained.predict(data(["p3", "p2"]))
    pd.testing.assert_frame_equal(swapped.loc[["p2", "p3"]], trained.predict(dataset))


def test_a_patient_alone_is_predicted_as_in_a_cohort_to_the_last_digit(data):
    trained = train_network(tiny(), data(), settings=SETTINGS)
    everybody, features = trained.predict(data()), extract_features(trained, data())
    for case_id in IDS[:3]:
        alone = data([case_id])
        pd.testing.assert_frame_equal(
            trained.predict(alone), everybody.loc[[case_id]], check_exact=True
        )
        pd.testing.assert_frame_equal(
            extract_features(trained, alone), features.loc[[case_id]], check_exact=True
        )


def test_the_best_epoch_is_by_auc_of_patients_then_by_loss(data):
    trained = train_network(tiny(), data(IDS[:4]), data(IDS[4:]), settings=SETTINGS)
    curves = trained.curves
    order = curves.sort_values(
        ["validation_auc", "validation_loss", "epoch"], ascending=[False, True, True]
    )
    assert trained.best_epoch == order["epoch"].iloc[0]
    assert f"epoch {trained.best_epoch} of 6" in trained.selection
    again = trained.predict(data(IDS[4:]))["probability"]
    from gliofuse.deep.training.predict import patient_auc

    expected = curves["validation_auc"].iloc[trained.best_epoch - 1]
    assert patient_auc(data(IDS[4:]).labels, again) == pytest.approx(expected)


def test_early_stopping(data):
    settings = SETTINGS.model_copy(
        update={"epochs": 30, "patience": 2, "selection": "loss", "learning_rate": 1e-9}
    )
    trained = train_network(tiny(), data(IDS[:4]), data(IDS[4:]), settings=settings)
    assert len(trained.curves) < 30
    assert len(trained.curves) == trained.best_epoch + 2


def test_first_epochs_can_be_passed_over(data):
    settings = SETTINGS.model_copy(update={"skip_epochs": 4, "patience": 1})
    trained = train_network(tiny(), data(IDS[:4]), data(IDS[4:]), settings=settings)
    assert trained.best_epoch in (5, 6)


def test_batch_normalisation_is_settled_before_validation(data):
    """A far-off running mean spoils predictions; taken from images, it does not."""
    spoiled = []
    for batches in (0, 4):
        network = tiny()
        network.body[1].running_mean.fill_(1e3)
        settings = SETTINGS.model_copy(update={"norm_batches": batches, "epochs": 2})
        trained = train_network(network, data(IDS[:4]), data(IDS[4:]), settings=settings)
        spoiled.append(trained.curves["validation_loss"].iloc[-1])
        norm = trained.network.body[1]
        assert norm.momentum == 0.1
    assert spoiled[0] > spoiled[1] + 0.1
    dataset = data(IDS[:4])
    images = torch.stack([dataset[i]["image"] for i in range(len(dataset))])
    with torch.inference_mode():
        expected = trained.network.body[0](images).mean(dim=(0, 2, 3))
    np.testing.assert_allclose(norm.running_mean, expected, atol=0.02)


def tiny_channels_last():
    """As the slice networks lie in memory."""
    return torch.nn.utils.convert_conv2d_weight_memory_format(tiny(), torch.channels_last)


class Killed(Exception):
    pass


@pytest.mark.parametrize("when", ["epoch", "batch"])
@pytest.mark.parametrize(
    ("network", "optimiser"),
    [(tiny, "adamw"), (tiny, "sgd"), (tiny_channels_last, "adamw")],
    ids=["adamw", "sgd", "channels-last"],
)
def test_a_killed_training_resumes_to_the_unbroken_result(data, tmp_path, when, network, optimiser):
    settings = SETTINGS.model_copy(
        update={
            "optimiser": optimiser,
            "schedule": "cosine",
            "items_per_patient": 3,
            "norm_batches": 2,
        }
    )
    steps = Augmentation([Flip()])

    def train(directory, progress=None):
        sides = data(IDS[:6], augmentation=steps), data(IDS[6:])
        return train_network(
            network(), *sides, settings=settings, directory=directory, seed=3, progress=progress
        )

    def kill(report):
        if report.epoch == 4 and (report.epoch_done if when == "epoch" else report.batch == 1):
            raise Killed

    whole = train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "broken", kill)
    seen = []
    resumed = train(tmp_path / "broken", seen.append)
    assert {report.epoch for report in seen} == ({5, 6} if when == "epoch" else {4, 5, 6})
    pd.testing.assert_frame_equal(figures(whole), figures(resumed))
    assert same_weights(whole, resumed)
    assert whole.best_epoch == resumed.best_epoch
    assert not list((tmp_path / "broken").glob("*.pt"))

    seen.clear()
    finished = train(tmp_path / "broken", seen.append)
    assert not seen  # it is read, not run
    assert same_weights(whole, finished)


def test_a_checkpoint_of_other_data_is_not_used(data, tmp_path):
    def kill(report):
        if report.epoch == 3:
            raise Killed

    with pytest.raises(Killed):
        train_network(tiny(), data(IDS[:6]), settings=SETTINGS, directory=tmp_path, progress=kill)
    seen = []
    other = data(IDS[2:])
    train_network(tiny(), other, settings=SETTINGS, directory=tmp_path, progress=seen.append)
    assert {report.epoch for report in seen} == set(range(1, 7))


def test_one_seed_gives_one_result_whatever_happens_around_it(data):
    def train(seed):
        settings = SETTINGS.model_copy(update={"epochs": 1, "items_per_patient": 1})
        return train_network("resnet50", data(IDS[:2]), settings=settings, seed=seed)

    first = train(1)
    torch.rand(7)
    again, other = train(1), train(2)
    assert same_weights(first, again)
    assert not same_weights(first, other)


def test_training_leaves_the_global_random_state_alone(data):
    network = tiny()
    before = torch.random.get_rng_state()
    threads = torch.get_num_threads()
    train_network(network, data(), settings=SETTINGS.model_copy(update={"epochs": 1}))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads
    assert threading.active_count() < 20


def test_saved_and_loaded_it_predicts_the_same(data, tmp_path):
    shape = pd.DataFrame(np.random.default_rng(0).random((8, 3)) * 1e4, index=IDS)
    shape.columns = ["MeshVolume", "Flatness", "Sphericity"]
    sides = data(IDS[:6], shape=shape), data(IDS[6:], shape=shape)
    trained = train_network(
        tiny(shape_features=3), *sides, settings=SETTINGS, directory=tmp_path / "here"
    )
    trained.save(tmp_path / "there")
    for folder in ("here", "there"):
        loaded = load_trained(tmp_path / folder, network=Tiny(shape_features=3))
        pd.testing.assert_frame_equal(trained.predict(sides[1]), loaded.predict(sides[1]))
        assert loaded.settings == trained.settings
        assert loaded.selection == trained.selection
        assert len(loaded.curves) == 6
    record = json.loads((tmp_path / "there" / "network.json").read_text())
    assert record["identity"]["training"] == IDS[:6]
    assert {"torch", "lightning", "gliofuse"} <= set(record["versions"])
    assert (tmp_path / "there" / "curves.svg").read_text().startswith("<?xml")
    np.testing.assert_allclose(record["shape"]["mean"], shape.loc[IDS[:6]].mean())
    with pytest.raises(InputError, match="was trained with shape features"):
        trained.predict(data())
    with pytest.raises(InputError, match="in this order; got Flatness"):
        trained.predict(data(shape=shape[["Flatness", "MeshVolume", "Sphericity"]]))


def test_another_network_or_order_is_refused_with_both_named(data, tmp_path):
    trained = train_network(tiny(), data(), settings=SETTINGS, directory=tmp_path)
    with pytest.raises(InputError, match="holds the network 'Tiny', but 'csg-densenet121' was"):
        load_trained(tmp_path, network="csg-densenet121")
    with pytest.raises(InputError, match="sequences t1, flair, in this order; got flair, t1"):
        load_trained(tmp_path, network=Tiny(), sequences=("flair", "t1"))
    with pytest.raises(InputError, match="sequences t1, flair, in this order; got flair, t1"):
        trained.predict(data(sequences=("flair", "t1")))
    with pytest.raises(InputError, match="'Tiny' is not one of the package's networks"):
        load_trained(tmp_path)
    with pytest.raises(InputError, match="the weights do not fit 'Tiny': size mismatch"):
        load_trained(tmp_path, network=Tiny(channels=3))
    with pytest.raises(InputError, match="holds no trained network"):
        load_trained(tmp_path / "nowhere")


def test_nan_in_an_image_stops_and_names_the_patient(data):
    class Poison(Augmentation):
        def __call__(self, image, *, rng, label):
            return image * np.nan if label == 1 and rng.random() < 0.2 else image

    with pytest.raises(RunError, match=r"loss became nan .*the image of p[1357].* not finite"):
        train_network(tiny(), data(augmentation=Poison([])), settings=SETTINGS)


def test_a_loss_that_explodes_names_the_batch(data):
    def loss(output, batch):
        return nn.functional.cross_entropy(output * np.inf, batch["label"])

    with pytest.raises(RunError, match=r"epoch 1: .*patient\(s\) p.*lower the learning rate"):
        train_network(tiny(), data(), settings=SETTINGS, loss=loss)


def test_out_of_memory_advises_and_keeps_the_checkpoint(data, tmp_path):
    calls = []

    def loss(output, batch):
        calls.append(1)
        if len(calls) > 12:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return nn.functional.cross_entropy(output, batch["label"])

    with pytest.raises(RunError, match=r"batch_size=8 and images of 16x16: .*checkpoint after"):
        train_network(tiny(), data(), settings=SETTINGS, loss=loss, directory=tmp_path)
    assert (tmp_path / "last.pt").exists()


def test_bad_data_is_refused_before_training(data, tiny_labels):
    with pytest.raises(InputError, match="needs patients of both classes, got only class 0"):
        train_network(tiny(), data(["p0", "p2"]), settings=SETTINGS)
    with pytest.raises(InputError, match="'p1' is in training and validation"):
        train_network(tiny(), data(IDS[:4]), data(IDS[1:]), settings=SETTINGS)
    sides = data(IDS[:4]), data(IDS[4:], sequences=["flair"])
    with pytest.raises(InputError, match="validation flair: give both the same"):
        train_network(tiny(), *sides, settings=SETTINGS)
    with pytest.raises(InputError, match="no labels: it can be predicted"):
        train_network(tiny(), data(labels=None), settings=SETTINGS)
    with pytest.raises(InputError, match="'shape-resnet50' needs shape"):
        train_network("shape-resnet50", data(), settings=SETTINGS)
    with pytest.raises(InputError, match="'dual-resnet18' needs survival"):
        train_network("dual-resnet18", data(), settings=SETTINGS)
    with pytest.raises(InputError, match="needs a directory"):
        train_network(tiny(), data(), settings=SETTINGS.model_copy(update={"devices": 2}))
    frozen = tiny().requires_grad_(False)
    with pytest.raises(InputError, match="every weight is frozen"):
        train_network(frozen, data(), settings=SETTINGS)


def test_features_are_the_mean_over_slices(data):
    trained = train_network(tiny(), data(), settings=SETTINGS)
    table = extract_features(trained, data(["p4", "p1"]), prefix="all.whole.")
    assert list(table.index) == ["p4", "p1"]
    assert list(table.columns) == [f"all.whole.Tiny_{i}" for i in range(8)]
    dataset = data(["p1"])
    images = torch.stack([dataset[i]["image"] for i in range(len(dataset))])
    with torch.inference_mode():
        expected = trained.network.features(images).mean(dim=0)
    np.testing.assert_allclose(table.loc["p1"], expected, rtol=1e-5)


def test_augmentation_acts_in_training_only(data):
    steps = augmentation_preset("shifts")
    trained = train_network(tiny(), data(augmentation=steps), settings=SETTINGS)
    plain, augmented = trained.predict(data()), trained.predict(data(augmentation=steps))
    pd.testing.assert_frame_equal(plain, augmented)


def test_nothing_but_the_weights_stays_behind(data):
    def optimisers():
        return sum(issubclass(type(thing), torch.optim.Optimizer) for thing in gc.get_objects())

    gc.collect()
    before = optimisers()
    trained = train_network(tiny(), data(), settings=SETTINGS)
    assert optimisers() == before
    assert all(weight.grad is None for weight in trained.network.parameters())
