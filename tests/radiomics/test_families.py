"""The kernels against slow twins written from the definitions, and properties that must hold."""

from __future__ import annotations

import itertools
from collections import Counter, deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import pdist

from gliofuse.errors import SettingError
from gliofuse.radiomics.discretise import bin_edges, discretise
from gliofuse.radiomics.families import FAMILIES, glcm, gldm, glrlm, glszm, ngtdm
from gliofuse.radiomics.families.firstorder import firstorder_features
from gliofuse.radiomics.families.shape import _march, shape_features
from gliofuse.radiomics.parameters import Setting
from gliofuse.radiomics.region import Region, angles

SPACING = (2.5, 0.8, 1.1)
ALL_26 = [o for o in itertools.product((-1, 0, 1), repeat=3) if any(o)]


def _blob(seed, shape=(6, 8, 7), levels=4, share=0.7):
    """A ragged region and whole-number intensities, some grey levels missing."""
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < share
    mask[0, 0, 0] = mask[-1, -1, -1] = True
    image = rng.integers(0, levels, shape) * 2.0 + 3
    return Region(mask, SPACING), image


def _levels(region, image):
    return discretise(image[region.mask], bin_width=1.0)


def _level_map(region, image):
    levels = _levels(region, image).level
    return {
        tuple(place): int(level)
        for place, level in zip(np.argwhere(region.mask), levels, strict=True)
    }


def _shift(place, offset, times=1):
    return tuple(p + times * o for p, o in zip(place, offset, strict=True))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_a_family_is_whole(family):
    assert FAMILIES[family.name] is family
    assert list(family.names) == sorted(family.names, key=lambda name: f"{name}FeatureValue")
    assert all(feature.formula and feature.meaning for feature in family.features)
    assert family.text
    assert set(family.equals.values()) <= set(family.names)
    assert set(family.settings) <= set(Setting.model_fields)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("distances", [(1,), (1, 2), (2,)])
@pytest.mark.parametrize("symmetrical", [True, False])
def test_glcm_against_its_definition(seed, distances, symmetrical):
    region, image = _blob(seed)
    level = _level_map(region, image)
    highest = max(level.values())
    rows = []
    for offset in angles(distances):
        p = np.zeros((highest + 1, highest + 1))
        for place, i in level.items():
            j = level.get(_shift(place, offset))
            if j is not None:
                p[i, j] += 1
                p[j, i] += symmetrical
        if p.sum():
            rows.append(_glcm_by_definition(p / p.sum(), highest))
    expected = {name: np.mean([row[name] for row in rows]) for name in rows[0]}
    found = glcm.glcm_features(
        region, _levels(region, image), distances=distances, symmetrical=symmetrical
    )
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-10), name
    assert set(found) == set(expected)


def _glcm_by_definition(p, highest):
    n = len(p)
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    px, py = p.sum(1), p.sum(0)
    mx, my = (i * p).sum(), (j * p).sum()
    sx, sy = np.sqrt(((i - mx) ** 2 * p).sum()), np.sqrt(((j - my) ** 2 * p).sum())
    diff = np.bincount(np.abs(i - j).ravel(), p.ravel())
    total = np.bincount((i + j).ravel(), p.ravel())
    k, s = np.arange(len(diff)), np.arange(len(total))

    def h(q):
        q = q[q > 0]
        return -(q * np.log2(q)).sum()

    da = (k * diff).sum()
    product = np.outer(px, py)
    hxy1 = -(p[product > 0] * np.log2(product[product > 0])).sum()
    eps = np.spacing(1)
    present = np.flatnonzero(px + py)
    q = p[np.ix_(present, present)]
    matrix = sum(
        np.outer(q[:, c], q[:, c]) / (q.sum(1)[:, None] * q.sum(0)[c] + eps) for c in range(len(q))
    )
    eigenvalues = np.sort(np.linalg.eigvals(matrix).real)
    cluster = i + j - mx - my
    return {
        "Autocorrelation": (i * j * p).sum(),
        "ClusterProminence": (cluster**4 * p).sum(),
        "ClusterShade": (cluster**3 * p).sum(),
        "ClusterTendency": (cluster**2 * p).sum(),
        "Contrast": ((i - j) ** 2 * p).sum(),
        "Correlation": ((i - mx) * (j - my) * p).sum() / (sx * sy),
        "DifferenceAverage": da,
        "DifferenceEntropy": h(diff),
        "DifferenceVariance": ((k - da) ** 2 * diff).sum(),
        "Id": (diff / (1 + k)).sum(),
        "Idm": (diff / (1 + k**2)).sum(),
        "Idmn": (diff / (1 + k**2 / highest**2)).sum(),
        "Idn": (diff / (1 + k / highest)).sum(),
        "Imc1": (h(p) - hxy1) / max(h(px), h(py)),
        "Imc2": np.sqrt(1 - np.exp(-2 * (h(px) + h(py) - h(p)))),
        "InverseVariance": (diff[1:] / k[1:] ** 2).sum(),
        "JointAverage": mx,
        "JointEnergy": (p**2).sum(),
        "JointEntropy": h(p),
        "MCC": np.sqrt(max(eigenvalues[-2], 0)),
        "MaximumProbability": p.max(),
        "SumAverage": (s * total).sum(),
        "SumEntropy": h(total),
        "SumSquares": ((i - mx) ** 2 * p).sum(),
    }


