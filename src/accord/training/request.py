"""What may be asked of a training run. What is left out is completed, and said to be assumed."""

from __future__ import annotations

from typing import Literal

import msgspec

Recompute = Literal["none", "selective", "full"]
Schedule = Literal["1f1b", "interleaved", "zero-bubble", "dualpipe"]
RECOMPUTE: tuple[Recompute, ...] = ("none", "selective", "full")
SCHEDULES: tuple[Schedule, ...] = ("1f1b", "interleaved", "zero-bubble", "dualpipe")


class TrainRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One training run on one system.

    model, system: catalog ids, or the path of a config.json; chips: packages of the whole job
    tokens: of the whole run [token]; seq: of a sequence [token]; global_batch: of an optimizer step [token]
    micro_batch: sequences of a micro-batch and data-parallel replica
    tp, cp, pp, dp, ep: ranks; ``tp * cp * pp * dp`` are all devices, and ``ep`` divides ``tp * cp * dp``
    vp: virtual stages a pipeline rank holds; zero: 0 to 3, what data-parallel ranks shard
        (1 optimizer states, 2 gradients too, 3 weights too)
    precision: of the matrix products: bf16, fp16, fp8, mxfp8, fp4
    sequence_parallel: norms and dropout split over tensor-parallel ranks (with tp > 1 the default)
    lora_rank: of adapters beside frozen weights, None trains all weights
    offload: optimizer states in host memory; mtp: multi-token-prediction loss, where the model has the layers
    balanced: tokens fall evenly on experts; timed_alone: a few steps of a benchmark, not a production run
    """

    model: str
    system: str
    chips: int | None = None
    tokens: float | None = None
    seq: int | None = None
    global_batch: float | None = None
    micro_batch: int | None = None
    tp: int | None = None
    cp: int | None = None
    pp: int | None = None
    dp: int | None = None
    ep: int | None = None
    vp: int | None = None
    zero: int | None = None
    precision: str | None = None
    recompute: Recompute | None = None
    schedule: Schedule | None = None
    sequence_parallel: bool | None = None
    lora_rank: int | None = None
    offload: bool = False
    mtp: bool | None = None
    balanced: bool = False
    timed_alone: bool = False
