"""Failures of serving instances: what a simulation takes from the catalog, and how many instances are up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec

from accord.base.units import show
from accord.planner.plan import Metric
from accord.report.tables import Table, number, number_column, text_column

STATED = "stated"
NOTHING = "more"  # spare instances than are looked at


@dataclass(frozen=True, slots=True)
class Taken:
    """Times of a pool's instances in a simulation.

    chips: of one instance; instances: at the start; mtbf_s: between failures of one, with the interval of the
    clusters that were counted; repair_s: until it may load again
    mtbf_source, repair_source: ids of the envelope's sources, or :data:`STATED`
    """

    pool: str
    chip: str
    chips: float
    instances: int
    mtbf_s: Metric
    repair_s: Metric
    mtbf_source: str
    repair_source: str


@dataclass(frozen=True, slots=True)
class Up:
    """How many of a pool's equal instances are up over a long time; intervals are those of the rates alone.

    chips: of one instance; mtbf_s: between interruptions of one; restart_s: until it serves again where nothing is
    broken; repair_s: until a node is back; instance: share of the time one is up [1], ``with_nodes`` where spare
    nodes stand by; up: expected number
    all_up, all_but_one_up: share of the time at least so many are [1]
    target: share of the time; spares: instances more with which as many as now are up for that share
    """

    pool: str
    chip: str
    chips: float
    instances: int
    mtbf_s: Metric
    restart_s: float
    repair_s: float
    instance: Metric
    with_nodes: Metric
    up: Metric
    all_up: Metric
    all_but_one_up: Metric
    target: float
    spares: Metric


def taken_dict(taken: Sequence[Taken], spare: bool) -> dict[str, object]:
    """What was taken, for the inputs of the answer. spare: a node is at hand for one that fails."""
    return {"from": "catalog", "spare": spare, "pools": {one.pool: _plain(one) for one in taken}}


def taken_table(taken: Sequence[Taken], spare: bool, level: float) -> Table:
    """One line a pool."""
    columns = (
        text_column("pool"), number_column("chips each"), number_column("between failures"),
        text_column(f"{100.0 * level:.4g} % interval"), number_column("until it loads again"), text_column("sources"),
    )  # fmt: skip
    rows = tuple(
        (one.pool, f"{one.chips:,.4g}", show(one.mtbf_s.value, "s"), _band(one.mtbf_s), show(one.repair_s.value, "s"),
         ", ".join(dict.fromkeys((one.mtbf_source, one.repair_source))))
        for one in taken
    )  # fmt: skip
    waits = "a spare node is at hand" if spare else "nodes wait for their repair: the mean with failures that do not"
    notes = (f"{waits}; the interval is that of clusters, and the run is of its middle",)
    return Table(title="Failures of an instance, from the catalog", columns=columns, rows=rows, notes=notes)


def up_dict(found: Sequence[Up]) -> dict[str, object]:
    """The block ``availability`` of the answer, by pool."""
    return {one.pool: _plain(one) for one in found}


def up_tables(found: Sequence[Up], level: float) -> list[Table]:
    """One table a pool."""
    return [_up_table(one, level) for one in found]


def _up_table(one: Up, level: float) -> Table:
    many = f"{one.instances:,} instance{'s' if one.instances > 1 else ''} of {_chips(one.chips)}"
    rows = [
        ("between interruptions of one", show(one.mtbf_s.value, "s"), _band(one.mtbf_s)),
        ("time one is up", _share(one.instance.value), _shares(one.instance)),
        ("  with spare nodes at hand", _share(one.with_nodes.value), _shares(one.with_nodes)),
        ("instances up, mean", number(one.up.value, 4), _numbers(one.up)),
        ("time all are up", _share(one.all_up.value), _shares(one.all_up)),
    ]
    if one.instances > 1:
        rows.append(("time all but one are up", _share(one.all_but_one_up.value), _shares(one.all_but_one_up)))
    low, high = (NOTHING if end is None else f"{end:,.0f}" for end in (one.spares.low, one.spares.high))
    some = f"{low} .. {high}"
    rows.append((f"spare instances for all, {_share(one.target)} of it", f"{one.spares.value:,.0f}", some))
    columns = (text_column("quantity"), number_column("expected"), text_column(f"{100.0 * level:.4g} % interval"))
    notes = (
        f"without spare nodes but where said: one that fails is back after {show(one.repair_s, 's')}; what breaks "
        f"nothing takes {show(one.restart_s, 's')}",
        "the interval is that of the rates of clusters; instances fail independently of one another",
    )
    return Table(title=f"Instances that are up, {one.pool}: {many}", columns=columns, rows=tuple(rows), notes=notes)


def _plain(one: Taken | Up) -> dict[str, object]:
    return {
        name: msgspec.to_builtins(value) if isinstance(value, Metric) else value
        for name, value in asdict(one).items()
        if name != "pool"
    }


def _chips(count: float) -> str:
    return "1 chip" if count == 1 else f"{count:,.4g} chips"


def _share(value: float) -> str:
    return f"{100.0 * value:.4g} %"


def _shares(one: Metric) -> str:
    return "" if one.low is None or one.high is None else f"{_share(one.low)} .. {_share(one.high)}"


def _numbers(one: Metric) -> str:
    return "" if one.low is None or one.high is None else f"{number(one.low, 4)} .. {number(one.high, 4)}"


def _band(one: Metric) -> str:
    return "" if one.low is None or one.high is None else f"{show(one.low, 's')} .. {show(one.high, 's')}"
