"""A simulated run as the result of a verb: latencies, rates, limits, tenants, pools, replications, saturation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accord.base.units import show
from accord.report.tables import NOTHING, Column, Table, number, number_column, text_column
from accord.report.to_json import metric
from accord.serving.replications import Combined, SloSpread, Spread
from accord.serving.saturation import Saturation
from accord.serving.slo import LIMITS

Spreads = Mapping[str, Spread]

_STEMS = {
    "ttft": "time to first token",
    "tpot": "time per output token",
    "itl": "gap between tokens",
    "e2e": "end to end",
    "queue": "waiting to be scheduled",
}
_FIGURES = ("mean", "p50", "p90", "p95", "p99")
_LABELS = {
    "requests": "requests arrived",
    "completed": "  completed",
    "failed": "  failed",
    "cancelled": "  cancelled by their users",
    "unfinished": "  unfinished when the run ended",
    "not_arrived": "requests that never came",
    "preemptions": "times a request lost its cache to others",
    "restarts": "times a request lost its instance",
    "offered_request_per_s": "requests arriving",
    "request_per_s": "requests completed",
    "goodput_request_per_s": "requests within every limit",
    "output_token_per_s_total": "output rate, whole deployment",
    "output_token_per_s_per_chip": "output rate per chip",
    "input_token_per_s_total": "input rate, whole deployment",
    "total_token_per_s_per_chip": "input and output rate per chip",
    "prefill_token_per_s_per_chip": "prompt tokens computed per prefill chip",
    "input_token_per_s_per_chip": "prompt tokens served per prefill chip",
    "decode_token_per_s_per_chip": "output rate per decode chip",
    "in_flight_mean": "requests in the system, mean",
    "running_mean": "requests running, mean",
    "waiting_mean": "requests waiting, mean",
    "waiting_max": "requests waiting, most",
    "kv_occupancy_mean": "cache in use, mean",
    "kv_occupancy_max": "cache in use, most",
    "instances_mean": "instances in service, mean",
    "utilization": "time in iterations over time in service",
    "cache_hit_ratio": "prompt tokens found in a cache",
    "pooled_hit_ratio": "  of those looked up, found in the pool",
    "link_utilization": "busiest transfer link in use",
    "makespan_s": "first arrival to last end",
    "window_s": "time over which rates are counted",
    "energy_j": "energy",
    "power_w": "power, mean",
    "output_token_per_j": "output tokens per joule",
    "j_per_output_token": "joules per output token",
    "cost_usd": "rent of the chips",
    "usd_per_output_token": "rent of an output token",
}
_SHARES = ("share", "itl_share", "utilization", "link_utilization", "cache_hit_ratio", "pooled_hit_ratio",
           "kv_occupancy_mean", "kv_occupancy_max")  # fmt: skip
_COUNTS = ("requests", "completed", "failed", "cancelled", "unfinished", "not_arrived", "preemptions", "restarts",
           "chips", "instances", "iterations", "waiting_max")  # fmt: skip
_OF_NONE = ("failed", "cancelled", "unfinished", "not_arrived", "preemptions", "restarts")  # zero goes without saying
_UNITS = (
    ("usd_per_output_token", "USD/tok"), ("j_per_output_token", "J/tok"), ("token_per_j", "tok/J"),
    ("request_per_s", "req/s"), ("token_per_s_total", "tok/s"), ("token_per_s_per_chip", "tok/s"),
    ("_usd", "USD"), ("_j", "J"), ("_w", "W"), ("_s", "s"),
)  # fmt: skip
_REPLICATED = (
    "ttft_mean_s", "ttft_p50_s", "ttft_p90_s", "ttft_p99_s", "tpot_s", "tpot_p99_s", "itl_mean_s", "itl_p99_s",
    "e2e_mean_s", "e2e_p90_s", "e2e_p99_s", "queue_mean_s", "queue_p99_s", "request_per_s",
    "goodput_request_per_s", "output_token_per_s_total", "in_flight_mean", "kv_occupancy_mean", "utilization",
    "cache_hit_ratio", "energy_j", "cost_usd",
)  # fmt: skip
_HEADINGS = {
    "request_per_s": "completed rate", "goodput_request_per_s": "goodput", "tpot_s": "tpot mean",
    "iteration_s": "iteration mean", "kv_occupancy_mean": "cache in use", "cache_hit_ratio": "cache hits",
    "link_utilization": "link in use", "utilization": "in use", "prefill_token_per_s_per_chip": "prompt rate per chip",
    "output_token_per_s_per_chip": "output rate per chip",
}  # fmt: skip
_PER_MILLION = 1e6


def unit_of(name: str) -> str:
    """SI unit of a metric, from its name."""
    return next((unit for ending, unit in _UNITS if name.endswith(ending)), "1")


def result_dict(combined: Combined, saturation: Saturation | None = None) -> dict[str, object]:
    """The verb's ``result``; intervals are there where more than one run was made.

    saturation: of a search for the highest rate, under ``result.saturation``
    """
    result: dict[str, object] = {
        "metrics": _metrics(combined.metrics),
        "slos": [_slo_dict(one) for one in combined.slos],
        "by_tenant": {name: _metrics(figures) for name, figures in combined.by_tenant.items()},
        "pools": {name: _metrics(figures) for name, figures in combined.pools.items()},
        "warm_up_s": combined.warm_s,
        "replications": len(combined.seeds),
        "seeds": list(combined.seeds),
        "level": combined.level,
        "complete": combined.complete,
    }
    if saturation is not None:
        result["saturation"] = saturation_dict(saturation)
    return result


def saturation_dict(found: Saturation) -> dict[str, object]:
    """A search for the highest rate; ``low`` and ``high`` of it are the bracket."""
    rate = found.request_per_s
    return {
        "request_per_s": None if rate is None else metric(rate, "req/s", rate, found.above),
        "above_request_per_s": found.above,
        "ending": found.ending,
        "points": [
            {"request_per_s": point.request_per_s, "value": point.value, "kept": point.kept} for point in found.points
        ],
    }


def _metrics(figures: Spreads) -> dict[str, object]:
    return {name: metric(one.mean, unit_of(name), one.low, one.high) for name, one in figures.items()}


def _slo_dict(one: SloSpread) -> dict[str, object]:
    limits: dict[str, object] = {name: one.slo.limits().get(name) for name in LIMITS}
    return {
        "name": one.slo.name, "tenant": one.slo.tenant, **limits, "needed": one.slo.needed,
        "metrics": _metrics(one.figures), "attained": one.attained,
    }  # fmt: skip


def tables(title: str, combined: Combined, saturation: Saturation | None = None) -> list[Table]:
    """Every table that has something to show, in the order of reading."""
    found = [headline_table(title, combined), rates_table(combined)]
    found += [slo_table(combined)] if combined.slos else []
    found += [tenant_table(combined)] if combined.by_tenant else []
    found += [pools_table(combined)] if len(combined.pools) > 1 else []
    found += [replications_table(combined)] if len(combined.seeds) > 1 else []
    found += [saturation_table(saturation)] if saturation is not None else []
    return found


def headline_table(title: str, combined: Combined) -> Table:
    """What users wait for: one line a quantity, mean and percentiles."""
    rows = tuple(
        (label, *(_cell(combined.metrics, _latency(stem, figure)) for figure in _FIGURES), stem)
        for stem, label in _STEMS.items()
        if _latency(stem, "mean") in combined.metrics
    )
    columns = (text_column("quantity"), *(number_column(figure) for figure in _FIGURES), text_column("metric"))
    return Table(title=title, columns=columns, rows=rows, notes=_notes(combined))


def _notes(combined: Combined) -> tuple[str, ...]:
    """What the numbers are of."""
    notes = []
    if not combined.metrics.get("completed", Spread(0.0, None, None, 0)).mean:
        notes.append("no request was completed")
    if combined.warm_s > 0.0:
        notes.append(
            f"warm-up: requests of the first {show(combined.warm_s, 's')} are left out; rates are counted after it"
        )
    if len(combined.seeds) > 1:
        notes.append(f"means over {len(combined.seeds)} runs that differ in their seed")
    if not combined.complete:
        notes.append("incomplete: the run was interrupted, and the numbers are of what came before")
    return tuple(notes)


def _latency(stem: str, figure: str) -> str:
    return "tpot_s" if (stem, figure) == ("tpot", "mean") else f"{stem}_{figure}_s"


def rates_table(combined: Combined) -> Table:
    """Counts, rates, queues, use of the machine, energy and rent: one line each."""
    shown = [
        name
        for name in _LABELS
        if name in combined.metrics and not (name in _OF_NONE and combined.metrics[name].mean == 0.0)
    ]
    rows = tuple((_LABELS[name], _cell(combined.metrics, name), name) for name in shown)
    return Table(
        title="Load and use",
        columns=(text_column("quantity"), number_column("value"), text_column("metric")),
        rows=rows,
    )


def slo_table(combined: Combined) -> Table:
    """One line a limit: what it asks, which share of requests keeps it, and at what rate."""
    figures = ("requests", "share", "goodput_request_per_s")
    rows = tuple(
        (
            one.slo.name,
            one.slo.tenant or "all",
            ", ".join(f"{limit.removesuffix('_s')} {show(value, 's')}" for limit, value in one.slo.limits().items()),
            *(_cell(one.figures, name) for name in figures),
            f"{100.0 * one.slo.needed:.4g} %",
            NOTHING if one.attained is None else "yes" if one.attained else "no",
        )
        for one in combined.slos
    )
    columns = (
        text_column("limit"), text_column("tenant"), text_column("at most"), number_column("judged"),
        number_column("within"), number_column("goodput"), number_column("needed"), text_column("kept"),
    )  # fmt: skip
    gaps = [
        f"{one.slo.name}: {_cell(one.figures, 'itl_share')} of all gaps are within {show(one.slo.itl_s, 's')}"
        for one in combined.slos
        if "itl_share" in one.figures
    ]
    return Table(title="Limits", columns=columns, rows=rows, notes=tuple(gaps))


def tenant_table(combined: Combined) -> Table:
    """One line a tenant."""
    wanted = ("requests", "completed", "ttft_p50_s", "ttft_p99_s", "tpot_s", "tpot_p99_s", "e2e_p50_s", "e2e_p99_s",
              "request_per_s", "goodput_request_per_s")  # fmt: skip
    return _grid("By tenant", "tenant", combined.by_tenant, wanted)


def pools_table(combined: Combined) -> Table:
    """One line a pool."""
    wanted = ("chips", "instances", "iterations", "iteration_s", "utilization", "kv_occupancy_mean",
              "prefill_token_per_s_per_chip", "output_token_per_s_per_chip", "cache_hit_ratio", "link_utilization",
              "preemptions")  # fmt: skip
    return _grid("Pools", "pool", combined.pools, wanted)


def _grid(title: str, what: str, lines: Mapping[str, Spreads], wanted: Sequence[str]) -> Table:
    """One line a name, with those columns of ``wanted`` that any line has."""
    names = [name for name in wanted if any(name in figures for figures in lines.values())]
    columns: tuple[Column, ...] = (text_column(what), *(number_column(_heading(name)) for name in names))
    rows = tuple((line, *(_cell(figures, name) for name in names)) for line, figures in lines.items())
    return Table(title=title, columns=columns, rows=rows)


def _heading(name: str) -> str:
    return _HEADINGS.get(name, name.removesuffix("_s").replace("_", " "))


def bounds_table(combined: Combined) -> Table:
    """The same load on a machine as fast, and as slow, as the step times leave open."""
    rows = []
    for name in _REPLICATED:
        one = combined.metrics.get(name)
        if one is not None and one.low is not None and one.high is not None:
            band = f"{_written(name, one.low)} .. {_written(name, one.high)}"
            rows.append((name, _written(name, one.mean), band))
    columns = (text_column("metric"), number_column("value"), text_column(f"{100.0 * combined.level:.4g} % interval"))
    note = "all step times at both ends of their interval; chance is not in it, see --replications"
    return Table(title="What the step times leave open", columns=columns, rows=tuple(rows), notes=(note,))


def replications_table(combined: Combined) -> Table:
    """Mean and confidence interval over replications."""
    rows = []
    for name in _REPLICATED:
        one = combined.metrics.get(name)
        if one is None:
            continue
        band = one.low is not None and one.high is not None
        half = _written(name, one.high - one.mean) if one.high is not None else NOTHING
        interval = f"{_written(name, one.low or 0.0)} .. {_written(name, one.high or 0.0)}" if band else NOTHING
        rows.append((name, _written(name, one.mean), half, interval, str(one.runs)))
    columns = (
        text_column("metric"), number_column("mean"), number_column("+-"),
        text_column(f"{100.0 * combined.level:.4g} % interval"), number_column("runs"),
    )  # fmt: skip
    note = "Student's interval over independent runs; it covers chance, not what the model gets wrong"
    return Table(title="Replications", columns=columns, rows=tuple(rows), notes=(note,))


def saturation_table(found: Saturation) -> Table:
    """Every rate that was tried, lowest first, and what the search ended with."""
    rows = tuple(
        (_rate(point.request_per_s), number(point.value), "yes" if point.kept else "no")
        for point in sorted(found.points, key=lambda point: point.request_per_s)
    )
    columns = (number_column("rate"), number_column("within over needed"), text_column("kept"))
    return Table(title="Highest rate within the limits", columns=columns, rows=rows, notes=(_found(found),))


def _found(found: Saturation) -> str:
    if found.request_per_s is None:
        if found.ending == "cut":
            return "the search was cut short before a rate was found that keeps the limits"
        return f"no rate keeps the limits, not even {_rate(min(point.request_per_s for point in found.points))}"
    rate = _rate(found.request_per_s)
    if found.above is None:
        return f"{rate} is kept; it is the highest rate that was tried"
    tail = "; the search was cut short" if found.ending == "cut" else ""
    return f"{rate} is kept, {_rate(found.above)} is not{tail}"


def _rate(value: float) -> str:
    return f"{number(value, 4)} req/s"


def _cell(figures: Spreads, name: str) -> str:
    return _written(name, figures[name].mean) if name in figures else NOTHING


def _written(name: str, value: float) -> str:
    """A number with its unit."""
    unit = unit_of(name)
    if name in _SHARES:
        return f"{100.0 * value:.1f} %"
    if name in _COUNTS:
        return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    if unit == "USD/tok":
        return show(value * _PER_MILLION, "USD/Mtok")
    if unit in ("1", "tok/J"):
        return number(value) if unit == "1" else f"{number(value)} tok/J"
    if unit in ("tok/s", "req/s"):
        return f"{number(value, 4)} {unit}"
    return show(value, unit)
