"""Parameters of collectives, fitted on measured tables through the cost model's own formulas.

Robust least squares on ``ln(predicted / measured)``; every table of a chip weighs the same, however many rows it
has. A chip generation is fitted on all its chips at once; its spread adds what single chips differ by. Engines
bring all-reduce kernels of their own, so latency and chunk time are fitted for each, and their mean stands for
an engine without tables. What other chips inherit (``generic``) is the mean over generations, with their spread.
Nothing is drawn at random, and neither the order of rows nor of tables matters.
"""

from __future__ import annotations

import importlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from accord.base.array import Array
from accord.calibration.collective_tables import NCCL, Timed, read_all
from accord.calibration.numbers import FittedNumber, TableError
from accord.hardware.derate import Efficiency
from accord.parallel.collectives import exchange_s, reduce_s

SOFT = 0.1  # log error beyond which a row counts less
GENERIC = "generic"
INDEPENDENT = 6.0  # neighbouring sizes err together: a table says as much as so many rows
LONE_SD = 0.35  # spread over generations where only one has tables [1]
_WIDE = 1.5  # how far from its start a number may well be, in log space
_PRIOR_SD: Mapping[str, float] = {
    "link.scale-up": 0.2, "link.scale-out": 0.2, "reduce.local": 0.7, "exchange.local": 0.7,
    "reduce.share.switch": 0.3, "send.base_s.scale-out": 0.7,
}  # fmt: skip
_LIBRARY = ("reduce.base_s.scale-up", "reduce.chunk_s", "reduce.per_doubling_s")
# name: start, least, most
_RANGES: Mapping[str, tuple[float, float, float]] = {
    "link.scale-up": (0.9, 0.02, 1.0),
    "link.scale-out": (0.85, 0.2, 1.0),
    "reduce.local": (0.4, 0.01, 3.0),
    "reduce.share.switch": (0.6, 0.1, 1.0),
    "reduce.base_s.scale-up": (4e-6, 2e-7, 1e-4),
    "reduce.base_s.scale-out": (3e-5, 1e-6, 1e-3),
    "reduce.per_doubling_s": (6e-7, 1e-8, 5e-5),
    "reduce.chunk_s": (1e-6, 1e-8, 1e-4),
    "send.base_s.scale-out": (1e-5, 1e-6, 1e-4),
    "dispatch.base_s": (1.5e-5, 1e-6, 3e-4),
    "combine.base_s": (1.5e-5, 1e-6, 3e-4),
    "exchange.layout_s": (2e-5, 1e-6, 3e-4),
    "exchange.per_doubling_s": (2e-6, 1e-8, 3e-5),
    "exchange.share": (0.7, 0.1, 1.0),
    "exchange.share.dispatch": (0.6, 0.1, 1.0),
    "exchange.share.combine": (0.6, 0.1, 1.0),
    "exchange.share.prefill": (0.6, 0.1, 1.0),
    "exchange.local": (0.5, 0.01, 4.0),
}
SWITCHES_SUM = ("nvidia-hopper", "nvidia-blackwell")  # generations whose switches add numbers
CARDS = ("nvidia-l40s", "nvidia-rtx-pro-6000-server")  # joined by the host's bus, so no evidence about other links
HOSTS_SD = 0.45  # between hosts that let cards reach one another directly and those that pass everything through memory
# what no other generation inherits: sums in a switch, and the share of links whose rates are measured
OWN = ("reduce.share.switch", "exchange.share")


@dataclass(frozen=True, slots=True)
class CollectiveFit:
    """What the tables say.

    parameters: by calibration entry and name; errors: of every table, with the parameters of its own
    generation and with parameters that saw no row of its chip
    """

    parameters: Mapping[str, Mapping[str, FittedNumber]]
    errors: tuple[TableError, ...]


@dataclass(frozen=True, slots=True)
class _Solved:
    """Logarithms of fitted numbers and their variances."""

    logs: Mapping[str, float]
    variances: Mapping[str, float]


def fit_collectives(measured: Path | None = None) -> CollectiveFit:
    """Fit on the tables of ``aiconfigurator-core``, and on the folder of measured rows where given.

    Raises UsageError naming the extra where the package is missing.
    """
    return fit_tables(read_all(measured))


def fit_tables(tables: Sequence[Timed]) -> CollectiveFit:
    """Fit on given tables. Raises ValueError where there are none."""
    if not tables:
        raise ValueError("no table to fit on")
    ordered = sorted(tables, key=_place)
    kept = [rows for rows in ordered if rows.fitted and rows.chip not in CARDS]
    entries, pooled = _fit_all(kept)
    parameters = {entry: _numbers(solved, kept, entry) for entry, solved in sorted(entries.items())}
    parameters |= {chip: found for chip in CARDS if (found := _card(chip, ordered, pooled))}
    parameters[GENERIC] = _numbers(pooled, kept, "")
    for name in OWN:
        parameters[GENERIC].pop(name, None)
    errors = _errors(ordered, kept, entries, pooled)
    return CollectiveFit(parameters, errors)


