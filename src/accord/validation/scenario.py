"""Measured runs that no steady state describes, as what a simulator is asked.

Three kinds of rows are simulated; nothing here looks at a source, a title or an id.

===================  ================================================================================================
a run of a stated    ``num_requests`` at ``request_rate``: every metric of the row's requests. The lengths of such a
number of requests   load are taken as constant, and few prompts as sent in turn, which is what load generators do;
                     times are those of a client
a flood              phase ``offline`` with ``concurrency`` requests submitted at once: it has a beginning and an end
a wait under a rate  ``ttft_*`` at a ``request_rate``: a queue grows and shrinks, near saturation for as long as it is
                     watched; other metrics at a rate are those of a steady state
===================  ================================================================================================

Lengths of floods and of waits are constant where the row states whole numbers, as loads with nominal lengths do. A
mean with a fraction is one of texts, whose lengths are taken as exponential, prompts and answers for themselves. A
closed loop (``serve`` with ``concurrency``) is a steady state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec
import numpy as np

from accord.base.array import Array
from accord.base.streams import stream
from accord.inference.request import EstimateRequest
from accord.validation.machines import Lookup
from accord.validation.predict import question_of
from accord.validation.rows import Row
from accord.workloads.request import Ints, Workload

Law = Literal["constant", "exponential"]
BLOCK_TOKENS = 16
MOST_REQUESTS = 10_000  # of a run whose number of requests is not stated
LENGTH_S = 600.0  # of such a run: the least that MLPerf asks of one (MLCommons inference rules, "min_duration")
CENSORED = re.compile(r"right-censored.*?([0-9]+(?:\.[0-9]+)?) s client timeout")
PATIENCES = 4.0  # length of a run cut by its users' patience, in units of it: long enough to forget its beginning


@dataclass(frozen=True, slots=True)
class Load:
    """Requests of a measured run.

    count: how many; per_s: Poisson arrivals, so many within ``count / per_s``; 0 for all at once
    prompt, answer: mean lengths [token]; law: of both
    patience_s: a request not finished so long after its arrival is cancelled
    distinct: prompts that are sent in turn, again and again; 0 where each is new, None where nobody says
    client: times were taken by a client of the engine's server, not in the engine
    """

    count: int
    per_s: float
    prompt: float
    answer: float
    law: Law
    patience_s: float = float("inf")
    distinct: int | None = 0
    client: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A deployment under a load. request: its system is one of the catalog, its layout is stated.

    max_num_seqs, max_num_batched_tokens: arguments of the engine, None for its defaults
    assumed: what the row left out
    """

    request: EstimateRequest
    load: Load
    max_num_seqs: int | None
    max_num_batched_tokens: int | None
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """A number with its interval."""

    value: float
    low: float
    high: float


class Simulator(Protocol):
    """Scenarios to numbers."""

    def simulate(self, scenario: Scenario) -> Mapping[str, Between]:
        """Metrics by name. Raises AccordError where the deployment cannot serve the load."""


def scenario_of(row: Row, lookup: Lookup) -> Scenario | None:
    """What a row asks of the simulator, None where a steady state answers. Raises AccordError as the estimate does."""
    load = _kind(row)
    asked = question_of(row, lookup) if load else None
    if load is None or asked is None:
        return None
    request, assumed = asked
    done = lookup.estimate(request)
    layout, plan = next(iter(done.layouts.values())), next(iter(done.plans.values()))
    if request.disaggregated:
        return None
    return Scenario(
        msgspec.structs.replace(request, tp=layout.tp, pp=layout.pp, dp=layout.dp, ep=layout.ep),
        _load(row, load, float(plan.isl[0]), float(plan.osl[0])),
        row.count("max_num_seqs"),
        row.count("max_num_batched_tokens"),
        (*assumed, *done.assumed, *_unsaid(row, load)),
    )


def patience_of(row: Row) -> float | None:
    """Seconds after which requests of a censored run are missing from what was measured, None for a whole one."""
    found = CENSORED.search(row.text.get("notes", ""))
    return float(found.group(1)) if found else None


def _kind(row: Row) -> str | None:
    metric, phase = row.text["metric"], row.text["phase"]
    if phase == "serve" and row.number("request_rate"):
        if row.count("num_requests"):
            return "run"
        return "wait" if metric.startswith("ttft_") else None
    return "flood" if phase == "offline" and row.number("concurrency") else None


def _load(row: Row, kind: str, prompt: float, answer: float) -> Load:
    """isl, osl of the row, filled where it is silent."""
    rate = row.numbers.get("request_rate", 0.0) if kind != "flood" else 0.0
    count = row.count("num_requests") or round(row.numbers.get("concurrency", 0.0))
    patience = patience_of(row)
    if patience is not None:  # only those that finished are counted
        count = round(PATIENCES * patience * rate)
    if kind == "wait":
        count = max(min(round(LENGTH_S * rate), MOST_REQUESTS), 2)
    law: Law = "constant" if kind == "run" or (prompt.is_integer() and answer.is_integer()) else "exponential"
    return Load(
        count, rate, prompt, answer, law, patience if patience is not None else float("inf"),
        (row.count("distinct_prompts") if kind == "run" else 0), kind == "run",
    )  # fmt: skip


def _unsaid(row: Row, kind: str) -> tuple[str, ...]:
    stated = {
        "arrival": kind == "flood" or row.text.get("arrival", "").startswith("poisson"),
        "output_law": "output_law" in row.text,
        "num_requests": kind != "wait",
        "distinct_prompts": kind != "run" or "distinct_prompts" in row.numbers,
    }
    return tuple(name for name, known in stated.items() if not known)


def workload_of(load: Load, seed: int) -> Workload:
    """Requests of a load. seed: of arrivals, and of the order of lengths."""
    count = load.count
    arrival_s = np.zeros(count)
    if load.per_s > 0.0:
        arrival_s = np.sort(stream(seed, "arrivals").random(count)) * count / load.per_s
    prompts = _lengths(load.law, load.prompt, load.distinct or count, seed, "prompts")
    prompt = prompts[np.arange(count) % len(prompts)]
    blocks = prompt // BLOCK_TOKENS if load.distinct else np.zeros(count, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(blocks)]).astype(np.int64)
    which = np.repeat(np.arange(count) % len(prompts), blocks)
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], blocks)
    return Workload(
        name="measured run",
        arrival_s=arrival_s,
        prompt=prompt,
        answer=_lengths(load.law, load.answer, count, seed, "answers"),
        patience_s=np.full(count, load.patience_s),
        hashes=which * (int(prompt.max()) + 1) + place,
        starts=starts,
        block_tokens=BLOCK_TOKENS if starts[-1] else 0,
    )


def _lengths(law: Law, mean: float, count: int, seed: int, name: str) -> Ints:
    """Lengths whose mean is met: evenly spaced quantiles of the law in random order."""
    if law == "constant":
        return np.full(count, max(round(mean), 1), dtype=np.int64)
    share = (np.arange(count) + 0.5) / count
    length: Array = -np.log1p(-share)
    whole = np.maximum(np.round(length * mean / length.mean()), 1.0).astype(np.int64)
    return np.asarray(stream(seed, name).permutation(whole), dtype=np.int64)
