"""Grad-CAM against a hand-written twin, geometry of the maps, shares, and the sanity check."""

from __future__ import annotations

import gc
import re
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gliofuse.cohort import Case  # noqa: E402
from gliofuse.deep.data.geometry import ItemGeometry  # noqa: E402
from gliofuse.deep.explain import (  # noqa: E402
    explain_case,
    grad_cam,
    heat_figure,
    heat_shares,
    randomisation_check,
)
from gliofuse.deep.networks import NETWORKS, build_network  # noqa: E402
from gliofuse.errors import GeometryError, InputError, RegionError, SettingError  # noqa: E402
from gliofuse.imaging import Volume  # noqa: E402

pytestmark = pytest.mark.slow(minutes=0.3)

SEQUENCES = ("t1", "t1ce", "t2", "flair")
CHANNELS = {"densenet121": 1, "resnet34": 1, "dual-resnet18": 3}
SMALL = {2: (64, 64), 3: (32, 48, 32)}


def _network(name):
    torch.manual_seed(5)
    return build_network(name, SEQUENCES[: CHANNELS.get(name, 4)])


def _inputs(network, cases=2):
    random = torch.Generator().manual_seed(3)
    image = torch.rand((cases, network.in_channels, *SMALL[network.spatial_dims]), generator=random)
    shape = torch.randn((cases, 14), generator=random)
    return image, shape if network.network_name == "shape-resnet50" else None


class BlobNetwork(torch.nn.Module):
    """Says class 1 where the first channel is bright: its map is known beforehand."""

    gradcam_layer = "blur"

    def __init__(self, dims=2):
        super().__init__()
        kind = torch.nn.Conv2d if dims == 2 else torch.nn.Conv3d
        self.blur = kind(1, 1, 3, padding=1, bias=False)
        torch.nn.init.constant_(self.blur.weight, 1 / 3**dims)

    def forward(self, image, shape=None):
        score = self.blur(image[:, :1]).flatten(1).mean(dim=1)
        return torch.stack([-score, score], dim=1)


# ---------------------------------------------------------------- Grad-CAM


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_has_a_map_and_is_left_alone(name):
    network = _network(name).train()
    image, shape = _inputs(network)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    maps = grad_cam(network, image, shape)
    assert maps.shape == (2, *SMALL[network.spatial_dims])
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    assert (maps >= 0).all()
    # one of the two classes must be spoken for somewhere
    assert maps.max() > 0 or grad_cam(network, image, shape, class_index=0).max() > 0
    assert network.training
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    hooked = [m for m in network.modules() if m._forward_hooks or m._backward_hooks]
    assert hooked == []


@pytest.mark.parametrize("name", ["csg-densenet121", "shape-resnet50", "se-resnet18-3d"])
def test_map_equals_the_hand_written_twin(name):
    """Selvaraju 2017, equations 1 and 2, of the log odds, with nothing but autograd."""
    network = _network(name).eval()
    image, shape = _inputs(network)
    kept = {}
    layer = dict(network.named_modules())[network.gradcam_layer]
    handle = layer.register_forward_hook(lambda *call: kept.update(maps=call[-1]))
    logits = network(image, shape)
    score = (logits[:, 1] - logits[:, 0]).sum()
    handle.remove()
    (slope,) = torch.autograd.grad(score, kept["maps"])
    axes = tuple(range(2, slope.ndim))
    weights = slope.mean(dim=axes, keepdim=True)
    expected = torch.relu((weights * kept["maps"]).sum(dim=1)).detach().numpy()
    got = grad_cam(network, image, shape, resolution="layer")
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_batches_make_no_difference():
    network = _network("resnet50").eval()
    image, _ = _inputs(network, cases=3)
    np.testing.assert_allclose(
        grad_cam(network, image, batch_size=2), grad_cam(network, image), rtol=1e-3, atol=1e-6
    )


