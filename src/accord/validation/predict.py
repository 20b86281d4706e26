"""The prediction for one measured row, by the metric it holds.

Each kind of metric has one function here; all of them ask the public estimate or the kernel
functions behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import DoesNotFit
from accord.inference.kernels import ATTENTION, Kernel, attention_kernel, exchange_kernel, exchange_link, gemm_kernel
from accord.inference.request import EstimateRequest
from accord.models.spec import ModelSpec
from accord.validation.machines import Lookup, MachineFacts
from accord.validation.rows import Row, request_of, version_of

SKIPS = ("no_shape", "fleet_average", "unknown_chip", "unknown_model", "no_lengths", "bound_violation")
_FLEET = ("input_token_per_s_total", "input_token_per_s_per_chip", "cache_hit_ratio")
_SIZES = ("devices", "chips", "tp", "pp", "dp", "ep", "prefill_devices", "decode_devices")
_ASKED = ("prefill", "decode", "serve", "offline")
MOST_RANKS = 1024
_SHARE = r"([01](?:\.[0-9]+)?)"
_REUSE = re.compile(f"reuse-{_SHARE}")
_REUSE_PAIR = re.compile(f"reuse-{_SHARE}-over-{_SHARE}")
_PLANES = re.compile(r"(\w+)-plane-over-(\w+)-plane")


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted value, or why there is none; ``assumed`` names the fields defaults filled.

    value: shape ``(1,)``, or ``(S,)`` from a lookup that draws its parameters
    """

    value: Array | None
    skipped: str | None = None
    assumed: tuple[str, ...] = ()


def predict(row: Row, lookup: Lookup) -> Prediction:
    """Prediction for ``row``. Raises AccordError where the row asks for something impossible."""
    metric = row.text["metric"]
    if lookup.chip(row.text.get("chip", "")) is None:
        return Prediction(None, "unknown_chip")
    for prefix, function in _BY_METRIC.items():
        if metric.startswith(prefix):
            return function(row, lookup)
    return _from_estimate(row, lookup)


def _facts(row: Row, lookup: Lookup) -> MachineFacts:
    return lookup.facts(row.text.get("system"), row.text["chip"], row.text.get("engine"), version_of(row))


def _from_estimate(row: Row, lookup: Lookup) -> Prediction:
    """Metrics the estimate names itself."""
    reason = _unanswerable(row, lookup)
    if reason:
        return Prediction(None, reason)
    return _answer(row, lookup, request_of(row), row.text["metric"])


def _answer(row: Row, lookup: Lookup, request: EstimateRequest, metric: str) -> Prediction:
    facts = _facts(row, lookup)
    if _loose(row, facts):
        return Prediction(None, "unknown_chip")
    done = lookup.estimate(_with(request, system=facts.machine.id))
    if metric not in done.metrics:
        return Prediction(None, "no_shape")
    return Prediction(done.metrics[metric], None, (*facts.assumed, *done.assumed))


def question_of(row: Row, lookup: Lookup) -> tuple[EstimateRequest, tuple[str, ...]] | None:
    """What a row about a deployment asks of a machine of the catalog, and what was assumed; None for no answer."""
    if lookup.chip(row.text.get("chip", "")) is None or _unanswerable(row, lookup):
        return None
    facts = _facts(row, lookup)
    return None if _loose(row, facts) else (_with(request_of(row), system=facts.machine.id), facts.assumed)


def _loose(row: Row, facts: MachineFacts) -> bool:
    """Whether it is not known how the chips of a row are joined."""
    return "system" in facts.assumed and max(row.count(name) or 1 for name in _SIZES) > 1


def _unanswerable(row: Row, lookup: Lookup) -> str | None:
    """The reason from the closed list why a row asks nothing that has an answer, if any."""
    return _unaskable(row, lookup) or _without_lengths(row)


def _unaskable(row: Row, lookup: Lookup) -> str | None:
    """Averages over a fleet, rows about no phase of a deployment, and unknown models."""
    metric, phase = row.text["metric"], row.text["phase"]
    if metric in _FLEET or (phase == "serve" and row.numbers.get("nodes", 1.0) % 1.0):
        return "fleet_average"
    if phase not in _ASKED:
        return "no_shape"
    if lookup.model(row.text.get("model", "")) is None:
        return "unknown_model"
    if metric == "output_token_per_s_per_user" and phase == "decode" and "batch_per_device" not in row.numbers:
        return "fleet_average"
    return None


