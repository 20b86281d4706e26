"""The model that a row of training runs describes: from the catalog, else from its dimensions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from accord.models.params import count
from accord.models.spec import Attention, Ffn, Layer, ModelSpec

DEFAULT_VOCAB = 51200  # GPT-2's 50,257 words, padded as Megatron-LM does for 8 tensor-parallel ranks
MOST_OFF = 0.15  # of the stated parameters
_LATENT = {"q_lora": "q_lora_rank", "kv_lora": "kv_lora_rank", "rope": "rope_head_dim", "v_head": "v_head_dim"}
_USUAL_LATENT = Attention(
    kind="mla", heads=128, kv_heads=1, head_dim=192, v_head_dim=128, q_lora_rank=1536, kv_lora_rank=512,
    rope_head_dim=64,
)  # fmt: skip
"""DeepSeek-V2 and V3: DeepSeek-AI, arXiv 2405.04434, 2024-05-07, section 3.1.2."""


class Described(Protocol):
    """What is read of a row."""

    @property
    def text(self) -> Mapping[str, str]:
        """Words of the columns."""

    @property
    def numbers(self) -> Mapping[str, float]:
        """Numbers of the columns."""

    @property
    def flags(self) -> Mapping[str, str]:
        """``key=value`` notes."""

    @property
    def words(self) -> tuple[str, ...]:
        """Other notes, in lower case."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A model; ``assumed`` names the dimensions that defaults filled, ``notes`` says what does not add up."""

    spec: ModelSpec
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def spec_of(
    row: Described, models: Callable[[str], ModelSpec | None], latent: Iterable[ModelSpec] = ()
) -> Shape | None:
    """The model of a row, None where neither a catalog model nor dimensions name one.

    models: a catalog model by id; latent: catalog models with latent attention, whose ranks fill what a row omits
    """
    named = models(row.text["model"]) if "model" in row.text else None
    if named is not None:
        return Shape(named, (), _contradictions(row, named))
    if not all(name in row.numbers for name in ("layers", "hidden", "heads")):
        return None
    attention, assumed = _attention(row, latent)
    if "vocab" not in row.numbers:
        assumed = (*assumed, "vocab")
    best = min(_candidates(row, attention), key=lambda shape: _distance(row, shape.spec))
    return Shape(best.spec, (*assumed, *best.assumed), _contradictions(row, best.spec))


def _whole(row: Described, name: str, default: int) -> int:
    return int(row.numbers.get(name, default))


def _attention(row: Described, latent: Iterable[ModelSpec]) -> tuple[Attention, tuple[str, ...]]:
    heads, hidden = _whole(row, "heads", 1), _whole(row, "hidden", 1)
    noted = next((word for word in row.words if re.match(r"mla\b", word)), None)
    if noted is not None or ("head_dim" not in row.numbers and row.text.get("arch") == "moe"):
        return _latent_attention(noted or "", heads, hidden, latent)
    kv_heads = _whole(row, "kv_heads", heads)
    width = _whole(row, "head_dim", max(hidden // heads, 1))
    assumed = () if "kv_heads" in row.numbers else ("kv_heads",)
    return Attention(kind="full", heads=heads, kv_heads=kv_heads, head_dim=width, v_head_dim=width), assumed


def _latent_attention(
    noted: str, heads: int, hidden: int, latent: Iterable[ModelSpec]
) -> tuple[Attention, tuple[str, ...]]:
    """Ranks of the notes, else of the catalog model most alike."""
    found = [(spec, spec.layers[0].attention) for spec in latent if spec.layers[0].attention.kind == "mla"]
    plain = [(spec, attention) for spec, attention in found if not attention.sparse_top_k]
    near = sorted(plain, key=lambda one: (one[0].hidden != hidden, one[1].heads != heads, one[0].id))
    base = near[0][1] if near else _USUAL_LATENT
    same = bool(near) and near[0][0].hidden == hidden and base.heads == heads
    stated = {field: int(match[1]) for key, field in _LATENT.items() if (match := re.search(rf"\b{key} (\d+)", noted))}
    rope = stated.get("rope_head_dim", base.rope_head_dim)
    nope = re.search(r"\bnope (\d+)", noted)
    width = rope + (int(nope[1]) if nope else base.head_dim - base.rope_head_dim)
    attention = Attention(
        kind="mla", heads=heads, kv_heads=1, head_dim=width, rope_head_dim=rope,
        v_head_dim=stated.get("v_head_dim", base.v_head_dim),
        q_lora_rank=stated.get("q_lora_rank", base.q_lora_rank),
        kv_lora_rank=stated.get("kv_lora_rank", base.kv_lora_rank),
    )  # fmt: skip
    return attention, () if same else ("latent_ranks",)


def _candidates(row: Described, attention: Attention) -> Iterator[Shape]:
    """The models that a row may mean, the likeliest first: gated or plain blocks, one table of words or two."""
    hidden = _whole(row, "hidden", 1)
    width = _whole(row, "ffn", 4 * hidden)
    assumed: tuple[str, ...] = ()
    kinds = [row.flags.get("mlp") == "gated"]
    if "mlp" not in row.flags:
        kinds, assumed = sorted((True, False), key=lambda gated: gated == (width == 4 * hidden)), ("mlp",)
    if "ffn" not in row.numbers and "moe_ffn" not in row.numbers:
        assumed = (*assumed, "ffn")
    for gated in kinds:
        for tied in (not gated, gated):
            yield Shape(_spec(row, attention, width, gated, tied), assumed)


def _spec(row: Described, attention: Attention, width: int, gated: bool, tied: bool) -> ModelSpec:
    hidden, layers = _whole(row, "hidden", 1), _whole(row, "layers", 1)
    dense = Ffn(hidden=width, gated=gated)
    experts = _whole(row, "experts", 0)
    groups = [(dense, layers)]
    if experts:
        expert = _whole(row, "moe_ffn", width)
        shared = _whole(row, "shared_experts", 0) * expert
        top_k = min(_whole(row, "active_experts", 1), experts)
        mixture = Ffn(gated=gated, experts=experts, top_k=top_k, expert_hidden=expert, shared_hidden=shared)
        first = min(int(row.flags.get("dense_layers", 0)), layers)
        groups = [(dense, first), (mixture, layers - first)]
    return ModelSpec(
        id=row.flags.get("model") or row.text.get("model") or f"{row.text.get('arch', 'dense')}-{layers}x{hidden}",
        model_type="described",
        hidden=hidden,
        vocab=_whole(row, "vocab", DEFAULT_VOCAB),
        layers=tuple(Layer(attention=attention, ffn=ffn, count=many) for ffn, many in groups if many),
        tied_embeddings=tied,
    )


def _distance(row: Described, spec: ModelSpec) -> float:
    """How far the parameters are from those stated [1]; 0 where none are, so that the first candidate stands."""
    stated = row.numbers.get("params_total")
    return abs(count(spec).total / stated - 1.0) if stated else 0.0


def _contradictions(row: Described, spec: ModelSpec) -> tuple[str, ...]:
    off = _distance(row, spec)
    if off <= MOST_OFF:
        return ()
    counted, stated = count(spec).total, row.numbers["params_total"]
    return (f"the dimensions give {counted / 1e9:.3g}e9 parameters, the row says {stated / 1e9:.3g}e9",)
