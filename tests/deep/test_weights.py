"""Pretrained weights: layouts, adaptation, refusals; no network is used."""

from __future__ import annotations

import re

import pytest

torch = pytest.importorskip("torch")

from gliofuse.deep.networks import build_network  # noqa: E402
from gliofuse.deep.weights import (  # noqa: E402
    IMAGENET_FILES,
    adapt_first_convolution,
    check_compatible,
    load_pretrained,
)
from gliofuse.errors import InputError, RunError  # noqa: E402

pytestmark = pytest.mark.slow(minutes=0.2)


def _seeded(name, sequences, **options):
    torch.manual_seed(1)
    return build_network(name, sequences, **options)


def _torchvision_state(trunk, *, old_names=False):
    """Rename MONAI's tensors to torchvision's: the inverse of what is tested."""
    state = {}
    for key, value in trunk.state_dict().items():
        key = re.sub(r"(denselayer\d+)\.layers\.", r"\1.", key)
        key = key.replace("class_layers.out.", "classifier.")
        if old_names:
            if key.endswith("num_batches_tracked"):
                continue
            key = re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", key)
        state[key] = value.clone()
    return state


# Names as torchvision's densenet121 and resnet50 spell them (torchvision/models/densenet.py,
# resnet.py, 0.15), so that the renaming above is not its own witness.
TORCHVISION_NAMES = {
    "densenet121": (
        "features.conv0.weight",
        "features.denseblock1.denselayer1.norm1.weight",
        "features.denseblock4.denselayer16.conv2.weight",
        "features.transition1.norm.weight",
        "features.transition3.conv.weight",
        "features.norm5.running_mean",
        "classifier.weight",
    ),
    "resnet50": (
        "conv1.weight",
        "bn1.running_var",
        "layer1.0.downsample.0.weight",
        "layer1.0.downsample.1.weight",
        "layer4.2.conv3.weight",
        "layer4.2.bn3.bias",
        "fc.bias",
    ),
}
OLD_DENSENET_NAMES = (
    "features.denseblock1.denselayer1.norm.1.weight",
    "features.denseblock4.denselayer16.conv.2.weight",
)


@pytest.mark.parametrize("name", ["densenet121", "resnet50"])
def test_layout_is_torchvisions(name):
    source = _seeded(name, ("t1", "t2", "flair"), classes=1000)
    state = _torchvision_state(source.trunk)
    assert set(TORCHVISION_NAMES[name]) <= set(state)
    assert "features.denseblock1.denselayer1.layers.norm1.weight" not in state


@pytest.mark.parametrize("old_names", [False, True])
def test_densenet_loads_new_and_old_names(tmp_path, old_names):
    source = _seeded("densenet121", ("t1", "t2", "flair"), classes=1000)
    state = _torchvision_state(source.trunk, old_names=old_names)
    assert not old_names or set(OLD_DENSENET_NAMES) <= set(state)
    torch.save(state, tmp_path / "d.pth")
    network = build_network("densenet121", ("t1", "t2", "flair"), classes=1000)
    report = load_pretrained(network, tmp_path / "d.pth")
    assert report.dropped == ()
    assert report.adapted is None
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network.eval()(image), source.eval()(image))


def test_grey_image_gives_the_same_features_in_one_channel(tmp_path):
    """The rule for the first convolution keeps the activations' scale."""
    source = _seeded("resnet50", ("t1", "t2", "flair"), classes=1000)
    torch.save(source.trunk.state_dict(), tmp_path / "r.pth")
    grey = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = source.eval().features(grey.expand(-1, 3, -1, -1))
    for sequences in (("t1",), ("t1", "t1ce", "t2", "flair")):
        network = build_network("resnet50", sequences)
        report = load_pretrained(network, tmp_path / "r.pth")
        got = network.eval().features(grey.expand(-1, len(sequences), -1, -1))
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
        assert f"from 3 to {len(sequences)} channels" in report.describe()
        assert report.dropped == ("fc.weight", "fc.bias")
        assert "class head" in report.describe()
        assert "trunk.fc.weight" in report.describe()


@pytest.mark.parametrize(
    ("name", "sequences", "source"),
    [
        ("csg-densenet121", ("t1", "flair"), "densenet121"),
        ("shape-resnet50", ("t1", "flair"), "resnet50"),
    ],
)
def test_designs_networks_take_a_plain_trunk(tmp_path, name, sequences, source):
    torch.manual_seed(0)
    plain = build_network(source, ("t1", "t2", "flair"), classes=1000)
    torch.save({"state_dict": _torchvision_state(plain.trunk)}, tmp_path / "w.pth")
    network = build_network(name, sequences)
    report = load_pretrained(network, tmp_path / "w.pth")
    assert report.loaded == len(plain.trunk.state_dict()) - 2
    assert report.fresh[-1] in ("fusion", "head")


