"""Iterations of running engines as rows: what logs of requests and of the engine say about single steps.

A window of some seconds gives a mean iteration: seconds over iterations, which are the tokens that decoding requests
got over the number of those requests. Beside it stand what that number, their context, the prompts that got a first
token and the iterations these need at least: one for each moment at which first tokens came, and one for each budget
of tokens. The rest of the iterations had no prompt tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from accord.base.array import Array, array
from accord.hardware.derate import Efficiency
from accord.inference.complete import Assumed, formats_for
from accord.parallel.plan import Setting, deployments
from accord.step.mixed import Load, mixed_step, plain_step
from accord.validation.machines import Lookup
from accord.validation.predict import Prediction
from accord.validation.rows import Row, read_rows, request_of, version_of

METRIC = "mean_iteration_s"
TABLE = Path(__file__).with_name("iterations.csv")
LEAST_ITERATIONS = 20.0
FULL_PCT = 90.0  # of the cache, from which requests may be pushed out
APART_S = 3e-3  # first tokens nearer than this came from one iteration
COLUMNS = ("mixed", "tokens", "prompts", "attended")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of an engine's time; means are over its iterations.

    seconds: of the mean iteration; batch: requests that decode; context: entries each of them has cached
    mixed: share of iterations with prompt tokens; tokens, prompts: in such an iteration, all groups together
    attended: entries a prompt token sees
    """

    start_s: float
    length_s: float
    seconds: float
    batch: float
    context: float
    mixed: float
    tokens: float
    prompts: float
    attended: float


def windows(
    requests: Sequence[Mapping[str, float]], series: Sequence[Mapping[str, float]], *, budget: float, length: int,
    cache_tokens: float | None = None,
) -> Iterator[Window]:  # fmt: skip
    """Windows of ``length`` samples of the engine's state in which something decodes throughout.

    requests: queued_ts, first_token_ts, last_token_ts [s], input_toks, output_toks; series: t [s], gen_throughput
    [token/s], running and kv_cache_pct, one a second; budget: tokens of an iteration
    cache_tokens: what a full cache holds; without it contexts grow evenly between first and last tokens
    """
    queued, first, last, prompt, answer = (
        array([float(row[name]) for row in requests])
        for name in ("queued_ts", "first_token_ts", "last_token_ts", "input_toks", "output_toks")
    )
    origin = float(queued.min())
    for at in range(1, len(series) - length + 1, length):
        part = series[at : at + length]
        begin, end = float(series[at - 1]["t"]), float(part[-1]["t"])
        moments = origin + np.linspace(begin, end, 41)[:, None]
        on = (first <= moments) & (moments < last)
        full = max(sample["kv_cache_pct"] for sample in part) > FULL_PCT
        if min(sample["running"] for sample in part) < 1 or (
            full and _resumes(series[at - 1 : at + length], first, last, origin)
        ):
            continue
        samples = np.array([sample["running"] for sample in series[at - 1 : at + length]])
        running = float((samples[1:] + samples[:-1]).mean() / 2.0) if full else float(on.sum(1).mean())
        came = (first > origin + begin) & (first <= origin + end)
        decoded = sum(float(sample["gen_throughput"]) for sample in part) - float(came.sum())
        iterations = decoded / running
        if iterations < LEAST_ITERATIONS:
            continue
        grown = on * (prompt + answer * (moments - first) / np.maximum(last - first, 1e-9))
        cached = float(grown.sum() / max(on.sum(), 1))
        if cache_tokens is not None:
            cached = float(np.mean([sample["kv_cache_pct"] for sample in part])) / 100.0 * cache_tokens / running
        fresh = float(prompt[came].sum())
        apart = np.diff(np.sort(first[came])) > APART_S
        steps = max(float(apart.sum() + came.any()), fresh / max(budget - running, 1.0))
        steps = min(steps, iterations)
        yield Window(
            begin, end - begin, (end - begin) / iterations, running, cached, steps / iterations,
            fresh / steps if steps else 0.0, float(came.sum()) / steps if steps else 0.0,
            float((prompt[came] ** 2).sum() / 2.0 / fresh) if fresh else 0.0,
        )  # fmt: skip


def _resumes(samples: Sequence[Mapping[str, float]], first: Array, last: Array, origin: float) -> bool:
    """Whether requests that were pushed out came back: their prompts are computed again, and no log says so.

    Requests between first and last token that do not run were pushed out; one may be a prompt in the making.
    """
    times = [origin + float(sample["t"]) for sample in samples]
    out = [
        float(((first <= time) & (time < last)).sum()) - float(sample["running"])
        for time, sample in zip(times, samples, strict=True)
    ]
    return any(later < earlier - 1.0 for earlier, later in pairwise(out))


def window_rows() -> tuple[Row, ...]:
    """The packaged table of windows. Raises TableError where it is broken."""
    return read_rows(TABLE.read_text(encoding="utf-8"), TABLE.name)


def is_window(row: Row) -> bool:
    """Whether a row is of a mean iteration."""
    return row.text["metric"] == METRIC


def predict_window(row: Row, lookup: Lookup) -> Prediction:
    """Mean iteration of a window, by the steps of the cost model: a share with prompt tokens, the rest without.

    Groups of an instance wait for the one with most prompts; experts work on the tokens of all.
    """
    spec = lookup.model(row.text["model"])
    if spec is None or lookup.chip(row.text["chip"]) is None:
        return Prediction(None, "unknown_model" if spec is None else "unknown_chip")
    facts = lookup.facts(row.text.get("system"), row.text["chip"], row.text.get("engine"), version_of(row))
    request = request_of(row)
    formats = formats_for(spec, facts.machine, request, facts.efficiency, Assumed())
    setting = Setting(spec, facts.machine, formats, facts.efficiency)
    ranks = {name: float(row.count(name) or 1) for name in ("tp", "dp", "ep")}
    plan = deployments(**ranks, isl=row.numbers["kv_len"], osl=1.0)
    mixed, tokens, prompts, attended = (float(row.text.get(name, 0.0)) for name in COLUMNS)
    batch = row.numbers["batch_per_device"] * ranks["tp"]
    count = _draws(facts.efficiency)

    def load(share: float) -> Load:
        values = (tokens * share, tokens * share * attended, prompts * share, batch, batch * row.numbers["kv_len"])
        return Load(*(np.full(count, value) for value in values))

    mean = load(1.0 / ranks["dp"])
    plain = plain_step(setting, plan, mean.batch, mean.context).total_s
    if not mixed:
        return Prediction(plain)
    fullest = mixed_step(setting, plan, load(max(1.0, prompts / ranks["dp"]) / max(prompts, 1.0)))
    taken = fullest.total_s - fullest.shared_s + mixed_step(setting, plan, mean).shared_s
    return Prediction((1.0 - mixed) * plain + mixed * np.maximum(taken, plain))


def _draws(efficiency: Efficiency) -> int:
    """How many sets of parameters there are."""
    return max((len(number) for number in efficiency.numbers.values() if isinstance(number, np.ndarray)), default=1)
