"""The synthetic cohort: what it writes, that its truth is true, and where its effect sits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import parse_endpoint, read_manifest
from gliofuse.errors import InputError
from gliofuse.imaging import load_case
from gliofuse.phantom import REGION_LABELS, PhantomTruth, make_phantom
from gliofuse.phantom.fields import Grid, smooth_field
from gliofuse.phantom.latent import EFFECTS, ceilings, draw_latent, draw_outcomes

pytestmark = pytest.mark.slow(minutes=0.2)

SMALL = (32, 36, 32)
SEQUENCES = ("t1", "t1ce", "t2", "flair")


def _features(truth: PhantomTruth) -> pd.DataFrame:
    """Plain figures a reader would take: size and, per sequence and part, brightness and spread.

    Brightness is against the brain outside the tumour, so that the centre's gain drops out.
    """
    rows = {}
    for case in read_manifest(truth.manifest):
        images = load_case(case, SEQUENCES)
        mask = images.mask.array
        row = {f"size.{name}": (mask == label).sum() for name, label in REGION_LABELS.items()}
        for sequence in SEQUENCES:
            image = images.volumes[sequence].array.astype(float)
            image /= np.median(image[(image > 0) & (mask == 0)])
            for name, label in REGION_LABELS.items():
                part = image[mask == label]
                row[f"{sequence}.{name}.mean"] = part.mean()
                row[f"{sequence}.{name}.sd"] = part.std()
        rows[case.case_id] = row
    return pd.DataFrame(rows).T


@pytest.fixture(scope="module")
def strong(tmp_path_factory):
    return make_phantom(
        tmp_path_factory.mktemp("strong") / "p", cases=60, shape=SMALL, effect=3, workers=1
    )


def test_what_lies_in_the_folder(strong):
    cohort = read_manifest(strong.manifest)
    assert len(cohort) == 60
    assert cohort.sequences == SEQUENCES
    clinical = cohort.clinical
    assert set(clinical["grade"]) == {2, 3, 4}
    assert {"age_years", "sex", "location", "laterality", "histology", "center"} <= set(clinical)
    outcome, excluded = parse_endpoint("grade >= 3").outcome(clinical)
    assert outcome["y_true"].sum() == 36
    assert excluded.empty
    parse_endpoint("os_days, died").outcome(clinical)
    for case in list(cohort)[:6]:
        images = load_case(case, SEQUENCES)  # checks the geometry of all five files
        mask = images.mask.array
        assert mask.shape == SMALL
        assert images.mask.spacing_mm == pytest.approx((4.8, 179.2 / 36, 4.8))
        assert set(np.unique(mask)) == {0, 1, 2, 4}
        brain = images.volumes["t1"].array > 0
        assert 0.2 < brain.mean() < 0.5
        assert brain[mask > 0].mean() > 0.97
        side = np.nonzero(mask)[2].mean() > (SMALL[2] - 1) / 2
        assert case.clinical["laterality"] == ("left" if side else "right")


def test_written_again_it_is_the_same_and_only_the_missing_is_made(tmp_path):
    first = make_phantom(tmp_path / "a", cases=5, seed=3, shape=SMALL)
    make_phantom(tmp_path / "b", cases=5, seed=3, shape=SMALL, workers=2)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.nii.gz"))
    assert len(files) == 25
    contents = {f: (tmp_path / "a" / f).read_bytes() for f in files}
    assert all((tmp_path / "b" / f).read_bytes() == contents[f] for f in files)
    (tmp_path / "a" / files[7]).unlink()
    kept = tmp_path / "a" / files[20]
    stamp = kept.stat().st_mtime_ns
    counted = []
    again = make_phantom(tmp_path / "a", cases=5, seed=3, shape=SMALL, progress=counted.append)
    assert counted == [1, 2, 3, 4, 5]
    assert kept.stat().st_mtime_ns == stamp
    assert (tmp_path / "a" / files[7]).read_bytes() == contents[files[7]]
    pd.testing.assert_frame_equal(again.cases, first.cases)
    stored = PhantomTruth.read(tmp_path / "a")
    pd.testing.assert_frame_equal(stored.cases, first.cases, check_like=True)
    assert stored.ceiling == first.ceiling
    with pytest.raises(InputError, match="another phantom: its seed is 3, 4 was asked for"):
        make_phantom(tmp_path / "a", cases=5, seed=4, shape=SMALL)


@pytest.mark.parametrize("effect", [0.0, 0.5, 1.0, 3.0])
def test_the_theoretical_ceiling_is_that_of_many_patients(effect):
    from sklearn.metrics import roc_auc_score

    latent = draw_latent(1, 40_000)
    outcomes = draw_outcomes(latent, seed=1, effect=effect)
    few = slice(0, 500)
    known = ceilings(
        type(latent)(latent.true[few], latent.decoy[few]), outcomes[few], effect=effect
    )
    grade = roc_auc_score(outcomes["grade"] >= 3, latent.true)
    assert known["grade >= 3"]["theoretical"] == pytest.approx(grade, abs=0.008)
    assert known["grade >= 3"]["empirical"] == pytest.approx(
        roc_auc_score(outcomes["grade"][few] >= 3, latent.true[few])
    )
    atrx = roc_auc_score(outcomes["atrx_mutated"], -latent.true)
    assert known["atrx_mutated == 1"]["theoretical"] == pytest.approx(atrx, abs=0.008)


def test_survival_has_the_stated_hazard_ratio_and_some_censoring():
    from lifelines import CoxPHFitter

    latent = draw_latent(2, 3000)
    outcomes = draw_outcomes(latent, seed=2, effect=1)
    assert 0.2 < 1 - outcomes["died"].mean() < 0.5
    table = outcomes[["os_days", "died"]].assign(v=latent.true)
    fitted = CoxPHFitter().fit(table, "os_days", "died")
    assert fitted.params_["v"] == pytest.approx(
        EFFECTS["survival"]["log_hazard_ratio"], abs=4 * fitted.standard_errors_["v"]
    )


def test_concordance_is_lifelines():
    from lifelines.utils import concordance_index

    latent = draw_latent(4, 60)
    outcomes = draw_outcomes(latent, seed=4, effect=1)
    outcomes["os_days"] += np.arange(60) * 1e-3  # no ties, where conventions differ
    known = ceilings(latent, outcomes, effect=1)["os_days, died"]["empirical_concordance"]
    expected = concordance_index(outcomes["os_days"], -latent.true, outcomes["died"])
    assert known == pytest.approx(expected)


def test_plain_features_come_close_to_the_ceiling_and_do_not_pass_it_by_chance(strong):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = parse_endpoint("grade >= 3").outcome(read_manifest(strong.manifest).clinical)[0][
        "y_true"
    ]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    held_out = cross_val_predict(
        model, _features(strong), labels, cv=folds, method="predict_proba"
    )[:, 1]
    reached = roc_auc_score(labels, held_out)
    best = strong.ceiling["grade >= 3"]["empirical"]
    assert strong.ceiling_auc == pytest.approx(0.99, abs=0.005)
    assert best - 0.05 < reached < best + 0.02


def _correlations(truth: PhantomTruth) -> pd.Series:
    features = _features(truth)
    return features.corrwith(truth.cases["severity"]).abs()


def test_effect_in_one_sequence_is_in_no_other(tmp_path):
    truth = make_phantom(
        tmp_path / "p", cases=50, shape=SMALL, effect_sequence="t1ce", workers=1, seed=5
    )
    found = _correlations(truth)
    inside = found.index.str.startswith("t1ce.")
    assert found["t1ce.enhancing.mean"] > 0.7
    # 0.45 is the 0.999 quantile of |r| of 50 independent pairs; there are about 20 figures.
    assert found[~inside].max() < 0.45


def test_effect_in_one_region_is_in_no_other(tmp_path):
    truth = make_phantom(
        tmp_path / "p", cases=50, shape=SMALL, effect_region=["enhancing"], workers=1, seed=6
    )
    found = _correlations(truth)
    inside = found.index.str.contains(".enhancing.", regex=False)
    assert found["t1ce.enhancing.mean"] > 0.75
    assert found[~inside].max() < 0.45


def test_shuffled_labels_keep_their_numbers_and_lose_their_tie(tmp_path):
    dealt = make_phantom(tmp_path / "p", cases=20, shape=(24, 24, 24), shuffle_labels=True)
    clinical = read_manifest(dealt.manifest).clinical
    assert clinical["grade"].value_counts().to_dict() == {2: 8, 3: 5, 4: 7}
    assert dealt.ceiling_auc == pytest.approx(0.5)
    assert abs(np.corrcoef(dealt.cases["severity"], clinical["grade"])[0, 1]) < 0.5


def test_a_field_has_unit_variance_everywhere_and_a_box_of_it_is_its_part():
    grid = Grid((40, 30, 36))
    field = np.stack([smooth_field(np.random.default_rng(s), grid, 9.0) for s in range(300)])
    assert field.mean() == pytest.approx(0, abs=0.02)
    spread = field.std(axis=0)
    assert 0.8 < spread.min() < spread.max() < 1.2
    box = (slice(3, 20), slice(0, 9), slice(30, 36))
    part = smooth_field(np.random.default_rng(7), grid, 9.0, box)
    np.testing.assert_allclose(part, field[7][box], atol=1e-5)
    # The same place in mm has the same value at half the voxel size.
    fine = smooth_field(np.random.default_rng(7), Grid((120, 90, 108)), 9.0)
    np.testing.assert_allclose(fine[1::3, 1::3, 1::3], field[7], atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cases": 3}, "at least 4"),
        ({"shape": (8, 40, 40)}, "at least 24"),
        ({"effect": -1}, "0 or a positive"),
        ({"effect": float("nan")}, "0 or a positive"),
        ({"seed": -1}, "negative"),
        ({"effect_sequence": "t1c"}, "did you mean 't1ce'"),
        ({"effect_region": "edma"}, "did you mean 'edema'"),
        ({"effect_region": ""}, "at least one"),
    ],
)
def test_bad_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        make_phantom(tmp_path / "p", **{"cases": 4, "shape": (24, 24, 24), **arguments})
    assert not (tmp_path / "p").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="not empty and holds no phantom"):
        make_phantom(tmp_path, cases=4, shape=(24, 24, 24))
    with pytest.raises(InputError, match="is a file"):
        make_phantom(tmp_path / "thesis.tex", cases=4, shape=(24, 24, 24))


def test_command_prints_the_manifest_and_the_ceiling(tmp_path, capsys):
    from gliofuse.cli import main

    out = tmp_path / "p"
    with pytest.raises(SystemExit) as ended:
        main(["phantom", str(out), "--cases", "4", "--shape", "24,24,24", "--workers", "1"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert str(out / "cohort.csv") in printed
    assert "best possible AUC for grade >= 3: 0.937" in printed
    with pytest.raises(SystemExit) as ended:
        main(["phantom", str(tmp_path / "q"), "--shape", "24x24"])
    assert ended.value.code == 2
    assert "three whole numbers" in capsys.readouterr().err
