"""What a model is: layers of attention and feed-forward, nothing about files or hardware.

A :class:`ModelSpec` is what the rest of Accord sees of a model. It is made from a Hugging Face
``config.json`` by :mod:`accord.models.hf_config`. All counts are per layer unless said otherwise.

Conventions:

- ``mla``: ``head_dim`` is the part without position plus the rotary part (``qk_nope_head_dim +
  qk_rope_head_dim``), ``kv_heads`` is 1: one latent vector and one rotary key serve every head.
- ``linear``: queries and keys have ``kv_heads`` heads of ``head_dim``; values, the gate and the output have
  ``heads`` heads of ``v_head_dim``. ``conv_kernel`` runs over queries, keys and values together.
- Chunked attention (each token sees its own chunk) is a window as long as the chunk, its upper bound.
- ``compress`` above 1 with a ``window``: the last ``window`` tokens are stored as they are, and besides them
  one entry per ``compress`` tokens of the whole context.
- ``shares_kv``: the layer has a query and an output projection and no key or value projection.
- Low-rank query (``q_lora_rank``): two matrices, model to rank and rank to heads.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from accord.base.errors import ModelConfigError


class Attention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One attention block.

    kind: ``full`` softmax over per-head keys and values (MHA, GQA, MQA), ``mla`` over one latent
        vector a token, ``linear`` over a recurrent state of constant size
    heads, kv_heads: query heads and key/value heads (``linear``: value heads and key heads)
    head_dim: width of a query/key head, rotary part included; v_head_dim: of a value head
    q_lora_rank: width of the low-rank query projection, 0 = direct
    kv_lora_rank, rope_head_dim: MLA latent width and shared rotary key width
    o_lora_rank, o_groups: width per group and number of groups of a low-rank output projection, 0 = direct
    window: sliding window [tokens], 0 = the whole context
    compress: context tokens merged into one stored key/value entry (1 = none)
    compress_width: width of each of the compressor's two projections (entry and gate), 0 = none; a whole
        multiple of head_dim, two where neighbouring groups overlap. The indexer's compressor scales alike
    sparse_top_k: entries attended at most, chosen by an indexer, 0 = all
    index_heads, index_head_dim: the indexer's query heads and key width (one key a stored entry)
    shares_kv: reuses the cache of the layer before it, stores none
    shared_kv_vector: key and value are the same stored vector
    output_gate: a gate as wide as the attention output is projected from the input
    state_elements: state of constant size per sequence: the recurrence and convolution tail of ``linear``, or
        the tokens a compressor holds until their group is full [elements]
    conv_kernel: short convolution before a linear attention, 0 = none
    other_params: weights that no field above implies (norms, biases, sinks, decay vectors)
    """

    kind: Literal["full", "mla", "linear"]
    heads: int
    kv_heads: int
    head_dim: int
    v_head_dim: int
    q_lora_rank: int = 0
    kv_lora_rank: int = 0
    rope_head_dim: int = 0
    o_lora_rank: int = 0
    o_groups: int = 1
    window: int = 0
    compress: int = 1
    compress_width: int = 0
    sparse_top_k: int = 0
    index_heads: int = 0
    index_head_dim: int = 0
    shares_kv: bool = False
    shared_kv_vector: bool = False
    output_gate: bool = False
    state_elements: int = 0
    conv_kernel: int = 0
    other_params: int = 0

    def __post_init__(self) -> None:
        """Refuse shapes no kernel can have. Raises ModelConfigError."""
        for name in ("heads", "kv_heads", "head_dim", "v_head_dim", "compress", "o_groups"):
            if getattr(self, name) < 1:
                raise ModelConfigError(f"attention.{name} is {getattr(self, name)}; it must be 1 or more")
        if self.kind == "mla" and self.kv_lora_rank < 1:
            raise ModelConfigError("attention.kv_lora_rank is 0; latent attention needs its rank")


class Ffn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One feed-forward block: dense when ``experts`` is 0, else a mixture.

    hidden: width of the dense block, 0 in a pure mixture
    gated: three matrices (gate, up, down) instead of two
    experts, top_k, expert_hidden: routed experts, how many a token uses, width of one
    shared_hidden: summed width of the experts every token uses
    latent: width the routed experts work in when it is not the model's, 0 = the model's
    other_params: router bias, shared expert's gate and the like
    expert_other_params: biases of one routed expert
    """

    hidden: int = 0
    gated: bool = True
    experts: int = 0
    top_k: int = 0
    expert_hidden: int = 0
    shared_hidden: int = 0
    latent: int = 0
    other_params: int = 0
    expert_other_params: int = 0

    def __post_init__(self) -> None:
        """Refuse mixtures that route to nothing. Raises ModelConfigError."""
        if self.experts and not 1 <= self.top_k <= self.experts:
            raise ModelConfigError(f"a token uses {self.top_k} of {self.experts} experts")
        if self.experts and self.expert_hidden < 1:
            raise ModelConfigError("ffn.expert_hidden is 0 though the block has experts")
        if not self.experts and self.hidden < 1:
            raise ModelConfigError("the feed-forward block has no width")


class Layer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``count`` equal decoder layers. ``norms``: normalisation vectors as wide as the model."""

    attention: Attention
    ffn: Ffn
    count: int = 1
    norms: int = 2

    def __post_init__(self) -> None:
        """Refuse empty groups. Raises ModelConfigError."""
        if self.count < 1:
            raise ModelConfigError(f"a layer group has {self.count} layers")


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decoder-only language model.

    layers: groups of equal layers in depth order (equal neighbours merged)
    mtp_layers, mtp: number and shape of multi-token-prediction layers (not counted in totals)
    weights: format of the released checkpoint (``bf16``, ``fp8``, ``mxfp4`` ...)
    other_weights: format of all but the routed experts where the checkpoint keeps them finer, else empty
    context: longest context the model accepts [tokens], 0 = not stated
    other_params: vision towers and other weights outside the decoder's layers and embeddings; a text token
        does not pass through them
    """

    id: str
    model_type: str
    hidden: int
    vocab: int
    layers: tuple[Layer, ...]
    tied_embeddings: bool = False
    mtp_layers: int = 0
    mtp: Layer | None = None
    weights: str = "bf16"
    other_weights: str = ""
    context: int = 0
    other_params: int = 0

    def __post_init__(self) -> None:
        """Refuse a model without width, words or layers. Raises ModelConfigError."""
        if self.hidden < 1 or self.vocab < 1 or not self.layers:
            raise ModelConfigError(
                f"{self.id}: hidden {self.hidden}, vocab {self.vocab}, {len(self.layers)} layer groups"
            )

    @property
    def n_layers(self) -> int:
        """Number of decoder layers, MTP layers out."""
        return sum(layer.count for layer in self.layers)

    @property
    def is_moe(self) -> bool:
        """Whether any layer routes tokens to experts."""
        return any(layer.ffn.experts for layer in self.layers)

    @property
    def distinct_layers(self) -> tuple[Layer, ...]:
        """Layers of one shape counted together, in order of first appearance: what costs depend on."""
        counts: dict[tuple[Attention, Ffn, int], int] = {}
        for layer in self.layers:
            shape = (layer.attention, layer.ffn, layer.norms)
            counts[shape] = counts.get(shape, 0) + layer.count
        return tuple(
            Layer(attention=attention, ffn=ffn, norms=norms, count=count)
            for (attention, ffn, norms), count in counts.items()
        )
