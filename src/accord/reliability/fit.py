"""How often a chip's node, and a job, are interrupted: few constants fitted to what sources counted.

A job of ``n`` chips is interrupted at the rate ``node x n x (1 + elsewhere x (n / 1024)^growth) + job``. *node* is
what strikes the node of a chip: the accelerator, its memory, the host. *elsewhere* is network and software, relative
to it: paths between chips cross more tiers and more switches as a job grows, and each collective waits for all of
them, so this part grows faster than the chips do. *job* strikes a job whatever its size: storage, scheduler, site.

Clusters differ by factors, in age, burn-in and what they do about bad nodes, and so do chips. So each source, and each
chip, has an error of its own that all its observations share, beside the error of each observation: however many rows
a source has, it is about one cluster. Chips are taken to differ as much as clusters do; what is known of one chip is
its error, shrunk as far as its sources are few. Both spreads, and the constants, are fitted together: the likelihood
of the logarithms, by Laplace's approximation on a grid of the spreads, with weak priors where sources say little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from accord.base.array import Array
from accord.base.errors import TableError

About = Literal["job", "node", "accelerator", "elsewhere"]
REFERENCE_CHIPS = 1024.0
DAY_S = 86400.0
NAMES = ("node_per_chip_s", "accelerator_share", "elsewhere", "growth", "job_per_s")
# Medians and log spreads before anything is seen: a node's chip is interrupted once in about 5 years of it and any
# factor up to some hundred is possible; most of what strikes nodes strikes accelerators; the rest is as often as
# nodes are, within a factor of 4 or so; growth is small and above 0; a site stops a job about once a year.
_PRIOR = {
    "node_per_chip_s": (1.0 / (2000.0 * DAY_S), 3.0),
    "accelerator_share": (0.8, 0.2),
    "elsewhere": (1.0, 0.75),
    "growth": (0.05, 1.0),
    "job_per_s": (1.0 / (365.0 * DAY_S), 1.0),
}
_BETWEEN_SCALE, _WITHIN_SCALE = 1.0, 0.5  # of the half-normal priors of the two spreads
_BETWEEN = np.geomspace(0.1, 2.5, 24)
_WITHIN = np.geomspace(0.05, 1.5, 18)


@dataclass(frozen=True, slots=True)
class Observation:
    """A rate that a source counted.

    group: the source; chips: of the job or fleet; per_chip_s: interruptions a chip-second [1/s]
    events: how many were counted, infinite where nobody says; chip: catalog id, "" where nobody says
    """

    group: str
    about: About
    chips: float
    per_chip_s: float
    events: float = math.inf
    chip: str = ""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Medians and log spreads of the constants, by name of :data:`NAMES`, and the two spreads of logarithms.

    between: of sources, and of chips; within: of the observations of one
    chips: by chip, the median of its rates over that of all chips, and the log spread of its own node_per_chip_s, which
        is better known than either factor of it
    """

    values: Mapping[str, float]
    log_sd: Mapping[str, float]
    between: float
    within: float
    chips: Mapping[str, tuple[float, float]]


def fit(observations: Sequence[Observation]) -> Fitted:
    """Fit the constants. Raises TableError for none."""
    if not observations:
        raise TableError("no interruptions were counted", hint="rates need one source at least")
    center = np.log([_PRIOR[name][0] for name in NAMES])
    width = np.asarray([_PRIOR[name][1] for name in NAMES])
    data = _Data(observations)
    weights, means, covariances = [], [], []
    for between in _BETWEEN:
        for within in _WITHIN:
            evidence, mean, covariance = _laplace(data, center, width, float(between), float(within))
            prior = -0.5 * (between / _BETWEEN_SCALE) ** 2 - 0.5 * (within / _WITHIN_SCALE) ** 2
            weights.append(evidence + prior + math.log(between) + math.log(within))  # the grid is of logarithms
            means.append(mean)
            covariances.append(covariance)
    weight = np.exp(np.asarray(weights) - max(weights))
    weight /= weight.sum()
    mean = weight @ np.asarray(means)
    spread = np.asarray(means) - mean
    whole = np.einsum("g,gab->ab", weight, np.asarray(covariances) + spread[:, :, None] * spread[:, None, :])
    sd = np.sqrt(np.diag(whole))
    grid = np.asarray([(between, within) for between in _BETWEEN for within in _WITHIN])
    between, within = np.sqrt(weight @ grid**2)
    return Fitted(
        {name: float(np.exp(one)) for name, one in zip(NAMES, mean[: len(NAMES)], strict=True)},
        {name: float(one) for name, one in zip(NAMES, sd[: len(NAMES)], strict=True)},
        float(between), float(within),
        {
            name: (float(np.exp(mean[at])), float(np.sqrt(whole[0, 0] + whole[at, at] + 2.0 * whole[0, at])))
            for at, name in enumerate(data.names, start=len(NAMES)) if name
        },
    )  # fmt: skip


