"""Losses for survival that use censored patients, and the joint loss of grade and survival."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn import functional

from gliofuse.errors import InputError, SettingError, did_you_mean

__all__ = [
    "DualTaskLoss",
    "cox_loss",
    "discrete_risk",
    "discrete_time_loss",
    "uncensored_regression_loss",
]

SurvivalKind = Literal["cox", "discrete-time", "regression"]
_KINDS = ("cox", "discrete-time", "regression")


def cox_loss(
    log_risk: torch.Tensor,
    time: torch.Tensor,
    event: torch.Tensor,
    *,
    ties: Literal["efron", "breslow"] = "efron",
) -> torch.Tensor:
    """Return the mean negative log partial likelihood per event of a batch.

    Parameters
    ----------
    log_risk : torch.Tensor
        (N,), the logarithm of the relative hazard; higher is worse.
    time : torch.Tensor
        (N,), days (any unit) to the event or to the last visit.
    event : torch.Tensor
        (N,), true or 1 where the event was seen.
    ties : {"efron", "breslow"}
        How events at the same time are treated.

    Returns
    -------
    torch.Tensor
        A scalar; 0 with gradient 0 if the batch holds no event.

    Notes
    -----
    A batch only knows its own risk sets: take batches as large as memory allows. Memory grows
    with the square of N.

    References
    ----------
    .. [1] Cox DR. Partial likelihood. Biometrika 1975;62:269-276.
    .. [2] Efron B. The efficiency of Cox's likelihood function for censored data. JASA
       1977;72:557-565.

    Examples
    --------
    >>> time, event = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1, 0, 1])
    >>> round(float(cox_loss(torch.zeros(3), time, event)), 4)  # (log 3 + log 1) / 2
    0.5493
    """
    seen = event.bool()
    if not bool(seen.any()):
        return log_risk.sum() * 0.0
    nothing = torch.finfo(log_risk.dtype).min
    at_risk = time[None, :] >= time[seen][:, None]
    risk_set = torch.where(at_risk, log_risk[None, :], nothing).logsumexp(dim=1)
    if ties == "efron":
        together = (time[None, :] == time[seen][:, None]) & seen[None, :]
        tied = torch.where(together, log_risk[None, :], nothing).logsumexp(dim=1)
        earlier = together[:, seen].tril(diagonal=-1).sum(dim=1)
        share = earlier.to(log_risk.dtype) / together.sum(dim=1)
        risk_set = risk_set + torch.log1p(-share * torch.exp(tied - risk_set))
    return (risk_set - log_risk[seen]).mean()


def discrete_time_loss(
    logits: torch.Tensor, time: torch.Tensor, event: torch.Tensor, cuts: torch.Tensor
) -> torch.Tensor:
    """Return the mean negative log likelihood of a discrete-time hazard model.

    Parameters
    ----------
    logits : torch.Tensor
        (N, K), the logit of the hazard in each interval.
    time, event : torch.Tensor
        (N,), as in :func:`cox_loss`.
    cuts : torch.Tensor
        (K - 1,), ascending inner boundaries of the K intervals; the last one has no end.

    Notes
    -----
    A censored patient counts as alive through every interval that ended before the last visit.

    References
    ----------
    .. [1] Gensheimer MF, Narasimhan B. A scalable discrete-time survival model for neural
       networks. PeerJ 2019;7:e6257.

    Examples
    --------
    >>> logits = torch.zeros(2, 2)  # a hazard of one half in each of two intervals
    >>> time, event = torch.tensor([5.0, 15.0]), torch.tensor([1, 0])
    >>> round(float(discrete_time_loss(logits, time, event, torch.tensor([10.0]))), 4)
    0.6931
    """
    interval = torch.bucketize(time, cuts, right=True)
    steps = torch.arange(logits.shape[1], device=logits.device)
    passed = (steps[None, :] < interval[:, None]).to(logits.dtype)
    died = ((steps[None, :] == interval[:, None]) & event.bool()[:, None]).to(logits.dtype)
    terms = passed * functional.logsigmoid(-logits) + died * functional.logsigmoid(logits)
    return -terms.sum(dim=1).mean()


def discrete_risk(logits: torch.Tensor) -> torch.Tensor:
    """Return one number a patient, higher is worse: minus the mean of the survival curve, (N,)."""
    return -functional.logsigmoid(-logits).cumsum(dim=1).exp().mean(dim=1)


def uncensored_regression_loss(
    predicted: torch.Tensor, time: torch.Tensor, event: torch.Tensor
) -> torch.Tensor:
    """Return the mean squared error of time over the patients whose event was seen.

    The paper's regression. Patients without an event have no known time and are left out, which
    biases the network towards early deaths; offered for comparison.
    """
    seen = event.bool()
    if not bool(seen.any()):
        return predicted.sum() * 0.0
    return functional.mse_loss(predicted[seen], time[seen].to(predicted.dtype))


class DualTaskLoss:
    """Weighted sum of the grade's cross entropy and a survival loss.

    Parameters
    ----------
    kind : {"cox", "discrete-time", "regression"}
        Survival loss. ``cox`` (the default) and ``discrete-time`` use censored patients;
        ``regression`` is the paper's, on uncensored patients only.
    grade_weight, survival_weight : float
        Weights of the two terms; the paper does not state them.
    class_weights : array-like or None
        Weights of the classes in the cross entropy.
    cuts : array-like or None
        Inner boundaries of the intervals; needed by ``discrete-time``.
    time_mean, time_sd : float
        Scale of the time that ``regression`` predicts.

    Raises
    ------
    SettingError
        If ``kind`` is unknown, or ``discrete-time`` comes without ``cuts``.

    Notes
    -----
    Called as ``loss(output, batch)`` with ``output`` of
    :class:`~gliofuse.deep.networks.DualTaskResNet18` and a batch with ``label`` (-1 = unknown),
    ``time`` (NaN = unknown) and ``event``.

    Examples
    --------
    >>> loss = DualTaskLoss.from_training([100.0, 300.0, 700.0], [1, 0, 1])
    >>> loss.kind, loss.risk_outputs
    ('cox', 1)
    """

    def __init__(
        self,
        kind: SurvivalKind = "cox",
        *,
        grade_weight: float = 1.0,
        survival_weight: float = 1.0,
        class_weights: ArrayLike | None = None,
        cuts: ArrayLike | None = None,
        time_mean: float = 0.0,
        time_sd: float = 1.0,
    ) -> None:
        if kind not in _KINDS:
            raise SettingError(f"kind of DualTaskLoss: got {kind!r}, {did_you_mean(kind, _KINDS)}")
        if kind == "discrete-time" and cuts is None:
            raise SettingError(
                "cuts of DualTaskLoss: 'discrete-time' needs the intervals' inner boundaries; "
                "DualTaskLoss.from_training takes them from the training patients"
            )
        self.kind = kind
        self.grade_weight = grade_weight
        self.survival_weight = survival_weight
        self.class_weights = (
            None if class_weights is None else torch.as_tensor(class_weights, dtype=torch.float32)
        )
        self.cuts = None if cuts is None else torch.as_tensor(np.asarray(cuts, dtype=np.float32))
        self.time_mean = time_mean
        self.time_sd = time_sd

    @classmethod
    def from_training(
        cls,
        time: ArrayLike,
        event: ArrayLike,
        *,
        kind: SurvivalKind = "cox",
        intervals: int = 10,
        grade_weight: float = 1.0,
        survival_weight: float = 1.0,
        class_weights: ArrayLike | None = None,
    ) -> DualTaskLoss:
        """Return the loss with intervals or time scale taken from the training patients.

        Raises
        ------
        InputError
            If no training patient has a known time with an event.
        """
        days = np.asarray(time, dtype=np.float64)
        seen = np.isfinite(days) & np.asarray(event).astype(bool)
        if not seen.any():
            raise InputError(
                f"survival of the training patients: needs at least one event with a known time, "
                f"got none among {days.size}; check the endpoint's columns"
            )
        cuts = None
        if kind == "discrete-time":
            inner = np.quantile(days[seen], np.linspace(0, 1, intervals + 1)[1:-1])
            cuts = np.unique(inner)
        return cls(
            kind,
            grade_weight=grade_weight,
            survival_weight=survival_weight,
            class_weights=class_weights,
            cuts=cuts,
            time_mean=float(days[seen].mean()),
            time_sd=float(days[seen].std()) or 1.0,
        )

    @property
    def risk_outputs(self) -> int:
        """Width of the survival head that this loss needs."""
        return 1 if self.cuts is None or self.kind != "discrete-time" else len(self.cuts) + 1

    def risk(self, output: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return one number a patient, higher is worse, from the network's output; (N,)."""
        raw = output["risk"]
        if self.kind == "discrete-time":
            return discrete_risk(raw)
        return raw[:, 0] if self.kind == "cox" else -raw[:, 0]

    def __call__(
        self, output: Mapping[str, torch.Tensor], batch: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Return the scalar loss of a batch."""
        logits, label = output["logits"], batch["label"]
        weights = None if self.class_weights is None else self.class_weights.to(logits)
        total = logits.sum() * 0.0 + output["risk"].sum() * 0.0
        if bool((label >= 0).any()):
            total = total + self.grade_weight * functional.cross_entropy(
                logits, label, weight=weights, ignore_index=-1
            )
        return total + self.survival_weight * self.survival(output["risk"], batch)

    def survival(self, risk: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the survival term alone, over the patients whose time is known."""
        known = torch.isfinite(batch["time"])
        raw, time, event = risk[known].float(), batch["time"][known], batch["event"][known]
        if not len(raw):
            return risk.sum() * 0.0
        if self.kind == "cox":
            return cox_loss(raw[:, 0], time, event)
        if self.kind == "discrete-time":
            assert self.cuts is not None
            return discrete_time_loss(raw, time, event, self.cuts.to(time))
        return uncensored_regression_loss(raw[:, 0], (time - self.time_mean) / self.time_sd, event)
