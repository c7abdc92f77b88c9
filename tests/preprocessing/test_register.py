"""Registration against known motion; and that what cannot be registered is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gliofuse.errors import PreprocessingError
from gliofuse.imaging import Volume, to_lps
from gliofuse.phantom.acquisition import rigid_matrix
from gliofuse.preprocessing import Affine, check_registration, find_head
from gliofuse.preprocessing.case import _registered


def registered(fixed: Volume, moving: Volume):
    """Register as a patient's sequences are, and judge it."""
    one, other = find_head(fixed), find_head(moving)
    found = _registered(fixed, moving, one, other, 0, 2)
    return found, check_registration(fixed, moving, one, other, found)


def error_mm(fixed, moving, transform: Affine) -> float:
    """Mean distance, over the brain, from where a registration puts a point to where it is."""
    truth = Affine(moving.motion @ np.linalg.inv(fixed.motion))
    points = fixed.volume.index_to_point(np.argwhere(fixed.brain)[::50])
    return float(np.linalg.norm(truth.apply(points) - transform.apply(points), axis=1).mean())


TURNED = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])  # sagittal slices
OBLIQUE = rigid_matrix((9, -7, 12), (0, 0, 0))[:3, :3]

MOTIONS = [
    ("flair", "coarse", {"rotation_degrees": (15, 0, 0), "shift_mm": (20, 0, 0)}),
    ("t2", "thick", {"rotation_degrees": (-8, 8, -9), "shift_mm": (-10, 12, -12)}),
    ("t1", "coarse", {"direction": OBLIQUE, "rotation_degrees": (0, 15, 0)}),
    ("t2", "coarse", {"direction": np.diag([-1.0, -1, 1]), "shift_mm": (0, -20, 0)}),
    (
        "flair",
        "thick",
        {"direction": TURNED, "shape": (30, 208, 224), "rotation_degrees": (0, 0, -15)},
    ),
]


@pytest.mark.slow(minutes=0.7)
@pytest.mark.parametrize(("sequence", "kind", "changes"), MOTIONS)
def test_known_motion_is_found_to_a_millimetre(scan, sequence, kind, changes):
    fixed, moving = scan("t1ce"), scan(sequence, kind, seed=1, **changes)
    found, verdict = registered(fixed.volume, to_lps(moving.volume))
    assert verdict.reasons == ()
    assert error_mm(fixed, moving, found.transform) < 1.0
    assert verdict.numbers["information"] > verdict.numbers["information_by_chance"]


def noise(volume: Volume) -> Volume:
    rng = np.random.default_rng(5)
    head = find_head(volume).on(volume)
    return volume.with_array((1000 * rng.random(volume.shape) * head).astype(np.float32))


def shuffled(volume: Volume) -> Volume:
    blocks = volume.array[:80, :104, :96].reshape(5, 16, 13, 8, 6, 16).transpose(0, 2, 4, 1, 3, 5)
    mixed = np.random.default_rng(6).permutation(blocks.reshape(-1, 16, 8, 16))
    array = mixed.reshape(5, 13, 6, 16, 8, 16).transpose(0, 3, 1, 4, 2, 5).reshape(80, 104, 96)
    return volume.crop((slice(0, 80), slice(0, 104), slice(0, 96))).with_array(array)


def upside_down(volume: Volume) -> Volume:
    """The header says that the neck is above."""
    return volume.with_array(np.ascontiguousarray(volume.array[::-1, :, ::-1]))


def ball(volume: Volume) -> Volume:
    points = volume.index_to_point(np.moveaxis(np.indices(volume.shape), 0, -1))
    inside = np.linalg.norm(points - points.reshape(-1, 3).mean(0), axis=-1) < 75
    return volume.with_array(inside.astype(np.float32) * 500)


def upper_third(volume: Volume) -> Volume:
    return volume.crop((slice(58, None), slice(None), slice(None)))


def mirrored(volume: Volume) -> Volume:
    return volume.with_array(np.ascontiguousarray(volume.array[:, :, ::-1]))


