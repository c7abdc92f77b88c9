"""How names and numbers are written for a reader: labels, intervals, p values."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = [
    "COHORT_LABELS",
    "METRIC_LABELS",
    "cohort_label",
    "each_horizon",
    "format_bounds",
    "format_interval",
    "format_number",
    "format_p",
    "format_percent",
    "format_probability",
    "format_seconds",
    "join_words",
    "metric_label",
    "plural",
    "readable",
    "signs",
    "within",
]

METRIC_LABELS = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "apca": "APCA",
    "brier": "Brier score",
    "auc_pooled": "AUC of pooled folds",
    "auc_within_centers": "AUC within centres",
    "f1": "F1",
    "observed_expected": "Observed / expected",
    "macro_auc": "Macro AUC",
    "macro_auc_pooled": "Macro AUC of pooled folds",
    "hand_till": "Hand and Till's M",
    "balanced_accuracy": "Balanced accuracy",
    "kappa": "Cohen's kappa",
    "kappa_quadratic": "Quadratic kappa",
    "log_loss": "Log loss",
    "c_index": "C-index",
    "c_index_pooled": "C-index of pooled folds",
    "uno_c": "Uno's C",
    "ipa": "IPA",
    "ibs": "Integrated Brier score",
    "oe": "Observed / expected",
    "calibration_slope": "Calibration slope",
    "ici": "ICI",
}

COHORT_LABELS = {
    "training": "Training patients (apparent)",
    "validation": "Validation patients",
    "test": "Held-out test patients",
    "external": "External patients",
}

_DASH = "–"
_MISSING = "—"


def metric_label(name: str) -> str:
    """Return a metric's name for a table heading."""
    return METRIC_LABELS.get(name, str(name).replace("_", " ").capitalize())


def cohort_label(name: str) -> str:
    """Return a cohort's name for a heading."""
    return COHORT_LABELS.get(name, str(name).replace("_", " ").capitalize())


def each_horizon(label: str) -> str:
    """Return a horizon as it stands before a noun.

    Examples
    --------
    >>> each_horizon("3 years"), each_horizon("1 month")
    ('3-year', '1-month')
    """
    return label.replace(" ", "-").removesuffix("s")


def format_number(value: object, digits: int = 3, exponent: bool = False) -> str:
    """Return a number with fixed decimals, an integer as it is, and a dash where there is none.

    ``exponent`` writes what its decimals would round to zero as a power of ten, for quantities
    without a natural scale such as a coefficient or an odds ratio.

    Examples
    --------
    >>> format_number(0.12345), format_number(7), format_number(float("nan")), format_number("a")
    ('0.123', '7', '—', 'a')
    >>> format_number(-1e-16), format_number(-1e-16, exponent=True)
    ('0.000', '−1.0e−16')
    """
    if value is None:
        return _MISSING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return _MISSING if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 100):
        return f"{int(value):,}".replace("-", "−")
    if value != 0 and abs(value) < 0.5 * 10**-digits:
        return f"{value:.1e}".replace("-", "−") if exponent else f"{0:.{digits}f}"
    return f"{value:.{digits}f}".replace("-", "−")


def format_probability(value: float, digits: int = 2) -> str:
    """Return a probability; never 0 or 1, which no model can know.

    Examples
    --------
    >>> [format_probability(p) for p in (0.996, 0.5, 0.001, 0.987)]
    ['> 0.99', '0.50', '< 0.01', '0.99']
    """
    least = 10**-digits
    if value > 1 - least / 2:
        return f"> {1 - least:.{digits}f}"
    return f"< {least:.{digits}f}" if value < least / 2 else f"{value:.{digits}f}"


def format_interval(
    estimate: object, low: object, high: object, digits: int = 3, exponent: bool = False
) -> str:
    """Return ``estimate (low–high)``, or the estimate alone where the interval is missing.

    Examples
    --------
    >>> format_interval(0.873, 0.79, 0.94), format_interval(0.5, None, None)
    ('0.873 (0.790–0.940)', '0.500')
    """
    text = format_number(estimate, digits, exponent)
    bounds = format_bounds(low, high, digits, exponent)
    return text if _MISSING in (text, bounds) else f"{text} ({bounds})"


def format_bounds(low: object, high: object, digits: int = 3, exponent: bool = False) -> str:
    """Return ``low–high``; where a minus sign would be mistaken for the dash, ``low to high``.

    Examples
    --------
    >>> format_bounds(0.79, 0.94), format_bounds(-0.2, 0.5), format_bounds(None, 1)
    ('0.790–0.940', '−0.200 to 0.500', '—')
    """
    bounds = [format_number(bound, digits, exponent) for bound in (low, high)]
    if _MISSING in bounds:
        return _MISSING
    return (" to " if any(bound.startswith("−") for bound in bounds) else _DASH).join(bounds)


def format_percent(share: object) -> str:
    """Return a share of one as per cent.

    Examples
    --------
    >>> format_percent(0.347), format_percent(None)
    ('35 %', '—')
    """
    if not isinstance(share, int | float) or math.isnan(share):
        return _MISSING
    return f"{100 * share:.0f} %"


def format_p(value: object) -> str:
    """Return a p value as journals print it.

    Examples
    --------
    >>> format_p(0.00001), format_p(0.0423), format_p(0.61), format_p(None)
    ('< 0.001', '0.042', '0.61', '—')
    """
    if not isinstance(value, int | float) or math.isnan(value):
        return _MISSING
    if value < 0.001:
        return "< 0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def format_seconds(seconds: object) -> str:
    """Return a duration in the unit that suits its size.

    Examples
    --------
    >>> format_seconds(4.2), format_seconds(75), format_seconds(8000)
    ('4.2 s', '1 min 15 s', '2 h 13 min')
    """
    if not isinstance(seconds, int | float) or math.isnan(seconds):
        return _MISSING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def join_words(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> join_words(["t1"]), join_words(["t1", "t2", "flair"])
    ('t1', 't1, t2 and flair')
    """
    items = [str(word) for word in words]
    return (
        items[0]
        if len(items) == 1
        else ", ".join(items[:-1]) + " and " + items[-1]
        if items
        else ""
    )


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "patient"), plural(3, "patient"), plural(2, "study", "studies")
    ('1 patient', '3 patients', '2 studies')
    """
    return f"{count:,} {noun if count == 1 else (many or noun + 's')}"


def signs(text: str) -> str:
    """Return a rule with the signs of print instead of those of the keyboard.

    Examples
    --------
    >>> signs("grade >= 3")
    'grade ≥ 3'
    """
    return text.replace(">=", "≥").replace("<=", "≤").replace("==", "=")


def readable(name: str) -> str:
    """Return the name of a column or a signature as words.

    Examples
    --------
    >>> readable("imaging_score"), readable("KPS")
    ('Imaging score', 'KPS')
    """
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def within(label: str) -> str:
    """Return a label as it stands inside a sentence: small, unless it is an abbreviation.

    Examples
    --------
    >>> within("AUC"), within("Macro AUC"), within("T1ce"), within("C-index")
    ('AUC', 'macro AUC', 'T1ce', 'C-index')
    """
    second = label[1:2]
    if second.isupper() or second.isdigit() or second == "-":
        return label
    return label[:1].lower() + label[1:]
