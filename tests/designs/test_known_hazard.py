"""The phantom's hazard ratio is known: Cox models find it as often as their intervals say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.phantom.latent import EFFECTS, draw_latent, draw_outcomes
from gliofuse.survival import CoxModel


@pytest.mark.slow(minutes=0.3)
def test_intervals_hold_the_phantoms_log_hazard_ratio():
    """200 cohorts of 150: a 95 % interval holds the truth in 95 %, within chance (3 SE)."""
    truth = EFFECTS["survival"]["log_hazard_ratio"]
    held = []
    for seed in range(200):
        latent = draw_latent(seed, 150)
        outcome = draw_outcomes(latent, seed=seed, effect=1.0).reset_index(drop=True)
        y = outcome[["os_days", "died"]].set_axis(["time", "event"], axis=1)
        row = CoxModel().fit(pd.DataFrame({"v": latent.true}), y).summary().iloc[0]
        held.append(np.log(row["ci_low"]) <= truth <= np.log(row["ci_high"]))
    assert abs(np.mean(held) - 0.95) < 0.046
