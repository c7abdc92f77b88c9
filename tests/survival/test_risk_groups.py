"""Cuts of a risk: the median, and the maximally selected log-rank."""

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_gbsg2
from lifelines.statistics import logrank_test

from gliofuse.errors import EndpointError, InputError, SettingError
from gliofuse.survival import median_cut, optimal_cut, risk_group


@pytest.mark.parametrize(
    ("column", "low", "high", "statistic", "p"),
    [
        ("progrec", 21, 22, 6.77053556670, 1.31681206057e-9),
        ("age", 42, 43, 2.8056917184438, 0.0949535527115),
        ("estrec", 8, 9, 4.868628108448386, 6.0591982491e-5),
    ],
)
def test_cut_statistic_and_p_are_those_of_r(column, low, high, statistic, p):
    """The formulas of Lausen and Schumacher 1992, by hand in R.

    ``r <- resid(coxph(Surv(time, cens) ~ 1, g, ties = "breslow"), type = "martingale")``, then ::

        ms <- function(x, r, lo = .1, hi = .9) {
          o <- order(x); x <- x[o]; r <- r[o]; n <- length(x)
          m <- which(c(x[-1] != x[-n], FALSE)); m <- m[m / n >= lo & m / n <= hi]
          v <- m * (n - m) / (n * (n - 1)) * sum((r - mean(r))^2)
          z <- abs(cumsum(r)[m] - m * mean(r)) / sqrt(v); i <- which.max(z); b <- z[i]
          c(x[m[i]], x[m[i] + 1], b,
            dnorm(b) * (4 / b + (b - 1 / b) * log(hi * (1 - lo) / ((1 - hi) * lo)))) }
        ms(g$progrec, r); ms(g$age, r); ms(g$estrec, r)
    """
    table = load_gbsg2()
    y = table[["time", "cens"]].set_axis(["time", "event"], axis=1)
    found = optimal_cut(table[column], y)
    assert found.cut == (low + high) / 2
    assert found.statistic == pytest.approx(statistic, rel=1e-8)
    assert found.p_corrected == pytest.approx(p, rel=1e-6)
    assert found.p_naive < found.p_corrected
    assert "Lausen" in found.correction
    # the usual log-rank test at that cut has another variance: that of the patients at risk
    high = table[column] > found.cut
    chi2 = logrank_test(y["time"][high], y["time"][~high], y["event"][high], y["event"][~high])
    assert chi2.test_statistic == pytest.approx(found.statistic**2, rel=0.2)


def test_corrected_p_of_noise_is_no_smaller_than_it_says():
    rng = np.random.default_rng(0)
    corrected, naive = [], []
    for _ in range(300):
        time = np.ceil(rng.exponential(20, size=100))  # ties
        y = pd.DataFrame({"time": time, "event": (rng.random(100) < 0.7).astype(int)})
        found = optimal_cut(rng.normal(size=100), y)
        corrected.append(found.p_corrected)
        naive.append(found.p_naive)
    assert np.mean(np.array(corrected) < 0.05) <= 0.075
    assert np.mean(np.array(naive) < 0.05) > 0.3


def test_median_and_groups():
    risk = pd.Series([0.2, -1.0, 0.5, 0.5, 2.0], index=list("abcde"))
    assert median_cut(risk) == 0.5
    groups = risk_group(risk, median_cut(risk))
    assert groups.to_dict() == {
        "a": "low risk", "b": "low risk", "c": "low risk", "d": "low risk", "e": "high risk",
    }  # fmt: skip


def test_cuts_that_cannot_be():
    y = pd.DataFrame({"time": np.arange(1.0, 21), "event": 1})
    with pytest.raises(InputError, match=r"the risk has 1 different value\(s\); use the median"):
        optimal_cut(np.zeros(20), y)
    with pytest.raises(EndpointError, match="got 0 of 20 patients"):
        optimal_cut(np.arange(20), y.assign(event=0))
    with pytest.raises(InputError, match="risk must be finite"):
        optimal_cut([np.nan, *range(19)], y)
    with pytest.raises(InputError, match="risk and y must hold the same patients"):
        optimal_cut(pd.Series(np.arange(20.0), index=np.arange(20)[::-1]), y)
    with pytest.raises(SettingError, match="0 < smallest < largest < 1"):
        optimal_cut(np.arange(20), y, smallest=0.9, largest=0.1)