def test_survival_head_is_explained_too():
    network = _network("dual-resnet18")
    image, _ = _inputs(network)
    risk = grad_cam(network, image, output="risk", class_index=0)
    assert not np.allclose(risk, grad_cam(network, image))


def test_unknown_layer_is_named():
    network = _network("resnet50")
    with pytest.raises(SettingError, match=r"did you mean 'trunk\.layer4'"):
        grad_cam(network, _inputs(network)[0], layer="trunk.layer5")


# ---------------------------------------------------------------- shares of the heat


def _oblique(array):
    turn = np.deg2rad(20)
    direction = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    return Volume(array, (4.0, 0.9, 1.1), (-40.0, 12.5, 7.0), direction)


def test_shares_equal_the_naive_twin_on_an_anisotropic_volume():
    random = np.random.default_rng(0)
    heat, mask = random.random((6, 9, 7)), np.zeros((6, 9, 7))
    mask[2:4, 3:6, 2:5] = 2
    seen = random.random(mask.shape) > 0.3
    got = heat_shares(_oblique(heat), _oblique(mask), edge_mm=4.3, seen=seen)
    inside = np.argwhere(mask > 0) * (4.0, 0.9, 1.1)
    sums, areas = np.zeros(3), np.zeros(3)
    for index in np.ndindex(mask.shape):
        gap = np.sqrt(((inside - np.multiply(index, (4.0, 0.9, 1.1))) ** 2).sum(axis=1)).min()
        zone = 0 if gap == 0 else 1 if gap <= 4.3 else 2
        sums[zone] += heat[index]
        areas[zone] += seen[index]
    shares = [got.inside, got.edge, got.outside]
    np.testing.assert_allclose(shares, sums / sums.sum(), rtol=1e-9)
    np.testing.assert_allclose(
        [got.area_inside, got.area_edge, got.area_outside], areas / areas.sum(), rtol=1e-9
    )
    assert sum(shares) == pytest.approx(1)


def test_no_preference_is_one_and_no_heat_is_nan():
    mask = np.zeros((2, 4, 4))
    mask[0, 1, 1] = 1
    even = heat_shares(Volume(np.ones((2, 4, 4))), Volume(mask))
    assert even.preference == pytest.approx(1)
    none = heat_shares(Volume(np.zeros((2, 4, 4))), Volume(mask))
    assert np.isnan(none.inside)
    assert none.area_inside == pytest.approx(1 / 32)
    assert set(none.as_dict()) == {
        *(f"{kind}_{zone}" for kind in ("heat", "area") for zone in ("inside", "edge", "outside")),
        "heat_preference",
    }


def test_shares_mistakes_are_named():
    mask, heat = np.ones((2, 4, 4)), np.ones((2, 4, 4))
    with pytest.raises(GeometryError, match="heat map and mask"):
        heat_shares(Volume(heat, (1, 1, 2)), Volume(mask))
    with pytest.raises(RegionError, match="no tumour voxel"):
        heat_shares(Volume(heat), Volume(mask * 0))
    with pytest.raises(InputError, match="edge_mm"):
        heat_shares(Volume(heat), Volume(mask), edge_mm=-1)
    with pytest.raises(InputError, match="nowhere negative"):
        heat_shares(Volume(-heat), Volume(mask))


# ---------------------------------------------------------------- a patient


class _Items:
    """A data set of one patient, its images cut from an oblique, anisotropic volume."""

    sequences = ("t1ce",)

    def __init__(self, case_id, array, geometry):
        self.case_id, self.array, self.boxes = case_id, array, geometry

    def items_of(self, case_id):
        return np.arange(len(self.boxes)) if case_id == self.case_id else np.array([], dtype=int)

    def geometry(self, index):
        return self.boxes[index]

    def __getitem__(self, index):
        box = self.boxes[index]
        z, y, x = (slice(int(a), int(b)) for a, b in zip(box.start_zyx, box.stop_zyx))
        cut = torch.as_tensor(self.array[z, y, x], dtype=torch.float32)[None]
        if len(box.size) == 2:
            cut = cut[0]
        mode = "bilinear" if len(box.size) == 2 else "trilinear"
        image = cut.reshape(1, 1, *cut.shape[-len(box.size) :])
        image = torch.nn.functional.interpolate(image, box.size, mode=mode)[0]
        return {"image": image, "item": torch.tensor(index)}


