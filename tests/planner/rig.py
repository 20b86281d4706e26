"""Random questions to the search: tables, terms and offers made up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array
from accord.planner.compose import Option, Send
from accord.planner.offer import Offer, offer
from accord.planner.plan import Role
from accord.planner.problem import OBJECTIVES, QUANTILES, Limit, Limits, Problem, Space
from accord.planner.table import Table, joined
from accord.planner.terms import Terms
from accord.uncertainty.figure import Figure

ROLES: tuple[Role, ...] = ("serve", "prefill", "decode")
BY_UNITS = {"chips", "power", "cost", "energy", "carbon"}


def table(
    role: Role, count: int, rng: np.random.Generator, *, coarse: bool = False, alike: bool = False, **given: object
) -> Table:
    """Rows at random.

    coarse: few different values, so that many are equal; alike: of one size; given: columns that are not random
    """

    def between(low: float, high: float) -> Array:
        share = rng.integers(0, 4, count) / 3.0 if coarse else rng.random(count)
        return np.asarray(low * (high / low) ** share, dtype=np.float64)

    ones, zeros = np.ones(count), np.zeros(count)
    sizes = [1.0, 2.0, 4.0], [1.0, 2.0, 3.0], [1.0, 1.0, 2.0]
    tp, dp, pp = (rng.choice(one[:1] if alike else one, count) for one in sizes)
    tpot = zeros if role == "prefill" else between(0.01, 0.08)
    first = zeros if role == "decode" else between(0.05, 1.0)
    wider = between(1.01, 1.6)
    columns: dict[str, Array] = {
        "tp": tp, "pp": pp, "dp": dp, "cp": ones, "ep": ones,
        "load": rng.choice([1.0, 2.0, 4.0], count), "budget": ones * 2048.0, "mtp": zeros, "reuse": zeros,
        "microbatches": ones,
        "request_per_s": tp * dp * between(0.3, 2.0),
        "tpot_s": tpot, "tpot_q_s": np.stack([tpot, tpot * wider, tpot * wider**2]),
        "first_s": first, "first_q_s": np.stack([first, first * wider, first * wider**2]),
        "gather_s": between(0.001, 0.2) if role == "prefill" else zeros,
        "payload_bytes": between(1e7, 1e9) if role == "prefill" else zeros,
        "time_sd": between(0.02, 0.4), "rate_sd": between(0.02, 0.5), "tpot_sd": between(0.02, 0.9),
        "first_sd": between(0.02, 0.9), "memory_bytes": ones, "capacity_bytes": ones,
    }  # fmt: skip
    columns |= {name: np.broadcast_to(np.asarray(value, dtype=np.float64), columns[name].shape).copy()
                for name, value in given.items()}  # fmt: skip
    return Table(**columns)


def beaten(of: Table, at: int, rng: np.random.Generator) -> Table:
    """The table with another row that is like one of its rows, and no better in anything but what that may lead to."""
    more = of.pick(np.array([at]))
    worse = {"request_per_s": -1.0, "rate_sd": 1.0, "tpot_sd": 1.0, "first_sd": 1.0, "gather_s": 1.0,
             "tpot_s": 1.0, "tpot_q_s": 1.0, "first_s": 1.0, "first_q_s": 1.0, "payload_bytes": 1.0}  # fmt: skip
    factor = float(rng.uniform(1.05, 2.5))
    changed = {name: getattr(more, name) * factor**way for name, way in worse.items() if rng.random() < 0.4}
    return joined([of, replace(more, **changed)])


def claimed(rng: np.random.Generator, value: float, unit: str, *, most: int = 5) -> Figure:
    """A figure that some claims differ about; the chosen one is among them."""
    points = tuple((value * np.exp(rng.normal(0.0, 0.3, int(rng.integers(1, most + 1))))).tolist())
    return Figure(value=points[0], unit=unit, basis="published", points=points, sources=())


def terms(rng: np.random.Generator, name: str) -> Terms:
    """Terms of a system that somebody made up."""
    return Terms(
        system=name, chip=f"{name}-chip", chips=int(rng.choice([4, 8])), whole=True,
        power_w=claimed(rng, 1000.0, "W"), capex_usd=claimed(rng, 3e4, "USD"), racks=claimed(rng, 0.1, "1", most=2),
        usd_per_hour=claimed(rng, 3.0, "USD/h"), kgco2_per_kwh=claimed(rng, 0.5, "kgCO2e"),
        pue=claimed(rng, 1.2, "1"), load=float(rng.choice([0.5, 1.0])),
    )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One question with everything that the search is given."""

    problem: Problem
    options: dict[str, list[Option]]
    offers: tuple[Offer, ...]

    def sends(self, first: Option, second: Option) -> Send | None:
        """Caches travel at a rate that depends on where they go; between systems only where that is wanted."""
        if first.system != second.system and not self.problem.space.mixed:
            return None
        if first.system == second.system and first.engine != second.engine:
            return None
        rate = 2e10 if first.system == second.system else 5e9
        return lambda payload: np.asarray(payload / rate + 1e-4, dtype=np.float64)


