"""In the board's worker: a request of ``plan`` with its limits -> what the board answers, as an envelope."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import msgspec
import numpy as np

from accord.api.board import Board, Shown
from accord.api.board_sides import Per
from accord.api.plan_law import law_sources
from accord.api.plan_parts import sources_of
from accord.catalog.load import load_catalog
from accord.cli.plan_check import check
from accord.cli.plan_law import asked_law
from accord.cli.plan_question import Question, question
from accord.cli.plan_run import allowed
from accord.cli.plan_settings import given, typed, with_scenario
from accord.planner.compose import Candidates
from accord.planner.figures import metrics_of, timed_values
from accord.planner.judge import PER_MILLION, held_chips
from accord.planner.lawful import Lawful
from accord.planner.plan import Plan
from accord.planner.problem import Limits, Problem
from accord.planner.search import Pick
from accord.report.plan_json import plan_dict
from accord.report.to_json import envelope, to_bytes
from accord.web.board import Ask
from accord.web.verbs import commands

MOST_BOARDS, MOST_ROWS = 3, 1_500_000  # that are kept; a row is about 200 bytes
MOST_POINTS = 1500  # that are drawn of those that keep the limits, and of the others
_LAW = (
    "seller", "buyer", "date", "law", "no_law", "exporter", "consignee", "hq", "facts"
)  # fmt: skip


class Boards:
    """Boards of the latest questions."""

    def __init__(self) -> None:
        """None yet."""
        self._kept: OrderedDict[bytes, Board] = OrderedDict()
        self._laws: OrderedDict[str, Lawful] = OrderedDict()

    def answer(self, ask: Ask) -> bytes:
        """The envelope. Raises what the command line would: AccordError, ClickException."""
        command = commands()["plan"]()
        with command.make_context("plan", list(ask.words)) as context:
            flags = dict(context.params)
            catalog = load_catalog()
            scenario = with_scenario(flags, catalog)
            check(flags, given(scenario), typed())
            asked = question(catalog, flags, scenario, ("goodput",))
        problem, gone = allowed(catalog, asked.problem, flags)
        law = self._law(flags, problem)
        board = self._board(problem, asked, law, flags["date"])
        shown = board.ask(problem.limits, problem.objectives, problem.confidence, ask.per, ask.chosen)
        while len(self._kept) > 1 and sum(one.rows for one in self._kept.values()) > MOST_ROWS:
            self._kept.popitem(last=False)
        stopped = (*gone, *law.stopped(asked.problem.systems))
        warned = (*asked.said, *shown.refused, *(f"{system}: {why}" for system, why in stopped))
        plans = [one for one in (shown.best, shown.chosen) if one is not None]
        sources = [
            *sources_of(catalog, problem.model, plans, [one.terms for one in shown.offers]),
            *law_sources(catalog, (*law.systems, law.model)),
        ]
        body = envelope(
            "plan.board", inputs={"problem": shown.problem, "per": ask.per}, result=board_dict(shown, ask.per),
            sources=sources, warnings=warned, catalog_digest=catalog.digest,
        )  # fmt: skip
        return to_bytes(body, indent=0)

    def _law(self, flags: Mapping[str, Any], problem: Problem) -> Lawful:
        name = repr((problem.systems, problem.model, [flags[one] for one in _LAW]))
        if name not in self._laws:
            self._laws[name] = asked_law(load_catalog(), flags, problem.systems, problem.model)
            while len(self._laws) > MOST_BOARDS:
                self._laws.popitem(last=False)
        return self._laws[name]

    def _board(self, problem: Problem, asked: Question, law: Lawful, day: str | None) -> Board:
        """The board of a question, whatever its limits."""
        plain = msgspec.structs.replace(problem, limits=Limits(), objectives=("goodput",), confidence=0.9)
        name = repr((plain, asked.scenario, law, day)).encode()
        if name not in self._kept:
            self._kept[name] = Board(plain, scenario=asked.scenario, day=day, law=law)
            while len(self._kept) > MOST_BOARDS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name]


# The result


def board_dict(shown: Shown, per: Per) -> dict[str, object]:
    """What a board answers, in JSON."""
    systems = list(shown.problem.systems)
    return {
        "candidates": shown.candidates, "feasible": shown.feasible, "rejected": dict(shown.rejected.most_common()),
        "per": per, "priced": shown.priced == 0, "priced_s": round(shown.priced_s, 3), "systems": systems,
        "front": [_point(pick, shown, per) for pick in shown.front], "points": _points(shown, systems),
        "best": _plan(shown.best), "chosen": _plan(shown.chosen),
    }  # fmt: skip


def _plan(plan: Plan | None) -> dict[str, object] | None:
    return None if plan is None else plan_dict(plan)


def _points(shown: Shown, systems: Sequence[str]) -> dict[str, object]:
    """A sample of candidates for drawing: where they stand, with the limits or, of those that break one, without."""
    x, y, good, system = shown.view.drawn()
    place = np.array([systems.index(one) for one in shown.view.systems], dtype=np.intp)
    kept = np.concatenate([_few(np.flatnonzero(good & (y > 0.0))), _few(np.flatnonzero(~good & (y > 0.0)))])
    return {
        "x": [_short(one) for one in x[kept].tolist()],
        "y": [_short(one) for one in (y[kept] * shown.problem.osl).tolist()],
        "feasible": good[kept].tolist(), "system": place[system[kept]].tolist(),
    }  # fmt: skip


def _few(index: np.ndarray[tuple[int], np.dtype[np.intp]]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    if len(index) <= MOST_POINTS:
        return index
    return index[np.linspace(0, len(index) - 1, MOST_POINTS).astype(np.intp)]


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def _point(pick: Pick, shown: Shown, per: Per) -> dict[str, object]:
    problem, options = shown.problem, pick.group.options
    made = pick.group.candidates.pick(np.array([pick.at], dtype=np.intp))
    offers = tuple(shown.offers[option.offer] for option in options)
    chips = float(held_chips(made, offers)[0])
    x, y = 1.0 / float(made.tpot_s[0]), float(made.request_per_s[0]) * problem.osl / chips
    z = NormalDist().inv_cdf(0.5 + problem.level / 2.0) if problem.intervals else 0.0
    wide, tall = math.exp(z * float(made.tpot_sd[0])), math.exp(z * float(made.rate_sd[0]))
    low, high = y / tall, y * tall
    if per == "usd":
        cost = metrics_of(timed_values(made, problem), offers, made, problem)["usd_per_million_output_tokens"]
        y = PER_MILLION / cost.value
        low = PER_MILLION / (cost.high or cost.value)
        high = PER_MILLION / (cost.low or cost.value)
    found: dict[str, object] = {
        "x": x, "x_low": x / wide, "x_high": x * wide, "y": y, "y_low": low, "y_high": high,
        "system": " + ".join(dict.fromkeys(option.system for option in options)),
        "layout": " + ".join(_words(pick, made, at) for at in range(len(options))), "chips": int(chips),
        "plan": _request(pick, made, shown),
    }  # fmt: skip
    return found


def _words(pick: Pick, made: Candidates, at: int) -> str:
    """A pool in short: ``8 x TP1 DP32 EP32``."""
    table = pick.group.options[at].table
    row, many = (made.first, made.second)[at][0], (made.many, made.others)[at][0]
    ranks = {name: int(getattr(table, name)[row]) for name in ("tp", "pp", "dp", "cp", "ep")}
    words = [f"{name.upper()}{count}" for name, count in ranks.items() if count > 1 or name == "tp"]
    return f"{int(many)} x {' '.join(words)}"


def _request(pick: Pick, made: Candidates, shown: Shown) -> dict[str, object]:
    """Fields of a request to ``plan`` that leave this layout and load, and the chips it holds."""
    options, problem = pick.group.options, shown.problem
    rows = (int(made.first[0]), int(made.second[0]))[: len(options)]
    found: dict[str, object] = {
        "model": problem.model, "system": list(dict.fromkeys(option.system for option in options)),
        "isl": problem.isl, "osl": problem.osl,
        "mode": ["aggregated" if len(options) == 1 else "disaggregated"],
        "engine": list(dict.fromkeys(option.engine for option in options)),
        "weights": list(dict.fromkeys(option.weights for option in options)),
        "kv": list(dict.fromkeys(option.kv for option in options)),
    }  # fmt: skip
    for name in ("tp", "pp", "dp", "cp", "ep"):
        counts = [int(getattr(option.table, name)[row]) for option, row in zip(options, rows, strict=True)]
        found[name] = sorted(set(counts))
    last = options[-1].table
    found["batch"] = [int(last.load[rows[-1]])]
    if len(options) == 1:
        found["max_num_batched_tokens"] = [int(last.budget[rows[0]])]
    found["mtp_tokens"] = [int(last.mtp[rows[-1]])]
    return found
