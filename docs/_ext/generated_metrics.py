"""Metrics and units: names from answers given while the site is built, words from here; none may lack words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import cast

import words

from accord.api import (
    EstimateRequest,
    Limit,
    Limits,
    Problem,
    Scenario,
    SimulateRequest,
    TrainAsk,
    TrainRequest,
    estimate_answer,
    load_catalog,
    profile_workload,
    simulate_deployment,
    train_answer,
)
from accord.api.plan import plan
from accord.base.units import CURRENCIES, known_units
from accord.report.simulate_view import unit_of

Named = Iterator[tuple[str, str, str]]
MODEL, SYSTEM = "deepseek-v3", "nvidia-gb200-nvl72"
_PERCENTILE = re.compile(r"_(p\d+|mean|max)(?=_|$)")
WORDS: Mapping[str, str] = {
    "ttft_s": "time to first token", "tpot_s": "time per output token after the first",
    "e2el_s": "time to the last token", "e2e_s": "time to the last token", "itl_s": "gap between two tokens",
    "queue_s": "time a request waits before it is taken up", "iteration_s": "one decode iteration",
    "step_s": "one step: of prefill, or of training", "layer_s": "one decoder layer",
    "microbatches": "microbatches of an iteration", "request_per_s": "requests completed a second",
    "offered_request_per_s": "requests that arrive a second", "running": "requests that decode at once",
    "waiting": "requests that wait", "in_flight": "requests that are there, waiting or running",
    "output_token_per_s_total": "answer tokens a second, whole deployment",
    "output_token_per_s_per_chip": "answer tokens a second, by chip",
    "output_token_per_s_per_user": "answer tokens a second of one request",
    "input_token_per_s_total": "prompt tokens a second, whole deployment",
    "input_token_per_s_per_chip": "prompt tokens a second by chip, cache hits included",
    "total_token_per_s_per_chip": "prompt and answer tokens a second, by chip",
    "decode_token_per_s_per_chip": "tokens a second by chip of a decode pool",
    "prefill_token_per_s_per_chip": "tokens a second by chip of a prefill pool",
    "chips": "packages held", "racks": "racks held", "power_w": "power at the racks",
    "power_at_meter_w": "power at the meter", "capex_usd": "capital", "usd_per_hour": "cost of an hour of all chips",
    "usd_per_million_output_tokens": "cost of a million answer tokens, prompts included",
    "usd_per_million_tokens": "cost of a million tokens of prompts and answers",
    "usd_per_output_token": "cost of one answer token, prompts included", "cost_usd": "cost of the whole run",
    "energy_j_per_output_token": "energy of one answer token at the racks",
    "j_per_output_token": "energy of one answer token at the racks", "output_token_per_j": "answer tokens of a joule",
    "energy_j": "energy of the run at the racks", "energy_kwh": "energy of the run at the racks",
    "energy_at_meter_kwh": "energy of the run at the meter", "co2_kg": "emissions of the run",
    "kgco2_per_million_output_tokens": "emissions of a million answer tokens",
    "requests": "requests of the workload", "not_arrived": "requests that had not arrived at the end",
    "completed": "requests that ended", "failed": "requests that were lost",
    "cancelled": "requests that users gave up", "unfinished": "requests still there at the end",
    "preemptions": "requests that lost their memory to others", "restarts": "requests that began again",
    "makespan_s": "from the first arrival to the last end", "window_s": "time over which rates are taken",
    "kv_occupancy": "share of the cache's memory in use", "instances": "instances that were up",
    "utilization": "share of the time that instances computed",
    "cache_hit_ratio": "share of prompt tokens found in the cache",
    "tokens_per_s_total": "tokens trained a second", "tokens_per_s_per_chip": "tokens trained a second, by chip",
    "model_flop_per_s_per_chip": "FLOP of the model a second, by chip",
    "hardware_flop_per_s_per_chip": "FLOP done a second by chip, what is computed again included",
    "mfu": "model FLOP over the dense BF16 peak", "hfu": "FLOP done over the dense BF16 peak",
    "mfu_own_peak": "model FLOP over the dense peak of the format used", "steps": "steps of the run",
    "run_s": "time in steps", "effective_training_time": "share of the days in which steps are made that count",
    "days": "days from start to end", "chip_hours": "chips times hours", "interruptions": "interruptions of the run",
    "mttf_s": "mean time between interruptions",
}  # fmt: skip


def metrics() -> str:
    """A table of every metric: name, unit, the verbs that give it, what it is."""
    found: dict[str, tuple[str, list[str]]] = {}
    for verb, name, unit in (*_estimates(), *_plans(), *_simulated(), *_trained()):
        verbs = found.setdefault(name, (unit, []))[1]
        if verb not in verbs:
            verbs.append(verb)
    rows = [
        (f"`{name}`", words.escaped(unit), ", ".join(verbs), words.escaped(_told(name)))
        for name, (unit, verbs) in sorted(found.items())
    ]
    return words.table(("name", "unit", "verbs", "what it is"), rows)


def _told(name: str) -> str:
    part = _PERCENTILE.search(name)
    plain = _PERCENTILE.sub("", name)
    of = {"mean": "mean", "max": "most at once"}
    return f"{WORDS[plain]}, {of.get(part[1], part[1])}" if part else WORDS[plain]


def _estimates() -> Named:
    for request in (
        EstimateRequest(model=MODEL, system=SYSTEM, phase="decode", chips=16, batch_per_device=8, kv_len=4096),
        EstimateRequest(model=MODEL, system=SYSTEM, phase="prefill", chips=8, tokens_per_device=4096, isl=4096),
        EstimateRequest(model=MODEL, system=SYSTEM, phase="serve", chips=16, concurrency=64, isl=4096, osl=1024),
    ):
        result = cast("Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]", estimate_answer([request]).result)
        yield from (("estimate", name, one["unit"]) for name, one in _metrics(result))


def _metrics(tree: object) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Numbers with a unit below ``metrics``, at any depth."""
    if isinstance(tree, Mapping):
        for name, inner in tree.items():
            if isinstance(inner, Mapping) and "unit" in inner and "value" in inner:
                yield str(name), inner
            else:
                yield from _metrics(inner)


