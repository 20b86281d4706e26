"""Settings and deployments for the tests of the cost model, each built once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from types import MappingProxyType

import numpy as np
from numpy.random import Generator

from accord import api
from accord.base.array import Array, array
from accord.catalog.load import Catalog, load_catalog
from accord.hardware.derate import Efficiency
from accord.hardware.device import Device
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine
from accord.inference.complete import Assumed, formats_for
from accord.inference.request import EstimateRequest
from accord.models.spec import Attention, Ffn, Layer, ModelSpec
from accord.ops.op import Formats, Phase, Shape
from accord.parallel.plan import Deployments, Setting, deployments

SYSTEMS = (
    "huawei-cloudmatrix-384",
    "nvidia-gb200-nvl72",
    "nvidia-hgx-h100-8",
    "amd-mi300x-8",
    "huawei-atlas-800-a2-node",
    "google-tpu-v5p-pod",
)
MODELS = (
    "deepseek-r1", "qwen3-235b-a22b", "llama-3.1-70b", "gpt-oss-120b", "minimax-m1", "deepseek-v3.2",
)  # fmt: skip
COMPUTING = ("gemm", "grouped", "fused", "attention_prefill", "attention_decode", "mla_decode", "linear")
# Round numbers, so that a hand calculation is short; one for each parameter that a step reads.
NUMBERS: Mapping[str, float] = MappingProxyType(
    {
        "launch_s": 1e-6,
        "launch_eager_s": 5e-6,
        **{f"{family}.compute": 0.5 for family in COMPUTING},
        **{f"{family}.memory": 0.8 for family in (*COMPUTING, "vector")},
        "gemm.walk": 16384.0,
        "grouped.walk": 8192.0,
        "fused.walk": 4096.0,
        "conversion.compute": 0.5,
        "conversion.memory": 0.75,
        "link.scale-up": 0.8,
        "link.scale-out": 0.5,
        "dispatch.base_s": 1e-5,
        "combine.base_s": 2e-5,
        "exchange.per_doubling_s": 1e-6,
        "exchange.share": 1.0,
        "exchange.local": 0.0,
        "exchange.layout_s": 0.0,
        "reduce.base_s.scale-up": 5e-6,
        "reduce.base_s.scale-out": 2e-5,
        "reduce.per_doubling_s": 0.0,
        "reduce.chunk_s": 0.0,
        "reduce.local": 0.0,
        "reduce.share.switch": 0.0,
        "send.base_s.scale-up": 3e-6,
        "send.base_s.scale-out": 7e-6,
        "overlap.slowdown": 1.1,
        "memory.runtime_share": 0.02,
        "pool.software_rate": 1e9,
        "engine.iteration_s": 1e-3,
        "engine.async_s": 2e-4,
        "engine.sequence_s": 1e-6,
        "engine.draft_s": 1e-4,
        "engine.expert_skew.prefill": 0.3,
        "engine.expert_skew.decode": 0.3,
        "engine.redundant_share": 0.125,
        "engine.memory_fraction": 0.9,
        "engine.max_num_seqs": 256.0,
        "engine.max_num_batched_tokens": 8192.0,
        "engine.prefill_tokens_per_device": 8192.0,
    }
)
BF16 = Formats(attention="bf16", dense="bf16", experts="bf16", kv="bf16")


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    """The packaged catalog."""
    return load_catalog()


def open_models() -> tuple[str, ...]:
    """Packaged models whose architecture is published."""
    return tuple(id for id in catalog().ids("models") if catalog().model(id).config is not None)


@cache
def spec_of(model: str) -> ModelSpec:
    """The architecture of a packaged model."""
    return api.model_spec(catalog(), model)


@cache
def machine_of(system: str) -> Machine:
    """The machine of a packaged system."""
    return api.machine_of(catalog(), system)


@cache
def setting_of(
    model: str, system: str, weights: str | None = None, kv: str | None = None, engine: str | None = None
) -> Setting:
    """A packaged model on a packaged system; formats left out are chosen as for a request."""
    machine, spec = machine_of(system), spec_of(model)
    efficiency = api.efficiency_of(catalog(), machine.chip, engine)
    request = EstimateRequest(model=model, system=system, weights=weights, kv=kv)
    return Setting(spec, machine, formats_for(spec, machine, request, efficiency, Assumed()), efficiency)


def efficiency(**changes: float) -> Efficiency:
    """The round numbers, some replaced."""
    return Efficiency(("round",), "round", {**NUMBERS, **changes}, {})


def device(**changes: object) -> Device:
    """A device of round numbers: 100 TFLOP/s in 16 bits, 200 in 8, 64 GB at 1 TB/s."""
    peaks = {"bf16": 100e12, "fp16": 100e12, "fp8": 200e12, "int8": 200e12}
    made = Device("round", "nobody", "other", peaks, 64e9, 1e12)
    return replace(made, **changes)  # type: ignore[arg-type]


def machine(*tiers: FabricTier, chips: int = 64, **changes: object) -> Machine:
    """A system of round devices; without tiers, devices of eight joined at 100 GB/s and a network of 10 GB/s."""
    wires = tiers or (
        FabricTier("inner", "scale-up", 8.0, 100e9, 1e-6),
        FabricTier("outer", "scale-out", float("inf"), 10e9, 5e-6),
    )
    return Machine("round", "round", device(**changes), chips, 1, wires, (), None)


def attention(**changes: object) -> Attention:
    """Grouped-query attention of 8 heads and 2 key/value heads, 64 wide."""
    fields: dict[str, object] = {"kind": "full", "heads": 8, "kv_heads": 2, "head_dim": 64, "v_head_dim": 64}
    return Attention(**{**fields, **changes})  # type: ignore[arg-type]


def latent(**changes: object) -> Attention:
    """Latent attention of DeepSeek's shape: 128 heads over 512 + 64 numbers."""
    fields: dict[str, object] = {
        "kind": "mla", "heads": 128, "kv_heads": 1, "head_dim": 192, "v_head_dim": 128,
        "q_lora_rank": 1536, "kv_lora_rank": 512, "rope_head_dim": 64,
    }  # fmt: skip
    return Attention(**{**fields, **changes})  # type: ignore[arg-type]


