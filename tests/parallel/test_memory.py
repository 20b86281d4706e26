"""What one rank stores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import rig
from tests.rig import BF16, attention, latent, model, setting, value

from accord.base.array import array
from accord.base.errors import UsageError
from accord.hardware.device import bytes_per_number
from accord.models import kv
from accord.models.params import count
from accord.models.spec import Attention, Ffn, Layer, ModelSpec
from accord.ops.op import Formats
from accord.parallel.memory import (
    BLOCK_TOKENS,
    cache_bytes_per_request,
    decode_memory,
    kv_budget,
    layer_cache_elements,
    load_s,
    most_requests,
    prefill_memory,
    reported_bytes,
    weights_bytes,
)
from accord.parallel.plan import Setting, deployments


def weights(spec: ModelSpec, formats: Formats = BF16, **ranks: float) -> float:
    plan = deployments(**{"tp": 1, "dp": 1, "ep": 1, "isl": 1, **ranks})
    return value(weights_bytes(setting(spec, formats), plan))


def cached(spec: ModelSpec, tokens: float, formats: Formats = BF16, **ranks: float) -> float:
    plan = deployments(**{"tp": 1, "dp": 1, "ep": 1, "isl": 1, **ranks})
    return value(cache_bytes_per_request(setting(spec, formats), plan, array(tokens)))


# Weights


@pytest.mark.parametrize("name", rig.open_models())
def test_one_rank_holds_every_parameter(name: str) -> None:
    spec = rig.spec_of(name)
    expected = 2.0 * count(spec).total
    assert weights(spec) == pytest.approx(expected, rel=0.002)


def test_tensor_ranks_hold_a_share_and_the_norms_whole() -> None:
    spec = model()
    norms = 2 * 2 * 512 * 2
    assert weights(spec, tp=2) - norms == pytest.approx((weights(spec) - norms) / 2)


def test_key_and_value_projections_repeat_beyond_their_heads() -> None:
    spec = model()
    heads = spec.layers[0].attention.kv_heads
    wide = spec.layers[0].attention.head_dim + spec.layers[0].attention.v_head_dim
    norms, one = 2 * 2 * 512 * 2, 2 * 512 * wide * 2  # both layers, one head, 16 bits
    split = (weights(spec) - norms) / (2 * heads)
    assert weights(spec, tp=2 * heads) - norms == pytest.approx(split + one / 2)


def test_latent_down_projections_are_whole_on_every_rank() -> None:
    spec = rig.spec_of("deepseek-v3")
    whole = 61 * spec.hidden * (1536 + 576) * 2
    narrow, wide = weights(spec, tp=64, ep=64), weights(spec, tp=128, ep=128)
    assert narrow > wide > whole


def test_pipeline_stages_hold_their_layers() -> None:
    spec = model()
    ends = 2 * 512 * 1024 * 2
    assert weights(spec, pp=2) - ends == pytest.approx((weights(spec) - ends) / 2)


ROUTED = Ffn(experts=16, top_k=2, expert_hidden=256, shared_hidden=128)


def test_expert_ranks_hold_their_experts() -> None:
    spec = model(ffn=ROUTED)
    one = 2 * 3 * 512 * 256 * 2  # both layers, three matrices, 16 bits
    assert weights(spec) - weights(spec, dp=8, ep=8) == pytest.approx(14 * one)
    assert weights(spec, dp=8, ep=8, redundant=8) - weights(spec, dp=8, ep=8) == pytest.approx(one)


def test_ranks_beyond_the_experts_hold_one_and_no_shared_expert() -> None:
    spec = model(ffn=ROUTED)
    one, shared = 2 * 3 * 512 * 256 * 2, 2 * 3 * 512 * 128 * 2
    assert weights(spec) - weights(spec, dp=32, ep=32) == pytest.approx(15 * one + shared)


def test_slices_of_every_expert_over_a_group() -> None:
    spec = model(ffn=ROUTED)
    one = 2 * 3 * 512 * 256 * 2
    assert weights(spec) - weights(spec, dp=8, ep=1) == pytest.approx(16 * one * 7 / 8)


def test_formats_by_place() -> None:
    spec = model(ffn=ROUTED)
    one = 2 * 16 * 3 * 512 * 256
    narrow = replace(BF16, experts="fp8")
    shared = 2 * 3 * 512 * 128
    assert weights(spec) - weights(spec, narrow) == pytest.approx(one + shared)


def test_the_draft_layer_counts_when_it_drafts() -> None:
    drafted = Layer(attention=attention(), ffn=Ffn(hidden=64), count=1)
    spec = model(mtp_layers=1, mtp=drafted)
    assert weights(spec) == weights(model())
    assert weights(spec, mtp_tokens=1) > weights(spec)
    assert weights(spec, mtp_tokens=3) == weights(spec, mtp_tokens=1)


# Cache


@pytest.mark.parametrize("name", rig.open_models())
def test_the_same_elements_as_the_model_says(name: str) -> None:
    lengths = np.array([0.0, 1.0, 127.0, 128.0, 4096.0, 100_000.0])
    for layer in rig.spec_of(name).layers:
        expected = [kv.layer_cache_elements(layer, length) for length in lengths]
        assert layer_cache_elements(layer, lengths) == pytest.approx(expected)


@pytest.mark.parametrize("name", rig.open_models())
def test_a_request_on_one_rank_is_the_whole_model(name: str) -> None:
    spec = rig.spec_of(name)
    assert cached(spec, 4096) == pytest.approx(kv.cache_elements(spec, 4096) * 2)


@pytest.mark.parametrize(("tp", "share"), [(1, 1.0), (2, 0.5), (4, 0.25), (8, 0.125), (16, 0.125), (64, 0.125)])
def test_key_value_heads_split_and_then_repeat(tp: int, share: float) -> None:
    spec = rig.spec_of("llama-3.1-70b")  # eight key/value heads
    assert cached(spec, 4096, tp=tp) == pytest.approx(cached(spec, 4096) * share)


def test_uneven_heads_fill_the_fullest_rank() -> None:
    spec = model(attention(kv_heads=8))
    assert cached(spec, 1280, tp=3) == pytest.approx(cached(spec, 1280) * 3 / 8)


@pytest.mark.parametrize("block", [latent(), attention(shared_kv_vector=True)])
def test_a_shared_vector_is_whole_on_every_rank(block: Attention) -> None:
    assert cached(model(block), 1280, tp=8) == cached(model(block), 1280)


def test_whole_blocks() -> None:
    spec = model()
    one = cached(spec, 1)
    assert one == 2 * BLOCK_TOKENS * 2 * 128 * 2
    assert cached(spec, BLOCK_TOKENS) == one
    assert cached(spec, BLOCK_TOKENS + 1) == 2 * one
    assert cached(spec, 0) == 0.0


def test_stages_and_formats_of_the_cache() -> None:
    spec = model()
    assert cached(spec, 1280, pp=2) == cached(spec, 1280) / 2
    assert cached(spec, 1280, replace(BF16, kv="fp8")) == cached(spec, 1280) / 2


# Parts


def random_setting(name: str, system: str) -> Setting:
    return rig.setting_of(name, system)


@pytest.mark.parametrize("name", rig.MODELS)
def test_parts_sum_to_the_whole(name: str) -> None:
    one = random_setting(name, "nvidia-gb200-nvl72")
    plan = rig.random_plan(np.random.default_rng(3), 200, name, separate=True, ranks=64)
    for memory in (decode_memory(one, plan), prefill_memory(one, plan)):
        parts = memory.weights_bytes + memory.cache_bytes + memory.activation_bytes + memory.reserve_bytes
        assert memory.used_bytes == pytest.approx(parts)
        assert memory.free_bytes == pytest.approx(memory.capacity_bytes - parts)
        assert np.all(memory.capacity_bytes == one.machine.device.memory_bytes)
        for part in (memory.weights_bytes, memory.cache_bytes, memory.activation_bytes, memory.reserve_bytes):
            assert np.all(part >= 0.0)
            assert np.all(np.isfinite(part))


def test_decode_stores_requests_at_full_length() -> None:
    one = setting(model())
    plan = deployments(tp=2, pp=2, batch=10, isl=1000, osl=280, context=100)
    each = value(cache_bytes_per_request(one, plan, array(1280)))
    assert value(decode_memory(one, plan).cache_bytes) == pytest.approx(10 * 2 * 2 * each)
    longer = deployments(tp=2, pp=2, batch=10, isl=1000, osl=280, context=2560)
    assert value(decode_memory(one, longer).cache_bytes) == pytest.approx(10 * 2 * 2 * 2 * each)


def test_prefill_stores_its_prompts() -> None:
    one = setting(model())
    plan = deployments(tp=2, tokens=2560, isl=1280)
    each = value(cache_bytes_per_request(one, plan, array(1280)))
    assert value(prefill_memory(one, plan).cache_bytes) == pytest.approx(4 * each)


def test_the_reserve_shrinks_where_weights_crowd_the_memory() -> None:
    one = setting(model())
    empty = decode_memory(one, deployments(tp=1, batch=1, isl=1))
    assert value(empty.reserve_bytes) == pytest.approx(64e9 * 0.1)
    full = decode_memory(one, deployments(tp=1, batch=8e6, isl=1))  # activations alone fill it
    assert value(full.reserve_bytes) == pytest.approx(64e9 * 0.02)


def test_most_requests_fit_and_one_more_does_not() -> None:
    one = setting(model())
    plan = deployments(tp=1, isl=100_000, osl=2)
    most = value(most_requests(one, plan, array(8192)))
    each = value(cache_bytes_per_request(one, plan, array(100_001)))
    free = value(decode_memory(one, plan.with_(batch=array(0.0))).free_bytes)
    assert 1 <= most == pytest.approx(free / each, rel=0.05)
    crowded = replace(one, machine=rig.machine(memory_bytes=1e6))
    assert value(most_requests(crowded, plan, array(1))) == 0.0


def test_four_bits_hold_their_scales() -> None:
    spec = model()
    packed = Formats(attention="mxfp4", dense="mxfp4", experts="mxfp4", kv="bf16")
    assert bytes_per_number("mxfp4") == 0.53125
    assert weights(spec, packed) < weights(spec) / 2


# What an engine keeps for caches

GIB = 2.0**30
LARGEST = {"max_num_batched_tokens": 8192.0, "max_num_seqs": 1024.0}


@pytest.mark.parametrize(
    ("name", "fmt", "tp", "activation", "cache"),
    [
        ("llama-3.1-8b", None, 1, 4.76, 51.38),
        ("llama-3.1-70b", "fp8", 2, 4.84, 32.0),
        ("qwen3-32b", None, 1, 5.64, 4.45),
        ("gpt-oss-20b", None, 1, 7.38, 50.28),
    ],
)
def test_the_cache_is_what_vllm_logs_on_h100(
    name: str, fmt: str | None, tp: int, activation: float, cache: float
) -> None:
    """Of 79.18 GiB at 0.9: llm-d's analysis of vLLM logs; GiB of peak activation and of cache a device."""
    one = rig.setting_of(name, "nvidia-hgx-h100-8", fmt, engine="vllm")
    budget = kv_budget(one, deployments(tp=tp, isl=1), **LARGEST, memory_bytes=79.18 * GIB)
    assert budget.activation_bytes / GIB == pytest.approx(activation, rel=0.02)
    assert budget.cache_bytes / GIB == pytest.approx(cache, rel=0.02)


