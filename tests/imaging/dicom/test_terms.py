"""What the words of a description claim, in the languages of the protocols."""

from __future__ import annotations

import pytest

from gliofuse.imaging.dicom.pseudonyms import scrubber
from gliofuse.imaging.dicom.terms import agent_given, read_terms

WITH = [
    "T1 +C", "T1+C", "t1_mprage_+c", "Ax T1 C+", "T1 POST", "T1 POST GAD", "Ax T1 post-contrast",
    "SAG T1 POST GADOLINIUM", "T1 Gd", "T1-GD", "T1_GAD", "T1 GADO", "t1 se KM", "T1 mit KM",
    "T1 nach KM", "T1 n. KM", "t1 tra +KM", "T1 SE KM tra", "MPRAGE km", "T1 mit Kontrastmittel",
    "T1 apres injection", "T1 APRÈS GADO", "T1 avec injection", "T1 INJ", "T1 injecté",
    "T1 con contraste", "T1 con gadolinio", "T1 con mdc", "T1 dopo mdc", "T1 CE", "T1CE", "T1c",
    "T1Gd", "T1 增强", "T1增强扫描", "造影T1", "T1 enhanced", "3D BRAVO+C", "AX T1 W CONTRAST",
    "T1 with contrast", "T1 MPRAGE POST-OP POST GAD", "T1 GAD POST", "T1 W GD", "CONTRAST AX T1",
]  # fmt: skip
WITHOUT = [
    "T1 nativ", "t1_native", "T1 ohne KM", "T1 o. KM", "T1 vor KM", "T1 pre", "T1 PRE-CONTRAST",
    "T1 precontrast", "T1 sans injection", "T1 sans inj", "T1 avant injection", "T1 sans IV",
    "T1 sans gado", "T1 w/o", "T1 W/O CONTRAST", "T1 without contrast", "T1 WO", "T1 no contrast",
    "T1 non contrast", "T1 non-contrast", "T1 noncontrast", "T1 C-", "T1 -C", "T1 (-C)",
    "T1 senza mdc", "T1 sin contraste", "T1 平扫", "T1平扫", "T1 unenhanced", "T1 pre gad",
    "T1 non enhanced", "T1 PRE GD",
]  # fmt: skip
NOTHING = [
    "T1", "t1_mprage_sag_p2_iso", "T1 post-op", "T1 PREOP", "T1 post surgery", "T1 pre op",
    "t1_tse_cor", "Ax T1 FLAIR", "T1W_SE", "SAG T1", "T1 SE 5/1", "T1 POST RT", "T1 weighted image",
    "C-Spine T1", "head^C", "T1 FS tra", "t1_fl3d_tra_we",
]  # fmt: skip
BOTH = ["T1 pre/post", "T1 W/O AND W CONTRAST", "T1 nativ und KM", "T1 pre and post Gd"]


@pytest.mark.parametrize(
    ("texts", "contrast", "contradicts"),
    [(WITH, True, False), (WITHOUT, False, False), (NOTHING, None, False), (BOTH, None, True)],
    ids=["with", "without", "nothing", "both"],
)
def test_contrast(texts, contrast, contradicts):
    found = {text: read_terms(text) for text in texts}
    missed = {
        text: (one.contrast, one.contradicts_itself)
        for text, one in found.items()
        if (one.contrast, one.contradicts_itself) != (contrast, contradicts)
    }
    assert missed == {}


@pytest.mark.parametrize(
    ("text", "weightings", "other"),
    [
        ("T2 FLAIR", {"t2", "flair"}, ""),
        ("t2_tirm_tra_dark-fluid", {"t2", "flair"}, ""),
        ("T1 FLAIR", {"t1", "flair"}, ""),
        ("AX T2*", set(), "susceptibility"),
        ("t2_star_map", set(), "susceptibility"),
        ("T2水抑制", {"t2", "flair"}, ""),
        ("MPRAGE", {"t1"}, ""),
        ("ep2d_diff_tra_ADC", set(), "diffusion"),
        ("DWI b1000", set(), "diffusion"),
        ("3-pl T2* FGRE", set(), "susceptibility"),
        ("SUB T1", {"t1"}, "subtraction"),
        ("substantia nigra T1", {"t1"}, ""),
        ("T2 DIRECT", {"t2"}, ""),
        ("C-Spine T2", {"t2"}, "spine or neck"),
        ("HWS T1", {"t1"}, "spine or neck"),
        ("adult brain T1", {"t1"}, ""),
        ("PDT2 TSE", set(), "proton density"),
        ("T1 MT on", {"t1"}, "magnetisation transfer"),
        ("Localizer", set(), "localizer"),
        ("定位像", set(), "localizer"),
    ],
)
def test_claims(text, weightings, other):
    claims = read_terms(text)
    assert (claims.weightings, claims.other) == (weightings, other)


@pytest.mark.parametrize(
    ("agent", "given"),
    [
        ("Gadovist", True), ("10 ML DOTAREM", True), ("钆喷酸葡胺", True), ("Yes", True),
        ("NO", False), ("none", False), ("Ohne KM", False), ("sans", False), ("-", False),
        ("0", False), ("N/A", False), ("no contrast", False), ("", None), ("  ", None),
    ],
)  # fmt: skip
def test_the_agent_tag(agent, given):
    assert agent_given(agent) is given


@pytest.mark.parametrize(
    ("names", "text", "left"),
    [
        (["Müller^Jürgen"], "t1 MÜLLER muller_tra", "t1 *** ***_tra"),
        (["Huber^Anna"], "t1_huber_anna", "t1_***_***"),
        (["Ng^Li"], "t1 ng", "t1 ng"),  # two letters may be anything
        (["王^伟", "王伟"], "T1 王伟 增强", "T1 *** 增强"),
        (["12345"], "t2 A12345", "t2 A***"),
        (["001"], "t2 256x001 001", "t2 256x001 ***"),
        ([], "t1 12.03.1971 und 19710312", "t1 *** und ***"),
        ([], "t2_tse_512 TR3200_TE451", "t2_tse_512 TR3200_TE451"),
        (["Flair^Post"], "T2 FLAIR post", "T2 FLAIR post"),
    ],
)
def test_names_and_dates_are_taken_out(names, text, left):
    assert scrubber(names)(text) == left