class _Data:
    """Observations as arrays of shape ``(N,)``."""

    def __init__(self, observations: Sequence[Observation]) -> None:
        names = sorted({one.group for one in observations})
        self.chips = np.asarray([one.chips for one in observations])
        self.log = np.log([one.per_chip_s for one in observations])
        self.counted = np.asarray([1.0 / one.events for one in observations])
        self.steep = np.log(self.chips / REFERENCE_CHIPS)
        self.job = np.asarray([one.about == "job" for one in observations])
        self.elsewhere = np.asarray([one.about == "elsewhere" for one in observations])
        self.accelerator = np.asarray([float(one.about == "accelerator") for one in observations])
        group = np.asarray([names.index(one.group) for one in observations])
        self.names = sorted({one.chip for one in observations})
        self.of_chip = np.asarray([[float(one.chip == name) for name in self.names] for one in observations])
        self.same = (group[:, None] == group[None, :]).astype(np.float64)


def _model(data: _Data, theta: Array) -> tuple[Array, Array]:
    """Logarithms of the rates a chip, shape (N,), and their slopes by those of constants and chips, (N, 5 + C)."""
    node, _, elsewhere, growth, job = np.exp(theta[: len(NAMES)])
    beyond = node * elsewhere * np.exp(growth * data.steep)
    site = job / data.chips
    whole = node + beyond + site
    value = np.where(data.job, np.log(whole), np.where(data.elsewhere, np.log(beyond), theta[0]))
    value = value + data.accelerator * theta[1] + data.of_chip @ theta[len(NAMES) :]
    share = np.where(data.job, beyond / whole, data.elsewhere)
    local = np.where(data.job, (node + beyond) / whole, 1.0)
    grown = share * growth * data.steep
    slopes = np.stack([local, data.accelerator, share, grown, np.where(data.job, site / whole, 0.0)], axis=1)
    return value, np.concatenate([slopes, data.of_chip], axis=1)


def _laplace(data: _Data, center: Array, width: Array, between: float, within: float) -> tuple[float, Array, Array]:
    """Logarithm of the evidence of two spreads, mean and covariance of the logarithms of constants and chips."""
    chips = len(data.names)
    center = np.concatenate([center, np.zeros(chips)])
    width = np.concatenate([width, np.full(chips, between)])
    noise = between**2 * data.same + np.diag(within**2 + data.counted)
    inverse = np.linalg.inv(noise)
    prior = np.diag(1.0 / width**2)
    theta = center.copy()
    for _ in range(12):
        value, slopes = _model(data, theta)
        precision = slopes.T @ inverse @ slopes + prior
        step = np.linalg.solve(precision, slopes.T @ inverse @ (data.log - value) + prior @ (center - theta))
        theta = theta + np.clip(step, -1.0, 1.0)
        if np.max(np.abs(step)) < 1e-9:
            break
    value, slopes = _model(data, theta)
    precision = slopes.T @ inverse @ slopes + prior
    off, away = data.log - value, theta - center
    fits = -0.5 * (off @ inverse @ off + away @ prior @ away)
    size = np.linalg.slogdet(noise)[1] + np.linalg.slogdet(precision)[1] + 2.0 * float(np.log(width).sum())
    return float(fits - 0.5 * size), theta, np.asarray(np.linalg.inv(precision), dtype=np.float64)