def _plans() -> Named:
    limits = Limits(latencies=(Limit(latency="tpot", limit_s=0.05),))
    problem = Problem(model=MODEL, systems=(SYSTEM,), isl=4096, osl=1024, limits=limits, objectives=("cost", "carbon"))
    found = plan(problem, scenario=Scenario(country="SG", year=2026, mode="own", pue=1.3))
    yield from (("plan", name, one.unit) for name, one in found.plans[0].metrics.items())


def _simulated() -> Named:
    deployment = EstimateRequest(model="qwen3-32b", system="nvidia-hgx-h200-8", chips=2, tp=2)
    traffic = profile_workload(load_catalog(), "chat", 1.0, duration=30.0)
    found = simulate_deployment(SimulateRequest(deployment=deployment, bounds=False), traffic)
    yield from (("simulate", name, unit_of(name)) for name in found.combined.metrics)


def _trained() -> Named:
    request = TrainRequest(model=MODEL, system="nvidia-hgx-h100-8", chips=2048, tokens=14.8e12)
    ask = TrainAsk(request=request, scenario=Scenario(country="US", year=2026, mode="own", pue=1.3))
    found = cast("Mapping[str, Mapping[str, str]]", train_answer(ask, load_catalog()).result["metrics"])
    yield from (("train", name, one["unit"]) for name, one in found.items())


def units() -> str:
    """The units that values are kept in."""
    plain = [one for one in known_units() if one.partition("/")[0] not in CURRENCIES]
    money = [one.removeprefix("USD/") for one in known_units() if one.startswith("USD/")]
    return (
        ", ".join(f"`{one}`" for one in plain) + ".\n\nMoney: " + ", ".join(f"`{one}`" for one in CURRENCIES)
        + ", each alone or per " + ", ".join(f"`{one}`" for one in money) + "."
    )  # fmt: skip