def _without_lengths(row: Row) -> str | None:
    """A served row states a prompt or an answer, a decode row a prompt or a context."""
    stated = {"serve": ("isl", "osl"), "offline": ("isl", "osl"), "decode": ("isl", "kv_len")}.get(row.text["phase"])
    if stated and not any(name in row.numbers for name in stated):
        return "no_lengths"
    return None


def _gemm(row: Row, lookup: Lookup) -> Prediction:
    if not all(name in row.numbers for name in ("m", "n", "k")) or "dtype" not in row.text:
        return Prediction(None, "no_shape")
    facts = _facts(row, lookup)
    groups = int(row.flags.get("groups", "1"))
    kernel = gemm_kernel(
        facts.machine, facts.efficiency, row.numbers["m"], row.numbers["n"], row.numbers["k"], row.text["dtype"], groups
    )
    return Prediction(_rate(row, kernel))


def _attention(row: Row, lookup: Lookup) -> Prediction:
    """Rates printed without a shape are the best the kernel reaches."""
    op = row.text.get("op", "")
    if op not in ATTENTION:
        return Prediction(None, "no_shape")
    facts = _facts(row, lookup)
    return Prediction(_rate(row, attention_kernel(facts.machine, facts.efficiency, op, row.text.get("kv"))))


def _rate(row: Row, kernel: Kernel) -> Array:
    metric = row.text["metric"]
    if metric.endswith("_byte_per_s"):
        return kernel.bytes_per_s
    if metric.endswith("_utilization"):
        return kernel.flop_per_s / kernel.peak_flop_per_s
    return kernel.flop_per_s


def _exchange(row: Row, lookup: Lookup) -> Prediction:
    op, ranks = row.text.get("op", ""), row.count("ep") or 1
    if op.removesuffix("-normal") not in ("dispatch", "combine"):
        return Prediction(None, "no_shape")
    facts = _facts(row, lookup)
    if op.endswith("-normal"):
        kernel = exchange_link(facts.machine, facts.efficiency, ranks)
        return Prediction(kernel.bytes_per_s)
    if "tokens_per_device" not in row.numbers:
        return Prediction(None, "no_shape")
    spec = lookup.model(row.text.get("model", ""))
    if spec is None or not spec.is_moe:
        return Prediction(None, "unknown_model")
    message = row.number("message_bytes") or _message(spec, op)
    kernel = exchange_kernel(
        facts.machine, facts.efficiency, op, row.numbers["tokens_per_device"], _copies(spec), message, ranks
    )
    value = kernel.bytes_per_s if row.text["metric"].endswith("byte_per_s") else kernel.seconds
    return Prediction(value)


def _copies(spec: ModelSpec) -> int:
    return max(layer.ffn.top_k for layer in spec.layers)


def _message(spec: ModelSpec, op: str) -> float:
    """Bytes of one token: 8-bit on the way out, 16-bit on the way back."""
    return float(spec.hidden if op == "dispatch" else 2 * spec.hidden)


def _link(row: Row, lookup: Lookup) -> Prediction:
    facts = _facts(row, lookup)
    path = facts.paths.get(row.text.get("op", ""))
    if path is None:
        return Prediction(None, "no_shape")
    value = path[0] if row.text["metric"] == "link_byte_per_s" else path[1]
    return Prediction(array(value))


def _ratio(row: Row, lookup: Lookup, above: EstimateRequest, below: EstimateRequest, metric: str) -> Prediction:
    over, under = _answer(row, lookup, above, metric), _answer(row, lookup, below, metric)
    if over.value is None or under.value is None:
        return over
    return Prediction(over.value / under.value, None, over.assumed)


def _pool_ratio(
    row: Row, lookup: Lookup, above: Mapping[str, object], below: Mapping[str, object], metric: str
) -> Prediction:
    """A ratio between two settings of one pool, of the same layout and batch.

    A row without ranks is about the fewest expert-parallel ranks that hold it, from those on at which
    experts have copies by default.
    """
    reason = _unaskable(row, lookup)
    if reason:
        return Prediction(None, reason)
    asked, assumed = request_of(row), []
    if asked.phase == "decode" and asked.batch_per_device is None:
        asked = _with(asked, batch_per_device=lookup.number("serving", "batch_per_device"))
        assumed.append("batch_per_device")
    if not any(name in row.numbers for name in _SIZES):
        asked = _wide(asked, lookup)
        assumed.append("ep")
    made = _ratio(row, lookup, _with(asked, **above), _with(asked, **below), metric)
    return Prediction(made.value, made.skipped, (*assumed, *made.assumed))


