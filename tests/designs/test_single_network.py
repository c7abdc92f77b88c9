"""The design of one network: which preset each network has, and what a study may change."""

from __future__ import annotations

import pytest

from gliofuse.deep.networks import NETWORKS
from gliofuse.designs import find_design, parse_settings
from gliofuse.designs.single_network import PUBLISHED
from gliofuse.errors import SettingError


def settings(**given):
    return parse_settings(find_design("single-network"), given)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("preset", ["paper", "quick"])
def test_every_network_is_trained_and_shown_something(name, preset):
    chosen = settings(network=name, preset=preset)
    assert chosen.hyperparameters.epochs > 1
    kind = "slices" if type(chosen.cut).__name__ == "SliceSettings" else "patches"
    assert kind == NETWORKS[name].input
    if preset == "paper" and name in PUBLISHED:
        assert chosen.hyperparameters.batch_size == NETWORKS[name].batch_size


def test_a_published_network_is_trained_as_in_its_design():
    """rdl: SGD at 1e-4, a tenth of it every 20 epochs; shape-resnet: Adam at 1e-3."""
    rdl = settings(network="densenet121", preset="paper").hyperparameters
    assert [rdl.rate(epoch) for epoch in (0, 19, 20, 40)] == [1e-4, 1e-4, 1e-5, 1e-6]
    shape = settings(network="shape-resnet50", preset="paper").hyperparameters
    assert (shape.optimiser, shape.learning_rate, shape.betas) == ("adam", 1e-3, (0.9, 0.99))
    assert (shape.weight_decay, shape.epochs, shape.batch_size) == (5e-4, 20, 16)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"network": "densnet121"}, "did you mean 'densenet121'"),
        ({"preset": "quickly"}, "preset"),
        ({"training": {"epoch": 3}}, "'epoch': did you mean 'epochs'"),
        ({"images": {"sise": 3}}, "setting of slices 'sise': did you mean 'size'"),
        ({"network": "resnet50-3d", "images": {"size": 3}}, "setting of patches 'size'"),
        ({"augmentation": "flip"}, "did you mean 'flips'"),
    ],
)
def test_misspelt_settings_are_refused_before_anything_is_read(given, message):
    with pytest.raises(SettingError, match=message):
        settings(**given)
