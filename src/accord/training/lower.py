"""A model in training as operators of one micro-batch on one device, and their backward passes.

Forward operators are those of prefill with a causal context; what serving alone does (caches, captured graphs,
sampling) is left out. A matrix product has two backward products, one for the gradients of its input and one for
those of its weights, which are added up in 32 bits, or in 16
beside narrow products. Attention kernels compute scores again in their backward pass,
five products in place of two (Dao, FlashAttention-2, arXiv 2307.08691, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Number
from accord.hardware.device import bytes_per_number
from accord.models.spec import Attention, Ffn, Layer
from accord.ops.attention import lower_attention
from accord.ops.gemm import EIGHT_BIT, gemm, grouped_gemm
from accord.ops.op import Formats, Op, Shape, Stage
from accord.ops.vector import activation, norm, vector
from accord.training.flop import entries_seen
from accord.training.layout import Job, Layouts

PRODUCTS = ("gemm", "grouped")
CORES = ("attention_prefill", "linear")
SOFTMAX = "attention core"
CHEAP = ("query up projection", "key and value expansion")  # low-rank products, made again rather than kept
NARROW = (*EIGHT_BIT, "fp4", "mxfp4")
CAST_BYTES = 3.0  # of a number cast for a narrow product, beside the kernel that makes it: written, and its transpose
BACKWARD_CORE = 2.5


@dataclass(frozen=True, slots=True)
class Piece:
    """A forward operator and what its backward pass is made of.

    op: a softmax core's ``depth`` is the width of a head's query and value together; other cores have none
    frozen: its weights are not trained
    """

    op: Op
    frozen: bool = False


def pieces(job: Job, lay: Layouts, layer: Layer) -> list[Piece]:
    """Operators of one layer and micro-batch; ``op.layers`` is 1."""
    shape = step_shape(job, lay)
    fmt = stored(job.precision)
    formats = Formats(attention=fmt, dense=fmt, experts=fmt, kv="bf16")
    hidden = job.spec.hidden
    once = np.where(lay.sp > 0.0, shape.tokens / lay.tp, shape.tokens)
    ops = [op for op in lower_attention(layer.attention, hidden, shape, formats, 1.0) if op.name != "attention norm"]
    ops.append(norm("attention norm", "attention", once, hidden, 1.0))
    ops.append(norm("feed-forward norm", "ffn", once, hidden, 1.0))
    ops += _feed_forward(job, lay, layer.ffn, shape.tokens, fmt)
    if fmt in NARROW:
        ops += [_cast(op.name, op.stage, op.rows * op.depth) for op in ops if op.family == "gemm" and op.fmt in NARROW]
    ops = [_causal(op, layer.attention, job.seq) if op.name == SOFTMAX else op for op in ops]
    found = [Piece(op, job.frozen) for op in ops]
    return found + (_adapters(job, lay, layer, shape.tokens) if job.frozen else [])


def _causal(op: Op, block: Attention, seq: float) -> Op:
    """A softmax core over what positions see on average: windows and top-k fill up along the sequence."""
    seen = np.maximum(entries_seen(block, seq, True), 1.0)
    share = seen / np.maximum(op.rows, 1e-9)
    wide = np.full_like(op.flop, block.head_dim + block.v_head_dim)
    return replace(op, flop=op.flop * share, rows=op.rows * share, depth=wide)


def step_shape(job: Job, lay: Layouts) -> Shape:
    """One micro-batch on one attention group; context parallel ranks hold an even share of every sequence."""
    tokens = lay.micro * job.seq / lay.cp
    one = np.ones_like(tokens)
    return Shape("prefill", tokens, lay.micro, one * job.seq / 2.0, tokens, lay.tp, lay.ep, lay.tp, one, one * 0.0,
                 tokens, one)  # fmt: skip


def stored(precision: str) -> str:
    """The format products are priced in: both 16-bit formats share their units."""
    return "bf16" if precision == "fp16" else precision


def _feed_forward(job: Job, lay: Layouts, ffn: Ffn, tokens: Array, fmt: str) -> list[Op]:
    hidden = job.spec.hidden
    if not ffn.experts:
        return _dense("dense", ffn.hidden, ffn.gated, hidden, tokens, lay.tp, fmt)
    once = np.where(lay.sp > 0.0, tokens / lay.tp, tokens)
    inner = float(ffn.latent or hidden)
    ops = [
        gemm("router", "ffn", "bf16", once, hidden, np.ones_like(tokens) * ffn.experts, 1.0),
        vector("top-k selection", "ffn", once * ffn.experts * 8.0, 1.0, launches=4.0),
    ]
    if ffn.shared_hidden:
        ops += _dense("shared expert", ffn.shared_hidden, ffn.gated, hidden, tokens, lay.tp, fmt)
    slots, held = busiest(job, lay, ffn, tokens)
    width = ffn.expert_hidden / lay.slices
    wide = width * (2.0 if ffn.gated else 1.0)
    moved = slots * inner * 4.0
    if fmt in NARROW:
        ops.append(_cast("experts", "ffn", slots * width + tokens * inner))  # before tokens are copied
    return [
        *ops,
        vector("token permutation", "ffn", moved, 1.0),
        grouped_gemm("expert up projection", fmt, slots, held, inner, wide, 1.0),
        activation("expert activation", slots, width, 1.0, ffn.gated),
        grouped_gemm("expert down projection", fmt, slots, held, width, inner, 1.0),
        vector("weighted sum", "ffn", moved, 1.0),
    ]


def busiest(job: Job, lay: Layouts, ffn: Ffn, tokens: Array) -> tuple[Array, Array]:
    """Token copies the busiest rank's experts compute, and experts it holds.

    Loads are even over a step up to ``train.expert_skew``, the coefficient of variation of a rank's experts.
    """
    mean = routed_tokens(lay, tokens) * ffn.top_k
    skew: Number = 0.0 if job.balanced else job.efficiency.get("train.expert_skew")
    held = np.maximum(ffn.experts / lay.ep, 1.0)
    ranks = np.maximum(lay.ep, 1.0)
    slots = mean * (1.0 + skew * np.sqrt(2.0 * np.log(ranks) / held))
    return slots, held


def routed_tokens(lay: Layouts, tokens: Array) -> Array:
    """Tokens whose copies one rank routes: its own share where experts are spread, all of its group where sliced."""
    return np.where(lay.ep > 1.0, tokens / lay.tp, tokens)


def _dense(name: str, width: float, gated: bool, hidden: int, rows: Array, split: Array, fmt: str) -> list[Op]:
    local = width / split
    return [
        gemm(f"{name} up projection", "ffn", fmt, rows, hidden, local * (2.0 if gated else 1.0), 1.0),
        activation(f"{name} activation", rows, local, 1.0, gated),
        gemm(f"{name} down projection", "ffn", fmt, rows, local, np.ones_like(local) * hidden, 1.0),
    ]


def _cast(name: str, stage: Stage, numbers: Array) -> Op:
    """Numbers that enter a narrow product, cast from 16 bits."""
    return vector(f"{name}: cast", stage, numbers * CAST_BYTES, 1.0)


def _adapters(job: Job, lay: Layouts, layer: Layer, tokens: Array) -> list[Piece]:
    """Low-rank adapters beside the projections of attention, in 16 bits."""
    hidden, block = job.spec.hidden, layer.attention
    outs = (block.heads + 2.0 * block.kv_heads) * block.head_dim
    rank = np.ones_like(tokens) * job.lora_rank
    into = gemm("adapters into their rank", "attention", "bf16", tokens, hidden, rank * 4.0, 1.0)
    out = gemm("adapters out of their rank", "attention", "bf16", tokens, float(job.lora_rank),
               np.ones_like(tokens) * (outs + hidden) / lay.tp, 1.0)  # fmt: skip
    mixed = vector(
        "adapter dropout and sum", "attention", tokens * ((outs + hidden) / lay.tp + 2.0 * hidden) * 4.0, 1.0, 8.0
    )
    return [Piece(into), Piece(out), Piece(mixed)]


def head_pieces(job: Job, lay: Layouts) -> list[Piece]:
    """Final norm, output projection and loss of one micro-batch, in 16 bits."""
    shape = step_shape(job, lay)
    spec = job.spec
    words = spec.vocab / lay.tp
    return [
        Piece(norm("final norm", "head", shape.tokens, spec.hidden, 1.0)),
        Piece(gemm("output projection to words", "head", "bf16", shape.tokens, spec.hidden, words, 1.0), job.frozen),
        Piece(vector("loss", "head", shape.tokens * words * 10.0, 1.0, launches=6.0)),
    ]


def embedding_piece(job: Job, lay: Layouts) -> Piece:
    """The lookup of input embeddings."""
    tokens = lay.micro * job.seq / lay.cp
    return Piece(vector("embedding", "head", tokens * job.spec.hidden * 6.0, 1.0))


def input_gradient(op: Op) -> Op:
    """The product that gives the gradients of an operator's input; twice the traffic where it is none."""
    if op.family in PRODUCTS:
        out = op.width / np.maximum(op.depth, 1.0)
        return replace(op, depth=out if op.family == "gemm" else op.depth)
    if op.family in CORES:
        return replace(op, flop=op.flop * BACKWARD_CORE, bytes=op.bytes * BACKWARD_CORE, launches=3.0)
    return replace(op, bytes=op.bytes * 1.5)


def weight_gradient(op: Op, gradient_bytes: float) -> Op | None:
    """The product that adds to an operator's weight gradients; None where it has no weights.

    gradient_bytes: of a number of the running sum, which is read and written [B]
    """
    if op.family not in PRODUCTS:
        return None
    moved = op.bytes + op.width * (2.0 * gradient_bytes - bytes_per_number(op.fmt))
    if op.family == "grouped":
        return replace(op, bytes=moved, depth=op.rows)
    outputs = op.flop / 2.0 / np.maximum(op.depth, 1.0)  # rows times what each gives
    return replace(op, bytes=moved, depth=op.rows, rows=op.depth, width=outputs)
