"""The plan follows the cohort."""

import json

import numpy as np
import pytest

from gliofuse.errors import SettingError
from gliofuse.imaging import LabelConvention
from gliofuse.segmentation import SegmentationPlan, segmentation_settings
from gliofuse.segmentation.outputs import Outputs
from gliofuse.segmentation.plan import HeadShape, plan_segmentation

ISOTROPIC = HeadShape((1.0, 1.0, 1.0), (140, 172, 138), stripped=True)
THICK = HeadShape((5.0, 0.9, 0.9), (24, 220, 180), stripped=False)


def plan(head, preset="full", **changes):
    return plan_segmentation(
        [head] * 3,
        ("t1", "flair"),
        Outputs.choose("brats"),
        segmentation_settings(preset, changes),
    )


def test_thick_slices_are_read_as_planes_and_cubes_as_volumes():
    assert [stage.dimensions for stage in plan(THICK).stages] == [2, 2]
    assert [stage.dimensions for stage in plan(ISOTROPIC).stages] == [3, 3]
    assert [stage.dimensions for stage in plan(ISOTROPIC, dimensions="2").stages] == [2, 2]


def test_stages_look_at_the_whole_head_first_and_then_at_full_resolution():
    coarse, fine = plan(ISOTROPIC, coarse_mm=2.5).stages
    assert (coarse.spacing_mm, fine.spacing_mm) == ((2.5, 2.5, 2.5), (1.0, 1.0, 1.0))
    assert coarse.grid(ISOTROPIC.shape, ISOTROPIC.spacing_mm) == (56, 69, 55)
    assert np.all(np.array(coarse.patch) >= (56, 69, 55))  # the head in one look
    assert [stage.name for stage in plan(ISOTROPIC, stages="fine").stages] == ["fine"]


@pytest.mark.parametrize("head", [ISOTROPIC, THICK])
@pytest.mark.parametrize("preset", ["quick", "full", "paper"])
def test_patches_are_whole_poolings_within_the_budget(head, preset):
    settings = segmentation_settings(preset)
    for stage in plan(head, preset).stages:
        assert not np.any(np.mod(stage.patch, np.prod(stage.strides, axis=0)))
        assert np.prod(stage.patch) <= 1.3 * settings.patch_voxels
        assert len(stage.widths) == len(stage.kernels) == len(stage.strides)


def test_a_thick_axis_is_pooled_only_when_the_others_have_caught_up():
    stage = plan(THICK, dimensions="3", stages="fine").stages[0]
    assert stage.strides[1] == (1, 2, 2)
    assert stage.kernels[0] == (1, 3, 3)
    assert any(stride[0] == 2 for stride in stage.strides)


def test_a_plan_survives_json():
    made = plan(ISOTROPIC)
    again = SegmentationPlan.from_dict(json.loads(json.dumps(made.as_dict(), sort_keys=True)))
    assert again.as_dict() == made.as_dict()
    assert again.stages == made.stages


def test_stripped_and_whole_heads_are_not_mixed():
    with pytest.raises(SettingError, match="50% of 2 patients are skull-stripped"):
        plan_segmentation(
            [ISOTROPIC, THICK], ("t1",), Outputs.choose("brats"), segmentation_settings()
        )


def test_settings_name_what_is_wrong():
    with pytest.raises(SettingError, match="'epoch' is unknown: did you mean 'epochs'"):
        segmentation_settings("quick", {"epoch": 3})
    with pytest.raises(SettingError, match=r"'epochs': .*greater than 0 \(got -1\)"):
        segmentation_settings("quick", {"epochs": -1})
    with pytest.raises(SettingError, match="preset 'quik' is unknown: did you mean 'quick'"):
        segmentation_settings("quik")


@pytest.mark.parametrize("kind", ["auto", "labels"])
@pytest.mark.parametrize("convention", ["brats", "brats2023", "binary"])
def test_labels_come_back_from_their_outputs(convention, kind):
    import torch

    outputs = Outputs.choose(convention, kind)
    values = [0, *outputs.convention.labels.values()]
    labels = np.random.default_rng(0).choice(values, (3, 5, 4)).astype(np.uint8)
    target = outputs.encode(labels)
    assert target.shape == (outputs.channels, 3, 5, 4)
    assert np.array_equal(outputs.decode(torch.from_numpy(target).float()).numpy(), labels)
    stored = json.loads(json.dumps(outputs.as_dict(), sort_keys=True))
    assert Outputs.from_dict(stored).names == outputs.names
    tumour = outputs.tumour(torch.from_numpy(target).float()).numpy()
    assert np.array_equal(tumour > 0.5, labels > 0)


def test_any_number_of_labels():
    four = LabelConvention("own", {"core": 1, "edema": 2, "cyst": 3, "cavity": 7})
    outputs = Outputs.choose(four)
    assert (outputs.kind, outputs.channels) == ("labels", 5)
    with pytest.raises(SettingError, match="take outputs=labels"):
        Outputs.choose(four, "regions")
