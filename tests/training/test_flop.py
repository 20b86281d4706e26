"""FLOP of a training token: parts, limits and conventions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.models import Attention, Ffn, Layer, ModelSpec, count, from_config
from accord.models.params import attention_params
from accord.training.flop import (
    Convention,
    attention_core_flop,
    convention_flop_per_token,
    convert_mfu,
    lora_flop_per_token,
    lora_params,
    model_flop,
    recompute_flop_per_token,
    six_nd,
    train_flop_per_token,
)

CONFIGS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "models" / "configs.json").read_text(encoding="utf-8")
)
FULL = Attention(kind="full", heads=8, kv_heads=2, head_dim=16, v_head_dim=16)
LATENT = Attention(
    kind="mla", heads=8, kv_heads=1, head_dim=24, v_head_dim=16, q_lora_rank=32, kv_lora_rank=64, rope_head_dim=8
)
SEQ = 4096.0


def spec(attention: Attention = FULL, **fields: Any) -> ModelSpec:
    layer = Layer(attention=attention, ffn=fields.pop("ffn", Ffn(hidden=512)), count=4)
    return ModelSpec(id="hand", model_type="hand", hidden=128, vocab=1000, layers=(layer,), **fields)


def summed_over_positions(seq: int, seen: Any) -> float:
    """Mean over a sequence of what each position sees, one token at a time, half a token for itself."""
    return float(np.mean([seen(t + 0.5) for t in range(seq)]))


def test_parts_by_hand() -> None:
    flop = model_flop(spec(), SEQ)
    assert flop.attention_projections == 4 * 2 * 128 * (128 + 2 * 32 + 128)
    assert flop.attention_core_full == 4 * 2 * 8 * 32 * 4096
    assert flop.attention_core == flop.attention_core_full / 2
    assert flop.dense_ffn == 4 * 2 * 3 * 128 * 512
    assert flop.lm_head == 2 * 128 * 1000
    assert flop.routed_experts == flop.shared_experts == flop.router == flop.mtp == 0


@pytest.mark.parametrize("name", CONFIGS)
def test_matrices_are_twice_the_weights_a_token_passes(name: str) -> None:
    model = from_config(CONFIGS[name], name)
    flop = model_flop(model, SEQ)
    weights = six_nd(model, 1.0, embeddings=False) / 6.0
    uncounted = count(model).norms + sum(
        g.count * (g.attention.other_params + g.ffn.other_params + g.ffn.top_k * g.ffn.expert_other_params)
        for g in model.layers
    )
    assert (flop.matrices + flop.lm_head) / 2.0 == weights - uncounted


@pytest.mark.parametrize("name", CONFIGS)
def test_an_array_of_sequences_is_its_members(name: str) -> None:
    model = from_config(CONFIGS[name], name)
    lengths = np.array([1.0, 128.0, 4096.0, 131072.0])
    for causal in (True, False):
        together = train_flop_per_token(model, lengths, causal, mtp=True)
        assert together.shape == (4,)
        np.testing.assert_allclose(
            together, [train_flop_per_token(model, float(x), causal, mtp=True) for x in lengths], rtol=1e-14
        )
        assert np.all(np.diff(together) >= 0.0)
    assert np.all(train_flop_per_token(model, lengths) <= train_flop_per_token(model, lengths, False))


def test_three_times_forward_and_the_head_may_be_left_out() -> None:
    flop = model_flop(spec(), SEQ)
    assert train_flop_per_token(spec(), SEQ) == 3 * (flop.matrices + flop.attention_core + flop.lm_head)
    assert train_flop_per_token(spec(), SEQ, head=False) == 3 * (flop.matrices + flop.attention_core)
    assert train_flop_per_token(spec(), SEQ, causal=False) - train_flop_per_token(spec(), SEQ) == 3 * (
        flop.attention_core
    )


@pytest.mark.parametrize("seq", [100, 256, 1000, 4096])
def test_a_window_is_summed_over_positions(seq: int) -> None:
    block = msgspec.structs.replace(FULL, window=256)
    mean = summed_over_positions(seq, lambda t: min(t, 256.0))
    assert attention_core_flop(block, float(seq), causal=True) == pytest.approx(2 * 8 * 32 * mean, rel=1e-4)
    assert attention_core_flop(block, float(seq), causal=False) == 2 * 8 * 32 * min(seq, 256)


@pytest.mark.parametrize("seq", [100, 1000, 8192])
def test_an_indexer_scores_all_and_the_core_sees_its_choice(seq: int) -> None:
    block = msgspec.structs.replace(LATENT, sparse_top_k=512, index_heads=4, index_head_dim=8)
    core = 2 * 8 * (24 + 16) * summed_over_positions(seq, lambda t: min(t, 512.0))
    assert attention_core_flop(block, float(seq), causal=True) == pytest.approx(core + 2 * 4 * 8 * seq / 2, rel=1e-4)
    assert attention_core_flop(block, float(seq), causal=False) == 2 * 8 * 40 * min(seq, 512) + 2 * 4 * 8 * seq


@pytest.mark.parametrize("seq", [100, 1000, 8192])
def test_merged_entries_and_a_window_beside_them(seq: int) -> None:
    block = msgspec.structs.replace(FULL, compress=4, window=128)
    mean = summed_over_positions(seq, lambda t: t / 4.0 + min(t, 128.0))
    assert attention_core_flop(block, float(seq), causal=True) == pytest.approx(2 * 8 * 32 * mean, rel=1e-4)


def test_latent_attention_is_counted_per_head() -> None:
    wide = msgspec.structs.replace(LATENT, kind="full", kv_heads=8)
    assert attention_core_flop(LATENT, SEQ, causal=True) == attention_core_flop(wide, SEQ, causal=True)


def test_linear_attention_does_not_grow_with_the_sequence() -> None:
    block = Attention(kind="linear", heads=8, kv_heads=4, head_dim=16, v_head_dim=32)
    short, long = (attention_core_flop(block, seq, causal=True) for seq in (10.0, 1e6))
    assert short == long == 4 * 8 * 16 * 32
    assert attention_core_flop(block, 10.0, causal=False) == short


def test_a_mixture_counts_what_a_token_uses() -> None:
    ffn = Ffn(experts=16, top_k=2, expert_hidden=64, shared_hidden=64, other_params=16, expert_other_params=8)
    flop = model_flop(spec(ffn=ffn), SEQ)
    assert flop.routed_experts == 4 * 2 * 2 * 3 * 128 * 64
    assert flop.shared_experts == 4 * 2 * 3 * 128 * 64
    assert flop.router == 4 * 2 * 128 * 16
    assert flop.dense_ffn == 0


def test_multi_token_prediction_is_a_layer_a_projection_and_the_head_again() -> None:
    layer = spec().layers[0]
    model = spec(mtp_layers=1, mtp=msgspec.structs.replace(layer, count=1))
    flop = model_flop(model, SEQ)
    one = (flop.matrices + flop.attention_core) / 4
    assert flop.mtp == one + 2 * 2 * 128 * 128 + flop.lm_head
    assert train_flop_per_token(model, SEQ, mtp=True) - train_flop_per_token(model, SEQ) == pytest.approx(3 * flop.mtp)
    assert train_flop_per_token(spec(), SEQ, mtp=True) == train_flop_per_token(spec(), SEQ)


@pytest.mark.parametrize(("tied", "tables"), [(False, (2, 1, 1, 0)), (True, (1, 1, 1, 0))])
def test_six_nd_with_and_without_tables(tied: bool, tables: tuple[int, ...]) -> None:
    model = spec(tied_embeddings=tied)
    body = count(model).active_without_embeddings - 128 * 1000
    flags = ((True, True), (True, False), (False, True), (False, False))
    for held, (embeddings, head) in zip(tables, flags, strict=True):
        assert six_nd(model, 10.0, embeddings=embeddings, head=head) == 60.0 * (body + held * 128 * 1000)
    assert six_nd(model, 1.0) == 6.0 * count(model).active


def test_recompute() -> None:
    flop = model_flop(spec(), SEQ)
    assert recompute_flop_per_token(spec(), SEQ, "none", causal=True) == 0
    assert recompute_flop_per_token(spec(), SEQ, "selective", causal=True) == flop.attention_core
    assert recompute_flop_per_token(spec(), SEQ, "selective", causal=False) == flop.attention_core_full
    assert recompute_flop_per_token(spec(), SEQ, "full", causal=False) == flop.matrices + flop.attention_core_full


conventions = st.builds(
    Convention,
    causal=st.booleans(),
    attention=st.booleans(),
    recompute=st.sampled_from(["none", "selective", "full"]),
    weights=st.sampled_from(["operators", "6n", "6n-no-embeddings"]),
    mtp=st.booleans(),
    peak_flop_per_s=st.floats(1e14, 1e16),
)


@settings(max_examples=50)
@given(conventions, conventions, conventions, st.sampled_from(sorted(CONFIGS)), st.floats(128.0, 1e6))
def test_conversions_go_round(a: Convention, b: Convention, c: Convention, name: str, seq: float) -> None:
    model = from_config(CONFIGS[name], name)
    direct = convert_mfu(0.4, model, seq, from_=a, to=c)
    detour = convert_mfu(convert_mfu(0.4, model, seq, from_=a, to=b), model, seq, from_=b, to=c)
    assert detour == pytest.approx(direct, rel=1e-12)
    assert convert_mfu(0.4, model, seq, from_=a, to=a) == pytest.approx(0.4, rel=1e-12)


def test_a_convention_says_what_it_counts() -> None:
    plain = Convention()
    assert convention_flop_per_token(spec(), SEQ, plain) == train_flop_per_token(spec(), SEQ)
    bare = replace(plain, attention=False, weights="6n")
    assert convention_flop_per_token(spec(), SEQ, bare) == six_nd(spec(), 1.0)
    assert convention_flop_per_token(spec(), SEQ, replace(bare, recompute="selective")) == six_nd(spec(), 1.0)
    again = convention_flop_per_token(spec(), SEQ, replace(bare, recompute="full")) - six_nd(spec(), 1.0)
    assert again == model_flop(spec(), SEQ).matrices
    full = replace(plain, recompute="full")
    layers = model_flop(spec(), SEQ).layers(causal=True)
    assert convention_flop_per_token(spec(), SEQ, full) == train_flop_per_token(spec(), SEQ) + layers


def test_a_peak_is_named_on_both_sides_or_none() -> None:
    double = convert_mfu(0.4, spec(), SEQ, from_=Convention(peak_flop_per_s=1e15), to=Convention(peak_flop_per_s=2e15))
    assert double == pytest.approx(0.2)
    with pytest.raises(UsageError, match="names its peak"):
        convert_mfu(0.4, spec(), SEQ, from_=Convention(peak_flop_per_s=1e15), to=Convention())


@pytest.mark.parametrize("attention", [FULL, LATENT])
def test_adapters_beside_every_projection(attention: Attention) -> None:
    """The projections' product of sides is their weights, so their sum is the adapters'."""
    model = spec(attention)
    by_hand = {
        "full": 4 * ((128 + 128) + 2 * (128 + 32) + (128 + 128)),
        "mla": 4 * ((128 + 32) + (32 + 192) + (128 + 72) + (64 + 8 * 32) + (128 + 128)),
    }[attention.kind]
    assert lora_params(model, 16) == 16 * by_hand
    assert lora_params(model, 16, "all") == 16 * (by_hand + 4 * 3 * (128 + 512))
    assert attention_params(attention, 128) > by_hand / 4


def test_adapters_of_experts_are_each_their_own() -> None:
    model = spec(ffn=Ffn(experts=16, top_k=2, expert_hidden=64))
    base = lora_params(model, 8)
    assert lora_params(model, 8, "all") - base == 8 * 4 * 16 * 3 * (128 + 64)
    assert lora_params(model, 8, "all", active=True) - base == 8 * 4 * 2 * 3 * (128 + 64)
    with pytest.raises(UsageError, match="rank"):
        lora_params(model, 0)


@pytest.mark.parametrize("name", CONFIGS)
def test_adapters_cost_two_thirds_and_a_little(name: str) -> None:
    """Frozen weights save a third of the products with weights; the core is trained through as ever."""
    model = from_config(CONFIGS[name], name)
    flop = model_flop(model, SEQ)
    low = 2 * (flop.matrices + flop.lm_head) + 3 * flop.attention_core
    got = lora_flop_per_token(model, SEQ, 1)
    assert got == pytest.approx(low + 6 * lora_params(model, 1, active=True))
    assert low < got