def _patient(folder, dims):
    array, mask = np.zeros((8, 30, 26), np.float32), np.zeros((8, 30, 26), np.uint8)
    mask[3:6, 10:18, 8:15] = 2
    array[4, 12:15, 10:12] = 1.0  # the one bright blob, inside the tumour
    image = _oblique(array)
    image.write(folder / "t1ce.nii.gz")
    _oblique(mask).write(folder / "mask.nii.gz")
    case = Case("p-1", {"t1ce": folder / "t1ce.nii.gz"}, folder / "mask.nii.gz", None, {})
    if dims == 2:
        boxes = [
            ItemGeometry("p-1", (z, 8, 6), (z + 1, 20, 18), (24, 24), mask.shape, image.spacing_mm)
            for z in (3, 4, 5)
        ]
    else:
        boxes = [
            ItemGeometry("p-1", (2, 8, 6), (7, 20, 18), (10, 24, 24), mask.shape, image.spacing_mm)
        ]
    trained = SimpleNamespace(
        network=BlobNetwork(dims), name="blob", inputs=lambda batch: (batch["image"], None)
    )
    return trained, _Items("p-1", array, boxes), case


@pytest.mark.parametrize("dims", [2, 3])
def test_heat_lies_where_the_network_looks(tmp_path, dims):
    trained, dataset, case = _patient(tmp_path, dims)
    out = tmp_path / "out"
    row = explain_case(trained, dataset, "p-1", case=case, directory=out)
    heat = Volume.read(out / "p-1.nii.gz")
    assert heat.same_geometry(Volume.read(case.images["t1ce"]))
    assert heat.array.max() == pytest.approx(1, abs=1e-5)
    peak = np.unravel_index(heat.array.argmax(), heat.shape)
    assert peak[0] == 4
    assert 12 <= peak[1] < 15
    assert 10 <= peak[2] < 12
    # centre of the heat = centre of the blob, to a fraction of a voxel
    centre = np.array([(heat.array * grid).sum() for grid in np.indices(heat.shape)])
    np.testing.assert_allclose(centre / heat.array.sum(), (4, 13, 10.5), atol=0.25)
    assert row["heat_inside"] > 0.95
    assert row["heat_preference"] > 1.2
    assert row["items"] == len(dataset.boxes)
    text = (out / "p-1.svg").read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    assert not list(out.glob(".*"))


def test_patient_mistakes_are_named(tmp_path):
    trained, dataset, case = _patient(tmp_path, 2)
    with pytest.raises(InputError, match="no image of this patient"):
        explain_case(trained, dataset, "p-2", case=case, directory=tmp_path)
    other = _Items("p-1", dataset.array, [])
    other.boxes = [ItemGeometry("p-1", (0, 0, 0), (1, 9, 9), (9, 9), (8, 30, 27), (1.0, 1.0, 1.0))]
    with pytest.raises(GeometryError, match=r"\(8, 30, 27\).*\(8, 30, 26\)"):
        explain_case(trained, other, "p-1", case=case, directory=tmp_path)


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_figure_is_the_same_twice(tmp_path, suffix):
    random = np.random.default_rng(0)
    image, heat = _oblique(random.random((5, 16, 12))), _oblique(random.random((5, 16, 12)))
    mask = np.zeros((5, 16, 12), bool)
    mask[2, 4:9, 3:8] = True
    files = [
        heat_figure(image, heat, _oblique(mask), tmp_path / part / f"a{suffix}", title="p")
        for part in ("one", "two")
    ]
    first, second = (path.read_bytes() for path in files)
    assert len(first) > 1000
    assert first == second
    with pytest.raises(InputError, match="slices"):
        heat_figure(image, heat, _oblique(mask), tmp_path / "b.svg", slices=0)


