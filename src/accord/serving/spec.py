"""What is simulated: pools of equal instances, and the rules by which they serve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from accord.serving.timer import StepTimer

Role = Literal["both", "prefill", "decode"]
INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class Pool:
    """Equal instances of an engine.

    role: ``both`` phases, or one of them; instances: at the start
    groups: attention groups of one instance, which step together and hold requests of their own
    timer: seconds of an instance's iterations
    kv_tokens: cache of one group [token]; block_tokens: tokens of a block; watermark: share of the blocks that
        stays free when a waiting request is admitted
    max_seqs, token_budget: requests of one group, and tokens of one group and iteration
    bytes_per_token: cache of a token over all ranks of its group [B]
    egress_bytes_per_s, ingress_bytes_per_s: one instance onto and from the plane that carries caches
    stream_bytes_per_s: most that one transfer reaches, over the links of one group
    latency_s: of a transfer; chips: of one instance; load_s: from start or failure until it serves, weights read
        and warmed up; cold: instances load at the start instead of serving at once
    mtp_tokens, accept: drafts an iteration, and the chance that one is accepted after the one before it
    prefix_cache: blocks of finished requests stay until their room is needed
    own_reuse: a preempted request finds again what is left of its own blocks
    must_fit: a prompt is admitted only where all of it has room, though it takes blocks chunk by chunk
    mtbf_s, repair_s: mean times of one instance, in place of those of the rules
    """

    name: str
    role: Role
    instances: int
    timer: StepTimer
    kv_tokens: int
    max_seqs: int
    token_budget: int
    groups: int = 1
    block_tokens: int = 16
    watermark: float = 0.0
    bytes_per_token: float = 0.0
    egress_bytes_per_s: float = INFINITE
    ingress_bytes_per_s: float = INFINITE
    stream_bytes_per_s: float = INFINITE
    latency_s: float = 0.0
    chips: float = 1.0
    load_s: float = 0.0
    cold: bool = False
    mtp_tokens: int = 0
    accept: float = 0.0
    prefix_cache: bool = True
    must_fit: bool = False
    own_reuse: bool = False
    mtbf_s: float | None = None
    repair_s: float | None = None


@dataclass(frozen=True, slots=True)
class PooledCache:
    """Cache in pooled host memory that every prefill instance reaches (EMS).

    capacity_tokens: before the least recently used blocks go; bytes_per_token: as stored
    bytes_per_s: of one instance to the pool and back; stream_bytes_per_s: most that one access reaches, over the
        links and by the software of one group; latency_s: of an access, all hops
    software_bytes_per_s: of one instance, looking up and gathering blocks
    """

    capacity_tokens: float
    bytes_per_token: float
    bytes_per_s: float
    latency_s: float
    software_bytes_per_s: float = INFINITE
    stream_bytes_per_s: float = INFINITE

    @property
    def link_bytes_per_s(self) -> float:
        """Rate of one instance with its software, which looks up and gathers what the link then carries."""
        return 1.0 / (1.0 / self.bytes_per_s + 1.0 / self.software_bytes_per_s)


@dataclass(frozen=True, slots=True)
class Outage:
    """One instance fails at ``start_s`` and begins to load again ``down_s`` later; what it held is queued anew."""

    instance: int
    start_s: float
    down_s: float


@dataclass(frozen=True, slots=True)
class Autoscale:
    """Every ``interval_s``: an instance more where waiting requests an instance exceed ``up``, one less below ``down``.

    least, most: instances of each pool that scales; a new one loads first; one that leaves finishes its requests
    """

    least: int
    most: int
    up: float
    down: float
    interval_s: float


@dataclass(frozen=True, slots=True)
class Rules:
    """How requests are dealt out and when the run ends.

    scheduler, router: names of :mod:`accord.serving.schedulers` and :mod:`accord.serving.routers`
    duration_s: arrivals after it are left out and the run ends there; infinite: until the last request ends
    mtbf_s, repair_s: mean time between failures of an instance (exponential) and time to repair it, where its pool
        states none of its own; outages: stated
    tick_s: of the series; spans: keep a time line of iterations, at most so many
    """

    scheduler: str = "fcfs"
    router: str = "least-loaded"
    seed: int = 0
    duration_s: float = INFINITE
    pooled: PooledCache | None = None
    outages: tuple[Outage, ...] = field(default_factory=tuple)
    mtbf_s: float = INFINITE
    repair_s: float = 0.0
    autoscale: Autoscale | None = None
    tick_s: float = 1.0
    spans: int = 0
