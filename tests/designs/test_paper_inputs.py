"""What the networks of each paper's preset see: size, field of view in mm, share of the tumour.

On two grids, of which one is the papers' 240 x 240 at 1 mm, with a tumour far from the middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gliofuse.cohort import Case
from gliofuse.deep.data.patches import cut_patch
from gliofuse.deep.data.slices import cut_slices
from gliofuse.imaging import Volume
from gliofuse.inputs import TumourPatches, TumourSlices

from .test_models import planned

pytestmark = pytest.mark.slow(minutes=0.1)

#: Voxels (x, y, z) and their size in mm.
GRIDS = {"1 mm": ((240, 240, 60), (1.0, 1.0, 2.0)), "clinical": ((256, 200, 24), (0.9, 0.9, 5.0))}


@pytest.fixture(scope="module", params=GRIDS)
def case(request, tmp_path_factory):
    """A patient whose tumour lies 35 mm to one side and 20 mm to the front, 20 mm in radius."""
    shape, mm = GRIDS[request.param]
    folder = tmp_path_factory.mktemp("grid")
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(shape, mm)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    brain = (x / 70) ** 2 + (y / 85) ** 2 + (z / 55) ** 2 < 1
    tumour = (x - 35) ** 2 + (y - 20) ** 2 + (z + 8) ** 2 < 20**2
    image = np.where(brain, 100 + 0.2 * x, 0) + 60.0 * tumour
    paths = {}
    for name in ("t1", "t1ce", "t2", "flair"):
        paths[name] = folder / f"{name}.nii.gz"
        Volume(np.transpose(image, (2, 1, 0)).astype(np.float32), spacing_mm=mm[::-1]).write(
            paths[name]
        )
    mask = np.transpose(tumour, (2, 1, 0))
    Volume(mask.astype(np.uint8), spacing_mm=mm[::-1]).write(folder / "mask.nii.gz")
    return Case("a", paths, folder / "mask.nii.gz"), mask


@dataclass
class Seen:
    """What a network sees of the patient."""

    size: tuple[int, ...]
    field_mm: tuple[float, ...]
    tumour: float


def seen(case, request, center_crop=None):
    """Return size, field of view and the share of the tumour's voxels inside it."""
    patient, tumour = case
    cut = cut_patch if isinstance(request, TumourPatches) else cut_slices
    arrays = cut(
        patient,
        sequences=request.sequences,
        region=request.region,
        convention="binary",
        settings=request.settings,
    )
    inside = everywhere = 0
    for geometry in arrays.geometry:
        box = geometry if center_crop is None else geometry.central((center_crop,) * 2)
        bounds = [
            slice(max(0, int(np.ceil(a - 0.5))), max(0, int(np.ceil(b - 0.5))))
            for a, b in zip(box.start_zyx, box.stop_zyx)
        ]
        inside += int(tumour[tuple(bounds)].sum())
        everywhere += int((tumour if len(box.size) == 3 else tumour[geometry.slice_index]).sum())
    sides = [(b - a) * mm for a, b, mm in zip(box.start_zyx, box.stop_zyx, box.spacing_mm)][
        -len(box.size) :
    ]
    return Seen(box.size, tuple(sides), inside / everywhere)


def test_rdl_sees_the_tumours_square(case):
    design = planned("rdl", settings={"preset": "paper"})
    found = seen(case, design.slices)
    assert found.size == (64, 64)
    assert found.tumour == 1
    assert max(found.field_mm) <= 42


def test_deep_radiomics_sees_its_patch_in_mm_and_the_whole_volume(case):
    design = planned("deep-radiomics", settings={"preset": "paper"})
    patch = seen(case, design.patches("patch"))
    assert patch.size == (96, 128, 96)
    np.testing.assert_allclose(patch.field_mm, (96, 128, 96), atol=2.6)  # half a voxel
    assert patch.tumour == 1
    complete = seen(case, design.patches("complete"))
    assert complete.size == (96, 128, 96)
    assert complete.tumour == 1


@pytest.mark.parametrize("form", ["2d", "2d_shape"])
def test_shape_resnet_sees_160_mm_of_the_plane(case, form):
    """The middle 160 of 240 pixels: the half of it would cut this tumour off."""
    design = planned("shape-resnet", settings={"preset": "paper"})
    for network in (one for one in design._networks if one.form == form):
        recipe = design._recipe(network)
        found = seen(case, recipe.request, recipe.center_crop)
        assert found.size == (160, 160)
        np.testing.assert_allclose(found.field_mm, (160, 160), atol=0.5)
        assert found.tumour == 1


def test_shape_resnets_enlarged_crops_of_one_class_are_86_mm_of_120(case):
    """448 pixels of 240 mm, of which the middle 224 and a random 160."""
    design = planned("shape-resnet", settings={"preset": "paper"})
    recipe = design._recipe(design._networks[-1])
    crops = recipe.augmentation.steps[0]
    stored = seen(case, recipe.request)
    mm = stored.field_mm[0] / crops.resized
    assert (crops.center * mm, crops.size * mm) == pytest.approx((120, 85.7), abs=0.2)


def test_the_3d_comparator_sees_128_x_160_x_160_mm(case):
    design = planned("shape-resnet", settings={"preset": "paper"})
    found = seen(case, design.patches)
    assert found.size == (128, 160, 160)
    np.testing.assert_allclose(found.field_mm, (128, 160, 160), atol=2.6)
    assert found.tumour == 1


def test_imaging_clinical_shows_the_largest_slices_square(case):
    design = planned("imaging-clinical", settings={"preset": "paper", "allow_random": True})
    request = design.deep_features
    slices = TumourSlices(settings=request.slices, region="whole", sequences=request.sequences)
    found = seen(case, slices)
    assert found.size == (224, 224)
    assert found.tumour == 1