def test_the_rows_of_a_figure_are_aligned_and_every_image_says_its_sides(tmp_path):
    array = np.random.default_rng(0).random((5, 16, 12))
    mask = np.zeros((5, 16, 12), bool)
    mask[1:4, 4:9, 3:8] = True
    image = _oblique(array)
    path = heat_figure(image, _oblique(array), _oblique(mask), tmp_path / "a.svg", slices=3)
    text = path.read_text()
    panels = re.findall(r'<g id="axes_\d+">\s*<g id="patch_\d+">\s*<path d="M ([\d.]+)', text)
    *tiles, _ = (float(left) for left in panels)  # the last is the colour bar
    assert len(tiles) == 6
    assert tiles[:3] == pytest.approx(tiles[3:])
    assert text.count("<!-- R -->") == text.count("<!-- L -->") == 6
    assert text.count("<!-- slice ") == 3


# ---------------------------------------------------------------- sanity


def test_shuffling_goes_from_the_last_layer_to_the_first():
    network = _network("dual-resnet18")
    image = _inputs(network)[0][:, :, :48, :48]
    before = {key: value.clone() for key, value in network.state_dict().items()}
    check = randomisation_check(network, image, class_index=0)  # what this start predicts
    assert check.stages[:3] == ("survival_head", "grade_head", "trunk.layer4")
    assert check.stages[-2:] == ("trunk.bn1", "trunk.conv1")
    assert len(check.correlations) == len(check.stages)
    assert check.correlations[0] == pytest.approx(1)  # the grade's map knows nothing of survival
    assert all(-1 <= value <= 1 for value in check.correlations)
    assert check.correlation == check.correlations[-1]
    assert randomisation_check(network, image, class_index=0) == check  # seeded
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_a_map_that_ignores_the_weights_is_found_out():
    """The blob network's weights are all equal: shuffling them changes nothing."""
    image = torch.rand(3, 1, 24, 24, generator=torch.Generator().manual_seed(1))
    assert randomisation_check(BlobNetwork(), image).correlation == pytest.approx(1)
    with pytest.raises(InputError, match="one image or more"):
        randomisation_check(BlobNetwork(), image[:0])


def test_a_trained_networks_map_does_not_survive_the_shuffle():
    """Train a small network to find a bright square; its map must be lost with its weights."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 5, padding=2),
        torch.nn.BatchNorm2d(8),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 16, 5, padding=2, stride=2),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(16, 2),
    )
    random = torch.Generator().manual_seed(0)
    image = 0.5 * torch.rand((48, 1, 24, 24), generator=random)
    label = torch.arange(48) % 2
    for number, one in enumerate(image):
        row, column = 3 + (7 * number) % 13, 2 + (5 * number) % 15
        texture = torch.ones(5, 5) if label[number] else (torch.arange(25) % 2).reshape(5, 5) * 2.0
        one[0, row : row + 5, column : column + 5] = texture
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(image), label).backward()
        optimiser.step()

    class Named(torch.nn.Module):
        gradcam_layer = "body.3"

        def __init__(self):
            super().__init__()
            self.body = network

        def forward(self, image, shape=None):
            return self.body(image)

    found = Named().eval()
    assert (found(image).argmax(dim=1) == label).float().mean() == 1
    values = [randomisation_check(found, image[1:20:2], seed=seed).correlation for seed in range(5)]
    assert np.mean(values) < 0.5


def test_no_copy_of_the_network_stays_behind():
    network = build_network("densenet121", ("t1",))

    def layers():
        return sum(issubclass(type(thing), torch.nn.Conv2d) for thing in gc.get_objects())

    gc.collect()
    before = layers()
    for _ in range(2):
        grad_cam(network, torch.rand(2, 1, 32, 32))
    assert layers() == before
