"""Every feature of every derived image against PyRadiomics 3.0.1's values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.imaging.volume import Volume


@pytest.mark.parametrize(
    ("column", "setting"), [("binWidth_25", {"binWidth": 25}), ("binCount_32", {"binCount": 32})]
)
def test_filters_brain1(shared_data, column, setting):
    """filters_brain1.csv: PyRadiomics 3.0.1, numpy 1.26, scipy 1.11, trimesh 3.23."""
    from gliofuse.designs.framework.banks import feature_bank
    from gliofuse.radiomics.groups import compute_groups, groups
    from gliofuse.radiomics.parameters import RadiomicsSettings

    folder = shared_data("pyradiomics_reference")
    image = Volume.read(folder / "brain1_image.nrrd")
    mask = Volume.read(folder / "brain1_label.nrrd").array == 1
    types = feature_bank("rdl").imageType
    settings = RadiomicsSettings.from_params({"setting": setting, "imageType": types})
    found: dict[str, float] = {}
    bank = compute_groups(
        image.array, image.spacing_mm, {"roi": mask}, settings, groups(settings, ["roi"])
    )
    for values in bank.values():
        found.update(values)
    expected = pd.read_csv(folder / "filters_brain1.csv", index_col=0)[column].astype(float)
    expected = expected[~expected.index.str.startswith("original_shape")]
    assert len(expected) == 21 * 93
    assert set(expected.index) == set(found)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-7, err_msg=name)