@pytest.mark.parametrize("seed", range(3))
def test_glcm_in_several_passes_equals_one(seed, monkeypatch):
    region, image = _blob(seed, levels=9)
    one = glcm.glcm_features(region, _levels(region, image))
    monkeypatch.setattr(glcm, "_CHUNK_BYTES", 1)
    assert glcm.glcm_features(region, _levels(region, image)) == one


def _by_size(counter):
    """The statistics of a matrix, given as a Counter of (level, size)."""
    p = np.array(list(counter.values()), dtype=float)
    i = np.array([key[0] for key in counter], dtype=float)
    j = np.array([key[1] for key in counter], dtype=float)
    n = p.sum()
    rows = np.array([p[i == v].sum() for v in np.unique(i)])
    columns = np.array([p[j == v].sum() for v in np.unique(j)])
    mi, mj = (i * p).sum() / n, (j * p).sum() / n
    return {
        "small": (p / j**2).sum() / n,
        "large": (p * j**2).sum() / n,
        "gray_nonuniformity": (rows**2).sum() / n,
        "gray_nonuniformity_normalised": (rows**2).sum() / n**2,
        "size_nonuniformity": (columns**2).sum() / n,
        "size_nonuniformity_normalised": (columns**2).sum() / n**2,
        "percentage": n / (p * j).sum(),
        "gray_variance": (p * (i - mi) ** 2).sum() / n,
        "size_variance": (p * (j - mj) ** 2).sum() / n,
        "entropy": -(p / n * np.log2(p / n)).sum(),
        "low_gray": (p / i**2).sum() / n,
        "high_gray": (p * i**2).sum() / n,
        "small_low": (p / i**2 / j**2).sum() / n,
        "small_high": (p * i**2 / j**2).sum() / n,
        "large_low": (p * j**2 / i**2).sum() / n,
        "large_high": (p * i**2 * j**2).sum() / n,
    }


def _check(found, module, expected):
    for name, value in found.items():
        assert value == pytest.approx(expected[module._STATISTIC[name]], rel=1e-10), name


def _on_one_line(first, second, offset):
    """Whether a whole number of steps leads from one place to the other."""
    return any(_shift(first, offset, times) == second for times in range(-10, 11))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("force2d", [False, True])
@pytest.mark.parametrize(("share", "levels"), [(0.7, 4), (0.06, 4), (0.06, 1000), (0.04, 1000)])
def test_glrlm_against_its_definition(seed, force2d, share, levels):
    region, image = _blob(seed, share=share, levels=levels)
    level = _level_map(region, image)
    rows = []
    for offset in angles(force2d=force2d, plane_axis=1):
        runs = Counter()
        for place, i in level.items():
            if level.get(_shift(place, offset, -1)) == i:
                continue  # not the first of its run
            length = 1
            while level.get(_shift(place, offset, length)) == i:
                length += 1
            runs[i, length] += 1
        # not whether a run is longer than one voxel
        if any(_on_one_line(*pair, offset) for pair in itertools.combinations(level, 2)):
            rows.append(_by_size(runs))
    expected = {name: np.mean([row[name] for row in rows]) for name in rows[0]}
    found = glrlm.glrlm_features(region, _levels(region, image), force2d=force2d, plane_axis=1)
    _check(found, glrlm, expected)


@pytest.mark.parametrize("seed", range(3))
def test_glszm_against_its_definition(seed):
    region, image = _blob(seed)
    level = _level_map(region, image)
    zones, seen = Counter(), set()
    for place, i in level.items():
        if place in seen:
            continue
        queue, size = deque([place]), 0
        seen.add(place)
        while queue:
            here = queue.popleft()
            size += 1
            for offset in ALL_26:
                other = _shift(here, offset)
                if other not in seen and level.get(other) == i:
                    seen.add(other)
                    queue.append(other)
        zones[i, size] += 1
    _check(glszm.glszm_features(region, _levels(region, image)), glszm, _by_size(zones))