def test_headless_trunk_takes_a_file_with_a_head(tmp_path):
    from gliofuse.deep.networks.base import torchvision_resnet

    whole = torchvision_resnet(18, spatial_dims=2, in_channels=3, outputs=1000)
    state = {f"module.{key}": value for key, value in whole.state_dict().items()}
    torch.save(state, tmp_path / "r18.pth")
    network = build_network("dual-resnet18", ("t1", "t1ce", "t2"))
    report = load_pretrained(network, tmp_path / "r18.pth")
    assert report.dropped == ("fc.weight", "fc.bias")
    torch.testing.assert_close(network.trunk.conv1.weight, whole.conv1.weight)


def test_own_state_dict_round_trips_as_safetensors(tmp_path):
    from safetensors.torch import save_file

    source = _seeded("csg-densenet121", ("t1", "flair"))
    state = {key: value.contiguous() for key, value in source.state_dict().items()}
    save_file(state, tmp_path / "own.safetensors")
    network = build_network("csg-densenet121", ("t1", "flair"))
    report = load_pretrained(network, tmp_path / "own.safetensors")
    assert report.fresh == ()
    assert all(
        torch.equal(value, network.state_dict()[key]) for key, value in source.state_dict().items()
    )


def test_random_weights_are_refused_unless_allowed():
    network = build_network("resnet34", ("t1",))
    with pytest.raises(InputError, match=r"features would come from random weights.*allow_random"):
        load_pretrained(network, None)
    report = load_pretrained(network, None, allow_random=True)
    assert report.random
    assert "random weights" in report.describe()


def test_other_networks_weights_are_refused(tmp_path):
    torch.save(build_network("resnet34", ("t1",)).trunk.state_dict(), tmp_path / "r34.pth")
    for name in ("resnet50", "densenet121", "dual-resnet18"):
        network = build_network(name, ("t1",))
        before = {key: value.clone() for key, value in network.state_dict().items()}
        with pytest.raises(InputError, match=f"{name}|another network"):
            load_pretrained(network, tmp_path / "r34.pth")
        assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_bad_files_are_refused(tmp_path):
    network = build_network("resnet34", ("t1",))
    with pytest.raises(InputError, match="no file"):
        load_pretrained(network, tmp_path / "nothing.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(InputError, match=r"cannot be read|plain state dict"):
        load_pretrained(network, tmp_path / "text.pth")
    torch.save(network, tmp_path / "pickled.pth")
    with pytest.raises(InputError, match="could run code"):
        load_pretrained(network, tmp_path / "pickled.pth")
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="'epoch' is not a tensor"):
        load_pretrained(network, tmp_path / "other.pth")


def test_imagenet_without_a_network_names_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("GLIOFUSE_CACHE", str(tmp_path))

    def offline(*_arguments, **_options):
        raise OSError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(RunError, match=r"fetch https://.*resnet34-b627a593\.pth by hand"):
        load_pretrained(build_network("resnet34", ("t1",)), "imagenet")
    with pytest.raises(InputError, match="two-dimensional"):
        load_pretrained(build_network("resnet50-3d", ("t1",)), "imagenet")


def test_imagenet_is_downloaded_once_and_checked(tmp_path, monkeypatch):
    monkeypatch.setenv("GLIOFUSE_CACHE", str(tmp_path))
    from gliofuse.files import file_hash

    source = _seeded("resnet34", ("t1",))
    torch.save(source.trunk.state_dict(), tmp_path / "made.pth")
    name = f"resnet34-{file_hash(tmp_path / 'made.pth', length=8)}.pth"
    monkeypatch.setitem(IMAGENET_FILES, "resnet34", name)
    calls = []

    def fetch(url, target, digits, *, progress):
        calls.append((url, digits, progress))
        (tmp_path / "made.pth").replace(target)

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    for _ in range(2):
        network = build_network("resnet34", ("t1",))
        load_pretrained(network, "imagenet")
        torch.testing.assert_close(network.trunk.fc.weight, source.trunk.fc.weight)
    assert len(calls) == 1
    (tmp_path / "weights" / name).write_bytes(b"cut short")
    with pytest.raises(InputError, match="SHA-256 starts with"):
        load_pretrained(build_network("resnet34", ("t1",)), "imagenet")


def test_adaptation_keeps_three_channels_as_they_are():
    weight = torch.randn(2, 3, 7, 7)
    assert adapt_first_convolution(weight, 3) is weight
    torch.testing.assert_close(adapt_first_convolution(weight, 1), weight.sum(1, keepdim=True))


def test_incompatible_checkpoints_name_both():
    wanted = {"network": "csg-densenet121", "sequences": ("t1", "flair")}
    check_compatible({"network": "csg-densenet121", "sequences": ["t1", "flair"]}, wanted)
    with pytest.raises(InputError, match="found 'resnet34', wanted 'csg-densenet121'"):
        check_compatible({"network": "resnet34", "sequences": ["t1"]}, wanted)
    with pytest.raises(InputError, match="channel order: found flair, t1, wanted t1, flair"):
        check_compatible({"network": "csg-densenet121", "sequences": ["flair", "t1"]}, wanted)
    with pytest.raises(InputError, match="another sequences: found t2, wanted t1, flair"):
        check_compatible({"network": "csg-densenet121", "sequences": ["t2"]}, wanted)
    with pytest.raises(InputError, match="does not say its network"):
        check_compatible({}, wanted)
