"""A board's rows under one set of limits: which keep them, how much each gives, the front, and what the best is among.

What is not tied to the time to the last token comes from :mod:`accord.planner.reach`; where a limit speaks of that
time, prompts depend on answers and the search itself looks at every pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import numpy.typing as npt

from accord.api.board_sides import Pair, Per, Sides
from accord.base.array import Array
from accord.planner.compose import Candidates, Option
from accord.planner.judge import SECONDS_PER_HOUR, held, judge, rounded, sure_total, total
from accord.planner.offer import Offer
from accord.planner.pareto import front
from accord.planner.pricing import ROOM, within
from accord.planner.problem import Objective, Problem
from accord.planner.reach import (
    Ways,
    best_pairs,
    best_single,
    least_cost,
    most_started,
    paired_ways,
    reached,
    single_ways,
)
from accord.planner.search import Group, Pick, search
from accord.planner.table import Index
from accord.planner.units import MANY, ladder, unit_pairs
from accord.planner.waits import sure_rate

FRONT: Mapping[Per, tuple[Objective, ...]] = {"chip": ("tpot", "goodput", "chips"), "usd": ("tpot", "cost")}
_SLACK = 1.0 - 1e-8  # of the highest rate: rows that reach it may be equal to the best
_HELD = ("power_w", "capex_usd", "usd_per_hour", "racks")


@dataclass(frozen=True, slots=True)
class Half:
    """Rows of one option that answer.

    good: those within the latency limits by themselves
    rate: the most requests a second of all rows, 0 where no way keeps the limits; with a wanted rate any number above 0
    value: the most over cost, 0 where the cost is not known either
    partner: of each row the pair that gives most over cost, -1 where it serves alone
    """

    option: Option
    good: Index
    rate: Array
    value: Array
    partner: Index


class View:
    """Rows of a board under the limits of one problem.

    halves: rows of every option that answers; rejected: those that do not keep the limits, by reason
    most: requests a second beyond which nothing is paid
    exact: whether values are the most that any partner gives
    offers: what :meth:`options` may be held in
    """

    def __init__(self, sides: Sides, problem: Problem, per: Per) -> None:
        """Judge every row."""
        self.sides, self.problem, self.per, self.offers = sides, problem, per, sides.offers
        self.rejected: Counter[str] = Counter()
        self.exact = not any(limit.latency == "e2el" for limit in problem.limits.latencies)
        self._wide = msgspec.structs.replace(problem, objectives=FRONT[per])
        wanted = problem.limits.request_per_s
        self.most = np.inf if wanted is None or per == "chip" else wanted
        self._prompts = [within(one.table, problem)[0] for one in sides.options["prefill"]]
        self._started: dict[int, tuple[Ways, Array]] = {}
        self.halves = [*map(self._single, sides.options["serve"])]
        self.halves += [self._double(at, option) for at, option in enumerate(sides.options["decode"])]

    @property
    def candidates(self) -> int:
        """Rows that answer."""
        return sum(len(half.value) for half in self.halves)

    @property
    def feasible(self) -> int:
        """Those of them that keep every limit."""
        return sum(int(np.count_nonzero(half.rate)) for half in self.halves)

    def _single(self, option: Option) -> Half:
        good, fell = within(option.table, self.problem)
        ways, cost = self.single(option, good)
        rate, value = np.zeros(len(option.table)), np.zeros(len(option.table))
        value[good] = reached(option.table, good, ways, None, cost, self.problem, self.most)
        rate[good] = self._rate(option, good, ways, None, cost, value[good])
        self._count(fell, int(np.count_nonzero(rate[good] == 0.0)), "")
        return Half(option, good, rate, value, np.full(len(value), -1, dtype=np.intp))

    def _double(self, at: int, option: Option) -> Half:
        good, fell = within(option.table, self.problem)
        rate, value = np.zeros(len(option.table)), np.zeros(len(option.table))
        partner = np.full(len(option.table), -1, dtype=np.intp)
        for number, pair in enumerate(self.sides.pairs):
            if pair.decode == at and len(good):
                ways, started = self.started(number, good)
                cost = self.cost(ways, self.sides.own(pair))
                own = reached(option.table, good, ways, started, cost, self.problem, self.most)
                rate[good] = np.maximum(rate[good], self._rate(option, good, ways, started, cost, own))
                better = own > value[good]
                value[good[better]], partner[good[better]] = own[better], number
        first = [limit.name for limit in self.problem.limits.latencies if limit.latency == "ttft"]
        self._count(fell, int(np.count_nonzero(rate[good] == 0.0)), first[0] if first else "")
        return Half(option, good, rate, value, partner)

    def _rate(
        self, option: Option, good: Index, ways: Ways, started: Array | None, cost: Array, value: Array
    ) -> Array:  # fmt: skip
        """The most requests a second; with a wanted rate only whether it is served, which ``value`` tells too."""
        if self.problem.limits.request_per_s is not None and not np.any(np.isnan(cost)):
            return value
        return reached(option.table, good, ways, started, _free(cost), self.problem)

    def _count(self, fell: Counter[str], lost: int, why: str) -> None:
        """Rows that fell; lost: those that no way holds, why: the limit that its prompts break."""
        self.rejected.update(fell)
        if lost:
            wanted = self.problem.limits.request_per_s is not None
            self.rejected["goodput" if wanted else why or "no room beside it"] += lost

    # Ways in which rows are held

    def single(self, option: Option, good: Index) -> tuple[Ways, Array]:
        """Ways of one pool, and the cost of each. good: rows that count."""
        offer, wanted = self.sides.offers[option.offer], self.problem.limits.request_per_s
        units = set(ladder(offer, self._wide))
        if wanted is not None and len(good):
            table = option.table
            sure = sure_rate(table.request_per_s[good], table.rate_sd[good], self.problem)
            needed = np.ceil(np.ceil(wanted / sure - 1e-9) * table.devices[good] / offer.unit_devices - 1e-9)
            units |= {int(needed.min()) + more for more in range(MANY)}
        ways = single_ways([count for count in units if 1 <= count <= offer.most], offer)
        return ways, self.cost(ways, (offer, offer))

    def started(self, number: int, rows: Index) -> tuple[Ways, Array]:
        """Ways of a pair, and what its prefill pools start in each. rows: decode rows that count."""
        if number not in self._started:
            pair = self.sides.pairs[number]
            prefill, good = self.sides.options["prefill"][pair.prefill].table, self.prompts(pair)
            ways = self._pair_ways(pair, good, rows)
            self._started[number] = ways, most_started(prefill, good, ways, pair.transfer, self.problem)
        return self._started[number]

    def prompts(self, pair: Pair) -> Index:
        """Prefill rows of a pair that keep the limits alone and may be best."""
        return np.intersect1d(pair.useful, self._prompts[pair.prefill], assume_unique=True)

    def _pair_ways(self, pair: Pair, good: Index, rows: Index) -> Ways:
        own = self.sides.own(pair)
        first, second = self.sides.options["prefill"][pair.prefill], self.sides.options["decode"][pair.decode]
        prefill, decode = first.table, second.table
        wanted = self.problem.limits.request_per_s
        tables = (prefill, decode) if wanted is None else (prefill.pick(good), decode.pick(rows))
        transfer = pair.transfer if wanted is None else pair.transfer[good]
        tried = unit_pairs(tables, own, own[0] is own[1], self._wide, transfer)
        sizes = np.unique(prefill.devices)
        name = (pair.prefill, pair.decode, tuple(tried))
        if wanted is not None:
            return paired_ways(sizes, tried, own)
        return self.sides.kept_ways(name, lambda: paired_ways(sizes, tried, own))

    def cost(self, ways: Ways, offers: tuple[Offer, Offer]) -> Array:
        """What a way costs: chips, or USD for each second; infinite where it may not be, NaN where unknown."""
        made, limits, problem = _held_only(ways), self.problem.limits, self.problem
        chips = total(made, offers, lambda _: 1.0)
        cost = chips
        if self.per == "usd":
            busy = min(offer.terms.load for offer in offers)
            cost = total(made, offers, held("usd_per_hour", 0.5)) / (busy * SECONDS_PER_HOUR)
            cost = np.where(np.isfinite(cost), cost, np.nan)
        good = np.ones(len(ways), dtype=np.bool_)
        if limits.chips is not None:
            good &= chips <= limits.chips
        confidence = problem.confidence if problem.intervals else 0.5
        for name in _HELD:
            most = getattr(limits, name)
            if most is not None:
                good &= sure_total(made, offers, name, confidence) <= most * ROOM
        return np.where(good, cost, np.inf)

    # The front

    def picks(self) -> tuple[Pick, ...]:
        """The front over tokens a second and user and tokens per cost, slowest first."""
        return self._looked_up() if self.exact else self._searched()

    def _looked_up(self) -> tuple[Pick, ...]:
        rows = [np.flatnonzero(half.value) for half in self.halves]
        which = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
        row = np.concatenate([np.zeros(0, dtype=np.intp), *rows])
        tpot = np.concatenate(
            [np.zeros(0), *(h.option.table.tpot_s[r] for h, r in zip(self.halves, rows, strict=True))]
        )
        value = np.concatenate([np.zeros(0), *(h.value[r] for h, r in zip(self.halves, rows, strict=True))])
        leads = np.flatnonzero(front(np.stack([rounded(tpot), rounded(-value)], axis=1)))
        found: list[tuple[float, Pick]] = []
        for at, half in enumerate(self.halves):
            own = row[leads[which[leads] == at]]
            for number in np.unique(half.partner[own]):
                group = self._group(half, own[half.partner[own] == number], int(number))
                found += [(float(group.candidates.tpot_s[i]), Pick(group, i)) for i in range(len(group.candidates))]
        return tuple(pick for _, pick in sorted(found, key=lambda one: -one[0]))

    def _group(self, half: Half, rows: Index, number: int) -> Group:
        """Candidates of rows with one partner."""
        if number < 0:
            ways, cost = self.single(half.option, half.good)
            usable = np.flatnonzero(np.isfinite(cost))
            made = best_single(half.option.table, rows, ways.pick(usable), cost[usable], self.problem, self.most)
            options: tuple[Option, ...] = (half.option,)
        else:
            pair = self.sides.pairs[number]
            first = self.sides.options["prefill"][pair.prefill]
            ways, started = self.started(number, half.good)
            made = best_pairs(
                (first.table, half.option.table), (self.prompts(pair), rows), ways, started,
                self.cost(ways, self.sides.own(pair)), pair.transfer, self.problem, self.most,
            )  # fmt: skip
            options = (first, half.option)
        return Group(options, made, judge(made, tuple(self.sides.offers[one.offer] for one in options), self._wide))

    def _searched(self) -> tuple[Pick, ...]:
        found = search(self._all(), self.sides.offers, self.sides.sends, self._wide, 1).front
        values = np.array([(pick.group.candidates.tpot_s[pick.at], -self.per_cost(pick)) for pick in found])
        leads = np.flatnonzero(front(rounded(values.reshape(-1, 2))))
        return tuple(found[at] for at in leads[np.argsort(-values[leads, 0])])

    def per_cost(self, pick: Pick) -> float:
        """Requests a second over cost of a candidate."""
        made = pick.group.candidates.pick(np.array([pick.at], dtype=np.intp))
        offers = tuple(self.sides.offers[one.offer] for one in pick.group.options)
        if self.per == "chip":
            cost = float(total(made, offers, lambda _: 1.0)[0])
        else:
            busy = min(offer.terms.load for offer in offers)
            cost = float(total(made, offers, held("usd_per_hour", 0.5))[0]) / (busy * SECONDS_PER_HOUR)
        return min(float(made.request_per_s[0]), self.most) / cost

    # Every candidate, for drawing

    @property
    def systems(self) -> tuple[str, ...]:
        """Of each half of :meth:`drawn`."""
        return tuple(half.option.system for half in self.halves)

    def drawn(self) -> tuple[Array, Array, npt.NDArray[np.bool_], Index]:
        """Tokens a second and user, requests a second over cost, whether all limits are kept, and index of the half.

        What breaks a limit stands where it would without limits on latency and rate.
        """
        plain = self._plain()
        x = [1.0 / half.option.table.tpot_s for half in self.halves]
        y = [np.where(half.rate > 0.0, half.value, one) for half, one in zip(self.halves, plain, strict=True)]
        good = [half.rate > 0.0 for half in self.halves]
        of = np.repeat(np.arange(len(self.halves)), [len(half.rate) for half in self.halves])
        none = np.zeros(0)
        return np.concatenate([none, *x]), np.concatenate([none, *y]), np.concatenate([none > 0.0, *good]), of

    def _plain(self) -> list[Array]:
        """What every row gives without limits on latency and rate."""
        if self.per not in self.sides.plain:
            limits = msgspec.structs.replace(self.problem.limits, latencies=(), request_per_s=None)
            free = View(self.sides, msgspec.structs.replace(self.problem, limits=limits), self.per)
            self.sides.plain[self.per] = [half.value for half in free.halves]
        return self.sides.plain[self.per]

    # What the best is among

    def options(self) -> dict[str, list[Option]]:
        """Options with the rows among which the best by the problem's objectives is, in :attr:`offers`."""
        answering = [half.good for half in self.halves]
        prompts = self._prompts
        wanted = self.problem.limits.request_per_s is not None
        if self.exact and self.problem.objectives == (("chips",) if wanted else ("goodput",)):
            answering, prompts = self._fewest() if wanted else self._fastest()
        return self._with(answering, prompts)

    def _all(self) -> dict[str, list[Option]]:
        """Options with the rows that keep the limits by themselves."""
        return self._with([half.good for half in self.halves], self._prompts)

    def _with(self, answering: Sequence[Index], prompts: Sequence[Index]) -> dict[str, list[Option]]:
        alone = len(self.sides.options["serve"])
        kept = [_kept(half.option, rows) for half, rows in zip(self.halves, answering, strict=True)]
        asking = [_kept(one, rows) for one, rows in zip(self.sides.options["prefill"], prompts, strict=True)]
        return {"serve": kept[:alone], "prefill": asking, "decode": kept[alone:]}

    def _fastest(self) -> tuple[list[Index], list[Index]]:
        """Rows that answer and that prompt which may serve as much as any, or as good as."""
        rates = [half.rate[half.good] for half in self.halves]
        least = max((float(rate.max()) for rate in rates if len(rate)), default=0.0) * _SLACK
        kept = [half.good[(rate >= least) & (rate > 0.0)] for half, rate in zip(self.halves, rates, strict=True)]
        return kept, self._prompting(kept, least, None)

    def _fewest(self) -> tuple[list[Index], list[Index]]:
        """Rows that answer and that prompt which may serve the wanted rate on the fewest chips."""
        alone = len(self.sides.options["serve"])
        counts = []
        for half in self.halves[:alone]:
            ways, cost = self.single(half.option, half.good)
            chips = self._chips(ways, cost, half.option.offer, half.option.offer)
            counts.append(least_cost(half.option.table, half.good, ways, None, chips, self.problem))
        counts += [np.full(len(half.good), np.inf) for half in self.halves[alone:]]
        for number, pair in enumerate(self.sides.pairs):
            half = self.halves[alone + pair.decode]
            if len(half.good):
                ways, started, chips = self._pair_chips(number, half.good)
                own = least_cost(half.option.table, half.good, ways, started, chips, self.problem)
                np.minimum(counts[alone + pair.decode], own, out=counts[alone + pair.decode])
        fewest = min((float(count.min()) for count in counts if len(count)), default=np.inf)
        if np.isfinite(fewest):
            self.offers = tuple(
                replace(one, most=min(one.most, int(fewest // one.unit_chips))) for one in self.sides.offers
            )
        kept = [
            half.good[np.isfinite(count) & (count <= fewest)] for half, count in zip(self.halves, counts, strict=True)
        ]
        return kept, self._prompting(kept, self.problem.limits.request_per_s or 0.0, fewest)

    def _chips(self, ways: Ways, cost: Array, first: int, second: int) -> Array:
        """Chips of ways that may be."""
        chips = total(_held_only(ways), (self.sides.offers[first], self.sides.offers[second]), lambda _: 1.0)
        return np.where(np.isinf(cost), np.inf, chips)

    def _pair_chips(self, number: int, rows: Index) -> tuple[Ways, Array, Array]:
        """Ways of a pair, what they start, and their chips."""
        pair = self.sides.pairs[number]
        ways, started = self.started(number, rows)
        first, second = self.sides.options["prefill"][pair.prefill], self.sides.options["decode"][pair.decode]
        return ways, started, self._chips(ways, self.cost(ways, self.sides.own(pair)), first.offer, second.offer)

    def _prompting(self, kept: Sequence[Index], least: float, chips: float | None) -> list[Index]:
        """Prefill rows that may start so much for the rows kept. chips: of the ways that count, all if None."""
        alone = len(self.sides.options["serve"])
        prompts = [rows[:0] for rows in self._prompts]
        for number, pair in enumerate(self.sides.pairs):
            if len(kept[alone + pair.decode]):
                ways, started, held_ones = self._pair_chips(number, self.halves[alone + pair.decode].good)
                good = (started >= least) & (True if chips is None else held_ones <= chips)
                able = self._able(pair, ways.pick(np.flatnonzero(good)), least)
                prompts[pair.prefill] = np.union1d(prompts[pair.prefill], able)
        return prompts

    def _able(self, pair: Pair, ways: Ways, least: float) -> Index:
        """Prefill rows that may start so much in one of the ways."""
        table, rows = self.sides.options["prefill"][pair.prefill].table, self.prompts(pair)
        many = np.zeros(len(rows))
        for size in np.unique(ways.size):
            many[table.devices[rows] == size] = ways.many[ways.size == size].max()
        return rows[many * table.request_per_s[rows] * self.problem.max_load >= least]


def _kept(option: Option, rows: Index) -> Option:
    return replace(option, table=option.table.pick(rows))


def _free(cost: Array) -> Array:
    """One for every way that may be."""
    return np.where(np.isinf(cost), np.inf, 1.0)


def _held_only(ways: Ways) -> Candidates:
    """Candidates of which only the units held are known."""
    none, no = np.zeros(len(ways)), np.zeros(len(ways), dtype=np.intp)
    many = np.zeros((3, len(ways)))
    return Candidates(
        no, no, none, none, ways.units, ways.other_units, none, none, none, many, none, none, many, none
    )  # fmt: skip
