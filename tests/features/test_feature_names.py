"""Feature names: what is written is read again, and no name is taken for what it is not."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gliofuse.designs.framework.banks import feature_bank
from gliofuse.errors import InputError
from gliofuse.features import FeatureName, columns_of, qualify, regions_of, sequences_of
from gliofuse.imaging import parse_region

SEQUENCES = st.lists(
    st.sampled_from(["t1", "t1ce", "t2", "flair", "adc", "cbv"]), min_size=1, max_size=3
).map("+".join)
DISTANCES = st.floats(0.01, 99).map("{:.3g}".format)
ATOMS = st.sampled_from(["whole", "core", "edema", "necrosis", "own_region2"])
REGIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, DISTANCES).map(lambda parts: f"ring({parts[0]}, {parts[1]})"),
        st.tuples(inner, st.sampled_from("|&-"), inner).map(lambda parts: f"({' '.join(parts)})"),
    ),
    max_leaves=4,
)
IMAGES = st.sampled_from(
    ["original", "wavelet-LLH", "log-sigma-2-0-mm-3D", "lbp-3D-m1", "lbp-2D", "squareroot"]
)
STEMS = st.text(min_size=1).filter(str.strip)


@given(SEQUENCES, REGIONS, STEMS)
def test_what_is_written_is_read_again(sequence, region, stem):
    name = FeatureName(sequence, region, stem)
    assert FeatureName.parse(str(name)) == name
    assert name.region == "".join(region.split())
    parse_region(name.region)  # the region is still an expression


@given(
    SEQUENCES,
    REGIONS,
    IMAGES,
    st.sampled_from(["shape", "shape2D", "firstorder", "glcm", "ngtdm"]),
    st.sampled_from(["Contrast", "10Percentile", "MCC", "Maximum2DDiameterRow"]),
)
def test_a_radiomic_name_gives_its_parts(sequence, region, image, family, feature):
    name = FeatureName.parse(str(FeatureName.radiomic(sequence, region, image, family, feature)))
    assert (name.kind, name.image, name.family, name.feature) == (
        "radiomic", image, family, feature,
    )  # fmt: skip
    assert name.network is None
    assert name.number is None
    assert name.with_feature("Energy").feature == "Energy"


@given(
    SEQUENCES,
    REGIONS,
    st.sampled_from(["resnet34", "csg-densenet121", "My_Own_Net"]),
    st.integers(1, 3000).flatmap(lambda of: st.tuples(st.integers(0, of - 1), st.just(of))),
)
def test_a_deep_name_gives_its_parts(sequence, region, network, place):
    number, of = place
    name = FeatureName.parse(str(FeatureName.deep(sequence, region, network, number, of=of)))
    assert (name.kind, name.network, name.number) == ("deep", network, number)
    assert name.family is None


@pytest.mark.parametrize("of", [1, 9, 10, 11, 100, 512])
def test_deep_names_sort_as_their_numbers(of):
    names = [str(FeatureName.deep("t1", "whole", "net", n, of=of)) for n in range(of)]
    assert sorted(names) == names


@pytest.mark.parametrize("bank", ["rdl", "original", "shape"])
def test_every_feature_that_the_extractor_makes_is_radiomic(bank):
    settings = feature_bank(bank)
    for stem in settings.feature_names():
        name = FeatureName("t1", "whole", stem)
        assert name.kind == "radiomic", stem
        assert name.stem == f"{name.image}_{name.family}_{name.feature}"
        assert name.family in settings.featureClass


@pytest.mark.parametrize(
    "name",
    [
        "", "age_years", "t1ce", "t1ce.whole", "t1ce.whole.", "t1ce..x", ".whole.x",
        "t1 ce.whole.x", "t1ce.ring(whole,5.x", "t1ce.whole).x", "lbp.3D.m1_glcm_Idm", "0.5",
        "1.2.3", "t1ce.whole. ",
    ],
)  # fmt: skip
def test_what_is_no_feature_name(name):
    assert FeatureName.parse_or_none(name) is None
    with pytest.raises(InputError, match="must be <sequence>"):
        FeatureName.parse(name)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("t1.ce", "whole", "x"), "a sequence must be.*'t1.ce'"),
        (("", "whole", "x"), "a sequence must be"),
        (("t1", "who.le", "x"), "dots inside parentheses only, got 'who.le'"),
        (("t1", "ring(whole,5", "x"), "a region must be"),
        (("t1", "", "x"), "a region must be"),
        (("t1", "whole", " "), "nothing follows t1.whole"),
    ],
)
def test_names_that_could_not_be_read_again_are_refused(parts, message):
    with pytest.raises(InputError, match=message):
        FeatureName(*parts)


def test_a_sequence_is_not_the_start_of_another():
    table = pd.DataFrame(
        [[0.0] * 4],
        columns=[
            "t1.whole.original_glcm_Idm",
            "t1ce.whole.original_glcm_Idm",
            "t1+t1ce.whole.resnet34_0",
            "t1.ring(whole,2.5).original_shape_MeshVolume",
        ],
    )
    assert columns_of(table, sequence="t1") == [table.columns[0], table.columns[3]]
    assert columns_of(table, region="ring(whole, 2.5)") == [table.columns[3]]
    assert columns_of(table, region=("whole",), kind="deep") == [table.columns[2]]
    assert columns_of(table, family="shape") == [table.columns[3]]
    assert columns_of([*table, "age", "grade.x"]) == list(table)
    assert sequences_of(table) == ("t1", "t1ce", "t1+t1ce")
    assert regions_of(table) == ("whole", "ring(whole,2.5)")


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="did you mean 'radiomic'"):
        columns_of([], kind="radiomics")


def test_with_feature_needs_a_family():
    with pytest.raises(InputError, match=r"t1\.whole\.resnet34_1 is no radiomic feature"):
        FeatureName.parse("t1.whole.resnet34_1").with_feature("Idm")


@given(SEQUENCES, REGIONS, st.sampled_from(["original_glcm_Idm", "net_3", "volume (ml)"]))
def test_a_complete_name_is_not_qualified_twice(sequence, region, stem):
    once = qualify(stem, sequence, region)
    assert FeatureName.parse(once) == FeatureName(sequence, region, stem)
    assert qualify(once, "other", "edema") == once