def test_blocks_of_a_small_card() -> None:
    """vLLM 0.19 found 2588 blocks of 16 tokens for Llama-3.1-8B on an RTX 4090."""
    one = rig.setting_of("llama-3.1-8b", "nvidia-rtx-4090-1", engine="vllm")
    step = {"max_num_batched_tokens": 2048.0, "max_num_seqs": 256.0, "utilisation": 0.9}
    budget = kv_budget(one, deployments(tp=1, isl=1), **step, memory_bytes=25_250_627_584.0)
    assert budget.tokens == pytest.approx(2588 * 16, rel=0.05)
    assert kv_budget(one, deployments(tp=1, isl=1), **step).tokens == pytest.approx(2588 * 16, rel=0.05)


def test_the_parts_of_a_budget_fill_the_memory() -> None:
    for engine in ("vllm", "sglang"):
        one = rig.setting_of("qwen3-30b-a3b", "nvidia-hgx-h100-8", engine=engine)
        made = kv_budget(one, deployments(tp=2, isl=1), **LARGEST)
        parts = made.weights_bytes + made.activation_bytes + made.overhead_bytes + made.reserve_bytes
        assert parts + made.cache_bytes == pytest.approx(made.memory_bytes)
        assert made.tokens * made.bytes_per_token / 2 == pytest.approx(made.cache_bytes, rel=1e-4)