def _card(chip: str, tables: Sequence[Timed], pooled: _Solved) -> dict[str, FittedNumber]:
    """Numbers of a card from its own sums: every version's, since what makes them differ are the hosts."""
    own = [rows for rows in tables if rows.chip == chip and rows.op.stage == "reduce"]
    if not own:
        return {}
    found = _numbers(_solve(own, pooled.logs), [replace(rows, entry=chip) for rows in own], chip)
    return {name: replace(number, log_sd=math.hypot(number.log_sd, HOSTS_SD)) for name, number in found.items()}


def _starts() -> dict[str, float]:
    return {name: math.log(start) for name, (start, _, _) in _RANGES.items()}


def _place(rows: Timed) -> tuple[object, ...]:
    return (rows.entry, rows.chip, rows.table, rows.op.name, rows.op.experts_per_token, rows.seconds.tobytes())


def _fit_all(tables: Sequence[Timed]) -> tuple[dict[str, _Solved], _Solved]:
    """Every generation and their pool; what a generation cannot tell is held at what the others say."""
    names = sorted({rows.entry for rows in tables})
    entries: dict[str, _Solved] = {}
    pooled = _Solved({}, {})
    for _ in range(2):
        entries = {
            entry: _solve([rows for rows in tables if rows.entry == entry], pooled.logs, entries.get(entry))
            for entry in names
        }
        pooled = _pool(list(entries.values()))
    return entries, pooled


def _pool(parts: Iterable[_Solved]) -> _Solved:
    """Means over generations; variances add their spread."""
    parts = list(parts)
    logs: dict[str, float] = {}
    variances: dict[str, float] = {}
    for name in sorted({name for part in parts for name in part.logs}):
        said = [part.logs[name] for part in parts if name in part.logs]
        spread = float(np.var(said, ddof=1)) if len(said) > 1 else LONE_SD**2
        logs[name] = float(np.mean(said))
        variances[name] = spread + float(np.mean([part.variances[name] for part in parts if name in part.logs]))
    return _Solved(logs, variances)


def _free(tables: Sequence[Timed]) -> list[str]:
    """Names that these tables can tell."""
    reduces = [rows for rows in tables if rows.op.stage == "reduce"]
    exchanges = [rows for rows in tables if rows.op.stage == "exchange"]
    names: list[str] = []
    if reduces:
        names += ["link.scale-up", "reduce.local"]
        names += ["reduce.share.switch"] if any(_sums_in_switch(rows) for rows in reduces) else []
        names += ["reduce.base_s.scale-out"] if any(_beyond(rows) for rows in reduces) else []
        engines = sorted({rows.engine for rows in reduces})
        names += [f"{name}.{engine}" for engine in engines for name in _LIBRARY[:2]]
        names += ["reduce.per_doubling_s"] if any(engine != NCCL for engine in engines) else []
        names += [f"reduce.per_doubling_s.{NCCL}"] if NCCL in engines else []
    if not exchanges:
        return names
    prefills = [rows for rows in exchanges if rows.phase == "prefill"]
    decodes = [rows for rows in exchanges if rows.phase == "decode"]
    names += sorted({f"{rows.op.family}.base_s" for rows in exchanges})
    names += ["exchange.layout_s", "exchange.share.prefill"] if prefills else []
    measured_links = all(rows.tiers[0].write_bytes_per_s is not None for rows in exchanges)
    names += ["exchange.share"] if measured_links else sorted({f"exchange.share.{r.op.family}" for r in decodes})
    names += ["exchange.local"] if len({rows.op.experts_per_token for rows in exchanges}) > 1 else []
    names += ["link.scale-out", "send.base_s.scale-out"] if any(_beyond(rows) for rows in exchanges) else []
    names += ["exchange.per_doubling_s"] if len({r for rows in exchanges for r in rows.op.ranks.tolist()}) > 1 else []
    return names


def _beyond(rows: Timed) -> bool:
    """Whether some rows leave the scale-up domain."""
    domain = max((tier.devices for tier in rows.tiers if tier.kind == "scale-up"), default=1.0)
    return bool(np.any(rows.op.ranks > domain)) and rows.tiers[-1].kind == "scale-out"


def _sums_in_switch(rows: Timed) -> bool:
    return rows.entry in SWITCHES_SUM and bool(np.any(rows.op.ranks > 4.0))


