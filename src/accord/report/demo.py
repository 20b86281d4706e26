"""The question of ``accord demo``, the records of its answer, and the answer as a plain dict."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from accord.base.source import Basis
from accord.planner.lawful import SystemLaw
from accord.planner.plan import Plan, PoolPlan, Role
from accord.policy.gate import NOT_COVERED
from accord.report.policy_words import DISCLAIMER
from accord.report.to_json import metric
from accord.uncertainty.figure import Figure

ROLES: tuple[Role, ...] = ("prefill", "decode")


class Candidate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system of the question.

    nodes: how many of the catalog's system make one deployment
    engine: a catalog engine; weights: formats to try, the model's own where empty; the faster one is shown
    """

    system: str
    nodes: int
    engine: str
    weights: tuple[str, ...] = ()


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the demo asks, in one place.

    isl, osl: prompt and answer; context: cache entries in the middle of the answer [token]
    tpot_s: limits on the time per output token; ttft_s: limit on the mean time to first token [s]
    mtp_tokens: draft tokens an iteration; max_load: share of what a pool can do that is planned with [1]
    pp: pipeline stages that are tried; feed_w: a power feed [W]; budget_usd: money for machines [USD]
    life, tariff, pue: ``entry.fact`` of the catalog's prices
    buyer, day: country that each maker sends its system to from its own, and ISO date, for the law alone
    """

    model: str
    isl: int
    osl: int
    context: int
    tpot_s: tuple[float, ...]
    ttft_s: float
    mtp_tokens: int
    max_load: float
    pp: tuple[int, ...]
    feed_w: float
    budget_usd: float
    life: tuple[str, str]
    tariff: tuple[str, str]
    pue: tuple[str, str]
    buyer: str
    day: str
    candidates: tuple[Candidate, ...]


QUESTION = Question(
    model="deepseek-r1",
    isl=4096,
    osl=1024,
    context=4096 + 512,
    tpot_s=(0.050, 0.015),
    ttft_s=5.0,
    mtp_tokens=1,
    max_load=0.9,
    pp=(1,),
    feed_w=600e3,
    budget_usd=10e6,
    life=("tco-h100-system", "payback_years"),
    tariff=("world", "electricity_business"),
    pue=("world", "pue_average"),
    buyer="MY",
    day="2025-06-01",
    candidates=(
        Candidate(system="huawei-cloudmatrix-384", nodes=1, engine="cloudmatrix-infer"),
        Candidate(system="nvidia-gb200-nvl72", nodes=1, engine="tensorrt-llm", weights=("fp8", "fp4")),
        Candidate(system="nvidia-hgx-h800-8", nodes=32, engine="deepseek"),
        Candidate(system="nvidia-hgx-h100-8", nodes=32, engine="sglang"),
    ),
)


class Measure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number with its interval, in ``unit``."""

    value: float
    unit: str
    low: float
    high: float
    basis: Basis = "derived"


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The best deployment of one system under one limit.

    tpot_limit_s: the limit; plan: None where no layout keeps it at the estimate; weights: format of the experts
    assured_chance: that each limit on a latency is to be kept with; assured: the plan that does so, if any
    """

    tpot_limit_s: float
    weights: str
    plan: Plan | None
    metrics: dict[str, Measure]
    assured_chance: float
    assured: Plan | None
    assured_metrics: dict[str, Measure]

    def chance(self, latency: str) -> float | None:
        """Chance that ``tpot`` or ``ttft`` keeps its limit; None without a plan."""
        checks = self.plan.checks if self.plan else ()
        return next((check.chance for check in checks if check.name == latency), None)


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one part of an answer rests on, its basis, and words; disputed: sources disagree on the chip's figure."""

    part: str
    basis: Basis
    words: str
    disputed: bool = False


class SystemPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system's answer.

    name: short, for headings; power [W], price [USD]: of all nodes, None where nobody states them
    layouts: prefill and decode layouts at a load that were looked at
    seller: country of the maker; law: what export control says of sending it, None where the maker is not known
    """

    id: str
    name: str
    nodes: int
    chips: int
    devices_per_chip: int
    engine: str
    formats: dict[str, str]
    power: Figure | None
    price: Figure | None
    plans: tuple[Chosen, ...]
    evidence: tuple[Evidence, ...]
    layouts: int
    seller: str | None = None
    law: SystemLaw | None = None


class Costs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is the same for all systems: years of use [year], tariff [USD/kWh], PUE [1]."""

    life: Figure
    tariff: Figure
    pue: Figure


