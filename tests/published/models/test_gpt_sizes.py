"""Published sizes of models after GPT, to the last weight where the source prints it; keys as in their config.json."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from accord.base.errors import ModelConfigError
from accord.models import count, from_config


class Case(NamedTuple):
    """total: weights; rel: share by which they may differ, 0 where the source prints every digit."""

    name: str
    config: dict[str, object]
    total: float
    rel: float
    source: str


def gpt2(width: int, layers: int, heads: int, positions: int) -> dict[str, object]:
    return {
        "model_type": "gpt2", "n_embd": width, "n_layer": layers, "n_head": heads, "n_positions": positions,
        "n_ctx": positions, "vocab_size": 50257, "n_inner": None,
    }  # fmt: skip


def opt(width: int, layers: int, heads: int) -> dict[str, object]:
    return {
        "model_type": "opt", "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads,
        "ffn_dim": 4 * width, "vocab_size": 50272, "max_position_embeddings": 2048, "word_embed_proj_dim": width,
    }  # fmt: skip


BLOOM: dict[str, object] = {
    "model_type": "bloom", "hidden_size": 14336, "n_layer": 70, "num_attention_heads": 112, "vocab_size": 250880,
    "seq_length": 2048,
}  # fmt: skip
NEOX: dict[str, object] = {
    "model_type": "gpt_neox", "hidden_size": 6144, "num_hidden_layers": 44, "num_attention_heads": 64,
    "intermediate_size": 24576, "vocab_size": 50432, "max_position_embeddings": 2048, "tie_word_embeddings": False,
}  # fmt: skip
GPTJ: dict[str, object] = {
    "model_type": "gptj", "n_embd": 4096, "n_layer": 28, "n_head": 16, "n_positions": 2048, "vocab_size": 50400,
    "tie_word_embeddings": False,
}  # fmt: skip
MPT: dict[str, object] = {
    "model_type": "mpt", "d_model": 4096, "n_layers": 32, "n_heads": 32, "vocab_size": 50432, "max_seq_len": 2048,
    "expansion_ratio": 4, "no_bias": True, "learned_pos_emb": True,
    "attn_config": {"attn_type": "multihead_attention", "alibi": True},
}  # fmt: skip
STARCODER: dict[str, object] = {
    "model_type": "gpt_bigcode", "n_embd": 6144, "n_layer": 40, "n_head": 48, "n_positions": 8192, "n_inner": 24576,
    "vocab_size": 49152, "multi_query": True,
}  # fmt: skip

CASES = (
    Case("GPT-2 small", gpt2(768, 12, 12, 1024), 124_439_808, 0.0, "as loaded: texar-pytorch documentation, modules"),
    Case("GPT-2 XL", gpt2(1600, 48, 25, 1024), 1_557_611_200, 0.0, "as loaded: texar-pytorch documentation, modules"),
    Case("GPT-3 175B", gpt2(12288, 96, 96, 2048), 175e9, 0.005, "GPT-3, arXiv 2005.14165, table 2.1"),
    Case("GPT-NeoX-20B", NEOX, 20_554_567_680, 0.0, "GPT-NeoX-20B model card, table of hyperparameters"),
    Case("GPT-J-6B", GPTJ, 6.05e9, 0.001, "GPT-J-6B model card: 6B, 28 layers of 4,096; tensors of its weights"),
    Case("OPT-175B", opt(12288, 96, 96), 175e9, 0.005, "OPT, arXiv 2205.01068, table 1"),
    Case("OPT-1.3B", opt(2048, 24, 32), 1_315_758_080, 0.0, "facebook/opt-1.3b as loaded"),
    Case("BLOOM", BLOOM, 176_247_271_424, 0.0, "BLOOM model card, bigscience/bloom, architecture"),
    Case("MPT-7B", MPT, 6.7e9, 0.01, "MPT-7B model card, mosaicml/mpt-7b: 6.7B"),
    Case("StarCoder", STARCODER, 15.5e9, 0.005, "StarCoder, arXiv 2305.06161, abstract: 15.5B"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_total_agrees(case: Case) -> None:
    found = count(from_config(case.config))
    assert found.total == (case.total if not case.rel else pytest.approx(case.total, rel=case.rel))


def test_the_parts_of_bloom_are_those_of_its_card() -> None:
    spec = from_config(BLOOM)
    assert count(spec).embeddings == 3_596_615_680
    assert (spec.n_layers, spec.hidden, spec.tied_embeddings, spec.context) == (70, 14336, True, 2048)
    assert not spec.layers[0].ffn.gated


def test_mpt_by_hand() -> None:
    """Twelve squares of the width and two norms a layer, one tied table, one norm: no bias and no positions."""
    width = 4096
    assert count(from_config(MPT)).total == 32 * (12 * width**2 + 2 * width) + 50432 * width + width == 6_649_286_656
    wide = from_config(MPT | {"attn_config": {"alibi": False}})
    assert wide.other_params == 2048 * width
    few = from_config(MPT | {"attn_config": {"attn_type": "multiquery_attention", "alibi": True}})
    assert few.layers[0].attention.kv_heads == 1


def test_starcoder_shares_one_key_value_head() -> None:
    assert from_config(STARCODER).layers[0].attention.kv_heads == 1
    assert from_config(STARCODER | {"multi_query": False}).layers[0].attention.kv_heads == 48


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (opt(1024, 24, 16) | {"word_embed_proj_dim": 512}, "word_embed_proj_dim is 512; it must be the model's width"),
        (MPT | {"attn_config": {"attn_type": "mystery"}}, "attn_config.attn_type is 'mystery'"),
        (MPT | {"attn_config": {"attn_type": "grouped_query_attention"}}, "attn_config.kv_n_heads is missing"),
        (gpt2(768, 12, 12, 1024) | {"n_positions": None, "n_ctx": None}, "n_positions is null"),
        (gpt2(768, 12, 12, 1024) | {"n_layer": 0}, "n_layer is 0"),
        (gpt2(768, 12, 12, 1024) | {"n_embd": 770}, "12 heads do not divide the width 770"),
    ],
)
def test_mistakes_are_named(config: dict[str, object], message: str) -> None:
    with pytest.raises(ModelConfigError, match=message):
        from_config(config)
