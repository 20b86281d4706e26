"""From a Hugging Face ``config.json`` to a :class:`~accord.models.spec.ModelSpec`.

``model_type`` picks the builder; the table below is the list of what is supported. The text model's keys may sit
in ``text_config``. Keys that do not change the shape (dropout, rotary bases, token ids) are not read.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from accord.base.errors import ModelConfigError
from accord.models.config_fields import MAX_TOKENS, MAX_VOCAB, Fields, describe
from accord.models.families import compressed, dense, gpt, hybrid, latent, mixture
from accord.models.families.blocks import Decoder, hidden_size
from accord.models.spec import ModelSpec
from accord.models.vision import vision_params
from accord.models.weights_format import formats

BUILDERS: Mapping[str, Callable[[Fields], Decoder]] = {
    "llama": dense.llama,
    "granite": dense.llama,
    "mistral": dense.mistral,
    "ministral": dense.mistral,
    "phi3": dense.mistral,
    "qwen2": dense.qwen2,
    "qwen3": dense.qwen3,
    "gemma": dense.gemma,
    "gemma2": dense.gemma2,
    "gemma3": dense.gemma3,
    "gemma3_text": dense.gemma3,
    "glm": dense.glm,
    "glm4": dense.glm4,
    "gpt2": gpt.gpt2,
    "gpt_bigcode": gpt.gpt_bigcode,
    "gptj": gpt.gptj,
    "gpt_neox": gpt.gpt_neox,
    "opt": gpt.opt,
    "bloom": gpt.bloom,
    "mpt": gpt.mpt,
    "mixtral": mixture.mixtral,
    "granitemoe": mixture.granite_moe,
    "granitemoeshared": mixture.granite_moe,
    "qwen2_moe": mixture.qwen2_moe,
    "qwen3_moe": mixture.qwen3_moe,
    "glm4_moe": mixture.glm4_moe,
    "gpt_oss": mixture.gpt_oss,
    "llama4": mixture.llama4,
    "llama4_text": mixture.llama4,
    "hunyuan": mixture.hunyuan,
    "hunyuan_v1_moe": mixture.hunyuan,
    "hunyuan_v1_dense": mixture.hunyuan_dense,
    "pangu_pro_moe": mixture.pangu_moe,
    "PanguProMoE": mixture.pangu_moe,
    "minimax_m2": mixture.minimax_m2,
    "step3": mixture.step3,
    "step3_vl": mixture.step3,
    "step3_text": mixture.step3,
    "mimo_v2": mixture.mimo_v2,
    "mimo_v2_flash": mixture.mimo_v2,
    "deepseek_v2": latent.deepseek_v2,
    "deepseek_v3": latent.deepseek_v3,
    "kimi_k2": latent.deepseek_v3,
    "kimi_k25": latent.deepseek_v3,
    "glm4_moe_lite": latent.deepseek_v3,
    "deepseek_v32": latent.deepseek_v32,
    "glm_moe_dsa": latent.deepseek_v32,
    "deepseek_v4": compressed.deepseek_v4,
    "minimax": hybrid.minimax_text,
    "minimax_text_01": hybrid.minimax_text,
    "minimax_m1": hybrid.minimax_text,
    "qwen3_next": hybrid.qwen3_next,
    "qwen3_5_moe": hybrid.qwen3_next,
    "qwen3_5_moe_text": hybrid.qwen3_next,
    "qwen3_5": hybrid.qwen3_5,
    "qwen3_5_text": hybrid.qwen3_5,
}
"""Supported values of ``model_type``."""

USUAL_KEYS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "vocab_size",
    "num_experts",
    "num_local_experts",
    "n_routed_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "kv_lora_rank",
    "sliding_window",
    "layer_types",
)
"""Keys that say the most about an architecture; the message for an unknown type lists which are there."""

TEXT_KEYS = ("text_config", "llm_config", "language_config")
CONTEXT_KEYS = (
    "max_position_embeddings",
    "max_position_embedding",
    "max_seq_len",
    "seq_length",
    "n_positions",
    "n_ctx",
)


def _unknown(model_type: str, f: Fields) -> ModelConfigError:
    """The error for a type without a builder: near types, keys found and not found."""
    near = difflib.get_close_matches(model_type.lower(), BUILDERS, n=3, cutoff=0.5)
    found = [key for key in USUAL_KEYS if f.has(key)]
    missing = [key for key in USUAL_KEYS if not f.has(key)]
    closest = f"closest supported types: {', '.join(near)}" if near else f"supported types: {', '.join(BUILDERS)}"
    return ModelConfigError(
        f"model_type is {describe(model_type)}, which has no builder; "
        f"architecture keys found: {', '.join(found) or 'none'}; not found: {', '.join(missing) or 'none'}",
        hint=f"{closest}; set model_type to one of them if the layers are laid out alike",
    )


def _builder(f: Fields, outer: Fields) -> tuple[str, Callable[[Fields], Decoder]]:
    """Type and builder: of the text model when it states a supported type, else of the whole file."""
    for fields in (f, outer):
        if fields.has("model_type") and fields.word("model_type") in BUILDERS:
            name = fields.word("model_type")
            return name, BUILDERS[name]
    source = outer if outer.has("model_type") else f
    raise _unknown(source.word("model_type"), f)


def _tied(f: Fields, outer: Fields, default: bool) -> bool:
    """Whether input and output tables are one: the text model's word, else the file's, else the family's."""
    if f.has("tie_word_embeddings"):
        return f.flag("tie_word_embeddings")
    return outer.flag("tie_word_embeddings", default)


def _read(outer: Fields, id: str) -> ModelSpec:
    """Read the whole file; see :func:`from_config`."""
    f = next((inner for inner in map(outer.child, TEXT_KEYS) if inner is not None), outer)
    model_type, build = _builder(f, outer)
    hidden = hidden_size(f)
    vocab = f.integer("vocab_size", high=MAX_VOCAB)
    context = f.first_integer(CONTEXT_KEYS, high=MAX_TOKENS, default=0)
    decoder = build(f)
    vision = outer.child("vision_config")
    weights, other_weights = formats(f, outer)
    return ModelSpec(
        id=id,
        model_type=model_type,
        hidden=hidden,
        vocab=vocab,
        layers=decoder.layers,
        tied_embeddings=_tied(f, outer, decoder.tied),
        mtp_layers=decoder.mtp_layers,
        mtp=decoder.mtp,
        weights=weights,
        other_weights=other_weights,
        context=context,
        other_params=decoder.other_params + (vision_params(vision, hidden) if vision is not None else 0),
    )


def from_config(config: Mapping[str, object], id: str = "model") -> ModelSpec:
    """Make a specification from the decoded ``config.json`` of a Hugging Face model.

    config: the decoded object, with the keys transformers writes; id: name the specification carries
    Returns a specification whose layers are merged groups in depth order.
    Raises ModelConfigError naming the key and what it may be; for a type without a builder it lists near types and
    which architecture keys are there.
    """
    if not isinstance(config, Mapping):
        raise ModelConfigError(f"the configuration is {describe(config)}; it must be an object", where=id)
    try:
        return _read(Fields(config), id)
    except ModelConfigError as error:
        raise error.at(where=id) from None
