"""The page on how accurate the estimates are: scored rows in, Markdown out.

What a figure means is said once, in the page. Rows scored with constants that were fitted without them are
optional; where they are absent a cell says ``not run``.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from accord.report.accuracy_causes import Causes
from accord.report.tables import Column, Table, number, number_column, text_column
from accord.report.validate_view import percent
from accord.validation.rows import Row
from accord.validation.score import Scored, Summary, group, log_distance, summarise

COMMAND = "python3 do.py accuracy"
NOT_RUN = "not run"
KINDS = ("source", "chip", "model")  # what a cross-validation leaves out at a time
WORST = 10
NOTES = 8
NO_MODEL = "no model (kernels, links)"
SKIPPED = {
    "no_shape": "the source gives no shape, or the metric is of a kind that is not estimated",
    "fleet_average": "an average over many deployments or over cache hits",
    "unknown_chip": "the chip, or how its chips are joined, is not in the catalog",
    "unknown_model": "the model's shape is not in the catalog",
    "no_lengths": "lengths that the metric needs are not given",
    "bound_violation": "the measured value beats a physical bound of the stated configuration",
}

Key = Callable[[Scored], str]


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What another program says of a row; None with a note where it gives no answer."""

    id: str
    metric: str
    predicted: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class TableMet:
    """How far one operator table of one chip is met: median |ln| on shapes held back, and with the chip left out."""

    table: str
    chip: str
    shapes: int
    in_sample: float | None
    chip_left_out: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the page is made of.

    in_sample: every row scored with the packaged constants, at ``level``; rows: the same rows as read
    families: model id -> family; cross: kind of KINDS -> the rows scored with constants fitted without
    their source, chip or model; peer: None where no file of the peer's answers is at hand
    catalog: SHA-256 of the catalog [hex]; tables: operator tables, empty before a first fit
    training: the section on training, collectives and failures, "" for none
    """

    in_sample: tuple[Scored, ...]
    rows: Sequence[Row]
    families: Mapping[str, str]
    catalog: str
    cross: Mapping[str, tuple[Scored, ...]]
    peer: tuple[PeerAnswer, ...] | None = None
    peer_name: str = "AIConfigurator"
    level: float = 0.9
    tables: tuple[TableMet, ...] = ()
    training: str = ""


def page(evidence: Evidence) -> str:
    """The whole page as Markdown; the last line names the command and the catalog."""
    titles = {row.text["source_id"]: row.text.get("source", "") for row in evidence.rows}
    parts = [
        _head(evidence),
        *((TRAINING_NOTE,) if evidence.training else ()),
        "## In short\n",
        to_markdown(_overview(evidence)),
        _SHORT_NOTES,
        "## By source\n",
        to_markdown(_groups(evidence, "source", lambda row: row.source_id, "source")),
        "".join(f"- `{name}`: {titles[name]}\n" for name in sorted({row.source_id for row in evidence.in_sample})),
        "## By chip\n",
        to_markdown(_groups(evidence, "chip", lambda row: row.chip or "no chip", "chip")),
        "## By model family\n",
        "A family is the `model_type` of a model's config.json.\n",
        to_markdown(_groups(evidence, "family", lambda row: _family(row, evidence.families), "model")),
        "## By metric\n",
        to_markdown(_groups(evidence, "metric", lambda row: row.metric, "source")),
        "## Operator tables\n",
        TABLES_NOTE if evidence.tables else f"{NOT_RUN}\n",
        to_markdown(_tables(evidence.tables)) if evidence.tables else "",
        f"## The {WORST} worst rows\n",
        to_markdown(_worst(evidence)),
        "## Rows that were skipped\n",
        to_markdown(_skipped(evidence.in_sample)),
        f"## The same rows scored by {evidence.peer_name.split()[0]}\n",
        _peer(evidence),
        *((evidence.training,) if evidence.training else ()),
        f"Regenerated with `{COMMAND}`; catalog `{evidence.catalog}`.\n",
    ]
    return "\n".join(parts)


TRAINING_NOTE = """These are estimates of inference.
[Training, collectives and failures](#training-collectives-and-failures) come last.
"""

TABLES_NOTE = """Kernels and collectives timed on their own (`aiconfigurator-core` 0.12). *Held back* is the median
error on every fifth shape of a kernel, which no fit saw (of collectives: on all shapes); *chip left out* with numbers
that other chips of the generation, or other generations, hand on. Cells are medians over the tables of a kind.
"""


def _tables(met: Sequence[TableMet]) -> Table:
    """One line a kind of table, and one over all."""
    kinds = sorted({one.table.split(" ")[0] for one in met})
    lines = [(kind, [one for one in met if one.table.split(" ")[0] == kind]) for kind in kinds]
    rows = tuple(
        (
            name, str(len(group)), ", ".join(sorted({one.chip for one in group})) if name != "all" else "",
            _median_cell([one.in_sample for one in group if one.in_sample is not None]),
            _median_cell([one.chip_left_out for one in group if one.chip_left_out is not None]),
        )
        for name, group in [*lines, ("all", list(met))]
    )  # fmt: skip
    columns = (
        text_column("table"), number_column("tables"), text_column("chips"), number_column("held back"),
        number_column("chip left out"),
    )  # fmt: skip
    return Table(title="", columns=columns, rows=rows)


def to_markdown(table: Table) -> str:
    """A table as Markdown, without its title."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"

    rule = "|" + "|".join("---:" if column.justify == "right" else "---" for column in table.columns) + "|\n"
    body = "".join(line(row) for row in table.rows)
    notes = "".join(f"\n{note}\n" for note in table.notes)
    return line(column.heading for column in table.columns) + rule + body + notes


def _head(evidence: Evidence) -> str:
    scored = [row for row in evidence.in_sample if row.skipped is None]
    sources = len({row.source_id for row in evidence.in_sample})
    return f"""# How accurate the estimates are

This page is generated. It compares the estimates of `accord validate` with {len(evidence.in_sample)} published
measurements from {sources} sources; {len(scored)} of them can be scored. The table of rows is not part of the
distribution; its sources are public.

- **Error** of a row: ln(predicted / measured). Tables print logs as percentages, 100 (exp(x) - 1): *median* and *mean*
  are of its absolute value, *bias* is the median with its sign. A printed range is met by any value inside it.
- **Inside**: share of rows whose measured value lies in the {evidence.level:.0%} interval of its estimate.
- **High/low**: median width of these intervals, upper end over lower end. Narrow is only good where rows are inside.
- **Macro error**: mean over sources of the median error of each, so that a source counts once whatever its rows.
  *complete* takes the rows that state model, chip, parallelism, weights and lengths, *all* takes every row.
- **In sample**: with the packaged constants, which were set on most of these rows. **Left out**: with constants fitted
  again without the row's source, chip or model, which is what to expect of a machine or a study nobody fitted to.
"""


_SHORT_NOTES = """The interval score is Winkler's, of ln values: the mean log width of the intervals plus
2 / (1 - level) times the log distance by which a row misses its interval. Less is better. The best band of one width is
the same factor up and down for every row, chosen afterwards as the narrowest that holds as many of these rows as an
interval should. Intervals that know which estimates are good score less than that band.
"""


def _overview(evidence: Evidence) -> Table:
    """Totals in sample and for each kind of cross-validation."""
    columns = (text_column("all rows"), number_column("in sample"), *(number_column(f"{k} left out") for k in KINDS))
    summaries = [_pair(evidence.in_sample, evidence.level)]
    summaries += [_pair(evidence.cross.get(kind, ()), evidence.level) for kind in KINDS]
    lines: tuple[tuple[str, Callable[[Summary, Summary], str]], ...] = (
        ("rows scored", lambda complete, whole: str(whole.scored)),
        ("rows scored, complete", lambda complete, whole: str(complete.scored)),
        ("macro error, complete [%]", lambda complete, whole: _decimal(complete.macro_error_pct)),
        ("macro error, all [%]", lambda complete, whole: _decimal(whole.macro_error_pct)),
        ("inside, complete", lambda complete, whole: _share(complete.coverage_90)),
        ("inside, all", lambda complete, whole: _share(whole.coverage_90)),
        ("inside, mean over sources", lambda complete, whole: _macro_coverage(whole)),
        ("high/low", lambda complete, whole: number(whole.median_high_over_low)),
        ("interval score", lambda complete, whole: number(whole.interval_score)),
        ("interval score, best band of one width", lambda complete, whole: _band(whole)[0]),
        ("high/low, best band of one width", lambda complete, whole: _band(whole)[1]),
    )
    rows = tuple((name, *(NOT_RUN if pair is None else cell(*pair) for pair in summaries)) for name, cell in lines)
    note = "In brackets: the central 90 % when the sources are drawn again with replacement."
    return Table(title="", columns=columns, rows=rows, notes=(note,))


def _pair(rows: Sequence[Scored], level: float) -> tuple[Summary, Summary] | None:
    """Totals of the complete and of all rows, None where there are none."""
    if not rows:
        return None
    return summarise(rows, complete_only=True, level=level), summarise(rows, level=level)


def _groups(evidence: Evidence, name: str, key: Key, left_out: str) -> Table:
    """Figures of each group in sample, and beside them those with what is ``left_out`` not fitted to."""
    columns = (
        text_column(name), number_column("n"), number_column("median", "%"), number_column("mean", "%"),
        number_column("bias", "%"), number_column("inside"), number_column("high/low"),
        *(number_column(f"{left_out} left out: {figure}") for figure in ("median [%]", "inside", "high/low")),
    )  # fmt: skip
    held = evidence.cross.get(left_out, ())
    inner, outer = group(evidence.in_sample, key), group(held, key)
    rows = tuple((name, *_inner_cells(one), *_outer_cells(outer.get(name), bool(held))) for name, one in inner.items())
    return Table(title="", columns=columns, rows=rows)


def _inner_cells(one: Mapping[str, float]) -> tuple[str, ...]:
    return (
        f"{one['rows']:.0f}",
        f"{percent(one['median_abs_log_error']):.1f}",
        f"{percent(one['mean_abs_log_error']):.1f}",
        f"{percent(one['bias_log']):+.1f}",
        _share(one["coverage_90"]),
        number(one["median_high_over_low"]),
    )


def _outer_cells(one: Mapping[str, float] | None, is_run: bool) -> tuple[str, str, str]:
    if one is None:
        return ("-", "-", "-") if is_run else (NOT_RUN, NOT_RUN, NOT_RUN)
    median = f"{percent(one['median_abs_log_error']):.1f}"
    return median, _share(one["coverage_90"]), number(one["median_high_over_low"])


def _family(row: Scored, families: Mapping[str, str]) -> str:
    return families.get(row.model, row.model) or NO_MODEL


def _worst(evidence: Evidence) -> Table:
    """The rows with the largest errors, and what is known about why."""
    columns = (
        text_column("row"), text_column("metric"), text_column("chip, model"), number_column("measured"),
        number_column("predicted"), number_column("ln error"), text_column("inside"), text_column("reason"),
    )  # fmt: skip
    causes = Causes(evidence.rows)
    scored = sorted((row for row in evidence.in_sample if row.log_ratio is not None), key=_badness)
    rows = tuple(
        (row.id, row.metric, ", ".join(filter(None, (row.chip, row.model))), number(row.measured, 4),
         number(row.predicted, 4), f"{row.log_ratio or 0.0:+.2f}", "yes" if row.inside else "no", causes.of(row))
        for row in scored[:WORST]
    )  # fmt: skip
    note = "Values are in SI units. Reasons are what the row and the catalog show, not findings about the run."
    return Table(title="", columns=columns, rows=rows, notes=(note,))


def _badness(row: Scored) -> tuple[float, str]:
    return -abs(row.log_ratio or 0.0), row.id


def _skipped(rows: Sequence[Scored]) -> Table:
    """Why rows were skipped, and which metrics they hold."""
    columns = (text_column("reason"), number_column("rows"), text_column("meaning"), text_column("metrics"))
    counts = Counter(row.skipped for row in rows if row.skipped is not None)
    cells = tuple(
        (f"`{reason}`", str(count), SKIPPED.get(reason, ""),
         ", ".join(sorted({row.metric for row in rows if row.skipped == reason})))
        for reason, count in sorted(counts.items())
    )  # fmt: skip
    return Table(title="", columns=columns, rows=cells)


def _peer(evidence: Evidence) -> str:
    """Both programs on exactly the rows that both answer."""
    if evidence.peer is None:
        return f"{NOT_RUN}: no file of its answers is at hand.\n"
    facts = {row.id: row for row in evidence.rows}
    ours = {row.id: row for row in evidence.in_sample if row.log_ratio is not None}
    answered = {one.id: one.predicted for one in evidence.peer if one.predicted and one.predicted > 0.0}
    theirs = {
        name: log_distance(value, ours[name].measured, facts[name].flags.get("range"))
        for name, value in answered.items()
        if name in ours
    }
    if not theirs:
        return f"{evidence.peer_name} answers none of the rows that Accord answers.\n"
    held = {row.id: row for row in evidence.cross.get("source", ()) if row.log_ratio is not None}
    opening = (
        f"{evidence.peer_name} answers {len(answered)} of {len(evidence.peer)} rows; Accord answers {len(theirs)} of "
        f"those, and {len(ours)} in all. Only the {len(theirs)} rows that both answer are compared here.\n"
    )
    return "\n".join((opening, to_markdown(_duel(evidence, ours, theirs, held)), _unanswered(evidence.peer)))


def _duel(
    evidence: Evidence, ours: Mapping[str, Scored], theirs: Mapping[str, float], held: Mapping[str, Scored]
) -> Table:
    """Median error by source, macro and bias, of both."""
    sources: dict[str, list[str]] = {}
    for name in theirs:
        sources.setdefault(ours[name].source_id, []).append(name)

    def three(names: Sequence[str]) -> tuple[list[float], list[float], list[float]]:
        apart = [held[name].log_ratio or 0.0 for name in names] if all(name in held for name in names) else []
        return [ours[name].log_ratio or 0.0 for name in names], apart, [theirs[name] for name in names]

    peer = evidence.peer_name.split()[0]
    columns = (text_column("source"), number_column("rows"), number_column("Accord, in sample", "%"),
               number_column("Accord, source left out", "%"), number_column(peer, "%"))  # fmt: skip
    split = {source: three(names) for source, names in sorted(sources.items())}
    rows = [
        (source, str(len(lists[0])), *(_median_cell(errors) for errors in lists)) for source, lists in split.items()
    ]
    macros = [[_median_abs(lists[at]) for lists in split.values()] for at in range(3)]
    rows.append(("macro error", str(len(theirs)), *(_macro_cell(found) for found in macros)))
    whole = three(list(theirs))
    bias = (f"{percent(statistics.median(errors)):+.1f}" if errors else NOT_RUN for errors in whole)
    rows.append(("bias, all rows", str(len(theirs)), *bias))
    note = "Median error of each source. Accord's constants were set on part of these rows, the peer's were not."
    return Table(title="", columns=columns, rows=tuple(rows), notes=(note,))


def _median_abs(errors: Sequence[float]) -> float | None:
    return statistics.median(abs(error) for error in errors) if errors else None


def _median_cell(errors: Sequence[float]) -> str:
    return f"{percent(_median_abs(errors) or 0.0):.1f}" if errors else NOT_RUN


def _macro_cell(medians: Sequence[float | None]) -> str:
    known = [median for median in medians if median is not None]
    return f"{percent(statistics.fmean(known)):.1f}" if len(known) == len(medians) else NOT_RUN


def _unanswered(peer: Sequence[PeerAnswer]) -> str:
    """The peer's notes on rows without an answer, the most frequent first."""
    notes = Counter(one.note or "no note" for one in peer if not one.predicted)
    if not notes:
        return ""
    ranked = sorted(notes.items(), key=lambda item: (-item[1], item[0]))
    rows = [(note, str(count)) for note, count in ranked[:NOTES]]
    if len(ranked) > NOTES:
        rows.append(("other notes", str(sum(count for _, count in ranked[NOTES:]))))
    columns: tuple[Column, ...] = (text_column("without an answer: its note"), number_column("rows"))
    return to_markdown(Table(title="", columns=columns, rows=tuple(rows)))


def _macro_coverage(summary: Summary) -> str:
    macro = summary.macro_coverage_90
    return "-" if macro is None else f"{macro.value:.0%} ({macro.low:.0%} to {macro.high:.0%})"


def _band(summary: Summary) -> tuple[str, str]:
    band = summary.constant_band
    if band is None:
        return "-", "-"
    return number(band.interval_score), number(math.exp(2.0 * band.half_width_log))


def _decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
