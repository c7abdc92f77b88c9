"""Small patients whose class is written into their tumour, on anisotropic, off-origin volumes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import Case, Cohort
from gliofuse.imaging import Volume


def make_case(folder, case_id, label, *, rng, shape=(10, 40, 36), sequences=("t1", "flair")):
    """Write one patient; a positive one has a bright core in ``flair``."""
    folder = folder / case_id
    folder.mkdir()
    z, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    centre = np.array(shape) / 2 + rng.uniform(-2, 2, 3)
    distance = np.sqrt(
        ((z - centre[0]) / 3) ** 2 + ((y - centre[1]) / 8) ** 2 + ((x - centre[2]) / 7) ** 2
    )
    mask = np.where(distance < 1, np.where(distance < 0.6, 4, 2), 0).astype(np.uint8)
    geometry = {"spacing_mm": (5.0, 1.0, 1.2), "origin_mm": (10.0, -20.0, 30.0)}
    direction = np.eye(3)
    paths = {}
    for name in sequences:
        image = 100 + 20 * rng.random(shape)
        image[mask > 0] += 30
        if name == "flair" and label:
            image[mask == 4] += 120
        paths[name] = folder / f"{name}.nii.gz"
        Volume(image.astype(np.float32), direction=direction, **geometry).write(paths[name])
    Volume(mask, direction=direction, **geometry).write(folder / "mask.nii.gz")
    clinical = {"grade": 3 + int(label), "os_days": float(rng.integers(50, 900)), "died": 1}
    return Case(case_id, paths, folder / "mask.nii.gz", None, clinical)


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory):
    """Return eight patients, every other one positive."""
    folder = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(0)
    return Cohort(tuple(make_case(folder, f"p{i}", i % 2, rng=rng) for i in range(8)))


@pytest.fixture(scope="session")
def tiny_labels(tiny_cohort):
    """Return the patients' classes."""
    return pd.Series(
        {case.case_id: int(case.clinical["grade"] == 4) for case in tiny_cohort}, name="label"
    )


@pytest.fixture(scope="session")
def case_writer():
    """Return the function that writes one patient."""
    return make_case


@pytest.fixture(scope="session")
def tiny_slices(tiny_cohort, tmp_path_factory):
    """Return the eight patients' slices, 16 x 16."""
    from gliofuse.deep.data import SliceSettings, build_slices

    return build_slices(
        tiny_cohort,
        ("t1", "flair"),
        settings=SliceSettings(size=16),
        cache_dir=tmp_path_factory.mktemp("cache"),
    )


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Hold torch to one thread: on images this small a second one only waits for the first."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
