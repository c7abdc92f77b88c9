"""Small stripped heads with a bright tumour, oblique and off-origin, and a segmenter of them."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.cohort import Case, Cohort
from gliofuse.imaging import Volume

SEQUENCES = ("t1", "flair")


def oblique(degrees=12.0):
    """Return axes that are turned, and whose x runs to the right."""
    angle = np.deg2rad(degrees)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    return turn @ np.diag([-1.0, 1.0, 1.0])


def make_head(rng, shape=(12, 40, 36), *, spacing=(4.0, 1.5, 1.6), direction=None):
    """Return ``({sequence: Volume}, mask Volume)``: an ellipsoid brain, a ball in it."""
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    brain = sum(axis**2 for axis in grid) < 0.85
    centre = rng.uniform(-0.3, 0.3, 3)
    distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(grid, centre)))
    mask = np.where(distance < 0.35, np.where(distance < 0.2, 4, 2), 0).astype(np.uint8)
    place = {
        "spacing_mm": spacing,
        "origin_mm": (11.0, -22.0, 33.0),
        "direction": oblique() if direction is None else direction,
    }
    volumes = {}
    for name in SEQUENCES:
        image = 100 + 12 * rng.standard_normal(shape)
        image[mask > 0] += 90 if name == "flair" else -60
        image[mask == 4] += 60
        volumes[name] = Volume(np.where(brain, image, 0).astype(np.float32), **place)
    return volumes, Volume(mask, **place)


def write_case(folder, case_id, rng):
    """Write a patient and return the case."""
    volumes, mask = make_head(rng)
    paths = {name: folder / case_id / f"{name}.nii.gz" for name in volumes}
    for name, volume in volumes.items():
        volume.write(paths[name])
    mask.write(folder / case_id / "mask.nii.gz")
    return Case(case_id, paths, folder / case_id / "mask.nii.gz", None, {"side": "train"})


@pytest.fixture(scope="session")
def head_maker():
    """Return the function that makes one patient's images and mask."""
    return make_head


@pytest.fixture(scope="session")
def axes_turned():
    """Return the function that gives oblique axes."""
    return oblique


@pytest.fixture(scope="session")
def heads(tmp_path_factory):
    """Return eight patients."""
    folder = tmp_path_factory.mktemp("heads")
    rng = np.random.default_rng(0)
    return Cohort(tuple(write_case(folder, f"p{number}", rng) for number in range(8)))


@pytest.fixture(scope="session")
def tiny_settings():
    """Return settings that train in seconds."""
    from gliofuse.segmentation import segmentation_settings

    changes = {
        "width": 8,
        "widest": 16,
        "coarse_mm": 3.0,
        "epochs": 4,
        "steps": 32,
        "batch_size": 6,
        "learning_rate": 0.01,
        "averaging": 0.9,
        "minutes": None,
        "precision": "32",
        "margin_mm": 6.0,
    }
    return segmentation_settings("quick", changes)


@pytest.fixture(scope="session")
def segmenter_folder(heads, tiny_settings, tmp_path_factory):
    """Return the folder of a segmenter trained on the first six patients."""
    from gliofuse.segmentation import train_segmenter

    folder = tmp_path_factory.mktemp("segmenter")
    train_segmenter(heads.subset(heads.case_ids[:6]), folder, settings=tiny_settings)
    return folder


@pytest.fixture
def segmenter(segmenter_folder):
    """Return that segmenter."""
    from gliofuse.segmentation import Segmenter

    return Segmenter.load(segmenter_folder)


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Hold torch to one thread: on images this small a second one only waits for the first."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