def test_activations_live_in_what_an_engine_leaves_free() -> None:
    one = rig.setting_of("llama-3.1-8b", "nvidia-hgx-h100-8", engine="sglang")
    step = {"max_num_batched_tokens": 8192.0, "max_num_seqs": 64.0, "utilisation": 0.88}
    budget = kv_budget(one, deployments(tp=1, isl=1), **step)
    assert budget.cache_bytes + budget.weights_bytes == pytest.approx(0.88 * budget.memory_bytes)


def test_context_ranks_and_stages_hold_more_tokens() -> None:
    one = rig.setting_of("llama-3.1-70b", "nvidia-hgx-h100-8", engine="vllm")
    four, twice, stages = (
        kv_budget(one, deployments(tp=4, isl=1, **ranks), **LARGEST) for ranks in ({}, {"cp": 2}, {"pp": 2})
    )
    assert twice.tokens == 2.0 * four.tokens
    assert twice.bytes_per_token == four.bytes_per_token == stages.bytes_per_token
    assert stages.tokens > 2.0 * four.tokens


def test_every_rank_keeps_a_latent_vector() -> None:
    one = rig.setting_of("deepseek-r1", "nvidia-gb200-nvl72", "fp8", "bf16")
    bytes_of = {tp: kv_budget(one, deployments(tp=tp, isl=1), **LARGEST).bytes_per_token for tp in (8, 16)}
    assert bytes_of[8] == 8 * 576 * 2 * 61
    assert bytes_of[16] == 2 * bytes_of[8]


