"""An estimate as the result of a verb: metrics with intervals, points, memory, parts, operators."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from accord.base.array import Array
from accord.base.units import show
from accord.catalog.value import Value
from accord.inference.result import Estimate
from accord.parallel.memory import Memory
from accord.report.tables import Table, number, number_column, pairs, text_column
from accord.report.to_json import metric
from accord.step.breakdown import StepTime
from accord.step.explain import OpRow

Factors = Mapping[str, Array]
MOST_CAUSES = 8
LEAST_SHARE = 0.0005  # of a variance, below which a table would print nothing
DISPUTED = "says: "
_LABELS = {
    "tpot_s": "time per output token",
    "ttft_s": "time to first token",
    "ttft_p50_s": "  half of requests within",
    "ttft_p90_s": "  90 % of requests within",
    "ttft_p99_s": "  99 % of requests within",
    "load": "load over what it can serve",
    "iteration_s": "decode iteration",
    "step_s": "prefill step",
    "layer_s": "one decoder layer",
    "kv_transfer_s": "cache transfer of one request",
    "decode_token_per_s_per_chip": "decode rate per chip",
    "prefill_token_per_s_per_chip": "prefill rate per chip",
    "input_token_per_s_per_chip": "prompt rate per chip, cache hits included",
    "output_token_per_s_per_chip": "output rate per chip",
    "output_token_per_s_total": "output rate, whole deployment",
    "output_token_per_s_per_user": "output rate of one request",
    "total_token_per_s_per_chip": "input and output rate per chip",
    "input_token_per_s_total": "input rate, whole deployment",
    "request_per_s": "requests completed",
    "running": "requests decoding per attention group",
    "microbatches": "microbatches",
}
_HEADLINE = ("tpot_s", "step_s")
_EXACT = ("microbatches",)
_PARTS = {
    "attention_s": "attention", "ffn_s": "feed-forward", "reduce_s": "all-reduce",
    "exchange_s": "exposed dispatch and combine", "head_s": "embedding, output words, sampling",
    "draft_s": "multi-token prediction", "pipeline_s": "pipeline hand-over",
    "outside_s": "engine outside the layers",
}  # fmt: skip


class Cause(NamedTuple):
    """Part of the variance of a metric's logarithm; known: how a parameter is known, "" for what is none."""

    name: str
    share: float
    known: str


class Causes(NamedTuple):
    """What an interval is due to, the largest share first.

    parameters_log_sd: from parameters and disputed facts; residual_log_sd: from everything the model leaves out
    """

    parameters_log_sd: float
    residual_log_sd: float
    causes: tuple[Cause, ...]


def causes_of(parts: Sequence[tuple[str, str, float]], whole: float, residual_log_sd: float) -> Causes:
    """The largest causes and the rest.

    parts: name, how it is known, and variance of each cause; whole: their variance together
    """
    total = whole + residual_log_sd**2
    if total <= 0.0:
        return Causes(0.0, 0.0, ())
    said = sum(part for name, _, part in parts if name.startswith(DISPUTED))
    told = [Cause(name, part / total, how) for name, how, part in parts if not name.startswith(DISPUTED)]
    told += [
        Cause("what sources say", said / total, ""),
        Cause("what the model leaves out", residual_log_sd**2 / total, ""),
    ]
    kept = sorted((cause for cause in told if cause.share >= LEAST_SHARE), key=lambda cause: -cause.share)[:MOST_CAUSES]
    rest = 1.0 - sum(cause.share for cause in kept)
    others = (Cause("everything else", rest, ""),) if rest >= LEAST_SHARE else ()
    return Causes(math.sqrt(whole), residual_log_sd, (*kept, *others))


def unit_of(name: str) -> str:
    """SI unit of a metric, from its name."""
    if name == "request_per_s":
        return "req/s"
    if "token_per_s" in name:
        return "tok/s"
    return "s" if name.endswith("_s") else "1"


def metrics_dict(estimate: Estimate, at: int, factors: Factors) -> dict[str, object]:
    """Metrics of one point with their intervals; factors: half-width factor by metric, shape ``(D,)``."""
    found: dict[str, object] = {}
    for name, values in estimate.metrics.items():
        value, factor = float(values[at]), float(factors[name][at])
        found[name] = metric(value, unit_of(name), value / factor, value * factor)
    return found


def memory_dict(memory: Memory, at: int) -> dict[str, float]:
    """Bytes of one device."""
    parts = ("weights_bytes", "cache_bytes", "activation_bytes", "reserve_bytes", "capacity_bytes", "free_bytes")
    return {name: float(getattr(memory, name)[min(at, len(getattr(memory, name)) - 1)]) for name in parts}


def step_dict(step: StepTime, at: int) -> dict[str, float]:
    """Parts of one step [s]; they sum to ``total_s``."""
    parts = {name: float(getattr(step, name)[min(at, len(getattr(step, name)) - 1)]) for name in _PARTS}
    return {**parts, "total_s": sum(parts.values())}


