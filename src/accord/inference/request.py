"""What is asked of an estimate, and how the gaps are filled."""

from __future__ import annotations

from typing import Literal

import msgspec

PhaseName = Literal["prefill", "decode", "serve", "offline"]
Ints = int | tuple[int, ...]
Floats = float | tuple[float, ...]


class PoolRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pool of a disaggregated deployment: equal instances of ``devices`` ranks."""

    instances: int = 1
    devices: int | None = None
    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    cp: int | None = None
    ep: int | None = None


class EstimateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One deployment, or several where a field holds a list (every combination is estimated).

    phase: ``prefill`` or ``decode`` pool, ``serve`` (closed or open loop) or ``offline`` (all at once)
    chips, devices: packages or ranks used; replicas share the load evenly
    tp, pp, dp, cp, ep: tensor, pipeline, data (attention), context and expert parallel ranks
    batch_per_device, tokens_per_device: decode requests, prefill tokens of a device
    concurrency: requests in flight or submitted, whole deployment
    request_rate: requests that arrive a second (Poisson), whole deployment; instead of concurrency
    isl, osl, kv_len: prompt, answer and decode context [token]
    weights, kv: number formats; mtp_tokens, mtp_accept: drafts and their acceptance
    microbatches: 1 or 2, 0 or None for the faster where the engine overlaps
    engine_version: release of the engine, or a date for the release of that day; the current one if omitted
    reuse: share of the prompt found in the cache pool; cache_plane: the plane it comes over
    full: a decode batch that is not stated is what memory holds, whatever its pace
    speculative: drafts are used though their number is not known; balanced: tokens fall evenly on
        experts (simulated routing); graph: decode replays captured graphs, batches padded to their sizes
    answer_spread: longest answer over the mean (offline runs drain that long)
    """

    model: str
    system: str
    phase: PhaseName = "serve"
    chips: int | None = None
    devices: int | None = None
    tp: Ints | None = None
    pp: Ints | None = None
    dp: Ints | None = None
    cp: Ints | None = None
    ep: Ints | None = None
    batch_per_device: Floats | None = None
    tokens_per_device: Floats | None = None
    concurrency: Floats | None = None
    request_rate: Floats | None = None
    isl: Floats | None = None
    osl: Floats | None = None
    kv_len: Floats | None = None
    weights: str | None = None
    kv: str | None = None
    mtp_tokens: Ints | None = None
    mtp_accept: Floats | None = None
    microbatches: Ints | None = None
    engine: str | None = None
    engine_version: str | None = None
    reuse: Floats | None = None
    cache_plane: str | None = None
    full: bool = False
    speculative: bool = False
    balanced: bool = False
    graph: bool = True
    answer_spread: float | None = None
    prefill: PoolRequest | None = None
    decode: PoolRequest | None = None

    @property
    def regime(self) -> str:
        """How it is loaded: its phase, ``split`` for two pools, ``flood`` for requests submitted at once."""
        if self.phase in ("serve", "offline") and self.disaggregated:
            return "split"
        return "flood" if self.phase == "offline" and self.concurrency is not None else self.phase

    @property
    def disaggregated(self) -> bool:
        """Whether prefill and decode have pools of their own."""
        return self.prefill is not None and self.decode is not None
