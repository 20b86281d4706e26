"""Attention: FLOP and bytes of every family by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.rig import BF16, attention, latent, shape, value

from accord.base.array import array
from accord.models.spec import Attention
from accord.ops.attention import attended, lower_attention
from accord.ops.op import Op, Phase

HIDDEN = 512
FP8_CACHE = replace(BF16, kv="fp8")


def ops_of(block: Attention, phase: Phase = "decode", **changes: float) -> dict[str, Op]:
    found = lower_attention(block, HIDDEN, shape(phase, **changes), BF16, 2.0)
    assert all(op.stage == "attention" for op in found)
    assert all(op.layers == 2.0 for op in found)
    assert len({op.name for op in found}) == len(found)
    return {op.name: op for op in found}


def core_of(block: Attention, phase: Phase = "decode", **changes: float) -> tuple[float, float]:
    ops = ops_of(block, phase, **changes)
    core = ops.get("attention core") or ops.get("latent attention core") or ops["recurrent core"]
    return value(core.flop), value(core.bytes)


# Entries attended


@pytest.mark.parametrize(("block", "context", "entries"), [
    (attention(), 1000, 1000),
    (attention(window=128), 1000, 128),
    (attention(window=128), 100, 100),
    (attention(sparse_top_k=2048), 5000, 2048),
    (attention(sparse_top_k=2048), 500, 500),
    (attention(compress=4), 1000, 250),
    (attention(compress=4, window=128), 1000, 250 + 128),
    (attention(compress=4, window=128), 100, 25 + 100),
    (attention(compress=4, sparse_top_k=100, window=128), 1000, 100 + 128),
])  # fmt: skip
def test_entries_a_token_attends(block: Attention, context: float, entries: float) -> None:
    assert value(attended(block, array(context))) == entries


# Grouped-query


def test_grouped_query_decode() -> None:
    flop, moved = core_of(attention())
    assert flop == 2 * 32 * 8 * (64 + 64) * 1000
    assert moved == 32 * 1000 * 2 * (64 + 64) * 2


def test_grouped_query_projections() -> None:
    ops = ops_of(attention())
    assert value(ops["qkv projection"].flop) == 2 * 32 * HIDDEN * (8 * 64 + 2 * 2 * 64)
    assert value(ops["output projection"].flop) == 2 * 32 * 8 * 64 * HIDDEN
    assert value(ops["attention norm"].bytes) == 32 * HIDDEN * 8


def test_grouped_query_prefill_reads_and_writes_the_chunk_and_the_cache() -> None:
    flop, moved = core_of(attention(), "prefill", tokens=2000.0, requests=2.0, context=500.0)
    assert flop == 2 * 2000 * 8 * 128 * 500
    assert moved == 2000 * (8 * 64 * 4 + 2 * 128 * 2) + 2 * 500 * 2 * 128 * 2


def test_drafts_compute_and_do_not_read_the_cache_again() -> None:
    once, twice = core_of(attention()), core_of(attention(), tokens=64.0)
    assert twice == (2 * once[0], once[1])


def test_the_cache_format_decides_its_bytes() -> None:
    wide = lower_attention(attention(), HIDDEN, shape(), BF16, 1.0)
    narrow = lower_attention(attention(), HIDDEN, shape(), FP8_CACHE, 1.0)
    assert [value(op.flop) for op in wide] == [value(op.flop) for op in narrow]
    cores = [value(op.bytes) for ops in (wide, narrow) for op in ops if op.name == "attention core"]
    assert cores[0] == 2 * cores[1]


@pytest.mark.parametrize(("tp", "queries", "keys"), [(1, 8, 2), (2, 4, 1), (4, 2, 1), (8, 1, 1), (16, 1, 1), (3, 3, 1)])
def test_heads_of_a_rank(tp: float, queries: int, keys: int) -> None:
    flop, moved = core_of(attention(), tp=tp)
    assert flop == 2 * 32 * queries * 128 * 1000
    assert moved == 32 * 1000 * keys * 128 * 2
    wide = queries * 64 + keys * 128
    assert value(ops_of(attention(), tp=tp)["qkv projection"].flop) == 2 * 32 * HIDDEN * wide


def test_a_window_bounds_work_and_bytes() -> None:
    assert core_of(attention(window=128)) == core_of(attention(), context=128.0)


def test_a_layer_that_reuses_a_cache_writes_none() -> None:
    plain, sharing = ops_of(attention()), ops_of(attention(shares_kv=True))
    assert value(sharing["qkv projection"].flop) == 2 * 32 * HIDDEN * 8 * 64
    assert value(sharing["attention core"].bytes) == value(plain["attention core"].bytes)


def test_a_shared_vector_is_stored_once() -> None:
    assert core_of(attention(shared_kv_vector=True))[1] == 32 * 1000 * 2 * 64 * 2


def test_an_output_gate_widens_the_projection() -> None:
    wide = value(ops_of(attention(output_gate=True))["qkv projection"].flop)
    assert wide == 2 * 32 * HIDDEN * (8 * 64 + 2 * 128 + 8 * 64)


def test_a_low_rank_query() -> None:
    ops = ops_of(attention(q_lora_rank=96))
    assert value(ops["query down and kv projection"].flop) == 2 * 32 * HIDDEN * (96 + 2 * 128)
    assert value(ops["query up projection"].flop) == 2 * 32 * 96 * 8 * 64


def test_a_low_rank_output() -> None:
    ops = ops_of(attention(o_lora_rank=32, o_groups=4))
    assert value(ops["output down projection"].flop) == 2 * 32 * 8 * 64 * 32
    assert value(ops["output up projection"].flop) == 2 * 32 * 4 * 32 * HIDDEN


# Latent


def test_latent_decode_is_absorbed() -> None:
    flop, moved = core_of(latent())
    assert flop == 2 * 32 * 128 * (576 + 512) * 1000
    assert moved == 32 * 1000 * 576 * 2


def test_shape_classes() -> None:
    """How often a stored number is used, and how much there is to read or to compute."""
    cases = [(attention(), "attention core"), (latent(), "latent attention core")]
    grouped, absorbed = (ops_of(block)[name] for block, name in cases)
    assert (value(grouped.rows), value(grouped.width)) == (1000, value(grouped.bytes))
    assert (value(absorbed.rows), value(absorbed.width)) == (128, value(absorbed.bytes))
    prompts = ops_of(attention(), "prefill", tokens=2000.0, requests=2.0, context=500.0)["attention core"]
    assert (value(prompts.rows), value(prompts.width)) == (500, value(prompts.flop))
    drafted = ops_of(latent(), tokens=64.0)["latent attention core"]
    assert value(drafted.rows) == 256, "two tokens a request use each latent twice"
    each = ops_of(latent())["key absorption"]
    assert (value(each.depth), value(each.rows), value(each.width)) == (128, 32, 128 * 128 * 512)


def test_latent_decode_projections() -> None:
    ops = ops_of(latent())
    assert value(ops["query and kv down projection"].flop) == 2 * 32 * HIDDEN * (1536 + 576)
    assert value(ops["query up projection"].flop) == 2 * 32 * 1536 * 128 * 192
    assert value(ops["key absorption"].flop) == 2 * 32 * 128 * 128 * 512
    assert value(ops["value expansion"].flop) == 2 * 32 * 128 * 512 * 128
    assert value(ops["value expansion"].bytes) == 2 * 128 * (512 * 128 + 32 * (512 + 128))
    assert value(ops["output projection"].flop) == 2 * 32 * 128 * 128 * HIDDEN
    assert "key and value expansion" not in ops


def test_latent_prefill_is_expanded() -> None:
    ops = ops_of(latent(), "prefill", tokens=2000.0, requests=2.0, context=500.0)
    assert value(ops["key and value expansion"].flop) == 2 * 2000 * 512 * 128 * (128 + 128)
    assert value(ops["attention core"].flop) == 2 * 2000 * 128 * (192 + 128) * 500
    assert "key absorption" not in ops


def test_latent_without_a_low_rank_query() -> None:
    ops = ops_of(latent(q_lora_rank=0))
    assert value(ops["query up projection"].flop) == 2 * 32 * HIDDEN * (128 * 192 + 576)
    assert "query and kv down projection" not in ops


def test_the_latent_vector_is_whole_on_every_rank() -> None:
    flop, moved = core_of(latent(), tp=8.0)
    assert flop == 2 * 32 * 16 * (576 + 512) * 1000
    assert moved == core_of(latent())[1]
    down = [value(ops_of(latent(), tp=tp)["query and kv down projection"].flop) for tp in (1.0, 8.0)]
    assert down[0] == down[1]


# Sparse


def test_the_indexer_scores_every_entry_and_attention_reads_the_best() -> None:
    block = latent(sparse_top_k=512, index_heads=64, index_head_dim=128)
    ops = ops_of(block, context=10_000.0)
    assert value(ops["latent attention core"].flop) == 2 * 32 * 128 * (576 + 512) * 512
    assert value(ops["latent attention core"].bytes) == 32 * 512 * 576 * 2
    assert value(ops["index scores"].flop) == 2 * 32 * 64 * 128 * 10_000
    assert value(ops["index scores"].bytes) == 32 * 10_000 * 128 + 32 * 10_000 * 4
    assert value(ops["index projection"].flop) == 2 * 32 * 1536 * 64 * 128
    assert ops["index scores"].fmt == "fp8"


def test_an_indexer_without_a_low_rank_query_starts_from_the_model() -> None:
    ops = ops_of(attention(sparse_top_k=512, index_heads=4, index_head_dim=32), "prefill")
    assert value(ops["index projection"].flop) == 2 * 32 * HIDDEN * 4 * 32
    assert ops["index scores"].family == "attention_prefill"


# Linear


def linear(**changes: object) -> Attention:
    return attention(kind="linear", heads=8, kv_heads=4, state_elements=8 * 64 * 64, **changes)


def test_linear_attention_does_not_grow_with_context() -> None:
    assert core_of(linear()) == core_of(linear(), context=1e6)


def test_linear_attention_reads_and_writes_its_state() -> None:
    wide = 4 * 2 * 64 + 8 * 64
    flop, moved = core_of(linear())
    assert flop == 4 * 32 * 8 * 64 * 64
    assert moved == 2 * 32 * 8 * 64 * 64 * 4 + 32 * wide * 4
    assert value(ops_of(linear())["qkv projection"].flop) == 2 * 32 * HIDDEN * wide
    assert value(ops_of(linear(output_gate=True))["qkv projection"].flop) == 2 * 32 * HIDDEN * (wide + 8 * 64)


def test_linear_attention_splits_its_state() -> None:
    split = ops_of(linear(conv_kernel=4), tp=4.0)
    wide = 1 * 2 * 64 + 2 * 64
    assert value(split["recurrent core"].bytes) == 2 * 32 * 2 * 64 * 64 * 4 + 32 * wide * 4
    assert value(split["short convolution"].bytes) == 32 * wide * 4
