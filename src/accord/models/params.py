"""How many weights a model has, in total and per token.

Embeddings are in the total, multi-token-prediction layers are not (they are in ``mtp``). A token passes through
all of a mixture's router and shared experts and through ``top_k`` of its experts. Vision towers
(:attr:`ModelSpec.other_params`) are in the total and not in the active count, which is that of a text token.
"""

from __future__ import annotations

import msgspec

from accord.models.spec import Attention, Ffn, Layer, ModelSpec


class ParamCount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of a model by part [1].

    total: all parts below but ``mtp``
    active: weights a text token passes through, input embedding table included
    active_without_embeddings: ``active`` less an input table of its own. A tied table is also the output head,
        which every token passes through, so it stays
    embeddings: the input table; lm_head: the output table, 0 when tied
    attention, dense_ffn, routed_experts, shared_experts, router, norms: over all layers; ``router`` includes its
        biases, ``norms`` the final norm
    other: vision towers and the like
    mtp: multi-token-prediction layers with their input projections; they share embeddings and head
    """

    total: int
    active: int
    active_without_embeddings: int
    embeddings: int
    lm_head: int
    attention: int
    dense_ffn: int
    routed_experts: int
    shared_experts: int
    router: int
    norms: int
    other: int
    mtp: int


def _indexer(attention: Attention, hidden: int) -> int:
    """Weights of the indexer: queries from the low-rank query, head weights, one key an entry."""
    if not attention.index_heads:
        return 0
    source = attention.q_lora_rank or hidden
    key = attention.index_head_dim
    if attention.compress_width:
        key *= 2 * (attention.compress_width // attention.head_dim)
    return source * attention.index_heads * attention.index_head_dim + hidden * (attention.index_heads + key)


def _linear(attention: Attention, hidden: int) -> int:
    """Weights of a linear attention block."""
    keys = attention.kv_heads * attention.head_dim
    values = attention.heads * attention.v_head_dim
    projections = hidden * (2 * keys + values * (3 if attention.output_gate else 2))
    return projections + attention.conv_kernel * (2 * keys + values) + attention.other_params


def attention_params(attention: Attention, hidden: int) -> int:
    """Weights of one attention block of a model ``hidden`` wide [1]."""
    if attention.kind == "linear":
        return _linear(attention, hidden)
    queries = attention.heads * attention.head_dim
    values = attention.heads * attention.v_head_dim
    rank = attention.q_lora_rank
    count = rank * (hidden + queries) if rank else hidden * queries
    if attention.shares_kv:
        pass
    elif attention.kind == "mla":
        plain = attention.head_dim - attention.rope_head_dim
        count += hidden * (attention.kv_lora_rank + attention.rope_head_dim)
        count += attention.kv_lora_rank * attention.heads * (plain + attention.v_head_dim)
    elif attention.shared_kv_vector:
        count += hidden * attention.kv_heads * attention.head_dim
    else:
        count += hidden * attention.kv_heads * (attention.head_dim + attention.v_head_dim)
    if attention.output_gate:
        count += hidden * values
    if attention.o_lora_rank:
        count += attention.o_lora_rank * (values + attention.o_groups * hidden)
    else:
        count += values * hidden
    count += 2 * hidden * attention.compress_width
    return count + _indexer(attention, hidden) + attention.other_params


def dense_ffn_params(ffn: Ffn, hidden: int) -> int:
    """Weights of the dense part of a block [1]."""
    biases = 0 if ffn.experts else ffn.other_params
    return (3 if ffn.gated else 2) * hidden * ffn.hidden + biases


def expert_params(ffn: Ffn, hidden: int) -> int:
    """Weights of one routed expert, 0 in a dense block [1]."""
    if not ffn.experts:
        return 0
    return (3 if ffn.gated else 2) * (ffn.latent or hidden) * ffn.expert_hidden + ffn.expert_other_params


def shared_expert_params(ffn: Ffn, hidden: int) -> int:
    """Weights of the experts every token uses, with the projections into and out of a narrower latent [1]."""
    return (3 if ffn.gated else 2) * hidden * ffn.shared_hidden + 2 * hidden * ffn.latent


def router_params(ffn: Ffn, hidden: int) -> int:
    """Weights of the router and its biases, 0 in a dense block [1]."""
    return hidden * ffn.experts + ffn.other_params if ffn.experts else 0


def layer_params(layer: Layer, hidden: int) -> int:
    """All weights of one layer of the group [1]."""
    ffn = layer.ffn
    return (
        attention_params(layer.attention, hidden)
        + dense_ffn_params(ffn, hidden)
        + ffn.experts * expert_params(ffn, hidden)
        + shared_expert_params(ffn, hidden)
        + router_params(ffn, hidden)
        + layer.norms * hidden
    )


def mtp_params(spec: ModelSpec) -> int:
    """Weights of the multi-token-prediction layers: each a layer, a 2-to-1 input projection and three norms [1]."""
    if spec.mtp is None:
        return 0
    hidden = spec.hidden
    return spec.mtp_layers * (layer_params(spec.mtp, hidden) + 2 * hidden * hidden + 3 * hidden)


def count(spec: ModelSpec) -> ParamCount:
    """Count the weights of ``spec`` part by part.

    Returns exact integers [1]; ``embeddings + lm_head + attention + dense_ffn + routed_experts + shared_experts +
    router + norms + other`` is ``total``.
    """
    hidden = spec.hidden
    embeddings = spec.vocab * hidden
    lm_head = 0 if spec.tied_embeddings else embeddings
    groups = spec.layers
    attention = sum(g.count * attention_params(g.attention, hidden) for g in groups)
    dense_ffn = sum(g.count * dense_ffn_params(g.ffn, hidden) for g in groups)
    routed = sum(g.count * g.ffn.experts * expert_params(g.ffn, hidden) for g in groups)
    used = sum(g.count * g.ffn.top_k * expert_params(g.ffn, hidden) for g in groups)
    shared = sum(g.count * shared_expert_params(g.ffn, hidden) for g in groups)
    router = sum(g.count * router_params(g.ffn, hidden) for g in groups)
    norms = sum(g.count * g.norms * hidden for g in groups) + hidden
    common = embeddings + lm_head + attention + dense_ffn + shared + router + norms
    return ParamCount(
        total=common + routed + spec.other_params,
        active=common + used,
        active_without_embeddings=common + used - (0 if spec.tied_embeddings else embeddings),
        embeddings=embeddings,
        lm_head=lm_head,
        attention=attention,
        dense_ffn=dense_ffn,
        routed_experts=routed,
        shared_experts=shared,
        router=router,
        norms=norms,
        other=spec.other_params,
        mtp=mtp_params(spec),
    )
