"""How many serving instances are up, with the rates of training: replicas are small jobs of their own.

An instance is interrupted at the rate of a job of its size. What strikes its nodes sends one domain to repair: a spare
takes its place if there is one, else the instance waits. The rest only restarts it. So the number of domains in repair
is a birth-death chain, whose rate of births falls with the instances that are up; and an instance that is not without
a domain is up but for the share of the time that it restarts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import UsageError
from accord.reliability.rates import Rates

NEGLIGIBLE = 1e-16  # chance of a number of whole instances that is left out


@dataclass(frozen=True, slots=True)
class Availability:
    """Instances over a long time; arrays of shape ``(S,)`` by draw of the rates.

    instance: share of the time one is up [1]; up: expected number; in_repair: expected domains in repair
    at_least: chance that at least ``k`` are up [1], shape ``(S, instances + 1)``, by ``k``
    mtbf_s: between interruptions of one instance, while it is up
    """

    instance: Array
    up: Array
    in_repair: Array
    at_least: Array
    mtbf_s: Array

    def at_least_up(self, k: int) -> Array:
        """Chance that at least ``k`` instances are up [1], shape ``(S,)``; more than there are never are."""
        return self.at_least[:, max(k, 0)] if k < self.at_least.shape[1] else np.zeros(len(self.instance))


def availability(
    rates: Rates, devices_per_instance: float, instances: int, spares: int, repair_s: float, restart_s: float
) -> Availability:
    """Availability of equal instances.

    devices_per_instance: chips of one; spares: domains that stand by for all of them; repair_s: mean time until a
    failed domain is back; restart_s: from an interruption until the instance serves again, detection included
    Raises UsageError for counts and times below 0, and no instance.
    """
    for name, value, least in (
        ("devices_per_instance", devices_per_instance, 1.0), ("instances", instances, 1.0), ("spares", spares, 0.0),
        ("repair_s", repair_s, 0.0), ("restart_s", restart_s, 0.0),
    ):  # fmt: skip
        if not value >= least:
            raise UsageError(f"{name} is {value:g}", hint=f"it is {least:g} or more")
    total, node = np.broadcast_arrays(rates.total_s(devices_per_instance), rates.node_s(devices_per_instance))
    running = 1.0 / (1.0 + total * restart_s)  # of an instance that has all its domains
    most = instances + spares
    whole = np.minimum(instances, most - np.arange(most + 1))  # instances with all domains, by domains in repair
    chances = _birth_death(node * running, repair_s, whole)
    at_least = np.zeros((len(total), instances + 1))
    for count in range(instances + 1):
        weight = chances[:, whole == count].sum(axis=1)
        if weight.max() < NEGLIGIBLE:
            continue
        at_least += weight[:, None] * _tails(count, running, instances)
    up = at_least[:, 1:].sum(axis=1)
    return Availability(
        instance=up / instances, up=up, in_repair=chances @ np.arange(most + 1.0), at_least=at_least,
        mtbf_s=np.divide(1.0, total, out=np.full(total.shape, np.inf), where=total > 0.0),
    )  # fmt: skip


def _birth_death(node_s: Array, repair_s: float, whole: Array) -> Array:
    """Chances of each number in repair, shape ``(S, N)``, by detailed balance in logarithms."""
    load = array(node_s) * repair_s
    steps = np.arange(1, len(whole))
    with np.errstate(divide="ignore"):
        each = np.log(load)[:, None] + np.log(whole[:-1]) - np.log(steps)
    logs = np.concatenate([np.zeros((len(load), 1)), np.cumsum(each, axis=1)], axis=1)
    chances = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(chances / chances.sum(axis=1, keepdims=True), dtype=np.float64)


def _tails(count: int, chance: Array, instances: int) -> Array:
    """Chance that at least ``k`` of ``count`` are up, for k from 0 to ``instances``, shape ``(S, instances + 1)``."""
    k = np.arange(count + 1)
    choose = np.asarray([math.lgamma(count + 1) - math.lgamma(one + 1) - math.lgamma(count - one + 1) for one in k])
    with np.errstate(divide="ignore", invalid="ignore"):
        down = np.where(count - k > 0, (count - k) * np.log1p(-chance)[:, None], 0.0)
        exact = np.exp(choose + k * np.log(chance)[:, None] + down)
    tails = np.zeros((len(chance), instances + 1))
    tails[:, : count + 1] = np.minimum(np.cumsum(exact[:, ::-1], axis=1)[:, ::-1], 1.0)
    return tails