def op_dict(row: OpRow) -> dict[str, object]:
    """One operator."""
    return {name: getattr(row, name) for name in OpRow.__dataclass_fields__}


def result_dict(
    estimates: Mapping[str, Estimate],
    factors: Mapping[str, Factors],
    explained: Mapping[str, Sequence[OpRow]],
    causes: Mapping[str, Mapping[str, Causes]],
) -> dict[str, object]:
    """The verb's ``result``: metrics of the first point, all points when lists were given, and the parts."""
    first = {
        name: value for phase, one in estimates.items() for name, value in metrics_dict(one, 0, factors[phase]).items()
    }
    result: dict[str, object] = {"metrics": first}
    sizes = {len(one.points) for one in estimates.values()}
    if sizes != {1}:
        result["points"] = [
            _point(one, at, phase, factors[phase]) for phase, one in estimates.items() for at in range(len(one.points))
        ]
    result["memory"] = {
        pool: memory_dict(memory, 0) for one in estimates.values() for pool, memory in one.memories.items()
    }
    result["step"] = {pool: step_dict(step, 0) for one in estimates.values() for pool, step in one.steps.items()}
    result["layout"] = {
        pool: {name: getattr(layout, name) for name in ("tp", "pp", "dp", "cp", "ep", "instances")}
        for one in estimates.values() for pool, layout in one.layouts.items()
    }  # fmt: skip
    one = next(iter(estimates.values()))
    result["formats"] = {name: getattr(one.setting.formats, name) for name in ("attention", "dense", "experts", "kv")}
    result["chips"] = one.chips
    if explained:
        result["operators"] = {phase: [op_dict(row) for row in rows] for phase, rows in explained.items()}
        result["explain"] = {
            phase: {
                name: {**one._asdict(), "causes": [cause._asdict() for cause in one.causes]} for name, one in by.items()
            }
            for phase, by in causes.items()
        }
    return result


def _point(estimate: Estimate, at: int, phase: str, factors: Factors) -> dict[str, object]:
    inputs, good = dict(estimate.points[at]), fits(estimate, at)
    metrics = metrics_dict(estimate, at, factors) if good else {}
    return {"inputs": inputs, "phase": phase, "metrics": metrics, "fits": good}


def fits(estimate: Estimate, at: int) -> bool:
    """Whether every pool of the point fits its memory."""
    return all(memory_dict(memory, at)["free_bytes"] >= 0.0 for memory in estimate.memories.values())


def question_notes(estimate: Estimate) -> tuple[str, ...]:
    """The deployment behind the numbers: layout, formats, and what was filled by default."""
    layouts = []
    for pool, layout in estimate.layouts.items():
        ranks = " x ".join(
            f"{name} {getattr(layout, name)}" for name in ("tp", "pp", "dp", "cp") if getattr(layout, name) > 1
        )
        experts = f", ep {layout.ep}" if layout.ep > 1 else ""
        layouts.append(f"{pool} {layout.instances} x ({ranks or 'one device'}{experts})")
    formats = estimate.setting.formats
    stored = (
        formats.experts if formats.experts == formats.attention else f"{formats.experts}, attention {formats.attention}"
    )
    notes = [
        f"layout: {'; '.join(layouts)}" + (" (of the first line)" if len(estimate.points) > 1 else ""),
        f"formats: weights {stored}; cache {formats.kv}; engine {estimate.setting.efficiency.engine}",
    ]
    filled = [_filled(estimate, name) for name in estimate.assumed]
    if filled:
        notes.append(f"filled by default: {', '.join(filled)}")
    return tuple(notes)


def _filled(estimate: Estimate, name: str) -> str:
    """A default with its value where a plan holds it."""
    plan = next(iter(estimate.plans.values()))
    field = {"batch_per_device": "batch", "tokens_per_device": "tokens", "mtp_accept": "accept"}.get(name, name)
    if field in ("isl", "osl", "batch", "tokens", "mtp_tokens", "accept"):
        return f"{name} {float(getattr(plan, field)[0]):,g}"
    return name


def metrics_table(title: str, estimate: Estimate, factors: Factors, level: float) -> Table:
    """One line a metric with its interval."""
    rows = []
    for name, values in estimate.metrics.items():
        value, factor, unit = float(values[0]), float(factors[name][0]), unit_of(name)
        band = "" if factor == 1.0 else f"{_show(value / factor, unit)} .. {_show(value * factor, unit)}"
        rows.append((_LABELS.get(name, name), _show(value, unit), band, name))
    columns = (
        text_column("quantity"),
        number_column("estimate"),
        text_column(f"{level:.0%} interval"),
        text_column("metric"),
    )
    return Table(title=title, columns=columns, rows=tuple(rows), notes=question_notes(estimate))