def _solve(tables: Sequence[Timed], others: Mapping[str, float], before: _Solved | None = None) -> _Solved:
    """Sums first, since they tell the rate of the links; then dispatch and combine over the same links."""
    known = {**_starts(), **others, **(before.logs if before is not None else {})}
    logs: dict[str, float] = {}
    variances: dict[str, float] = {}
    for stage in ("reduce", "exchange"):
        part = [rows for rows in tables if rows.op.stage == stage]
        if part:
            solved = _solve_stage(part, {**known, **logs})
            logs.update(solved.logs)
            variances.update(solved.variances)
    return _with_means(_Solved(logs, variances))


def _solve_stage(tables: Sequence[Timed], known: Mapping[str, float]) -> _Solved:
    """Robust least squares over the names that the tables can tell, the others as known."""
    least_squares = importlib.import_module("scipy.optimize").least_squares

    names = _free(tables)
    low, high = (np.log([_RANGES[_plain(name)][at] for name in names]) for at in (1, 2))
    centre = np.log([_RANGES[_plain(name)][0] for name in names])
    known_sd = {**_PRIOR_SD, "link.scale-up": _WIDE} if all(table.chip in CARDS for table in tables) else _PRIOR_SD
    prior_sd = np.array([known_sd.get(_plain(name), _WIDE) for name in names])
    rows = Counter[tuple[str, str]]()
    for table in tables:
        rows[table.chip, table.table] += len(table.seconds)
    weights = [1.0 / math.sqrt(rows[table.chip, table.table]) for table in tables]

    def residuals(logs: Array) -> Array:
        numbers = {**known, **dict(zip(names, logs.tolist(), strict=True))}
        errors = [w * SOFT * _soft(log_error(t, numbers) / SOFT) for t, w in zip(tables, weights, strict=True)]
        return np.concatenate([*errors, SOFT * (logs - centre) / prior_sd])

    begin = np.clip([known.get(name, known[_plain(name)]) for name in names], low + 1e-3, high - 1e-3)
    found = least_squares(residuals, begin, bounds=(low, high), x_scale=0.3, xtol=1e-6, ftol=1e-6)
    spread = _spread(tables, weights, found.jac, found.fun)
    return _Solved(
        dict(zip(names, found.x.tolist(), strict=True)), dict(zip(names, spread.tolist(), strict=True))
    )  # fmt: skip


def _spread(tables: Sequence[Timed], weights: Sequence[float], slopes: Array, errors: Array) -> Array:
    """Variance of each number with the others held, and what single chips would have it differ by.

    The others are held since numbers are drawn one by one. A chip's say is one step from the common
    solution on its own rows.
    """
    groups = {(table.chip, table.table) for table in tables}
    noise = float(np.sum(errors**2)) / max(len(groups) - 1, 1) / INDEPENDENT
    variance = noise / np.maximum(np.sum(slopes**2, axis=0), 1e-12)
    owners = np.repeat([table.chip for table in tables], [len(table.seconds) for table in tables])
    count = len(owners)
    chips = sorted(set(owners.tolist()))
    if len(chips) < 2:
        return np.asarray(variance)
    prior = np.sum(slopes[count:] ** 2, axis=0)
    steps = []
    for chip in chips:
        own = np.flatnonzero(owners == chip)
        steps.append(-(slopes[own].T @ errors[own]) / (np.sum(slopes[own] ** 2, axis=0) + prior + 1e-12))
    return np.asarray(variance + np.var(np.array(steps), axis=0, ddof=1))


def _soft(scaled: Array) -> Array:
    """Grows like its argument near 0 and like its root far off."""
    return np.asarray(np.sign(scaled) * np.sqrt(2.0 * (np.sqrt(1.0 + scaled**2) - 1.0)))


def _plain(name: str) -> str:
    """The name without an engine."""
    return next((base for base in _LIBRARY if name.startswith(f"{base}.")), name)


def _with_means(solved: _Solved) -> _Solved:
    """Adds what an engine without tables gets: the mean over engines, wider by their spread."""
    logs, variances = dict(solved.logs), dict(solved.variances)
    for base in _LIBRARY[:2]:
        own = [name for name in logs if name.startswith(f"{base}.") and not name.endswith(f".{NCCL}")]
        if own and base not in logs:
            said = [logs[name] for name in own]
            spread = float(np.var(said, ddof=1)) if len(said) > 1 else LONE_SD**2
            logs[base] = float(np.mean(said))
            variances[base] = spread + float(np.mean([variances[name] for name in own]))
    return _Solved(logs, variances)


