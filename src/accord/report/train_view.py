"""A training run in tables: the answer in a line, the run, a step, memory, layout, failures, compute."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from accord.base.units import show
from accord.planner.plan import Metric
from accord.report.duties_view import compute_words
from accord.report.estimate_view import causes_table, constants_table
from accord.report.plan_cells import plainly
from accord.report.tables import Table, number, number_column, pairs, text_column
from accord.report.train_result import Across, Compute, Failing, Layout, TrainResult

OF_OWNERSHIP = "of ownership, see the catalog's assumptions"
_MANY = 1e6  # tokens a second, from which on they are written in millions
_SHORT = {"micro_batch": "mb"}
_SCALES = (("trillion", 1e12), ("billion", 1e9), ("million", 1e6))
LINE = 78  # characters after which words go on below
_TIED = "~"  # stands for a blank at which no line ends
BAR = 24  # characters of a whole bar
_METRICS: tuple[tuple[str, str], ...] = (
    ("days", "elapsed"), ("run_s", "  in steps"), ("steps", "  steps"), ("step_s", "one step"),
    ("tokens_per_s_total", "tokens a second"), ("tokens_per_s_per_chip", "  of a chip"),
    ("model_flop_per_s_per_chip", "model FLOP/s a chip"), ("mfu", "MFU, of dense bf16"),
    ("hardware_flop_per_s_per_chip", "hardware FLOP/s a chip"), ("hfu", "HFU, of dense bf16"),
    ("mfu_own_peak", "MFU, of dense {precision}"), ("chip_hours", "chip-hours"), ("cost_usd", "cost"),
    ("power_w", "power at the racks"), ("power_at_meter_w", "power at the meter"),
    ("energy_kwh", "energy at the racks"),
    ("energy_at_meter_kwh", "energy at the meter"), ("co2_kg", "emissions"), ("interruptions", "interruptions"),
    ("effective_training_time", "effective training time"),
)  # fmt: skip
_PARTS: Mapping[str, str] = {
    "compute_s": "forward and backward", "recompute_s": "computed again", "tensor_s": "tensor-parallel exchange",
    "context_s": "context-parallel exchange", "experts_s": "dispatch and combine", "bubble_s": "pipeline bubble",
    "data_s": "gradients and weights", "optimizer_s": "optimizer", "host_s": "host, data, logs, checks",
    "straggle_s": "waiting for the slowest", "sites_s": "waiting for other sites",
}  # fmt: skip
_RUN: Mapping[str, str] = {
    "productive_s": "steps", "lost_work_s": "steps lost to interruptions", "detection_s": "until noticed",
    "restart_s": "until running again", "checkpoint_s": "writing checkpoints", "waiting_s": "waiting for repairs",
    "shrunk_s": "fewer chips", "slow_s": "slow chips", "maintenance_s": "planned maintenance",
    "outside_steps_s": "outside steps, no failure",
}  # fmt: skip
_MEMORY: Mapping[str, str] = {
    "weights_bytes": "weights", "gradients_bytes": "gradients", "optimizer_bytes": "optimizer states",
    "activations_bytes": "activations", "logits_bytes": "logits", "reserve_bytes": "reserve", "free_bytes": "free",
}  # fmt: skip
_SHARES = ("mfu", "hfu", "mfu_own_peak", "effective_training_time")
_STRUCK: Mapping[str, str] = {
    "accelerator": "by accelerators and their memory", "host": "by hosts", "elsewhere": "by network and software",
    "site": "by the site",
}  # fmt: skip
_METHODS: Mapping[str, str] = {
    "operators": "by operators", "6nd": "by 6ND", "hardware": "chips x peak x time x MFU"
}  # fmt: skip


def train_tables(one: TrainResult) -> tuple[Table, ...]:
    """Everything that is told, in order."""
    tables = [_headline(one), _metrics(one), _step(one), _run(one), _memory(one), _layout(one.layout, one.chosen)]
    tables += [_others(one)] if one.others else []
    tables += [_across(one.sites)] if one.sites is not None else []
    tables += _failures(one.failures, one.level) if one.failures is not None else []
    tables += _compute(one.compute, one.law) if one.compute is not None else []
    tables += [causes_table("training", one.causes)] if one.causes else []
    tables += [constants_table(one.constants)] if one.constants else []
    tables.append(_assumed(one))
    return tuple(table for table in tables if table.rows)


def lasting(seconds: float) -> str:
    """A duration as somebody would say it: ``31.2 min``, ``14.7 h``, ``65.7 days``."""
    for word, size, least in (("days", 86400.0, 2.0), ("h", 3600.0, 2.0), ("min", 60.0, 2.0)):
        if seconds >= least * size:
            return f"{plainly(seconds / size, 3)} {word}"
    return show(seconds, "s")


def quantity(value: float, name: str, unit: str) -> str:
    """A metric as somebody would write it."""
    if name in _SHARES:
        return f"{100.0 * value:.1f} %"
    if unit in ("d", "s"):
        return lasting(value * (86400.0 if unit == "d" else 1.0))
    if unit == "kWh":
        return show(value * 1e3, "W") + "h"
    if unit == "kgCO2e":
        return f"{show(value / 1e3, '1')} t CO2e"
    if unit == "tok/s":
        return f"{plainly(value / 1e6, 3)} Mtok/s" if value >= _MANY else f"{number(value, 4)} tok/s"
    if unit == "h":
        return show(value, "1") + " h"
    return show(value, unit)


def _band(metric: Metric, name: str) -> str:
    """Both ends; the lower alone where no upper one is told."""
    if metric.low is None:
        return ""
    low = quantity(metric.low, name, metric.unit)
    if metric.high is None:
        return f"{low} and more"
    high = quantity(metric.high, name, metric.unit)
    if low == high:
        return low
    for word, size in _SCALES if metric.unit in ("USD", "h") else ():
        if metric.high >= size:  # both in the words of the upper end
            return f"{plainly(metric.low / size, 3)} to {plainly(metric.high / size, 3)} {word} {metric.unit}"
    words = (low.split(" "), high.split(" "))
    if len(words[0]) > 1 and words[0][1:] == words[1][1:]:
        low = words[0][0]  # one unit for both
    return f"{low} to {high}"


def _headline(one: TrainResult) -> Table:
    """The answer in a line or two."""
    metrics = one.metrics
    said = []
    if "days" in metrics:
        said.append(f"{quantity(metrics['days'].value, 'days', 'd')} ({_band(metrics['days'], 'days')})")
        said.append(f"{quantity(metrics['chip_hours'].value, 'chip_hours', '1')} chip-hours")
    else:
        said.append(f"{lasting(metrics['step_s'].value)} a step ({_band(metrics['step_s'], 'step_s')})")
        said.append(f"{quantity(metrics['tokens_per_s_total'].value, '', 'tok/s')}")
    if "cost_usd" in metrics:
        said.append(quantity(metrics["cost_usd"].value, "cost_usd", "USD"))
    said.append(f"MFU {quantity(metrics['mfu'].value, 'mfu', '1')} of dense bf16")
    lines = [line.replace(_TIED, " ") for line in textwrap.wrap(", ".join(said).replace(" %", f"{_TIED}%"), LINE)]
    if one.ends:
        first, last = (one.ends[name] for name in ("end_low", "end_high"))
        until = "and later" if last == "open" else f"to {last}"
        lines.append(f"begins {one.ends['start']}, ends {one.ends['end']} ({first} {until})")
    lines += [line for limit in one.limits for line in textwrap.wrap(_limit(limit), LINE)]
    return Table(title=one.title, columns=(text_column(""),), rows=tuple((line,) for line in lines))


def _limit(limit: Mapping[str, object]) -> str:
    return f"{limit['name']} {'is enough' if limit['met'] else 'is NOT enough'}: {limit['said']}"


def _metrics(one: TrainResult) -> Table:
    """One line a metric with its interval."""
    own = one.layout.precision
    rows = []
    for name, words in _METRICS:
        metric = one.metrics.get(name)
        if metric is None or (name == "mfu_own_peak" and own in ("bf16", "fp16")):
            continue
        if name in ("hfu", "hardware_flop_per_s_per_chip") and one.layout.recompute == "none":
            continue
        shown = f"{metric.value:,.0f}" if name == "steps" else quantity(metric.value, name, metric.unit)
        rows.append((words.format(precision=own), shown, _band(metric, name), metric.basis))
    columns = (
        text_column("quantity"), number_column("estimate"), text_column(f"{one.level:.0%} interval"),
        text_column("basis"),
    )  # fmt: skip
    notes = [f"MFU: {one.conventions['causal']};"]
    again = one.layout.recompute
    notes.append(f"     nothing computed again is counted; peak {one.conventions['peak'].removeprefix('dense ')}")
    if again == "none":
        notes.append("HFU is the same: nothing is computed again")
    return Table(title="The run", columns=columns, rows=tuple(rows), notes=tuple(notes))


def _shares(title: str, parts: Mapping[str, float], names: Mapping[str, str], whole: str) -> Table:
    """Seconds by part, with shares and bars."""
    total = sum(parts.values()) or 1.0
    rows = [
        (names[name], lasting(parts[name]), f"{parts[name] / total:.1%}", "#" * round(BAR * parts[name] / total))
        for name in names
        if parts.get(name, 0.0) / total > 5e-5
    ]
    rows.append((whole, lasting(total), "100.0%", ""))
    columns = (text_column("part"), number_column("time"), number_column("share"), text_column(""))
    return Table(title=title, columns=columns, rows=tuple(rows))


def _step(one: TrainResult) -> Table:
    return _shares("Where a step's time goes", one.parts, _PARTS, "whole step")


def _run(one: TrainResult) -> Table:
    if not one.run:
        return pairs("", ())
    return _shares("Where the elapsed time goes", one.run, _RUN, "elapsed")


def _memory(one: TrainResult) -> Table:
    """Where the memory of the fullest device goes."""
    capacity = one.memory["capacity_bytes"] or 1.0
    rows = [
        (words, f"{one.memory[name] / 1e9:,.1f} GB", f"{one.memory[name] / capacity:.1%}",
         "#" * max(round(BAR * one.memory[name] / capacity), 0))
        for name, words in _MEMORY.items()
    ]  # fmt: skip
    rows.append(("capacity", f"{capacity / 1e9:,.1f} GB", "100.0%", ""))
    columns = (text_column("part"), number_column("bytes"), number_column("share"), text_column(""))
    return Table(title="Memory of the fullest device", columns=columns, rows=tuple(rows))


def counted_words(value: float, word: str) -> str:
    """``1 micro-batch``, ``128 micro-batches``."""
    return f"{plainly(value)} {word}{'' if value == 1.0 else 'es' if word.endswith('ch') else 's'}"


def _layout(one: Layout, chosen: Sequence[str]) -> Table:
    """How the job is cut."""
    ranks = " x ".join(f"{name} {getattr(one, name)}" for name in ("tp", "cp", "pp", "dp"))
    site = f", on each of {one.sites} sites" if one.sites > 1 else ""
    sequences = plainly(one.global_batch / one.seq)
    pipeline = f"{one.schedule}, {one.vp} virtual stages a rank" if one.vp > 1 else one.schedule
    rows = [
        ("ranks", f"{ranks} = {one.devices // one.sites:,} devices{site}"),
        *([("experts", f"ep {one.ep}")] if one.ep > 1 else []),
        ("pipeline", pipeline if one.pp > 1 else "one stage"),
        ("global batch", f"{one.global_batch:,.0f} tokens, {sequences} sequences of {one.seq:,}"),
        ("a replica", f"{counted_words(one.micro_batches, 'micro-batch')} of {one.micro_batch}"),
        ("products in", one.precision),
        ("recomputation", one.recompute),
        ("sharding", f"ZeRO-{one.zero}{', optimizer states on hosts' if one.offload else ''}"
         f"{', sequence parallel' if one.sequence_parallel and one.tp > 1 else ''}"),
    ]  # fmt: skip
    notes = textwrap.wrap(f"chosen: {', '.join(chosen)}", LINE) if chosen else []
    return pairs("Layout", rows, notes)


def _others(one: TrainResult) -> Table:
    """The next best layouts beside the best."""
    best = sum(seconds for name, seconds in one.parts.items() if name != "sites_s")
    rows = [
        (
            _short(other.layout),
            lasting(other.step_s),
            f"{other.step_s / best - 1.0:+.1%}",
            f"{other.used_bytes / 1e9:,.0f} GB",
        )
        for other in one.others
    ]
    columns = (text_column("layout"), number_column("step"), number_column("slower"), number_column("memory"))
    searched = one.searched
    note = f"{searched['evaluated']:,} layouts, {searched['fitted']:,} fit, {searched['timed']:,} run by timeline"
    return Table(title="Next best", columns=columns, rows=tuple(rows), notes=(note,))


def _short(one: Layout) -> str:
    """A layout in a line: counts above one, and what else differs; virtual stages are those of interleaved ones."""
    names = ("tp", "cp", "pp", "vp", "dp", "ep", "micro_batch")
    counts = [f"{_SHORT.get(name, name)} {getattr(one, name)}" for name in names if getattr(one, name) > 1]
    pipeline = [one.schedule] if one.pp > 1 and one.vp == 1 else []
    again = [one.recompute] if one.recompute != "none" else []
    return ", ".join([*([" ".join(counts)] if counts else []), f"ZeRO-{one.zero}", *pipeline, *again])


def _across(one: Across) -> Table:
    """The exchange between sites."""
    mode = "every step" if one.mode == "sync" else f"every {one.local_steps:,} steps"
    waited = f"of which each step waits {lasting(one.exposed_s)}" if one.exposed_s > 0.0 else "all of it hidden"
    enough = "no rate is" if one.enough_byte_per_s is None else f"from {show(one.enough_byte_per_s, 'B/s')} a site"
    rows = [
        ("sites", f"{one.sites} of {one.chips_per_site:,} chips, which sum {mode}"),
        ("one exchange", f"{lasting(one.sync_s)}, {waited}"),
        ("share of a step", f"{one.exposed_share:.1%}"),
        ("sent by a site", f"{show(one.wan_bytes, 'B')} a step, {show(one.wan_byte_per_s, 'B/s')} on average"),
        ("links in use", f"{one.busy_share:.1%} of the time"),
        ("fast enough", enough),
    ]
    rows += [("power of a site", show(one.power_w_per_site, "W"))] if one.power_w_per_site is not None else []
    return pairs("Sites", rows)


def _failures(one: Failing, level: float) -> list[Table]:
    """Interruptions and how they are dealt with."""
    struck = ", ".join(f"{_few(count)} {_STRUCK.get(name, name)}" for name, count in one.by_component.items())
    low, high = (lasting(value or 0.0) for value in (one.mttf_s.low, one.mttf_s.high))
    best = "the best" if one.interval_s == one.best_interval_s else f"best {lasting(one.best_interval_s)}"
    loss = {"spare": "the job waits", "drop-domain": "goes on without the domain", "shrink": "goes on with the rest"}
    rows = [
        ("between interruptions", f"{lasting(one.mttf_s.value)} ({low} to {high})"),
        ("interruptions", struck),
        ("checkpoint", f"every {lasting(one.interval_s)} ({best}), {show(one.checkpoint_bytes, 'B')} in "
         f"{lasting(one.write_s)} at {show(one.checkpoint_byte_per_s, 'B/s')} in all"
         f"{'' if one.rate_stated else ', assumed'}"),
        ("after one", f"noticed in {lasting(one.detection_s)}, running again {lasting(one.restart_s)} later, "
         f"repaired in {lasting(one.repair_s)}"),
        ("spares", _spares(one)),
        ("without a spare", loss[one.on_loss]),
    ]  # fmt: skip
    tables = [_wrapped("Failures", rows)]
    if one.played is not None:
        play = one.played
        bands = (
            ("elapsed", "days", "d", play.days),
            ("effective training time", "effective_training_time", "1", play.effective_training_time),
            ("interruptions", "interruptions", "1", play.interruptions),
            ("waiting for repairs", "waiting_s", "s", play.waiting_s),
        )
        cells = tuple(
            (words, *(quantity(value, name, unit) for value in band)) for words, name, unit, band in bands
        )  # fmt: skip
        low_name, high_name = (f"{100.0 * (0.5 + sign * level / 2.0):.3g} %" for sign in (-1.0, 1.0))
        columns = (text_column(""), number_column("median"), number_column(low_name), number_column(high_name))
        title = f"Played {play.runs:,} times at random (seed {play.seed})"
        tables.append(
            Table(
                title=title,
                columns=columns,
                rows=cells,
                notes=(
                    "only rates of failures and chance vary here; in the intervals above the",
                    "length of steps and times to recover do too, so those are wider",
                ),
            )
        )
    return tables


def _spares(one: Failing) -> str:
    """What stands by, why so much, and that it is charged nowhere."""
    count, need = f"{one.spares_chips:,.0f}", f"{one.spares_needed_chips:,.0f}"
    if one.spares_stated or one.on_loss != "spare":
        why = f"the job would wait under 1 % of the time with {need}"
    elif count == need:
        why = "with which the job waits under 1 % of the time"
    else:
        why = f"with which the job waits under 1 % of the time, over all rates that may be ({need} at their median)"
    standing = f"{count} chips stand by" if one.spares_chips else "none stand by"
    charged = "; they are in no chip-hours, power or cost" if one.spares_chips else ""
    return f"{standing}, {why}{charged}; a failure takes {one.domain_chips:,.4g} chips along"


def _few(value: float) -> str:
    """A mean count: whole from ten on."""
    return f"{value:,.0f}" if value >= 10.0 else plainly(value, 2)


def _compute(one: Compute, law: Mapping[str, object]) -> list[Table]:
    """Training compute for the record."""
    rows = [
        (_METHODS.get(method.name, method.name), f"{method.flop:.4g}", f"{method.log10:.2f}",
         _span(method.log10_low, method.log10_high))
        for method in one.methods
    ]  # fmt: skip
    if len(one.stages) > 1 or one.base_flop > 0.0:
        rows += [("base model", f"{one.base_flop:.4g}", "", "")] if one.base_flop > 0.0 else []
        rows += [
            (f"{stage.name}: {stage.kind}", f"{stage.flop:.4g}", "", f"{stage.cumulative_flop:.4g} so far")
            for stage in one.stages
        ]
        rows.append(("own stages", f"{one.own_flop:.4g}", "", _over(one)))
    reached = [f"{distance.log10_above:+.2f} of {distance.flop:.0e}".replace("e+", "e") for distance in one.distances]
    columns = (text_column("counted"), number_column("FLOP"), number_column("log10"), text_column("interval, log10"))
    notes = [
        f"{one.flop_per_token:.4g} FLOP a token; in powers of ten {', '.join(reached)} FLOP",
        compute_words(law),
    ]
    notes = [line for note in notes for line in textwrap.wrap(note, LINE, subsequent_indent="  ")]
    return [Table(title="Training compute", columns=columns, rows=tuple(rows), notes=tuple(notes))]


def _span(low: float, high: float) -> str:
    return f"{low:.2f} to {high:.2f}" if high - low > 5e-3 else ""


def _over(one: Compute) -> str:
    return f"{one.own_over_base:.3g} of the base" if one.own_over_base is not None else ""


def _assumed(one: TrainResult) -> Table:
    names = {name: words for name, words in one.assumed.items() if name not in one.chosen}
    owned = [name.replace("_", " ") for name, words in names.items() if words == OF_OWNERSHIP]
    rows = [(name.replace("_", " "), words) for name, words in names.items() if words != OF_OWNERSHIP]
    rows += [("ownership", f"{', '.join(owned)} of the catalog")] if owned else []
    laid = [name for name in one.assumed if name in one.chosen]
    if laid:
        rows.append(("layout", "nothing was stated of what is chosen: the fastest that fits, as with --auto"))
    return _wrapped("Assumed", rows)


def _wrapped(title: str, rows: Sequence[tuple[str, str]]) -> Table:
    """Pairs whose second part goes on below."""
    width = max((len(name) for name, _ in rows), default=0)
    found: list[tuple[str, str]] = []
    for name, words in rows:
        for at, line in enumerate(textwrap.wrap(words, max(LINE - width - 2, 30))):
            found.append((name if at == 0 else "", line))
    return pairs(title, found)