def result_dict(answers: tuple[SystemPlan, ...], question: Question) -> dict[str, object]:
    """The verb's ``result``; ``metrics`` are those of the first system under the first limit."""
    first = answers[0].plans[0]
    return {
        "metrics": _metrics(first.metrics),
        "systems": [_system(one, question) for one in answers],
        "law": {
            "to": question.buyer,
            "date": question.day,
            "from": {one.id: one.seller for one in answers},
            "not_covered": list(NOT_COVERED),
            "disclaimer": DISCLAIMER.format(day=question.day),
        },
    }


def _metrics(found: Mapping[str, Measure]) -> dict[str, object]:
    return {name: metric(one.value, one.unit, one.low, one.high, one.basis) for name, one in found.items()}


def _system(one: SystemPlan, question: Question) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "nodes": one.nodes,
        "chips": one.chips,
        "engine": one.engine,
        "formats": one.formats,
        "power": _figure(one.power),
        "price": _figure(one.price),
        "within_feed": None if one.power is None else one.power.value <= question.feed_w,
        "systems_in_feed": fitting(question.feed_w, one.power),
        "systems_in_budget": fitting(question.budget_usd, one.price),
        "layouts": one.layouts,
        "law": None if one.law is None else {**msgspec.to_builtins(one.law), "mode": one.law.mode},
        "evidence": [msgspec.structs.asdict(part) for part in one.evidence],
        "slo": [_chosen(plan, one) for plan in one.plans],
    }


def fitting(limit: float, each: Figure | None) -> int | None:
    """Whole systems under a limit, at the chosen claim."""
    return None if each is None else int(limit // each.value)


def _figure(one: Figure | None) -> dict[str, object] | None:
    if one is None:
        return None
    return {**metric(one.value, one.unit, *one.band(), one.basis), "sources": list(one.sources)}


def _chosen(one: Chosen, system: SystemPlan) -> dict[str, object]:
    plan = one.plan
    return {
        "tpot_limit_s": one.tpot_limit_s,
        "feasible": plan is not None,
        "weights": one.weights,
        "chance": one.chance("tpot"),
        "chance_ttft": one.chance("ttft"),
        **_pools(plan),
        "idle_devices": idle_devices(plan, system) if plan else None,
        "metrics": _metrics(one.metrics),
        "unknown": list(plan.unknown) if plan else [],
        "law": plan.law if plan else None,
        "assured": {
            "chance": one.assured_chance,
            "feasible": one.assured is not None,
            "weights": one.assured.pools[0].weights if one.assured else None,
            **_pools(one.assured),
            "metrics": _metrics(one.assured_metrics),
        },
    }


def idle_devices(plan: Plan, system: SystemPlan) -> int:
    """Devices of a system that are in no instance."""
    return system.chips * system.devices_per_chip - sum(pool.devices * pool.instances for pool in plan.pools)


def _pools(plan: Plan | None) -> dict[str, object]:
    return {role: _pool(plan, plan.pool(role)) if plan else None for role in ROLES}


def _pool(plan: Plan, pool: PoolPlan | None) -> dict[str, object] | None:
    if pool is None:
        return None
    return {
        "tp": pool.tp,
        "pp": pool.pp,
        "dp": pool.dp,
        "ep": pool.ep,
        "devices": pool.devices,
        "instances": pool.instances,
        "load_per_device": load_per_device(pool),
        "microbatches": pool.microbatches,
        "request_per_s": pool.request_per_s,
        "tokens_per_s_per_device": tokens_per_s_per_device(plan, pool),
        "memory_bytes": pool.memory_bytes,
        "capacity_bytes": pool.capacity_bytes,
    }


def load_per_device(pool: PoolPlan) -> float:
    """Requests in flight (decode) or prompt tokens of a step (prefill) on a device."""
    return pool.tokens_per_device if pool.role == "prefill" else pool.batch_per_device


def tokens_per_s_per_device(plan: Plan, pool: PoolPlan) -> float:
    """Prompt tokens (prefill) or output tokens (decode) of a device at the most its pool can do [tok/s]."""
    tokens = plan.isl if pool.role == "prefill" else plan.osl
    return pool.request_per_s * tokens / (pool.devices * pool.instances)
