"""Scored rows of training, collectives and failures, and the figures that their page draws from them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from accord.validation.score import Scored, group, summarise

RUNS = ("time_to_train_s", "chip_hours")  # metrics of whole runs; all others are speeds
STEPS = ("step_s", "tokens_per_s_per_chip", "tokens_per_s_total")
LEAST_ROWS = 20  # of a system that counts in the mean over systems
IN_SAMPLE = "in sample"
ANEW = "source, fitted anew"  # left out by a fit of its own, where "source" takes the slopes of the whole fit
Rows = Sequence[Scored]
Figure = Callable[[Rows], float | None]


@dataclass(frozen=True, slots=True)
class Scores:
    """A table's rows. cross: what was left out -> the rows as predicted by fits that have not seen their group."""

    in_sample: tuple[Scored, ...]
    cross: Mapping[str, tuple[Scored, ...]]

    def rows(self, left_out: str = IN_SAMPLE) -> tuple[Scored, ...]:
        """Rows in sample, or with their ``left_out`` left out; none where that was not run."""
        return self.in_sample if left_out == IN_SAMPLE else self.cross.get(left_out, ())


@dataclass(frozen=True, slots=True)
class Scaling:
    """The smallest and the largest run of one scaling table. ids: their rows; chips: of each."""

    source_id: str
    about: str
    ids: tuple[str, str]
    chips: tuple[int, int]

    def loss(self, rows: Mapping[str, Scored]) -> float | None:
        """Part of the rate per chip that the larger run loses, as predicted [1]; None where a row is missing."""
        small, large = (rows[id].predicted if id in rows else None for id in self.ids)
        return 1.0 - large / small if small and large else None

    def measured(self, rows: Mapping[str, Scored]) -> float:
        """The same as measured [1]."""
        small, large = (rows[id].measured for id in self.ids)
        return 1.0 - large / small