def twice_as_large(volume: Volume) -> Volume:
    """The header gives voxels twice their size."""
    return Volume(
        volume.array,
        tuple(2 * step for step in volume.spacing_mm),
        tuple(2 * place for place in volume.origin_mm),
        volume.direction,
    )


def elsewhere(volume: Volume) -> Volume:
    """The header puts the head where the reference shows nothing."""
    z = volume.origin_mm[2] + 300
    return Volume(volume.array, volume.spacing_mm, (*volume.origin_mm[:2], z), volume.direction)


def half_the_head(volume: Volume) -> Volume:
    """The left half is noise as the air has it."""
    array = volume.array.copy()
    half = array[:, :, array.shape[2] // 2 :]
    half[:] = np.random.default_rng(3).integers(0, 30, half.shape)
    return volume.with_array(array)


def blocks(volume: Volume) -> Volume:
    """A head's outline, filled with cubes of one grey value each."""
    counts = [size // 11 + 1 for size in volume.shape]
    values = np.random.default_rng(7).integers(200, 1200, counts).astype(np.float32)
    filled = (
        values.repeat(11, 0)
        .repeat(11, 1)
        .repeat(11, 2)[: volume.shape[0], : volume.shape[1], : volume.shape[2]]
    )
    return volume.with_array(np.where(find_head(volume).on(volume), filled, 0))


def abdomen(volume: Volume) -> Volume:
    """A body's cross-section with fat, liver, kidneys and spine."""
    points = volume.index_to_point(np.moveaxis(np.indices(volume.shape), 0, -1))
    x, y, z = np.moveaxis(points - points.reshape(-1, 3).mean(0), -1, 0)

    def within(x_mm, y_mm, z_mm, width, depth, height):
        parts = ((x - x_mm) / width) ** 2, ((y - y_mm) / depth) ** 2, ((z - z_mm) / height) ** 2
        return sum(parts) < 1

    body = (x / 95) ** 2 + (y / 75) ** 2 < 1
    image = np.where(body, 300.0, 0)
    image[(x / 88) ** 2 + (y / 68) ** 2 < 1] = 500
    image[within(-45, -10, 20, 40, 45, 60)] = 700
    for side in (-50, 50):
        image[within(side, 35, -20, 16, 16, 40)] = 900
    image[(x / 14) ** 2 + ((y - 45) / 16) ** 2 < 1] = 650
    texture = ndimage.gaussian_filter(np.random.default_rng(8).standard_normal(volume.shape), 1.5)
    return volume.with_array(np.maximum(image + 240 * texture * body, 0).astype(np.float32))


def small_cube(volume: Volume) -> Volume:
    return volume.crop((slice(30, 62), slice(40, 72), slice(35, 67)))


#: Each with what its refusal says.
UNREGISTRABLE = {
    "mirrored": (mirrored, "left and right are exchanged"),
    "noise": (noise, "no more of the reference than chance"),
    "shuffled": (shuffled, "no more of the reference than chance"),
    "upside down": (upside_down, "the header says another way up|rotation of"),
    "a ball": (ball, "no more than a shape"),
    "the upper third": (upper_third, "covers only|at least 500"),
    "twice as large": (twice_as_large, "times as wide as the reference.* wrong voxel size"),
    "elsewhere": (elsewhere, "a shift of 300 mm is implausible"),
    "half the head": (half_the_head, "shows only .* of the upper head"),
    "blocks": (blocks, "no more of the reference than chance"),
    "abdomen": (abdomen, "no more of the reference than chance"),
    "a small cube": (small_cube, "at least 500"),
}


@pytest.mark.slow(minutes=1.0)
@pytest.mark.parametrize("name", UNREGISTRABLE)
def test_what_cannot_be_registered_is_refused_with_its_reason(scan, name):
    spoil, reason = UNREGISTRABLE[name]
    spoilt = spoil(scan("t2", seed=1).volume)
    with pytest.raises(PreprocessingError, match=reason):
        refuse(scan("t1ce").volume, spoilt)


def refuse(fixed: Volume, moving: Volume) -> None:
    """Raise what stands against a registration, as the preprocessing of a patient does."""
    _, verdict = registered(fixed, moving)
    if verdict.reasons:
        raise PreprocessingError("; ".join(verdict.reasons))
