"""A slow answer to a question: every candidate, one by one.

It loops over every row, every pair, every number of instances and of units, in plain floats. It is written from what
the documents say a plan is, and shares nothing with the search but records.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import product
from statistics import NormalDist

from tests.planner.rig import BY_UNITS, Case

from accord.planner.compose import Option, Send
from accord.planner.offer import Offer
from accord.planner.problem import QUANTILES, Limit
from accord.planner.table import Table

SURE = 1e-7  # of a chance, that is lost in rounding
CAP = 14  # units that are looked at where nothing limits them


def row(of: Table, at: int) -> dict[str, float]:
    """One row as plain numbers; percentiles as ``first_p90_s`` and so on."""
    found: dict[str, float] = {}
    for one in fields(of):
        values = getattr(of, one.name)
        if values.ndim == 1:
            found[one.name] = float(values[at])
        else:
            stem = one.name.removesuffix("_q_s")
            found |= {f"{stem}_{share}": float(values[q, at]) for q, share in enumerate(QUANTILES)}
    return found


def wait(load: float, per_s: float, servers: float, share: float | None) -> float:
    """Mean wait, or what a share of arrivals do not exceed, before servers with constant times, built for 600 s."""
    some: float = load ** (math.sqrt(2.0 * (servers + 1.0)) - 1.0)
    work, slack = 0.5 * some / per_s, 1.0 - load
    mean = 150.0 * (math.sqrt(slack * slack + 8.0 * work / 600.0) - slack)
    if share is None:
        return mean
    return max(math.log(max(some, 1e-12) / (1.0 - share)), 0.0) * mean / max(some, 1e-12)


def first_token(prefill: dict[str, float], many: int, sent: float, load: float, share: float | None) -> float:
    """Time to first token of a pool of prefill instances under a load."""
    waited = wait(load, many * prefill["request_per_s"], many * prefill["dp"], share)
    found = 1.0 - math.exp(-load * prefill["dp"] * prefill["load"])
    under_way = found * prefill["gather_s"] * (1.0 if share is None else 2.0 * share)
    return prefill["first_s"] + sent + under_way + waited


@dataclass(frozen=True)
class Answered:
    """What one candidate does: requests/s of its pools with their deviations, latencies by ``(name, share)``."""

    rates: tuple[tuple[float, float], ...]
    first: dict[float | None, float]
    first_sd: float
    gap: dict[float | None, float]
    gap_sd: float
    held: tuple[tuple[Offer, int], ...]

    @property
    def rate(self) -> float:
        """What all pools carry."""
        return min(rate for rate, _ in self.rates)


class Slow:
    """Every candidate of a case, looked at one by one."""

    def __init__(self, asked: Case) -> None:
        """Read the case."""
        self.case, self.problem, self.limits = asked, asked.problem, asked.problem.limits
        self.z = NormalDist().inv_cdf(self.problem.confidence) if self.problem.intervals else 0.0
        self._loads: dict[tuple[int, int, int, int, int], float] = {}

    def keeping(self) -> list[tuple[float, ...]]:
        """Objectives of all candidates that keep every limit."""
        return [self.worth(one) for one in self.candidates() if self.keeps(one)]

    # Which there are

    def candidates(self) -> Iterator[Answered]:
        """Every candidate."""
        options = self.case.options
        for option in options["serve"]:
            yield from self._serving(option)
        for first, second in product(options["prefill"], options["decode"]):
            send = self.case.sends(first, second)
            if send is not None:
                yield from self._splitting(first, second, send)

    def units(self, own: Offer, needs: list[int], *, shared: bool = True) -> list[int]:
        """Units that are tried: all that the limits allow, of two systems powers of two and the most.

        For a load those that it needs; where none is limited and more may be better, those from the fewest on.
        """
        if own.why:
            every = range(1, min(own.most, 40) + 1)
            alone = shared or self.limits.request_per_s is not None
            return [count for count in every if alone or count == own.most or count.bit_count() == 1]
        if set(self.problem.objectives) <= BY_UNITS:
            return list(range(1, CAP + 1))
        return list(range(min(needs, default=1), min(needs, default=1) + 16))

    def _serving(self, option: Option) -> Iterator[Answered]:
        own = self.case.offers[option.offer]
        rows = [row(option.table, at) for at in range(len(option.table))]
        sizes = [int(one["tp"] * one["dp"] * one["pp"] * one["cp"]) for one in rows]
        needs = []
        if self.limits.request_per_s is not None:
            for one, size in zip(rows, sizes, strict=True):
                # what breaks a limit on latency by itself is no row at all, and needs no units
                if not self.late(one):
                    sure = one["request_per_s"] * math.exp(-self.z * one["rate_sd"])
                    needs.append(math.ceil(math.ceil(self.limits.request_per_s / sure) * size / own.unit_devices))
        for (one, size), units in product(zip(rows, sizes, strict=True), self.units(own, needs)):
            many = units * own.unit_devices // size
            if many:
                yield Answered(
                    ((many * one["request_per_s"], one["rate_sd"]),), self._by_share(one, "first"), one["first_sd"],
                    self._by_share(one, "tpot"), one["tpot_sd"], ((own, units),),
                )  # fmt: skip

    @staticmethod
    def _by_share(one: dict[str, float], stem: str) -> dict[float | None, float]:
        return {None: one[f"{stem}_s"], **{share: one[f"{stem}_{share}"] for share in QUANTILES}}

    def late(self, one: dict[str, float]) -> bool:
        """Whether a row breaks a limit on latency by itself."""
        first, gap = self._by_share(one, "first"), self._by_share(one, "tpot")
        return any(
            not self._in_time(limit, first[limit.quantile], one["first_sd"], gap[limit.quantile], one["tpot_sd"])
            for limit in self.limits.latencies
        )

    def _splitting(self, first: Option, second: Option, send: Send) -> Iterator[Answered]:
        own, other = self.case.offers[first.offer], self.case.offers[second.offer]
        shared = first.offer == second.offer
        sent = [float(one) for one in send(first.table.payload_bytes)]
        prefills = [(at, row(first.table, at)) for at in range(len(first.table))]
        decodes = [(at, row(second.table, at)) for at in range(len(second.table))]
        prefills, decodes = ([(at, one) for at, one in part if not self.late(one)] for part in (prefills, decodes))
        name = (id(first), id(second))
        pairs = [
            (p, d, int(p["tp"] * p["dp"] * p["pp"]), int(d["tp"] * d["dp"] * d["pp"]), (i, j))
            for (i, p), (j, d) in product(prefills, decodes)
        ]
        needs = []
        if self.limits.request_per_s is not None and not own.why and not set(self.problem.objectives) <= BY_UNITS:
            needs = [need for pair in pairs if (need := self._need(pair, sent, own, name))]
            if not needs:
                return
        for p, d, size, wide, at in pairs:
            for units, other_units in product(
                self.units(own, needs, shared=shared), [0] if shared else self.units(other, [], shared=False)
            ):
                room = units * own.unit_devices
                for many in range(1, room // size + 1):
                    left = room - many * size if shared else other_units * other.unit_devices
                    if left // wide:
                        held = ((own, units),) if shared else ((own, units), (other, other_units))
                        yield from self._pair(p, d, many, left // wide, sent[at[0]], held, (*name, *at, many))

    def _need(
        self, pair: tuple[dict[str, float], dict[str, float], int, int, tuple[int, int]], sent: list[float],
        own: Offer, name: tuple[int, int],
    ) -> int:  # fmt: skip
        """Units with which a pair first serves what is wanted."""
        p, d, size, wide, at = pair
        wanted = self.limits.request_per_s or 0.0
        sure = self.problem.max_load * d["request_per_s"] * math.exp(-self.z * d["rate_sd"])
        others = math.ceil(wanted / sure)
        for many in range(1, 400):
            load = self._load(p, d, many, sent[at[0]], (*name, *at, many))
            if load * many * p["request_per_s"] * math.exp(-self.z * p["rate_sd"]) >= wanted:
                return math.ceil((many * size + others * wide) / own.unit_devices)
        return 0

    def _pair(
        self, p: dict[str, float], d: dict[str, float], many: int, others: int, sent: float,
        held: tuple[tuple[Offer, int], ...], name: tuple[int, int, int, int, int],
    ) -> Iterator[Answered]:  # fmt: skip
        load = self._load(p, d, many, sent, name)
        most = many * p["request_per_s"]
        started, carried = load * most, others * d["request_per_s"] * self.problem.max_load
        rate = min(started, carried)
        if rate > 0.0:
            first = {share: first_token(p, many, sent, rate / most, share) for share in (None, *QUANTILES)}
            yield Answered(
                ((started, p["rate_sd"]), (carried, d["rate_sd"])), first, p["first_sd"], self._by_share(d, "tpot"),
                d["tpot_sd"], held,
            )  # fmt: skip

    def _load(
        self, p: dict[str, float], d: dict[str, float], many: int, sent: float, name: tuple[int, int, int, int, int]
    ) -> float:
        """The share of its most that a prefill pool takes while limits on the first token and the last one are kept."""
        if not any(limit.latency == "e2el" for limit in self.limits.latencies):
            name = (*name[:3], -1, name[4])
        if name not in self._loads:
            self._loads[name] = self._halved(p, self._by_share(d, "tpot"), d["tpot_sd"], many, sent)
        return self._loads[name]

    def _halved(
        self, p: dict[str, float], gap: dict[float | None, float], gap_sd: float, many: int, sent: float
    ) -> float:
        waits = [limit for limit in self.limits.latencies if limit.latency != "tpot"]

        def kept(load: float) -> bool:
            return all(
                self._in_time(limit, first_token(p, many, sent, load, limit.quantile), p["first_sd"],
                              gap[limit.quantile], gap_sd)
                for limit in waits
            )  # fmt: skip

        low, high = 0.0, self.problem.max_load
        if kept(high):
            return high
        for _ in range(44):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if kept(middle) else (low, middle)
        return low

    # Which are good

    def _in_time(
        self, limit: Limit, first: float, first_sd: float, gap: float, gap_sd: float, room: float = 1.0
    ) -> bool:
        late = first * math.exp(self.z * first_sd), gap * math.exp(self.z * gap_sd)
        answer = (self.problem.osl - 1.0) * late[1]
        value = {"ttft": late[0], "tpot": late[1], "e2el": late[0] + answer}[limit.latency]
        return value <= limit.limit_s * room

    def keeps(self, one: Answered) -> bool:
        """Whether a candidate keeps every limit with the chance that is wanted."""
        limits = self.limits
        for limit in limits.latencies:
            share = limit.quantile
            if not self._in_time(limit, one.first[share], one.first_sd, one.gap[share], one.gap_sd, 1.0 + 1e-9):
                return False
        wanted = self.problem.confidence if self.problem.intervals else 0.5
        if limits.request_per_s is not None:
            for rate, sd in one.rates:
                if NormalDist().cdf(math.log(rate / limits.request_per_s) / sd) < wanted - SURE:
                    return False
        if limits.chips is not None and sum(units * own.unit_chips for own, units in one.held) > limits.chips:
            return False
        return all(
            getattr(limits, name) is None or self._affordable(one, name, getattr(limits, name), wanted)
            for name in ("power_w", "capex_usd", "usd_per_hour", "racks")
        )

    @staticmethod
    def _affordable(one: Answered, name: str, limit: float, wanted: float) -> bool:
        """The chosen claims keep the limit, and as large a share of all combinations of claims as is wanted."""
        parts = [(getattr(own.terms, name), units * own.unit_chips) for own, units in one.held]
        chosen = sum(figure.value * chips for figure, chips in parts)
        sums = [sum(c) for c in product(*([point * chips for point in figure.points] for figure, chips in parts))]
        chance = sum(total <= limit for total in sums) / len(sums)
        return chosen <= limit and (wanted <= 0.5 or chance >= wanted - 1e-12)

    # What they are worth

    def worth(self, one: Answered) -> tuple[float, ...]:
        """Its objectives, less is better."""
        return tuple(self._worth(name, one) for name in self.problem.objectives)

    def _worth(self, name: str, one: Answered) -> float:
        paid = min(one.rate, self.limits.request_per_s or math.inf) * self.problem.osl
        chips = {own.terms.system: units * own.unit_chips for own, units in one.held}
        known = [(own.terms, chips[own.terms.system]) for own, _ in one.held]
        watt = sum(each.power_w.value * each.pue.value * count for each, count in known if each.power_w and each.pue)
        match name:
            case "goodput":
                return -one.rate
            case "chips":
                return float(sum(chips.values()))
            case "power":
                return sum(each.power_w.value * count for each, count in known if each.power_w)
            case "cost":
                hourly = sum(each.usd_per_hour.value * count for each, count in known if each.usd_per_hour)
                return hourly / (paid * min(each.load for each, _ in known) * 3600.0) * 1e6
            case "energy":
                return watt / paid
            case "carbon":
                kg = sum(
                    each.power_w.value * each.pue.value * count / 1000.0 * each.kgco2_per_kwh.value
                    for each, count in known
                    if each.power_w and each.pue and each.kgco2_per_kwh
                )
                return kg / (paid * 3600.0) * 1e6
            case "ttft":
                return one.first[None]
            case "tpot":
                return one.gap[None]
        return one.first[None] + (self.problem.osl - 1.0) * one.gap[None]


def slow_front(values: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Those that no other beats, each once."""
    distinct = sorted(set(values))
    return [
        one
        for one in distinct
        if not any(other != one and all(a <= b for a, b in zip(other, one, strict=True)) for other in distinct)
    ]