@dataclass(frozen=True, slots=True)
class Aim:
    """What was aimed at for one source: shares, None where nothing was; why it is missed where it is."""

    in_sample: float | None
    left_out: float | None
    why_missed: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """How many numbers a fit has, and the rows it has them from. spreads: residuals, set by rows left out."""

    numbers: int
    spreads: int
    rows: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the page is made of.

    systems, about: of rows by id: the system, and the configuration in words; titles: of sources
    timed_alone: ids of steps that were timed alone; peers: what another simulator said of a row, and its name
    shown: rows of collectives in no total; unscored: table -> why rows are in no total -> how many
    fitted: by table; step_aims, scaling_aims: by source
    """

    training: Scores
    collectives: Scores
    failures: Scores
    systems: Mapping[str, str]
    about: Mapping[str, str]
    titles: Mapping[str, str]
    timed_alone: frozenset[str]
    peers: Mapping[str, tuple[str, float]]
    scaling: tuple[Scaling, ...]
    shown: tuple[Scored, ...]
    unscored: Mapping[str, Mapping[str, int]]
    fitted: Mapping[str, Fitted]
    step_aims: Mapping[str, Aim]
    scaling_aims: Mapping[str, Aim]
    level: float = 0.9


def macro(rows: Rows) -> float | None:
    """Mean over sources of the median error of each [%]."""
    return summarise(rows).macro_error_pct


def coverage(rows: Rows) -> float | None:
    """Share of rows inside their interval."""
    return summarise(rows).coverage_90


def coverage_of_sources(rows: Rows) -> float | None:
    """Mean over sources of that share."""
    found = summarise(rows).macro_coverage_90
    return None if found is None else found.value


def median(rows: Rows) -> float | None:
    """Median error [%]."""
    errors = [abs(row.log_ratio) for row in rows if row.log_ratio is not None]
    return 100.0 * math.expm1(statistics.median(errors)) if errors else None


def over_systems(systems: Mapping[str, str]) -> Figure:
    """Mean over systems with at least :data:`LEAST_ROWS` rows of the median error of each [%]."""

    def found(rows: Rows) -> float | None:
        whole = group(rows, lambda row: systems.get(row.id, "")).values()
        kept = [one["median_abs_log_error"] for one in whole if one["rows"] >= LEAST_ROWS]
        return 100.0 * math.expm1(statistics.fmean(kept)) if kept else None

    return found


def worst_system(systems: Mapping[str, str]) -> Figure:
    """The largest median error of a system with at least :data:`LEAST_ROWS` rows [%]."""

    def found(rows: Rows) -> float | None:
        whole = group(rows, lambda row: systems.get(row.id, "")).values()
        kept = [one["median_abs_log_error"] for one in whole if one["rows"] >= LEAST_ROWS]
        return 100.0 * math.expm1(max(kept)) if kept else None

    return found


def relative(row: Scored) -> float | None:
    """Predicted over measured, less 1; None without a prediction."""
    return None if row.log_ratio is None else math.expm1(row.log_ratio)


def mean_relative(rows: Iterable[Scored]) -> float | None:
    """Mean of the absolute value of that, as simulators state their errors [1]."""
    errors = [abs(error) for error in map(relative, rows) if error is not None]
    return statistics.fmean(errors) if errors else None


def speeds(rows: Rows) -> Rows:
    """Rows that are not of whole runs."""
    return [row for row in rows if row.metric not in RUNS]


def benches(evidence: Evidence) -> list[tuple[str, list[str]]]:
    """Sources that timed steps alone, with the ids of these steps, the most rows first."""
    found: dict[str, list[str]] = {}
    for row in evidence.training.in_sample:
        if row.id in evidence.timed_alone:
            found.setdefault(row.source_id, []).append(row.id)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def by_id(rows: Rows, ids: Iterable[str] | None = None) -> dict[str, Scored]:
    """Rows by id, those of ``ids`` where given."""
    wanted = None if ids is None else set(ids)
    return {row.id: row for row in rows if wanted is None or row.id in wanted}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was aimed at and what is: ``value`` None where it was not run. unit: ``%``, ``share`` or ``points``."""

    what: str
    value: float | None
    low: float
    high: float
    why_missed: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value lies in the aim; None for none."""
        return None if self.value is None else self.low <= self.value <= self.high


def verdicts(evidence: Evidence) -> list[Verdict]:
    """Every aim of training, collectives and failures beside what is; shares, not percent."""
    training, systems = evidence.training, evidence.systems
    found = []
    for kind, most in ((IN_SAMPLE, 12.0), ("source", 20.0), (ANEW, 20.0)):
        if kind == ANEW and not is_whole(training, kind):
            continue
        found.append(_error(f"training: speeds, macro error, {said(kind)}", macro(speeds(training.rows(kind))), most))
    for source, ids in benches(evidence):
        aim = evidence.step_aims.get(source, Aim(None, None, ""))
        for kind, aimed in ((IN_SAMPLE, aim.in_sample), ("source", aim.left_out), (ANEW, aim.left_out)):
            if aimed is not None:
                mean = mean_relative(by_id(training.rows(kind), ids).values())
                what = f"training: the {len(ids)} steps of `{source}`, mean error, {said(kind)}"
                found.append(Verdict(what, mean, 0.0, aimed, aim.why_missed))
    for kind, most in ((IN_SAMPLE, 15.0), ("system", 25.0)):
        worst = worst_system(systems)(evidence.collectives.rows(kind))
        what = f"collectives: median error of every system with {LEAST_ROWS} rows, the largest, {said(kind)}"
        found.append(_error(what, worst, most))
    for table, scores, kind in _tables(evidence):
        for left in (IN_SAMPLE, kind, *((ANEW,) if is_whole(scores, ANEW) else ())):
            rows = scores.rows(left)
            found.append(Verdict(f"{table}: rows inside, {said(left)}", coverage(rows), 0.80, 0.97))
            what = f"{table}: inside, mean over sources, {said(left)}"
            found.append(Verdict(what, coverage_of_sources(rows), 0.75, 1.0))
    found += _scalings(evidence) + _counts(evidence)
    return found


def is_whole(scores: Scores, kind: str) -> bool:
    """Whether every row was scored with its ``kind`` left out."""
    return len(scores.rows(kind)) == len(scores.in_sample) > 0


def said(kind: str) -> str:
    """In words what is left out."""
    return kind if kind == IN_SAMPLE else "source left out, fitted anew" if kind == ANEW else f"{kind} left out"


def _error(what: str, value: float | None, most: float) -> Verdict:
    return Verdict(what, None if value is None else value / 100.0, 0.0, most / 100.0)


def _tables(evidence: Evidence) -> tuple[tuple[str, Scores, str], ...]:
    return (
        ("training", evidence.training, "source"),
        ("collectives", evidence.collectives, "system"),
        ("failures", evidence.failures, "source"),
    )


def _scalings(evidence: Evidence) -> list[Verdict]:
    """How far predicted losses of scaling are from measured ones, where something was aimed at."""
    known, found = by_id(evidence.training.in_sample), []
    for one in evidence.scaling:
        aim = evidence.scaling_aims.get(one.source_id, Aim(None, None, ""))
        for kind, aimed in ((IN_SAMPLE, aim.in_sample), ("source", aim.left_out)):
            if aimed is not None:
                loss = one.loss(by_id(evidence.training.rows(kind)))
                off = None if loss is None else abs(loss - one.measured(known))
                chips = f"{one.chips[0]:,} to {one.chips[1]:,} chips of `{one.source_id}`"
                what = f"training: loss from {chips}, predicted less measured, {said(kind)}"
                found.append(Verdict(what, off, 0.0, aimed, aim.why_missed))
    return found


def _counts(evidence: Evidence) -> list[Verdict]:
    rows = evidence.training.in_sample
    skipped = sum(row.skipped is not None for row in rows) / len(rows) if rows else None
    found = [Verdict("training: measured rows skipped", skipped, 0.0, 0.10)]
    for table in ("training", "collectives"):
        one = evidence.fitted.get(table)
        if one is not None:
            share = (one.numbers + one.spreads) / one.rows
            found.append(Verdict(f"{table}: fitted numbers over rows fitted to", share, 0.0, 0.10))
    return found