@pytest.mark.parametrize("alpha", [0, 2])
def test_gldm_against_its_definition(alpha):
    region, image = _blob(5)
    level = _level_map(region, image)
    matrix = Counter()
    for place, i in level.items():
        near = [level.get(_shift(place, offset)) for offset in ALL_26]
        matrix[i, 1 + sum(j is not None and abs(i - j) <= alpha for j in near)] += 1
    found = gldm.gldm_features(region, _levels(region, image), alpha=alpha)
    _check(found, gldm, _by_size(matrix))


def test_ngtdm_against_its_definition():
    region, image = _blob(6)
    level = _level_map(region, image)
    n, s = Counter(), Counter()
    for place, i in level.items():
        near = [level[o] for o in (_shift(place, offset) for offset in ALL_26) if o in level]
        n[i] += 1
        s[i] += abs(i - np.mean(near)) if near else 0
    voxels = sum(n.values())
    p = {i: n[i] / voxels for i in n}
    pairs = list(itertools.product(p, p))
    total = sum(s.values())
    expected = {
        "Busyness": sum(p[i] * s[i] for i in p) / sum(abs(i * p[i] - j * p[j]) for i, j in pairs),
        "Coarseness": 1 / sum(p[i] * s[i] for i in p),
        "Complexity": sum(
            abs(i - j) * (p[i] * s[i] + p[j] * s[j]) / (p[i] + p[j]) for i, j in pairs
        )
        / voxels,
        "Contrast": sum(p[i] * p[j] * (i - j) ** 2 for i, j in pairs)
        / (len(p) * (len(p) - 1))
        * total
        / voxels,
        "Strength": sum((p[i] + p[j]) * (i - j) ** 2 for i, j in pairs) / total,
    }
    assert ngtdm.ngtdm_features(region, _levels(region, image)) == pytest.approx(expected)


@pytest.mark.parametrize("weighting", ["manhattan", "euclidean", "infinity", "no_weighting"])
def test_weighted_matrices_give_one_value(weighting):
    region, image = _blob(7)
    levels = _levels(region, image)
    for module, function in ((glcm, glcm.glcm_features), (glrlm, glrlm.glrlm_features)):
        found = function(region, levels, weighting=weighting)
        assert set(found) == set(module.NAMES)
        assert np.isfinite(list(found.values())).all()