def _show(value: float, unit: str) -> str:
    if unit == "1":
        return number(value)
    if unit == "tok/s":
        return f"{number(value, 4)} tok/s"
    if unit == "req/s":
        return f"{number(value, 4)} req/s"
    return show(value, unit)


def points_table(title: str, estimate: Estimate, names: Sequence[str]) -> Table:
    """One line a combination of the listed values."""
    listed = [key for key in estimate.points[0] if len({point[key] for point in estimate.points}) > 1]
    columns = tuple(number_column(key.replace("_", " ")) for key in listed)
    columns += tuple(number_column(name) for name in names) + (text_column("fits"),)
    rows = tuple(
        tuple(f"{point[key]:g}" for key in listed)
        + tuple(_cell(estimate, name, at) for name in names)
        + ("yes" if fits(estimate, at) else "no",)
        for at, point in enumerate(estimate.points)
    )
    return Table(title=title, columns=columns, rows=rows, notes=question_notes(estimate))


def _cell(estimate: Estimate, name: str, at: int) -> str:
    return _show(float(estimate.metrics[name][at]), unit_of(name)) if fits(estimate, at) else "-"


def memory_table(pool: str, memory: Memory) -> Table:
    """Where one device's memory goes."""
    found = memory_dict(memory, 0)
    names = {
        "weights_bytes": "weights", "cache_bytes": "key/value cache", "activation_bytes": "activations",
        "reserve_bytes": "reserve", "free_bytes": "free", "capacity_bytes": "capacity",
    }  # fmt: skip
    rows = [(label, f"{found[key] / 1e9:,.1f} GB") for key, label in names.items()]
    return pairs(f"Memory of one device, {pool}", rows)


def step_table(pool: str, step: StepTime) -> Table:
    """Parts of a step and their shares."""
    found = step_dict(step, 0)
    total = found["total_s"] or 1.0
    rows = [
        (label, show(found[key], "s"), f"{found[key] / total:.1%}") for key, label in _PARTS.items() if found[key] > 0.0
    ]
    rows.append(("whole step", show(found["total_s"], "s"), "100.0%"))
    columns = (text_column("part"), number_column("time"), number_column("share"))
    return Table(title=f"Where a step's time goes, {pool}", columns=columns, rows=tuple(rows))


def operators_table(pool: str, rows: Sequence[OpRow]) -> Table:
    """One line an operator, largest first."""
    ordered = sorted(rows, key=lambda row: -row.seconds)
    columns = (
        text_column("operator"), number_column("layers"), text_column("format"), number_column("time"),
        number_column("share"), text_column("bound"), number_column("FLOP"), number_column("bytes"),
        number_column("wire"), text_column("constants"),
    )  # fmt: skip
    cells = tuple(
        (row.name, str(row.layers), row.fmt or "-", show(row.seconds, "s"), f"{row.share:.1%}", row.bound,
         _size(row.flop, "FLOP"), _size(row.bytes, "B"), _size(row.wire_bytes, "B"), _known(row))
        for row in ordered
    )  # fmt: skip
    note = "without overlap and drafts; work of one device over all layers of the step"
    return Table(title=f"Operators, {pool}", columns=columns, rows=cells, notes=(note,))


def _size(value: float, unit: str) -> str:
    return "-" if value == 0.0 else show(value, unit)


def _known(row: OpRow) -> str:
    """How the constants of an operator are known, in a word each: ``3 measured, 1 assumed``."""
    words = [how.partition(" ")[0] for how in row.known]
    return ", ".join(f"{words.count(word)} {word}" for word in ("measured", "transferred", "assumed") if word in words)


def causes_table(phase: str, causes: Mapping[str, Causes]) -> Table:
    """What the width of the interval of the phase's first metric is due to."""
    name = next(name for name in _HEADLINE if name in causes)
    columns = (text_column("cause"), number_column("share"), text_column("known"))
    rows = tuple((cause.name, f"{cause.share:.1%}", cause.known or "-") for cause in causes[name].causes)
    note = "share of the variance of the logarithm; correlated constants may take from one another"
    return Table(title=f"Why the interval of {name} is as wide, {phase}", columns=columns, rows=rows, notes=(note,))


def constants_table(constants: Sequence[tuple[str, str, str, str, str]]) -> Table:
    """The parameters behind the operators: name, value, basis, how they are known, source."""
    columns = (
        text_column("constant"), number_column("value"), text_column("basis"), text_column("known"),
        text_column("source"),
    )  # fmt: skip
    return Table(title="Constants behind the operators", columns=columns, rows=tuple(constants))


def value_words(value: Value) -> str:
    """A parameter with its unit."""
    return f"{value.si:,g}" if value.unit == "1" else show(value.si, value.unit)


def exact(name: str) -> bool:
    """Whether a metric is a choice, not a prediction."""
    return name in _EXACT
