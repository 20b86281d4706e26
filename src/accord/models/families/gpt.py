"""Families after GPT: layer norms with biases, feed-forward blocks of two matrices, positions learned or computed.

Biases of the two norms of a layer are counted with the block that each norm feeds; learned positions, norms of the
embeddings and the final norm's bias are in :attr:`~accord.models.families.blocks.Decoder.other_params`.
"""

from __future__ import annotations

from collections.abc import Sequence

from accord.models.config_fields import MAX_COUNT, MAX_TOKENS, MAX_VOCAB, Fields
from accord.models.families.blocks import Decoder, checked_heads, head_width, hidden_size, layer_count, stack
from accord.models.spec import Attention, Ffn

HEAD_KEYS = ("num_attention_heads", "n_head", "n_heads")
POSITION_KEYS = ("n_positions", "n_ctx", "max_position_embeddings", "max_seq_len")
RATIO = 4  # width of a feed-forward block over the model's, where the file does not say
OPT_OFFSET = 2  # rows of OPT's table of positions before the first position


def _attention(
    f: Fields, *, kv_heads: int = 0, in_bias: bool = True, out_bias: bool = True, norms: int = 1
) -> Attention:
    """Attention over the whole context; kv_heads: 0 for as many as query heads; norms: biases of norms it carries."""
    hidden = hidden_size(f)
    heads = f.first_integer(HEAD_KEYS, high=MAX_COUNT, default=None)
    width = head_width(f, hidden, heads)
    stored = kv_heads or heads
    other = (norms + (1 if out_bias else 0)) * hidden + ((heads + 2 * stored) * width if in_bias else 0)
    return Attention(kind="full", heads=heads, kv_heads=stored, head_dim=width, v_head_dim=width, other_params=other)


def _plain(f: Fields, keys: Sequence[str], *, bias: bool = True, norms: int = 1) -> Ffn:
    """Two matrices and their biases; keys: of the width; norms: biases of norms that the block carries."""
    hidden = hidden_size(f)
    width = f.first_integer(keys, default=RATIO * hidden)
    return Ffn(hidden=width, gated=False, other_params=(width + hidden if bias else 0) + norms * hidden)


def _decoder(f: Fields, attention: Attention, ffn: Ffn, *, other: int, norms: int = 2, tied: bool = True) -> Decoder:
    """Equal layers; other: weights outside layers, embeddings and the final norm's scale."""
    layers = layer_count(f)
    return Decoder(layers=stack([attention] * layers, [ffn] * layers, norms), other_params=other, tied=tied)


def _positions(f: Fields) -> int:
    """Rows of a learned table of positions."""
    return f.first_integer(POSITION_KEYS, high=MAX_TOKENS, default=None)


def gpt2(f: Fields) -> Decoder:
    """GPT-2 and GPT-3: learned positions, biases everywhere, tied embeddings."""
    return _decoder(f, _attention(f), _plain(f, ("n_inner",)), other=(_positions(f) + 1) * hidden_size(f))


def gpt_bigcode(f: Fields) -> Decoder:
    """StarCoder: as GPT-2, with one key/value head for all queries unless ``multi_query`` is false."""
    attention = _attention(f, kv_heads=1 if f.flag("multi_query", True) else 0)
    return _decoder(f, attention, _plain(f, ("n_inner",)), other=(_positions(f) + 1) * hidden_size(f))


def gptj(f: Fields) -> Decoder:
    """GPT-J: one norm for both blocks of a layer, no biases of attention, one in the output table."""
    attention = _attention(f, in_bias=False, out_bias=False)
    other = hidden_size(f) + f.integer("vocab_size", high=MAX_VOCAB)
    return _decoder(f, attention, _plain(f, ("n_inner",), norms=0), other=other, norms=1, tied=False)


def gpt_neox(f: Fields) -> Decoder:
    """GPT-NeoX and Pythia: rotary positions, two norms a layer whether or not its blocks run side by side."""
    bias = f.flag("attention_bias", True)
    attention = _attention(f, in_bias=bias, out_bias=bias)
    return _decoder(f, attention, _plain(f, ("intermediate_size",)), other=hidden_size(f), tied=False)


def opt(f: Fields) -> Decoder:
    """OPT: learned positions with two rows more than positions; embeddings must be as wide as the model."""
    hidden = hidden_size(f)
    if f.integer("word_embed_proj_dim", default=hidden) != hidden:
        raise f.wrong("word_embed_proj_dim", f"the model's width, {hidden:,}; narrower embeddings have no builder")
    bias = f.flag("enable_bias", True)
    attention = _attention(f, in_bias=bias, out_bias=bias)
    other = (_positions(f) + OPT_OFFSET + 1) * hidden
    return _decoder(f, attention, _plain(f, ("ffn_dim",), bias=bias), other=other)


def bloom(f: Fields) -> Decoder:
    """BLOOM: positions by a slope of each head (ALiBi), a norm after the embeddings."""
    return _decoder(f, _attention(f), _plain(f, ("n_inner",)), other=3 * hidden_size(f))


def mpt(f: Fields) -> Decoder:
    """MPT: ``attn_config`` says how many key/value heads there are; no biases unless ``no_bias`` is false."""
    hidden, biased = hidden_size(f), not f.flag("no_bias", True)
    own = f.child("attn_config") or Fields({}, f.name("attn_config"))
    heads = f.first_integer(HEAD_KEYS, high=MAX_COUNT, default=None)
    kind = own.word("attn_type", "multihead_attention")
    if kind not in ("multihead_attention", "multiquery_attention", "grouped_query_attention"):
        raise own.wrong("attn_type", "multihead_attention, multiquery_attention or grouped_query_attention")
    stored = {"multihead_attention": heads, "multiquery_attention": 1}.get(kind, 0)
    stored = stored or own.integer("kv_n_heads", high=MAX_COUNT)
    checked_heads(own, heads, stored, "kv_n_heads")
    norms = 1 if biased else 0
    attention = _attention(f, kv_heads=stored, in_bias=biased, out_bias=biased, norms=norms)
    width = f.integer("expansion_ratio", high=100, default=RATIO) * hidden
    ffn = Ffn(hidden=width, gated=False, other_params=width + 2 * hidden if biased else 0)
    learned = f.flag("learned_pos_emb", True) and not own.flag("alibi") and not own.flag("rope")
    return _decoder(f, attention, ffn, other=norms * hidden + (_positions(f) * hidden if learned else 0))