def test_windows_make_long_requests_cheap_a_token() -> None:
    one = rig.setting_of("gpt-oss-120b", "nvidia-hgx-h100-8", engine="vllm")
    tokens = [kv_budget(one, deployments(tp=4, isl=1), **LARGEST, length=length).tokens for length in (100.0, 1e3, 1e5)]
    assert tokens[0] < tokens[1] < tokens[2] < 2.01 * tokens[0]


def test_nothing_is_left_where_weights_fill_the_memory() -> None:
    one = rig.setting_of("llama-3.1-70b", "nvidia-hgx-h100-8", engine="vllm")
    budget = kv_budget(one, deployments(tp=1, isl=1), **LARGEST)
    assert budget.tokens == 0.0
    assert budget.cache_bytes < 0.0


def test_nominal_capacities_are_counted_in_gib() -> None:
    reported = {name: reported_bytes(rig.machine_of(name)) for name in ("nvidia-hgx-h100-8", "nvidia-rtx-pro-6000-4")}
    assert reported["nvidia-hgx-h100-8"] == pytest.approx(79.18 * GIB, rel=0.01)
    assert reported["nvidia-rtx-pro-6000-4"] == pytest.approx(97887 * 2.0**20, rel=0.001)


def test_ranks_read_their_weights_at_once() -> None:
    one = rig.setting_of("llama-3.1-70b", "nvidia-hgx-h100-8")
    whole, part = (load_s(one, deployments(tp=tp, isl=1), 2e9) for tp in (1, 8))
    assert whole == pytest.approx(70.55e9 * 2 / 2e9, rel=0.01)
    assert part == pytest.approx(whole / 8, rel=0.01)
    with pytest.raises(UsageError, match="rate above 0"):
        load_s(one, deployments(tp=8, isl=1), 0.0)