def log_error(rows: Timed, logs: Mapping[str, float]) -> Array:
    """``ln(predicted / measured)`` of a table's rows, by logarithms of parameters."""
    numbers = {name: math.exp(value) for name, value in logs.items()}
    if rows.entry not in SWITCHES_SUM:
        numbers["reduce.share.switch"] = 0.0
    if rows.tiers[0].write_bytes_per_s is None:
        numbers.pop("exchange.share", None)
    else:
        numbers = {name: value for name, value in numbers.items() if not name.startswith("exchange.share.")}
    efficiency = Efficiency(("fit",), rows.engine, numbers, {}, (rows.engine,))
    if rows.op.stage == "reduce":
        predicted = reduce_s(rows.op, rows.tiers, efficiency)
    else:
        predicted = exchange_s(rows.op, rows.tiers, efficiency, rows.phase)
    return np.asarray(np.log(predicted / rows.seconds))


def _numbers(solved: _Solved, tables: Sequence[Timed], entry: str) -> dict[str, FittedNumber]:
    """Fitted numbers of one entry, each with the rows that speak of it."""
    found: dict[str, FittedNumber] = {}
    for name, log in sorted(solved.logs.items()):
        if name.endswith(f".{NCCL}"):  # tells the rate of the links; no engine's latency
            continue
        about = [rows for rows in tables if (not entry or rows.entry == entry) and _tells(rows, name)]
        count = sum(len(rows.seconds) for rows in about)
        chips = tuple(sorted({rows.chip for rows in about}))
        found[name] = FittedNumber(math.exp(log), math.sqrt(solved.variances[name]), count, chips)
    return found


def _tells(rows: Timed, name: str) -> bool:
    """Whether a table is evidence about a parameter."""
    plain = _plain(name)
    engine = name[len(plain) + 1 :] if name != plain else ""
    if plain in _LIBRARY:
        return rows.op.stage == "reduce" and (rows.engine == engine if engine else rows.engine != NCCL)
    tests: Mapping[str, Callable[[], bool]] = {
        "link.scale-up": lambda: rows.op.stage == "reduce",
        "link.scale-out": lambda: rows.op.stage == "exchange" and _beyond(rows),
        "send.base_s.scale-out": lambda: rows.op.stage == "exchange" and _beyond(rows),
        "reduce.local": lambda: rows.op.stage == "reduce",
        "reduce.share.switch": lambda: rows.op.stage == "reduce" and _sums_in_switch(rows),
        "reduce.base_s.scale-out": lambda: rows.op.stage == "reduce" and _beyond(rows),
        "exchange.layout_s": lambda: rows.phase == "prefill",
        "exchange.share.prefill": lambda: rows.phase == "prefill",
        "exchange.share.dispatch": lambda: rows.phase == "decode" and rows.op.family == "dispatch",
        "exchange.share.combine": lambda: rows.phase == "decode" and rows.op.family == "combine",
        "dispatch.base_s": lambda: rows.op.family == "dispatch",
        "combine.base_s": lambda: rows.op.family == "combine",
    }
    return tests.get(plain, lambda: rows.op.stage == "exchange")()


def _errors(
    tables: Sequence[Timed], kept: Sequence[Timed], entries: Mapping[str, _Solved], pooled: _Solved
) -> tuple[TableError, ...]:
    """Median errors by table, in sample and with the chip left out."""
    found: list[TableError] = []
    for chip in sorted({rows.chip for rows in tables}):
        groups: dict[str, list[Timed]] = {}
        for rows in tables:
            if rows.chip == chip:
                groups.setdefault(rows.table, []).append(rows)
        entry = next(iter(groups.values()))[0].entry
        own = {**_starts(), **pooled.logs, **(entries[entry].logs if entry in entries else {})}
        other = {**_starts(), **_without(chip, entry, kept, entries)}
        for table, group in sorted(groups.items()):
            inside = _median(group, own) if group[0].fitted and chip not in CARDS else math.nan
            count = sum(len(rows.seconds) for rows in group)
            found.append(TableError(table, chip, count, inside, _median(group, other)))
    return tuple(found)


def _without(chip: str, entry: str, kept: Sequence[Timed], entries: Mapping[str, _Solved]) -> dict[str, float]:
    """Parameters of a generation from its other chips, and from other generations where it has none."""
    others = _pool([solved for name, solved in entries.items() if name != entry]).logs
    siblings = [rows for rows in kept if rows.entry == entry and rows.chip != chip]
    return {**others, **(_solve(siblings, others).logs if siblings else {})}


def _median(group: Sequence[Timed], logs: Mapping[str, float]) -> float:
    return float(np.median(np.abs(np.concatenate([log_error(rows, logs) for rows in group]))))
