"""The words of a series description: what it claims to be, and whether contrast was given.

The vocabulary is that of the vendors and of English, German, French, Italian, Spanish, Chinese
and Japanese protocols. A new word is an entry here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["Claims", "agent_given", "read_terms"]

_WEIGHTINGS = {
    "t1": r"t1\w*|mprage|mp rage|bravo|i?r? ?fspgr|spgr|vibe|thrive|e?thrive",
    "t2": r"(?<!fl )t2(?!\*| ?\*| ?star)\w*",
    "flair": r"\w*flair\w*|dark ?fluid|da ?fl|水抑制|黑水|水压制",
}

# What is no structural sequence of the brain, in the order in which it is looked for.
_OTHERS = {
    "screen capture": r"screen ?(save|shot|capture)\w*|report|dose|phoenix\w*|presentation",
    "localizer": r"\w*locali[sz]er\w*|locator|loc|\w*survey|\w*scout\w*|3 ?plane|planscan"
    r"|smart ?brain|topo\w*|ubersicht|reperage|定位\w*",
    "calibration": r"calib\w*|asset cal|ref ?scan|coil ?survey|shim\w*|prescan",
    "subtraction": r"sub|subs|subtr\w*|减影",
    "projection (MIP)": r"min?ip\w*|mip\w*|vrt?|projection",
    "diffusion": r"dwi\w*|\w*dwi|ddwi\w*|\w*diff\w*|dti\w*|d?adc\w*|trace\w*|\w*tracew|ivim|dki"
    r"|b ?[1-9]\d\d+|apparent diffusion\w*|fa map|tensor\w*|弥散\w*|扩散\w*",
    "perfusion": r"perf\w*|dsc\w*|dce\w*|r?cbv\w*|relcbv|r?cbf\w*|relcbf|mtt|ttp|tmax|\w*asl|asl\w*"
    r"|ktrans|gbp|pbp|灌注\w*",
    "dynamic series": r"dyn\w*|twist\w*|tricks\w*|4d\w*",
    "susceptibility": r"swi\w*|swan\w*|fsbb|ven ?bold\w*|hemo\w*|haemo\w*|t2 ?(\*|star)\w*"
    r"|mag images|pha images|qsm\w*|磁敏感\w*",
    "functional": r"\w*bold\w*|fmri\w*|resting ?state\w*",
    "angiography": r"tof\w*|\w*mra|mra\w*|mrv\w*|\w*angio\w*|3di mc\w*|inhance\w*|pca\w*|venogr\w*"
    r"|phlebo\w*|cow|血管\w*",
    "field map": r"\w*field ?map\w*|b0 ?map\w*|b1 ?map\w*|b0|b1",
    "spectroscopy": r"mrs|csi\w*|svs\w*|spectro\w*|spektro\w*|波谱",
    "double inversion recovery": r"dir|double ?inversion\w*",
    "short-TI inversion recovery": r"stir\w*",
    "balanced or other steady state": r"ciss\w*|fiesta\w*|trufi\w*|true ?fisp\w*|b ?ffe|b ?tfe|dess"
    r"|psif",
    "proton density": r"pd\w*|dp|proton\w*",
    "magnetisation transfer": r"mt|mtc|mtr|mt on|mt off",
    "spine or neck": r"\w*spine\w*|\w*wirbel\w*|hws|bws|lws|rachis\w*|cervi\w*|lumb\w*|thora\w*"
    r"|neck|颈椎|腰椎|胸椎",
}
_REFORMATTED = r"mpvr|reformat\w*|recon\w*|repro|oblique ref\w*|curved"
_MPR = r"mprs?"  # multiplanar reformation, but also somebody's MPRAGE
_MP2RAGE = r"mp2rage\w*|uni den|uniden|inv[12]"

_WITH = (
    r"\+ ?(c|k|km|gd|ga|gad|gado\w*|kontrast\w*|contrast\w*|inj\w*|iv|mdc)\b|\bt1\w* ?\+|\bc ?\+|"
    r"\bpost\w*|\b(mit|nach|with|w|apres|avec|con|dopo|after) (iv |l )?(km|kontrast\w*|contrast\w*|"
    r"gd|gado\w*|inj\w*|iv|mdc|c)\b|\bkm\b|\bgd\w*|\bga[dz]\w*|\bce\b|\bmdc\b|\binj\w*|\benhanced\b|"
    r"\bt1_?c\b|\bt1_?ce\b|\bt1_?gd\b|\bcontrast\w*|\bkontrast\w*|\bdotarem\b|\bmagnevist\b|"
    r"\bpostcontrast\w*|增强\w*|强化|造影|注药后"
)
_WITHOUT = (
    r"\b(ohne|vor|sans|without|w ?/ ?o|wo|no|non|not|senza|sin|pre|avant|before) ?(iv |l )?"
    r"(km|kontrast\w*|contrast\w*|gd|gado?\w*|inj\w*|iv|mdc|c|enhanced)\b|\bnativ\w*|\bpre\b|"
    r"\bprecontrast\w*|\bunenhanced\b|\bnoncontrast\w*|\bc ?-(?!\w)|(?<![\w)]) ?- ?c\b|"
    r"\bo ?\. ?(km|kontrast\w*)\b|\bw ?/ ?o\b|\bwo\b|\bwithout\b|\bsans iv\b|"
    r"平扫|非增强|未增强|增强前"
)
_NOT_CONTRAST = r"\b(pre|post) ?(op\w*|rx|rt|surg\w*|process\w*|chemo\w*|treat\w*)\b"

_NO_AGENT = re.compile(
    r"no|none|n|na|n a|nein|kein\w*|ohne.*|sans.*|aucun|without.*|non|no contrast|0|nil|false|无|-*"
    r"|nativ|keine?s?|no agent|unenhanced"
)


@dataclass(frozen=True)
class Claims:
    """What the words of a series claim.

    Parameters
    ----------
    weightings : frozenset of str
        Of ``t1``, ``t2``, ``flair``; ``flair`` stands for any fluid-attenuated inversion.
    other : str
        What it is if it is no structural sequence, else blank.
    contrast : bool or None
        ``True`` given, ``False`` not given, ``None`` nothing said.
    contradicts_itself : bool
        Whether it says both.
    reformatted, mpr, mp2rage : bool
    """

    weightings: frozenset[str]
    other: str = ""
    contrast: bool | None = None
    contradicts_itself: bool = False
    reformatted: bool = False
    mpr: bool = False
    mp2rage: bool = False


def read_terms(text: str) -> Claims:
    """Read what a description claims.

    Examples
    --------
    >>> claims = read_terms("T1 SE tra ohne KM")
    >>> sorted(claims.weightings), claims.contrast
    (['t1'], False)
    """
    plain = _plain(text)
    spaced = re.sub(r"[\s_\-/.,;:()\[\]|]+", " ", plain).strip()
    spaced = re.sub(
        r"(?<=[a-z0-9])(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])(?=[a-z0-9])", " ", spaced
    )
    weightings = frozenset(name for name, words in _WEIGHTINGS.items() if _has(words, spaced))
    given, not_given = _contrast(plain)
    return Claims(
        weightings=weightings,
        other=next((name for name, words in _OTHERS.items() if _has(words, spaced)), ""),
        contrast=None if given == not_given else given,
        contradicts_itself=given and not_given,
        reformatted=_has(_REFORMATTED, spaced),
        mpr=_has(_MPR, spaced),
        mp2rage=_has(_MP2RAGE, spaced),
    )


def agent_given(agent: str) -> bool | None:
    """Whether the tag of the contrast agent names one; ``None`` where it is blank.

    Examples
    --------
    >>> agent_given("10 ml Gadovist"), agent_given("none"), agent_given("")
    (True, False, None)
    """
    plain = re.sub(r"[\s_./]+", " ", _plain(agent)).strip()
    if not plain:
        return None
    return _NO_AGENT.fullmatch(plain) is None


def _contrast(plain: str) -> tuple[bool, bool]:
    """Whether the words say that contrast was given, and whether they say that it was not."""
    joined = re.sub(r"(?<=[a-z]{2})-(?=[a-z]{2})", " ", plain.replace("_", " "))
    text = re.sub(r"\s+", " ", re.sub(_NOT_CONTRAST, " ", joined))
    without = re.search(_WITHOUT, text) is not None
    rest = re.sub(_WITHOUT, " ", text)
    return re.search(_WITH, rest) is not None, without


def _plain(text: str) -> str:
    """Small letters without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def _has(words: str, spaced: str) -> bool:
    return re.search(rf"(?<!\S)({words})(?!\S)", spaced) is not None
