"""Runs of the simulator for measured rows, each made once: numbers and their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from accord.api.lookup import CatalogLookup
from accord.api.pools import EngineRules
from accord.api.simulate import SimulateRequest, Simulation, simulate_deployment
from accord.catalog.load import Catalog
from accord.inference.complete import number
from accord.serving.metrics import summarise
from accord.serving.run import simulate
from accord.serving.timer import Scaled
from accord.uncertainty.residual import half_width, quantile
from accord.validation.scenario import Between, Scenario, workload_of

SEED = 0


class CatalogSimulator:
    """Scenarios on deployments of a catalog. An interval has two causes: step times, and chance.

    Step times are scaled to both ends of their own interval, which follows from parameters, disputed facts and what
    the model leaves out. Where nothing but the deployment sets the pace (all requests at once) every time scales with
    them; else the run is made again at both ends. Chance is the difference to a second run with other arrivals.
    """

    def __init__(self, catalog: Catalog, lookup: CatalogLookup, level: float) -> None:
        """level: of the intervals; lookup: of the same catalog."""
        self._catalog, self._lookup, self._level = catalog, lookup, level
        self._done: dict[Scenario, Mapping[str, Between]] = {}

    def simulate(self, scenario: Scenario) -> Mapping[str, Between]:
        """Metrics by name, with intervals. Raises AccordError where the deployment cannot serve the load."""
        if scenario not in self._done:
            self._done[scenario] = self._simulate(scenario)
        return self._done[scenario]

    def _simulate(self, scenario: Scenario) -> Mapping[str, Between]:
        if scenario.load.distinct is None:
            prompts = round(number(self._catalog.defaults(), "serving", "distinct_prompts"))
            scenario = replace(scenario, load=replace(scenario.load, distinct=prompts))
        asked = SimulateRequest(
            deployment=scenario.request,
            engine_rules=EngineRules(
                max_num_seqs=scenario.max_num_seqs,
                max_num_batched_tokens=scenario.max_num_batched_tokens,
                frontend_s=number(self._catalog.defaults(), "serving", "frontend") if scenario.load.client else 0.0,
            ),
            seed=SEED,
            bounds=False,
        )
        done = simulate_deployment(asked, workload_of(scenario.load, SEED), catalog=self._catalog)
        half = self._half(scenario, done)
        if scenario.load.per_s <= 0.0:
            return {
                name: Between(value, value * math.exp(-half), value * math.exp(half))
                for name, value in done.summary.metrics.items()
            }
        ends = [_again(done, scenario, SEED, math.exp(sign * half)) for sign in (-1.0, 1.0)]
        other = _again(done, scenario, SEED + 1, 1.0)
        return {
            name: _between(value, [end.get(name, value) for end in ends], other.get(name, value), self._level)
            for name, value in done.summary.metrics.items()
        }

    def _half(self, scenario: Scenario, done: Simulation) -> float:
        """Half the width of the interval of step times, of the logarithm [1]."""
        chip = done.built[0].setting.machine.chip
        served = self._lookup.residual(chip, "tpot_s", "serve")
        own = math.sqrt(max(done.scale_log_sd**2 - served**2, 0.0))
        return half_width(own, self._lookup.residual(chip, "tpot_s", scenario.request.regime), self._level)


def _again(done: Simulation, scenario: Scenario, seed: int, scale: float) -> Mapping[str, float]:
    """The numbers of another run of the same pools. scale: of step times."""
    pools = [replace(one.pool, timer=Scaled(one.pool.timer, scale)) if scale != 1.0 else one.pool for one in done.built]
    workload = workload_of(scenario.load, seed).with_(radio_s=done.outcome.workload.radio_s)
    outcome = simulate(pools, workload, replace(done.rules, seed=seed))
    return summarise(outcome, roles={pool.name: pool.role for pool in pools}).metrics


def _between(value: float, ends: list[float], other: float, level: float) -> Between:
    """From the least to the most of the ends, widened by chance.

    other: the same by another draw; the difference of two draws has twice the variance of one
    """
    least, most = min(value, *ends), max(value, *ends)
    if not (value > 0.0 and other > 0.0):
        return Between(value, least, most)
    chance = quantile(level) * abs(float(np.log(other / value))) / math.sqrt(2.0)
    return Between(value, least * math.exp(-chance), most * math.exp(chance))