def case(seed: int) -> Case:
    """A question at random."""
    rng = np.random.default_rng(seed)
    systems = ("east", "west")[: 2 if seed % 3 == 0 else 1]
    mixed = len(systems) == 2 and bool(rng.random() < 0.6)
    problem = _problem(rng, systems, mixed, ends=seed % 4 == 1)
    offers = tuple(
        offer(
            terms(rng, name), int(rng.choice([1, 2])), int(rng.choice([2, 4])), problem.limits,
            problem.confidence if problem.intervals else 0.5,
            0 if problem.limits.request_per_s is not None else int(rng.integers(1, 5)),
        )
        for name in systems
    )  # fmt: skip
    coarse, alike, rows = bool(rng.random() < 0.3), bool(rng.random() < 0.5), 2 if len(systems) == 2 else 4

    def made(role: Role) -> Table:
        found = table(role, int(rng.integers(1, rows + 1)), rng, coarse=coarse, alike=alike)
        for _ in range(int(rng.integers(0, 3))):
            found = beaten(found, int(rng.integers(0, len(found))), rng)
        return found

    options: dict[str, list[Option]] = {
        role: [
            Option(name, f"engine {at}", "fp8", "fp8", index, made(role))
            for index, name in enumerate(systems)
            for at in range(1 if len(systems) == 2 else int(rng.integers(1, 3)))
        ]
        for role in ROLES
    }
    return Case(problem, options, offers)


def _problem(rng: np.random.Generator, systems: tuple[str, ...], mixed: bool, *, ends: bool) -> Problem:
    osl = float(rng.choice([1.0, 50.0, 200.0]))
    latencies = []
    for latency, low, high in (("ttft", 0.2, 4.0), ("tpot", 0.02, 0.15), ("e2el", 1.0, 30.0)):
        for quantile in (None, *QUANTILES):
            often = {"ttft": 0.25, "tpot": 0.12, "e2el": 0.35 if ends else 0.0}[latency]
            if rng.random() < often:
                limit = float(low * (high / low) ** rng.random())
                latencies.append(Limit(latency=latency, limit_s=limit, quantile=quantile))  # type: ignore[arg-type]

    def maybe(often: float, low: float, high: float) -> float | None:
        return float(rng.uniform(low, high)) if rng.random() < often else None

    limits = Limits(
        latencies=tuple(latencies), request_per_s=maybe(0.4, 0.5, 8.0), power_w=maybe(0.2, 4e3, 3e4),
        capex_usd=maybe(0.2, 1e5, 1e6), usd_per_hour=maybe(0.15, 10.0, 90.0), racks=maybe(0.15, 0.5, 3.0),
        chips=int(rng.integers(3, 24)) if rng.random() < 0.4 else None,
    )  # fmt: skip
    # what a load needs of two systems is only to be found by looking where more units are never better
    known = sorted(BY_UNITS) if limits.request_per_s is not None and mixed else list(OBJECTIVES)
    count = int(rng.integers(1, 4))
    objectives = tuple(str(one) for one in rng.permutation(known)[:count])
    return Problem(
        model="made-up", systems=systems, isl=1000.0, osl=osl, limits=limits, space=Space(mixed=mixed),
        objectives=objectives, confidence=float(rng.choice([0.5, rng.uniform(0.5, 0.99), 0.9])),  # type: ignore[arg-type]
        max_load=float(rng.uniform(0.6, 1.0)), intervals=bool(rng.random() < 0.9),
    )  # fmt: skip