def test_firstorder_against_numpy_and_scipy():
    x = np.random.default_rng(0).gamma(2.0, 30.0, 501)
    found = firstorder_features(np.sort(x), discretise(x), voxel_mm3=2.0, shift=5.0)
    middle = x[(x >= np.percentile(x, 10)) & (x <= np.percentile(x, 90))]
    expected = {
        "10Percentile": np.percentile(x, 10),
        "90Percentile": np.percentile(x, 90),
        "Energy": ((x + 5) ** 2).sum(),
        "InterquartileRange": np.percentile(x, 75) - np.percentile(x, 25),
        "Kurtosis": stats.kurtosis(x, fisher=False),
        "Maximum": x.max(),
        "MeanAbsoluteDeviation": np.abs(x - x.mean()).mean(),
        "Mean": x.mean(),
        "Median": np.median(x),
        "Minimum": x.min(),
        "Range": np.ptp(x),
        "RobustMeanAbsoluteDeviation": np.abs(middle - middle.mean()).mean(),
        "RootMeanSquared": np.sqrt(((x + 5) ** 2).mean()),
        "Skewness": stats.skew(x),
        "TotalEnergy": 2 * ((x + 5) ** 2).sum(),
        "Variance": x.var(),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name


def test_flat_region_has_the_documented_values():
    region = Region(np.ones((3, 3, 3), bool), SPACING)
    levels = discretise(np.full(27, 7.0))
    co = glcm.glcm_features(region, levels)
    assert (co["Correlation"], co["Imc1"], co["Imc2"], co["MCC"]) == (1.0, 0.0, 0.0, 1.0)
    nearby = ngtdm.ngtdm_features(region, levels)
    assert nearby["Coarseness"] == 1e6
    assert nearby["Contrast"] == nearby["Strength"] == nearby["Busyness"] == 0.0
    first = firstorder_features(np.full(27, 7.0), levels, voxel_mm3=1.0)
    assert first["Skewness"] == first["Kurtosis"] == 0.0


def test_isolated_voxels_have_no_pairs_and_no_runs():
    mask = np.zeros((5, 5, 5), bool)
    mask[::2, ::2, ::2] = True
    region = Region(mask, SPACING)
    levels = discretise(np.arange(27.0), bin_width=5.0)
    assert np.isnan(list(glcm.glcm_features(region, levels).values())).all()
    # every run is one voxel long, and lines hold several: such a direction counts
    assert glrlm.glrlm_features(region, levels)["RunPercentage"] == 1.0
    assert ngtdm.ngtdm_features(region, levels)["Coarseness"] == 1e6


@pytest.mark.parametrize("seed", range(4))
def test_diameters_equal_those_of_all_pairs(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((5, 9, 7)) < (0.3, 0.6, 0.9, 0.05)[seed]
    mask[2, 4, 3] = True
    region = Region(mask, SPACING)
    _, _, doubled = _march(np.pad(mask, 1).astype(np.int64))
    points = doubled / 2 * np.array(SPACING)
    found = shape_features(region)
    assert found["Maximum3DDiameter"] == pytest.approx(pdist(points).max(), rel=1e-12)
    for axis, name in enumerate(("Slice", "Column", "Row")):
        planes = [points[doubled[:, axis] == v] for v in np.unique(doubled[:, axis])]
        largest = max(pdist(plane).max() for plane in planes if len(plane) > 1)
        assert found[f"Maximum2DDiameter{name}"] == pytest.approx(largest, rel=1e-12)


def test_mesh_of_a_ball_approaches_the_ball():
    z, y, x = np.mgrid[-21:22, -21:22, -21:22]
    found = shape_features(Region(z**2 + y**2 + x**2 <= 20.5**2, (1.0, 1.0, 1.0)))
    assert found["MeshVolume"] == pytest.approx(4 / 3 * np.pi * 20.5**3, rel=0.01)
    assert found["Sphericity"] == pytest.approx(0.93, abs=0.03)  # stairs add area
    assert found["Flatness"] == pytest.approx(1.0, abs=1e-9)
    assert found["MajorAxisLength"] == pytest.approx(4 * 20.5 / 5**0.5, rel=0.01)


def test_shape_of_a_box_is_exact():
    found = shape_features(Region(np.ones((2, 3, 4), bool), SPACING))
    # the half-way mesh cuts the box's edges and corners
    a, b, c = (n * s for n, s in zip((2, 3, 4), SPACING, strict=True))
    assert found["VoxelVolume"] == pytest.approx(a * b * c)
    assert found["Maximum3DDiameter"] < np.sqrt(a**2 + b**2 + c**2)
    p, q, r = SPACING
    edges = ((a - p) * q * r + (b - q) * p * r + (c - r) * p * q) / 2  # four edges, each an eighth
    corners = p * q * r * (1 - 1 / 6)  # eight corners, each an eighth less its tetrahedron
    assert found["MeshVolume"] == pytest.approx(a * b * c - edges - corners)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**31),
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
)
def test_shape_does_not_depend_on_place(seed, shift):
    mask = np.random.default_rng(seed).random((4, 5, 4)) < 0.5
    mask[1, 2, 1] = True
    moved = np.pad(mask, [(step, 2) for step in shift])
    first, second = shape_features(Region(mask, SPACING)), shape_features(Region(moved, SPACING))
    for name in ("SurfaceArea", "Maximum3DDiameter", "MajorAxisLength", "LeastAxisLength"):
        assert first[name] == pytest.approx(second[name], rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=50),
    st.sampled_from([0.1, 0.3, 1.0, 7.0, 25.0]),
)
def test_levels_equal_numpys_digitize(values, width):
    x = np.array(values)
    if np.ptp(x) / width > 8000:
        return
    edges = bin_edges(x.min(), x.max(), bin_width=width)
    assert np.array_equal(discretise(x, bin_width=width).level, np.digitize(x, edges))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=50),
    st.integers(1, 64),
    st.sampled_from([np.float32, np.float64]),
)
def test_bin_count_equals_the_histogram_of_numpy_1(values, count, kind):
    x = np.array(values, dtype=kind)
    # a range between float32 numbers was float64 before NumPy 2, and rounded at the end
    edges = np.histogram_bin_edges(x.astype(float), count).astype(kind)
    edges[-1] += 1
    found = discretise(x.astype(float), bin_count=count, dtype=kind)
    assert np.array_equal(found.level, np.digitize(x, edges))


def test_nan_takes_a_level_above_all_others():
    x = np.array([0.0, 30.0, np.nan, 60.0])
    levels = discretise(x)
    assert levels.level.tolist() == np.digitize(x, bin_edges(0, 60)).tolist()
    assert levels.level[2] == max(levels.level)


def test_a_bin_width_of_a_million_levels_is_refused():
    with pytest.raises(SettingError, match="more than 60000 bins; choose a larger binWidth"):
        discretise(np.array([0.0, 1e6]), bin_width=1.0)
    region = Region(np.ones((50, 100, 1), bool), SPACING)
    with pytest.raises(SettingError, match="at most 4096 grey levels, the region has 5000"):
        glcm.glcm_features(region, discretise(np.arange(5000.0), bin_width=1.0))