def _wide(asked: EstimateRequest, lookup: Lookup) -> EstimateRequest:
    """``asked`` over enough expert-parallel ranks. Raises DoesNotFit where a memory holds none of it."""
    ranks = int(lookup.number("serving", "wide_ep"))
    while True:
        wide = _with(asked, ep=ranks)
        try:
            lookup.estimate(wide)
        except DoesNotFit:
            if ranks >= MOST_RANKS:
                raise
            ranks *= 2
        else:
            return wide


def _rate_metric(row: Row) -> str:
    return (
        "prefill_token_per_s_per_chip" if row.text["phase"] in ("prefill", "cache") else "decode_token_per_s_per_chip"
    )


def _microbatch(row: Row, lookup: Lookup) -> Prediction:
    metric = "layer_s" if row.text["metric"] == "microbatch_layer_ratio" else _rate_metric(row)
    return _pool_ratio(row, lookup, {"microbatches": 2}, {"microbatches": 1}, metric)


def _drafting(row: Row, lookup: Lookup) -> Prediction:
    return _pool_ratio(row, lookup, {}, {"mtp_tokens": 0}, _rate_metric(row))


def _balancing(row: Row, lookup: Lookup) -> Prediction:
    """Tokens that fall evenly on experts, over the spread that the engine has."""
    return _pool_ratio(row, lookup, {"balanced": True}, {"balanced": False}, _rate_metric(row))


def _stream(row: Row, lookup: Lookup) -> Prediction:
    """Two microbatches take turns on two streams, so a layer lasts as long as two turns of the longer stream."""
    reason = _unanswerable(row, lookup)
    if reason:
        return Prediction(None, reason)
    made = _answer(row, lookup, _with(request_of(row), microbatches=2), "layer_s")
    return Prediction(None if made.value is None else made.value / 2.0, made.skipped, made.assumed)


def _caching(row: Row, lookup: Lookup) -> Prediction:
    """``reuse-A-over-B`` and ``PLANE-over-PLANE`` of prefill rate, ``reuse-A`` of TTFT saved."""
    asked = _with(request_of(row, "prefill"), microbatches=None)
    reason = _unanswerable(row, lookup)
    if reason and reason != "no_shape":
        return Prediction(None, reason)
    op = row.text.get("op", "")
    pair, single, planes = _REUSE_PAIR.fullmatch(op), _REUSE.fullmatch(op), _PLANES.fullmatch(op)
    if pair:
        above, below = (float(part) for part in pair.groups())
        return _ratio(row, lookup, _with(asked, reuse=above), _with(asked, reuse=below), "input_token_per_s_per_chip")
    if single and row.text["metric"] == "ttft_reduction_s":
        return _saved(row, lookup, asked, float(single.group(1)))
    if planes:
        one, other = planes.groups()
        share = lookup.number("cache", "reuse")
        above_plane, below_plane = (_with(asked, reuse=share, cache_plane=plane) for plane in (one, other))
        return _ratio(row, lookup, above_plane, below_plane, "input_token_per_s_per_chip")
    return Prediction(None, "no_shape")


def _saved(row: Row, lookup: Lookup, asked: EstimateRequest, reuse: float) -> Prediction:
    """TTFT of a full step without reuse less the TTFT of the same prompts with it."""
    without = lookup.estimate(_with(asked, reuse=0.0))
    with_reuse = lookup.estimate(_with(asked, reuse=reuse))
    saved = without.metrics["ttft_s"] - with_reuse.metrics["ttft_s"]
    return Prediction(np.maximum(saved, 0.0), None, without.assumed)


def _host_launch(row: Row, lookup: Lookup) -> Prediction:
    """The host's launch of a graph is part of an engine's time outside the layers, not a time of its own."""
    return Prediction(None, "no_shape")


def _with(request: EstimateRequest, **changes: object) -> EstimateRequest:
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    return EstimateRequest(**{**fields, **changes})


_BY_METRIC: Mapping[str, Callable[[Row, Lookup], Prediction]] = {
    "gemm_": _gemm,
    "mla_": _attention,
    "mha_": _attention,
    "ep_": _exchange,
    "link_": _link,
    "microbatch_": _microbatch,
    "mtp_speedup": _drafting,
    "cache_prefill_speedup": _caching,
    "ttft_reduction_s": _caching,
    "eplb_speedup": _balancing,
    "graph_dispatch_s": _host_launch,
    "layer_stream_s": _stream,
}
