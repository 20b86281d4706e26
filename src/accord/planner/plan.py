"""A plan: pools of equal instances on systems, what they do, what they cost, and how sure that is."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from accord.base.source import Basis

Role = Literal["serve", "prefill", "decode"]
Mode = Literal["aggregated", "disaggregated"]


class Metric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number with its interval at the plan's level, in ``unit``; low and high are None where nothing is known."""

    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    basis: Basis = "derived"


class PoolPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Equal instances that serve prompts, answers or both.

    role: ``serve`` does both; system: catalog id; engine, engine_version: as in a request of an estimate
    weights, kv: number formats of experts (or of all weights) and of the cache
    tp, pp, dp, cp, ep: ranks of one instance, devices: their number (``tp pp dp cp``); instances: of the pool
    batch_per_device: requests in flight on a device (serve, decode), 0 in a prefill pool
    tokens_per_device: prompt tokens of a device and step (prefill), 0 elsewhere
    max_num_batched_tokens: token budget of an iteration of one attention group (serve, prefill)
    max_num_seqs: requests in flight of one attention group, all of its stages, that the plan counts on, rounded up
    redundant_experts: copies beyond one of each expert, over an instance
    microbatches: 1 or 2; mtp_tokens, mtp_accept: drafts and the chance that one is accepted; reuse: share of
        prompts found in the cache
    memory_bytes, capacity_bytes: of the fullest device, as used and as there
    request_per_s: of the whole pool at its most
    """

    role: Role
    system: str
    engine: str
    engine_version: str | None = None
    weights: str
    kv: str
    tp: int
    pp: int = 1
    dp: int = 1
    cp: int = 1
    ep: int = 1
    devices: int
    instances: int
    batch_per_device: float = 0.0
    tokens_per_device: float = 0.0
    max_num_batched_tokens: int = 0
    max_num_seqs: int = 0
    redundant_experts: int = 0
    microbatches: int = 1
    mtp_tokens: int = 0
    mtp_accept: float = 0.0
    reuse: float = 0.0
    memory_bytes: float
    capacity_bytes: float
    request_per_s: float


class Holding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan holds of one system.

    chips: paid for and powered; used: of them in instances; systems: whole ones the chips are taken from
    racks, power_w (at the racks), capex_usd, usd_per_hour (owning or renting, energy included): None where unknown
    """

    system: str
    chip: str
    chips: int
    used: int
    systems: int
    racks: float | None = None
    power_w: float | None = None
    capex_usd: float | None = None
    usd_per_hour: float | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One constraint as this plan keeps it.

    name: such as ``tpot``, ``ttft_p99``, ``goodput``, ``power``, ``budget``; limit, value: in ``unit``
    sense: ``at most`` or ``at least``; chance: that it holds under the estimate's interval
    slack: limit over the value at the wanted confidence (or its inverse), above 1 where there is room
    """

    name: str
    sense: Literal["at most", "at least"]
    limit: float
    value: float
    unit: str
    chance: float
    slack: float


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer.

    id: short hash of what is deployed; model: catalog id or path; isl, osl: prompt and answer [token]
    metrics: by name, SI units: request_per_s, output_token_per_s_total, output_token_per_s_per_chip, tpot_s,
        ttft_s, ttft_p99_s, e2el_s, running, power_w, energy_j_per_output_token, usd_per_million_output_tokens,
        usd_per_million_tokens, usd_per_hour, capex_usd, kgco2_per_million_output_tokens, chips, racks
    checks: every constraint; chance: that all of them hold
    simulated: metrics of the trace or profile, by name, where the plan was simulated
    unknown: what no record speaks of (engine support, price, power), in words
    law: outcome, day and conditions (:meth:`accord.planner.lawful.Lawful.words`), else ``not checked``
    """

    id: str
    model: str
    mode: Mode
    isl: float
    osl: float
    pools: tuple[PoolPlan, ...]
    holdings: tuple[Holding, ...]
    metrics: dict[str, Metric]
    checks: tuple[Check, ...] = ()
    chance: float = 1.0
    simulated: dict[str, Metric] | None = None
    unknown: tuple[str, ...] = ()
    law: str = "not checked"

    @property
    def chips(self) -> int:
        """Packages held in all systems."""
        return sum(one.chips for one in self.holdings)

    def pool(self, role: Role) -> PoolPlan | None:
        """The pool of a role, None where the plan has none."""
        return next((pool for pool in self.pools if pool.role == role), None)


def plan_id(model: str, pools: tuple[PoolPlan, ...], holdings: tuple[Holding, ...]) -> str:
    """Ten hex digits that name what is deployed: model, pools without what is predicted of them, chips held."""
    predicted = ("memory_bytes", "capacity_bytes", "request_per_s")
    deployed = [
        {name: value for name, value in msgspec.structs.asdict(pool).items() if name not in predicted} for pool in pools
    ]
    held = [(one.system, one.chips) for one in holdings]
    return hashlib.sha256(msgspec.json.encode([model, deployed, held], order="sorted")).hexdigest()[:10]
