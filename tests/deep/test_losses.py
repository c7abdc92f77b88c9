"""Survival losses against naive twins and torchsurv."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gliofuse.deep.losses import (  # noqa: E402
    DualTaskLoss,
    cox_loss,
    discrete_risk,
    discrete_time_loss,
    uncensored_regression_loss,
)
from gliofuse.errors import InputError, SettingError  # noqa: E402


def _cohort(seed, cases=40, distinct=12):
    random = np.random.default_rng(seed)
    time = random.integers(1, distinct, cases).astype(float)
    event = random.integers(0, 2, cases)
    event[0] = 1
    return (
        torch.as_tensor(random.normal(size=cases)),
        torch.as_tensor(time),
        torch.as_tensor(event),
    )


def _naive(log_risk, time, event, ties):
    """O(n squared) in plain Python, from the formulas."""
    hazard = [math.exp(value) for value in log_risk.tolist()]
    total, events = 0.0, 0
    for moment in sorted(set(time[event.bool()].tolist())):
        died = [i for i in range(len(time)) if time[i] == moment and event[i]]
        at_risk = sum(hazard[i] for i in range(len(time)) if time[i] >= moment)
        tied = sum(hazard[i] for i in died)
        for rank, i in enumerate(died):
            less = rank / len(died) * tied if ties == "efron" else 0.0
            total += math.log(at_risk - less) - log_risk[i].item()
            events += 1
    return total / events


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("seed", range(5))
def test_cox_equals_the_naive_twin(seed, ties):
    cohort = _cohort(seed)
    assert cox_loss(*cohort, ties=ties).item() == pytest.approx(_naive(*cohort, ties), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_cox_equals_torchsurv(seed):
    # torchsurv 0.2.0; without ties, since its mean runs over events only then too.
    cox = pytest.importorskip("torchsurv.loss.cox")
    log_risk, _, event = _cohort(seed)
    time = torch.as_tensor(np.random.default_rng(seed).permutation(40) + 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = cox.neg_partial_log_likelihood(log_risk, event.bool(), time)
    torch.testing.assert_close(cox_loss(log_risk, time, event).float(), expected.float())


def test_cox_is_stable_and_differentiable():
    log_risk = torch.tensor([300.0, -300.0, 0.0, 200.0], requires_grad=True)
    loss = cox_loss(log_risk, torch.tensor([2.0, 2.0, 1.0, 3.0]), torch.tensor([1, 1, 1, 0]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(log_risk.grad).all()
    none = cox_loss(log_risk, torch.ones(4), torch.zeros(4))
    none.backward()  # stays on the graph
    assert none.item() == 0.0


def test_cox_does_not_depend_on_order_or_offset():
    log_risk, time, event = _cohort(1)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    plain = cox_loss(log_risk, time, event)
    torch.testing.assert_close(cox_loss(log_risk[order] + 3, time[order], event[order]), plain)


def test_discrete_time_equals_the_naive_twin():
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, generator=random, dtype=torch.float64)
    cuts = torch.tensor([10.0, 20.0, 30.0])
    time = torch.tensor([5.0, 10.0, 25.0, 35.0, 29.0, 99.0])
    event = torch.tensor([1, 1, 0, 1, 1, 0])
    expected = 0.0
    for row, moment, died in zip(logits, time, event):
        hazard = [1 / (1 + math.exp(-value)) for value in row.tolist()]
        place = sum(moment.item() >= cut for cut in cuts.tolist())
        likelihood = math.prod(1 - hazard[k] for k in range(place))
        expected -= math.log(likelihood * (hazard[place] if died else 1.0)) / 6
    got = discrete_time_loss(logits, time, event, cuts).item()
    assert got == pytest.approx(expected, rel=1e-9)
    worse = discrete_risk(torch.tensor([[3.0, 0.0], [-3.0, 0.0]]))
    assert worse[0] > worse[1]


def test_regression_leaves_censored_patients_out():
    predicted = torch.tensor([1.0, 5.0])
    event = torch.tensor([1, 0])
    assert uncensored_regression_loss(predicted, torch.tensor([3.0, 900.0]), event).item() == 4.0


@pytest.mark.parametrize("kind", ["cox", "discrete-time", "regression"])
def test_dual_task_loss_ignores_what_is_missing(kind):
    random = np.random.default_rng(0)
    loss = DualTaskLoss.from_training(random.exponential(500, 30), np.ones(30), kind=kind)
    output = {
        "logits": torch.randn(4, 2, requires_grad=True),
        "risk": torch.randn(4, loss.risk_outputs, requires_grad=True),
    }
    batch = {
        "label": torch.tensor([0, 1, -1, 1]),
        "time": torch.tensor([100.0, float("nan"), 300.0, 200.0]),
        "event": torch.tensor([1.0, 0.0, 1.0, 0.0]),
    }
    value = loss(output, batch)
    value.backward()
    assert torch.isfinite(value)
    assert output["logits"].grad[2].abs().max() == 0  # unknown label
    assert output["risk"].grad[1].abs().max() == 0  # unknown time
    assert loss.risk(output).shape == (4,)
    empty = {
        "label": torch.full((4,), -1),
        "time": torch.full((4,), float("nan")),
        "event": torch.zeros(4),
    }
    assert loss(output, empty).item() == 0.0


def test_loss_mistakes_are_named():
    with pytest.raises(SettingError, match="did you mean 'cox'"):
        DualTaskLoss("coxx")
    with pytest.raises(SettingError, match="inner boundaries"):
        DualTaskLoss("discrete-time")
    with pytest.raises(InputError, match="at least one event"):
        DualTaskLoss.from_training([1.0, 2.0], [0, 0])