def model(block: Attention | None = None, ffn: Ffn | None = None, **changes: object) -> ModelSpec:
    """Two equal layers, 512 wide, 1024 words."""
    layer = Layer(attention=block or attention(), ffn=ffn or Ffn(hidden=2048), count=2)
    fields: dict[str, object] = {"id": "tiny", "model_type": "tiny", "hidden": 512, "vocab": 1024, "layers": (layer,)}
    return ModelSpec(**{**fields, **changes})  # type: ignore[arg-type]


def setting(spec: ModelSpec | None = None, formats: Formats = BF16, **changes: float) -> Setting:
    """A tiny model on the round machine."""
    return Setting(spec or model(), machine(), formats, efficiency(**changes))


def shape(phase: Phase = "decode", **changes: float) -> Shape:
    """32 requests of one token each with 1000 entries of context, on one rank."""
    numbers = {
        "tokens": 32.0, "requests": 32.0, "context": 1000.0, "logits": 32.0,
        "tp": 1.0, "ep": 1.0, "group": 1.0, "groups": 1.0, "redundant": 0.0, "cp": 1.0,
    }  # fmt: skip
    numbers["routed"] = changes.get("tokens", numbers["tokens"])
    return Shape(phase, **{name: array(value) for name, value in {**numbers, **changes}.items()})


def random_plan(
    rng: Generator,
    count: int,
    model: str,
    separate: bool,
    ranks: int = 8,
    layouts: tuple[tuple[int, int, int], ...] = (),
) -> Deployments:
    """``count`` valid deployments that agree on whether attention groups are separate.

    layouts: (tp, dp, ep) to draw from; left out, powers of two up to ``ranks``
    """
    spec = spec_of(model)
    if layouts:
        drawn = np.array([layouts[at] for at in rng.integers(0, len(layouts), count)], dtype=float)
        tp, dp, ep = drawn[:, 0], drawn[:, 1], drawn[:, 2]
    else:
        top = int(np.log2(ranks))
        if separate:
            dp = 2.0 ** rng.integers(1, top + 1, count)
            tp = 2.0 ** np.floor(rng.random(count) * (top - np.log2(dp) + 1))
            ep = np.where(rng.random(count) < 0.7, tp * dp, 1.0) if spec.is_moe else np.ones(count)
        else:
            tp, dp = 2.0 ** rng.integers(0, top + 1, count), np.ones(count)
            ep = np.where(rng.random(count) < 0.3, tp, 1.0) if spec.is_moe else np.ones(count)
    drafts = rng.integers(0, 3, count)
    return deployments(
        tp=tp, dp=dp, ep=ep, pp=rng.integers(1, 4, count),
        batch=rng.uniform(0.25, 200.0, count), tokens=rng.uniform(64.0, 20_000.0, count),
        isl=rng.integers(1, 30_000, count), osl=rng.integers(1, 4_000, count),
        mtp_tokens=drafts, accept=np.where(drafts > 0, rng.random(count), 0.0),
        microbatches=rng.integers(0, 3, count), reuse=np.where(rng.random(count) < 0.5, rng.random(count) * 0.95, 0.0),
        redundant=np.where(ep >= 16, rng.integers(0, 33, count), 0),
    )  # fmt: skip


def value(numbers: Array) -> float:
    """The only entry of an array."""
    assert numbers.shape == (1,)
    return float(numbers[0])
