"""Collectives and transfers on a fabric as the result of a verb, and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.base.units import show
from accord.report.tables import Table, number, number_column, pairs, text_column
from accord.report.to_json import metric

_PARTS = {
    "base_s": "launch and start", "latency_s": "steps and messages", "moved_s": "bytes on the slowest plane",
    "ramp_s": "ramp of the bytes", "local_s": "on the device",
}  # fmt: skip
LONG_NAME = 18  # letters of a tier's name in a table of points
PLAIN = {"base_s": "launch, messages and steps", "moved_s": "bytes on the slowest plane"}


@dataclass(frozen=True, slots=True)
class TierUse:
    """What a collective does to one tier.

    bytes: a device sends; seconds: its port is busy; latency_s: of the steps that cross it
    busy: seconds over the time of the collective; share: of the nominal capacity in that time [1]
    """

    plane: str
    kind: str
    bytes: float
    seconds: float
    latency_s: float
    busy: float
    share: float


@dataclass(frozen=True, slots=True)
class Algorithm:
    """time_s: None where it cannot be computed; refused: why no library would choose it, None where one would."""

    name: str
    time_s: float | None
    chosen: bool
    refused: str | None


@dataclass(frozen=True, slots=True)
class Priced:
    """One collective.

    factor: half-width factor of the interval of the time; bus: bytes a ring would pass over each port, over the size;
        of a dispatch or combine those that do leave a device
    parts: seconds by name, they sum to ``time_s``; bottleneck: index of a tier, -1 for none
    counts: what the size counts, where it is more than what is sent
    """

    name: str
    ranks: int
    stride: int
    size_bytes: float
    time_s: float
    factor: float
    bus: float
    parts: Mapping[str, float]
    tiers: tuple[TierUse, ...]
    algorithm: str
    bottleneck: int
    algorithms: tuple[Algorithm, ...]
    counts: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """An all-to-all transfer by transfer beside the collective's own term for bytes.

    seconds: at max-min fair rates; least_s: of the busiest link; model_s: the collective's term; link: the busiest one
    left_out: why it was not done, then all numbers are 0
    """

    transfers: int = 0
    seconds: float = 0.0
    least_s: float = 0.0
    model_s: float = 0.0
    link: str = ""
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class TierFact:
    """One tier as it is: domain [devices], nominal and reached rates [B/s per device], latency and bisection."""

    name: str
    plane: str
    kind: str
    wiring: str
    devices: int
    bytes_per_s: float
    reached_bytes_per_s: float
    latency_s: float | None
    bisection_bytes_per_s: float
    switch_chips: int
    oversubscription: float


@dataclass(frozen=True, slots=True)
class Sent:
    """One transfer that was run to its end; bottleneck: what held it last, in words."""

    source: int
    target: int
    size_bytes: float
    start_s: float
    end_s: float
    bytes_per_s: float
    bottleneck: str


def metrics_dict(priced: Priced) -> dict[str, object]:
    """Metrics of one collective with their intervals."""
    time, factor = priced.time_s, priced.factor
    found: dict[str, object] = {"time_s": metric(time, "s", time / factor, time * factor)}
    for name, size in (("busbw_byte_per_s", priced.bus * priced.size_bytes), ("algbw_byte_per_s", priced.size_bytes)):
        found[name] = metric(size / time, "B/s", size / time / factor, size / time * factor)
    return found


def point_dict(priced: Priced, names: Sequence[str]) -> dict[str, object]:
    """One point; names: of the tiers."""
    inputs = {
        "collective": priced.name, "ranks": priced.ranks, "stride": priced.stride, "size_bytes": priced.size_bytes,
    }  # fmt: skip
    return {
        "inputs": inputs,
        "metrics": metrics_dict(priced),
        **({"algbw_counts": priced.counts} if priced.counts else {}),
        "algorithm": priced.algorithm,
        "bottleneck": _bottleneck(priced, names),
        "parts": dict(priced.parts),
        "tiers": [
            {
                "name": name, "plane": tier.plane, "kind": tier.kind, "bytes": tier.bytes, "seconds": tier.seconds,
                "latency_s": tier.latency_s, "busy": tier.busy, "share_of_capacity": tier.share,
            }
            for name, tier in zip(names, priced.tiers, strict=True)
        ],
        "algorithms": [
            {"name": one.name, "time_s": one.time_s, "chosen": one.chosen, "refused": one.refused}
            for one in priced.algorithms
        ],
    }  # fmt: skip


def _bottleneck(priced: Priced, names: Sequence[str]) -> dict[str, object]:
    """The tier that takes longest, and the largest part of the time."""
    part = max(priced.parts, key=lambda name: priced.parts[name])
    tier = names[priced.bottleneck] if priced.bottleneck >= 0 else None
    return {"tier": tier, "part": part, "share": priced.parts[part] / priced.time_s}


def check_dict(check: Check) -> dict[str, object]:
    """The cross-check, or why there is none."""
    if check.left_out:
        return {"left_out": check.left_out}
    return {
        "transfers": check.transfers, "fair_s": check.seconds, "least_s": check.least_s, "model_s": check.model_s,
        "ratio": check.model_s / check.seconds, "busiest_link": check.link,
    }  # fmt: skip


def tier_fact_dict(fact: TierFact) -> dict[str, object]:
    """One tier of the fabric."""
    return {name: getattr(fact, name) for name in TierFact.__dataclass_fields__}


def sent_dict(sent: Sent) -> dict[str, object]:
    """One transfer."""
    found = {name: getattr(sent, name) for name in Sent.__dataclass_fields__}
    return {**found, "time_s": sent.end_s - sent.start_s}


def collective_tables(
    title: str, priced: Priced, names: Sequence[str], check: Check | None, level: float
) -> list[Table]:
    """Time, tiers, algorithms and the cross-check of one collective."""
    low, high = priced.time_s / priced.factor, priced.time_s * priced.factor
    rate = priced.size_bytes / priced.time_s
    at = _bottleneck(priced, names)
    where = f"{at['tier']}; " if at["tier"] else ""
    labels = _PARTS if "ramp_s" in priced.parts else PLAIN
    head = [
        ("time", f"{show(priced.time_s, 's')}   ({show(low, 's')} to {show(high, 's')}, {level:.0%})"),
        ("bus bandwidth", show(priced.bus * rate, "B/s")),
        ("algorithm bandwidth", show(rate, "B/s")),
        *((("  counts", priced.counts),) if priced.counts else ()),
        ("algorithm", priced.algorithm),
        ("bottleneck", f"{where}{at['share']:.0%} of the time is {labels[str(at['part'])]}"),
        *((f"  {label}", show(priced.parts[name], "s")) for name, label in labels.items()),
    ]  # fmt: skip
    tables = [pairs(title, head), _tiers_table(priced, names)]
    if len(priced.algorithms) > 1:
        tables.append(_algorithms_table(priced.algorithms))
    if check is not None:
        tables.append(_check_table(check))
    return tables


def _tiers_table(priced: Priced, names: Sequence[str]) -> Table:
    columns = (
        text_column("tier"), text_column("plane"), number_column("sent by each"), number_column("port busy"),
        number_column("steps"), number_column("of the time", "%"), number_column("of capacity", "%"),
    )  # fmt: skip
    rows = tuple(
        (name, tier.plane, show(tier.bytes, "B"), show(tier.seconds, "s"), show(tier.latency_s, "s"),
         number(100 * tier.busy, 2), number(100 * tier.share, 2))
        for name, tier in zip(names, priced.tiers, strict=True)
    )  # fmt: skip
    return Table(title="load by tier", columns=columns, rows=rows)


def _algorithms_table(algorithms: Sequence[Algorithm]) -> Table:
    rows = tuple(
        (one.name, show(one.time_s, "s") if one.time_s is not None else "-", _verdict(one)) for one in algorithms
    )
    columns = (text_column("algorithm"), number_column("time"), text_column("verdict"))
    return Table(title="algorithms", columns=columns, rows=rows)


def _verdict(one: Algorithm) -> str:
    if one.chosen:
        return "chosen"
    return f"refused: {one.refused}" if one.refused else "slower"


def _check_table(check: Check) -> Table:
    title = "cross-check: every transfer at its max-min fair rate"
    if check.left_out:
        return pairs(title, [("left out", check.left_out)])
    rows = [
        ("transfers", f"{check.transfers:,}"),
        ("by transfers", f"{show(check.seconds, 's')}, no schedule below {show(check.least_s, 's')}"),
        ("by the collective's term", f"{show(check.model_s, 's')}, {check.model_s / check.seconds:.2f} of it"),
        ("busiest link", check.link),
    ]
    return pairs(title, rows)


def points_table(title: str, points: Sequence[Priced], names: Sequence[str]) -> Table:
    """A line for each of several points."""
    columns = (
        text_column("collective"), number_column("ranks"), number_column("size"), number_column("time"),
        number_column("low"), number_column("high"), number_column("busbw"), text_column("algorithm"),
        text_column("bottleneck"),
    )  # fmt: skip
    rows = tuple(
        (
            one.name.replace("_", "-"), f"{one.ranks:,}", show(one.size_bytes, "B"), show(one.time_s, "s"),
            show(one.time_s / one.factor, "s"), show(one.time_s * one.factor, "s"),
            show(one.bus * one.size_bytes / one.time_s, "B/s"), one.algorithm,
            _slowest(one, names),
        )
        for one in points
    )  # fmt: skip
    return Table(title=title, columns=columns, rows=rows)


def _slowest(priced: Priced, names: Sequence[str]) -> str:
    """The tier that takes longest, by its plane where its name is long."""
    if priced.bottleneck < 0:
        return "-"
    name = names[priced.bottleneck]
    return name if len(name) <= LONG_NAME else priced.tiers[priced.bottleneck].plane


def facts_table(title: str, facts: Sequence[TierFact], assumed: Sequence[str]) -> Table:
    """What the fabric looks like."""
    columns = (
        text_column("tier"), text_column("kind"), text_column("wiring"), number_column("devices"),
        number_column("rate"), number_column("reached"), number_column("latency"), number_column("bisection"),
        number_column("chips"),
    )  # fmt: skip
    rows = tuple(
        (
            fact.name, fact.kind, fact.wiring, f"{fact.devices:,}",
            show(fact.bytes_per_s, "B/s"), show(fact.reached_bytes_per_s, "B/s"),
            show(fact.latency_s, "s") if fact.latency_s is not None else "-", show(fact.bisection_bytes_per_s, "B/s"),
            f"{fact.switch_chips:,}" if fact.switch_chips else "-",
        )
        for fact in facts
    )  # fmt: skip
    told = "rate, reached: of a device, each way; chips: of the switches"
    return Table(title=title, columns=columns, rows=rows, notes=(told, *(f"assumed: {line}" for line in assumed)))


def sent_table(title: str, sent: Sequence[Sent], most: int = 40) -> Table:
    """Transfers in the order in which they were given, the first ``most``."""
    columns = (
        number_column("from"), number_column("to"), number_column("size"), number_column("start"),
        number_column("end"), number_column("mean rate"), text_column("held by"),
    )  # fmt: skip
    rows = tuple(
        (str(one.source), str(one.target), show(one.size_bytes, "B"), show(one.start_s, "s"), show(one.end_s, "s"),
         show(one.bytes_per_s, "B/s"), one.bottleneck)
        for one in sent[:most]
    )  # fmt: skip
    notes = (f"and {len(sent) - most:,} more",) if len(sent) > most else ()
    return Table(title=title, columns=columns, rows=rows, notes=notes)
