"""The model x chip matrix as data and as tables that fit a terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from accord.planner.matrix import Cause, Cell, Question
from accord.planner.plan import Metric
from accord.planner.smallest import MOST_DOMAINS, SMALL_BATCH
from accord.report.tables import NOTHING, Table, number, number_column, pairs, text_column

ACROSS = 6  # columns of a table
WIDTH, MODEL, CELL, GAP = 110, 21, 10, 2  # characters: of a table, a model's id, a cell, between columns
RATE, COST = "decode_token_per_s_per_chip", "usd_per_million_output_tokens"
CAUSES: Mapping[Cause, str] = {
    "memory": "memory capacity is not published", "bf16": "BF16 rate is not published",
    "links": "links between chips are not published", "bandwidth": "memory bandwidth is not published",
    "system": "takes more chips than the system has", "size": "no instance of the sizes in use holds it",
}  # fmt: skip
BARE = ("memory", "bf16")  # causes for which a chip answers nothing
# Vendors that share a table, in the order of print; the last group takes everyone else.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Huawei", ("huawei",)),
    ("NVIDIA", ("nvidia",)),
    ("AMD", ("amd",)),
    ("Google, Intel, AWS", ("google", "intel", "aws")),
    ("Biren, Cambricon, Enflame, Hygon", ("biren", "cambricon", "enflame", "hygon")),
    ("Iluvatar, Kunlunxin, MetaX, Moore Threads", ("iluvatar", "kunlunxin", "metax", "moorethreads")),
)


def matrix_dict(cells: Sequence[Cell], asked: Question) -> dict[str, object]:
    """``result`` of the envelope: operating point, counts, and every cell."""
    return {
        "operating_point": {
            **msgspec.to_builtins(asked), "context": asked.isl + asked.osl / 2.0, "small_batch": SMALL_BATCH,
            "largest_instance_domains": MOST_DOMAINS,
        },
        "counts": counts(cells),
        "cells": [cell_dict(cell) for cell in cells],
    }  # fmt: skip


def counts(cells: Sequence[Cell]) -> dict[str, object]:
    """How many cells answer what, for fit and for engine support, and why cells answer unknown or no."""
    fits = Counter(cell.answer.fits for cell in cells)
    support = Counter(cell.support.answer for cell in cells)
    reasons = Counter(CAUSES[cell.answer.cause] for cell in cells if cell.answer.cause is not None)
    return {
        "cells": len(cells),
        "fits": {name: fits.get(name, 0) for name in ("yes", "no", "unknown")},
        "support": {name: support.get(name, 0) for name in ("yes", "partial", "no", "unknown")},
        "reasons": dict(sorted(reasons.items())),
        "rated": sum(RATE in cell.answer.metrics for cell in cells),
        "within_tpot": sum(cell.answer.point is not None and cell.answer.point.within_tpot for cell in cells),
        "priced": sum(COST in cell.answer.metrics for cell in cells),
        "one_chip": sum(cell.answer.chips == 1 for cell in cells),
        "converted": sum(cell.conversion is not None for cell in cells if cell.answer.fits == "yes"),
    }


def cell_dict(cell: Cell) -> dict[str, object]:
    """One cell as plain data."""
    answer = cell.answer
    found: dict[str, object] = {
        "model": cell.model, "chip": cell.chip, "system": cell.system, "fits": answer.fits, "reason": answer.reason,
        "chips": answer.chips, "memory_chips": answer.memory_chips,
        "layout": msgspec.to_builtins(answer.layout), "point": msgspec.to_builtins(answer.point),
        "stored": cell.stored, "weights": cell.weights, "native": cell.conversion is None if cell.weights else None,
        "native_formats": list(cell.native_formats), "conversion": msgspec.to_builtins(cell.conversion),
        "support": msgspec.to_builtins(cell.support), "metrics": msgspec.to_builtins(answer.metrics),
        "basis": "derived", "family_measured": not cell.pooled,
    }  # fmt: skip
    return found


# Tables


def matrix_tables(cells: Sequence[Cell], asked: Question, *, named: bool) -> tuple[Table, ...]:
    """Models down, chips across, a table a group of vendors; then chips nobody can answer for, and counts.

    named: the columns were asked for by name, so that all are shown
    """
    columns: dict[str, list[Cell]] = {}
    for cell in cells:
        columns.setdefault(cell.column, []).append(cell)
    silent = {id: some for id, some in columns.items() if all(cell.answer.cause in BARE for cell in some)}
    told = {id: some for id, some in columns.items() if id not in silent}
    groups = _grouped(told, named=named)
    tables = [_group_table(title, some, hidden) for title, some, hidden in groups]
    shown = {id: some for _, own, _ in groups for id, some in own.items()}
    tables += [_cost_table(id, some) for id, some in told.items()] if named else _format_tables(shown)
    return (*tables, *_silent_tables(silent), _count_table(cells, asked))


def _silent_tables(silent: Mapping[str, list[Cell]]) -> list[Table]:
    if not silent:
        return []
    room = WIDTH - max(map(len, silent)) - max(len(cells[0].vendor) for cells in silent.values()) - 2 * GAP
    rows = [
        row for id, cells in silent.items() for row in _below((id, cells[0].vendor), cells[0].answer.reason or "", room)
    ]
    columns = (text_column("chip or system"), text_column("vendor"), text_column("why"))
    return [Table(title="Unknown for every model", columns=columns, rows=tuple(rows))]


def _below(first: tuple[str, ...], text: str, room: int) -> list[tuple[str, ...]]:
    """Rows of one entry whose last cell takes several lines."""
    lines = textwrap.wrap(text, max(room, CELL), break_on_hyphens=False) or [""]
    return [(*(first if at == 0 else ("",) * len(first)), line) for at, line in enumerate(lines)]


def _cost_table(id: str, cells: Sequence[Cell]) -> Table:
    """What is named in full: formats, rate and cost of each model with the ends of their intervals."""
    rows = [(cell.model, *_figures(cell)) for cell in cells]
    columns = (
        text_column("model"), number_column("chips"), text_column("weights"), number_column("decode tok/s/chip"),
        number_column("interval"), number_column("USD/Mtok"), number_column("interval"),
    )  # fmt: skip
    formats = _formats(cells[0]) or "no format that is published"
    notes = textwrap.wrap(f"{cells[0].chip} multiplies as stored: {formats}", WIDTH, subsequent_indent="  ")
    return Table(title=f"Formats, rates and costs on {id}", columns=columns, rows=tuple(rows), notes=tuple(notes))


def _figures(cell: Cell) -> tuple[str, ...]:
    answer = cell.answer
    if answer.fits != "yes":
        return (cell_text(cell), *(NOTHING,) * 5)
    weights = f"{cell.weights or NOTHING}{'~' if cell.conversion is not None else ''}"
    return (f"{answer.chips}", weights, *_with_band(answer.metrics.get(RATE)), *_with_band(answer.metrics.get(COST)))


def _with_band(one: Metric | None) -> tuple[str, str]:
    if one is None:
        return NOTHING, NOTHING
    ends = one.low is not None and one.high is not None
    return number(one.value), f"{number(one.low)} to {number(one.high)}" if ends else NOTHING


def _formats(cell: Cell) -> str:
    return ", ".join(cell.native_formats)


def _format_tables(shown: Mapping[str, list[Cell]]) -> list[Table]:
    """Which chips multiply which formats as stored."""
    found: dict[str, list[str]] = {}
    for id, cells in shown.items():
        found.setdefault(_formats(cells[0]) or "none is published", []).append(id)
    room = WIDTH - max(map(len, found), default=0) - GAP
    rows = [row for formats, ids in sorted(found.items()) for row in _below((formats,), ", ".join(ids), room)]
    columns = (text_column("formats"), text_column("chips"))
    title = "Formats that chips multiply as stored"
    return [Table(title=title, columns=columns, rows=tuple(rows))] if rows else []


def _grouped(columns: Mapping[str, list[Cell]], *, named: bool) -> list[tuple[str, dict[str, list[Cell]], int]]:
    """Title, columns and number of columns left out, by table."""
    if named:
        models = max((len(cell.model) for cells in columns.values() for cell in cells), default=MODEL)
        parts = packed(list(columns), models)
        return [("Models on systems", {id: columns[id] for id in part}, 0) for part in parts]
    found = []
    listed = {vendor for _, vendors in GROUPS for vendor in vendors}
    others = tuple(dict.fromkeys(cells[0].vendor for cells in columns.values() if cells[0].vendor not in listed))
    for title, vendors in (*GROUPS, ("others", others)):
        mine = {id: cells for id, cells in columns.items() if cells[0].vendor in vendors}
        shown = representatives(mine, vendors)
        if shown:
            found.append((f"Models on chips of {title}", {id: mine[id] for id in shown}, len(mine) - len(shown)))
    return found


def packed(ids: Sequence[str], models: int = MODEL) -> list[list[str]]:
    """Columns of tables that fit a terminal, in their order. models: characters of the longest id of a model."""
    parts: list[list[str]] = []
    left = 0
    for id in ids:
        width = max(len(id), CELL) + GAP
        if not parts or width > left or len(parts[-1]) == ACROSS:
            parts.append([])
            left = WIDTH - max(models, MODEL)
        parts[-1].append(id)
        left -= width
    return parts


def representatives(columns: Mapping[str, list[Cell]], vendors: Sequence[str]) -> list[str]:
    """At most :data:`ACROSS` ids, vendors in turn: those that serve most models, the fastest first among equals.

    Columns of several vendors have longer heads, so there is one less.
    """
    ranked: dict[str, list[str]] = {vendor: [] for vendor in vendors}
    for id in sorted(columns, key=lambda id: _rank(columns[id])):
        ranked[columns[id][0].vendor].append(id)
    most = ACROSS if len(vendors) == 1 else ACROSS - 1
    taken: list[str] = []
    for turn in range(max((len(ids) for ids in ranked.values()), default=0)):
        for ids in ranked.values():
            if turn < len(ids) and len(taken) < most:
                taken.append(ids[turn])
    return sorted(taken, key=lambda id: (vendors.index(columns[id][0].vendor), id))


def _rank(cells: Sequence[Cell]) -> tuple[float, float]:
    served = sum(cell.answer.fits == "yes" for cell in cells)
    rates = [cell.answer.metrics[RATE].value for cell in cells if RATE in cell.answer.metrics]
    return -float(served), -sum(rates)


def _group_table(title: str, columns: Mapping[str, list[Cell]], hidden: int) -> Table:
    models = [cell.model for cell in next(iter(columns.values()))]
    vendors = {cells[0].vendor for cells in columns.values()}
    rows = tuple((model, *(cell_text(cells[at]) for cells in columns.values())) for at, model in enumerate(models))
    heads = [_short(id, cells[0].vendor) if len(vendors) == 1 else id for id, cells in columns.items()]
    more = (f"{hidden} more chip{'s' if hidden > 1 else ''} of these vendors: --json, or name them with --system",)
    return Table(
        title=title, columns=(text_column("model"), *(number_column(head) for head in heads)), rows=rows,
        notes=more if hidden else (),
    )  # fmt: skip


def _short(id: str, vendor: str) -> str:
    return id.removeprefix(f"{vendor}-")


def cell_text(cell: Cell) -> str:
    """Smallest number of chips and output tokens a second and chip; marks are explained below the last table."""
    answer = cell.answer
    if answer.fits != "yes":
        if answer.fits == "unknown" and answer.memory_chips:
            return f"?{answer.memory_chips}"
        return "?" if answer.fits == "unknown" else "no"
    if RATE not in answer.metrics:
        return f"{answer.chips}: ?"
    mark = "~" if cell.conversion is not None else ""
    mark += {"yes": "+", "no": "x"}.get(cell.support.answer, "")
    slow = "" if answer.point is None or answer.point.within_tpot else "!"
    return f"{answer.chips}: {number(answer.metrics[RATE].value)}{mark}{slow}"


def _count_table(cells: Sequence[Cell], asked: Question) -> Table:
    found = counts(cells)
    rows = [("cells", f"{len(cells):,}")]
    for name, words in (("fits", "fits"), ("support", "engine support")):
        part = found[name]
        assert isinstance(part, dict)
        rows.append((words, ", ".join(f"{key} {count:,}" for key, count in part.items())))
    reasons = found["reasons"]
    assert isinstance(reasons, dict)
    rows += [(f"no or unknown: {reason}", f"{count:,}") for reason, count in reasons.items()]
    rows += [
        ("keep the limit on time per output token", f"{found['within_tpot']:,}"),
        ("on one chip", f"{found['one_chip']:,}"),
        ("weights converted", f"{found['converted']:,}"),
        ("priced", f"{found['priced']:,}"),
    ]
    return pairs("Counts", rows, _notes(asked))


def _notes(asked: Question) -> tuple[str, ...]:
    return (
        "N: R = on N chips, the fewest that hold it, each gives R output tokens a second in decode; with bands: --json",
        f"point: prompt {asked.isl:g}, answer {asked.osl:g}, time per output token at most {asked.tpot_s * 1e3:g} ms, "
        f"room for {SMALL_BATCH} requests or more",
        "+ an engine says that it runs this, x all that speak of it say no; neither: in part, or nobody says",
        "~ weights are converted, for the chip does not multiply their format; ! slower than the limit at any load",
        "? a fact is not published; ?N: N chips by memory, but links are not published; no: more than the system has",
    )
