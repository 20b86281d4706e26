"""The page on how accurate training, collectives and failures are: scored rows in, Markdown out."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from accord.report.accuracy import NOT_RUN, to_markdown
from accord.report.tables import NOTHING, Table, number, number_column, text_column
from accord.report.training_scores import (
    ANEW,
    IN_SAMPLE,
    LEAST_ROWS,
    Evidence,
    Scores,
    Verdict,
    benches,
    by_id,
    coverage,
    relative,
    said,
    verdicts,
)  # fmt: skip
from accord.report.training_tables import (
    collective_overview,
    error_cell,
    failure_overview,
    fitted_words,
    groups,
    inside_cell,
    one_by_one,
    share_cell,
    system_of,
    training_overview,
    unscored_rows,
)  # fmt: skip
from accord.validation.score import Scored, group

COMMAND = "python3 do.py accuracy"
PAGE = "training_accuracy.md"
TITLE = "## Training, collectives and failures"


def section(evidence: Evidence) -> str:
    """The three summaries, for the page on the estimates."""
    counts = ", ".join(
        f"{len(rows)} rows of {len({row.source_id for row in rows})} sources ({name})"
        for name, rows in (
            (name, [row for row in one.in_sample if row.skipped is None]) for name, one in _scores(evidence)
        )
    )
    parts = [
        f"{TITLE}\n",
        f"Of other tables: {counts}. Words as above; *left out* is by fits without the row's source, chip, model or "
        f"system. Every group, the rows one by one, aims and what is missed: [{PAGE}]({PAGE}).\n",
        "### Training\n",
        to_markdown(training_overview(evidence)),
        "### Collectives\n",
        to_markdown(collective_overview(evidence)),
        "### Failures\n",
        to_markdown(failure_overview(evidence)),
    ]
    return "\n".join(parts)


def page(evidence: Evidence) -> str:
    """The whole page as Markdown."""
    parts = [
        _head(evidence),
        "## What was aimed at\n",
        _verdicts(evidence),
        "## Training\n",
        _training_words(evidence),
        to_markdown(training_overview(evidence)),
        "### By source\n",
        groups(evidence.training, "source", lambda row: row.source_id, ("source", ANEW)),
        "".join(f"- `{name}`: {title}\n" for name, title in sorted(_titles(evidence, evidence.training).items())),
        "### By metric\n",
        groups(evidence.training, "metric", lambda row: row.metric, ("source",)),
        "### By chip\n",
        groups(evidence.training, "chip", lambda row: row.chip, ("chip", "source")),
        "### By system\n",
        groups(evidence.training, "system", system_of(evidence), ("chip", "source")),
        "### By model\n",
        "Rows that name no model are in no group.\n",
        groups(evidence.training, "model", lambda row: row.model, ("model",)),
        *_benches(evidence),
        "### What scaling costs\n",
        _scaling(evidence),
        "### Rows in no total\n",
        unscored_rows(evidence, "training"),
        *_collectives(evidence),
        *_failures(evidence),
        f"Regenerated with `{COMMAND}`.\n",
    ]
    return "\n".join(parts)


def _head(evidence: Evidence) -> str:
    return f"""# Accuracy of training, collectives and failures

This page is generated. It compares `accord validate` with published measurements, which are not part of the
distribution; their sources are public. How each number is calculated is in [training.md](training.md).

- **Error** of a row: ln(predicted / measured). *Median*, *mean* and *bias* print logs as percentages, 100 (exp(x) - 1).
  Where rows stand one by one, an error is predicted / measured - 1, as other simulators print it.
- **Inside**: share of rows whose measured value lies in the {evidence.level:.0%} interval of its estimate.
- **Macro error**: mean over sources of the median error of each, so that a source counts once whatever its rows.
- **In sample**: with the packaged constants, fitted to these rows. **Left out**: with constants fitted without the
  row's source, chip, model or system. Of training such a fit follows the slopes of the whole fit, except where
  *fitted anew* stands beside it: a fit of its own, from the beliefs that every fit starts from. Intervals of
  training and collectives hold the packaged residuals, which rows of left-out sources and systems set, all together.
  Formulas and beliefs were chosen with these rows at hand: what is left out is left out of the numbers alone.
"""


def _scores(evidence: Evidence) -> tuple[tuple[str, Scores], ...]:
    return (
        ("training", evidence.training),
        ("collectives", evidence.collectives),
        ("failures", evidence.failures),
    )


def _titles(evidence: Evidence, scores: Scores) -> dict[str, str]:
    names = {row.source_id for row in scores.in_sample if row.skipped is None}
    return {name: title for name, title in evidence.titles.items() if name in names}


# Aims


def _verdicts(evidence: Evidence) -> str:
    rows = tuple((one.what, _verdict_value(one.value), _aim(one), _met(one)) for one in verdicts(evidence))
    columns = (text_column("figure"), number_column("is"), text_column("aim"), text_column(""))
    missed = dict.fromkeys(
        f"- {one.what}: {one.why_missed}.\n" for one in verdicts(evidence) if one.met is False and one.why_missed
    )
    return to_markdown(Table(title="", columns=columns, rows=rows)) + ("\n" + "".join(missed) if missed else "")


def _verdict_value(value: float | None) -> str:
    return NOT_RUN if value is None else f"{100.0 * value:.1f} %"


def _aim(one: Verdict) -> str:
    if one.low <= 0.0:
        return f"{100.0 * one.high:.3g} % at most"
    return f"{one.low:.0%} at least" if one.high >= 1.0 else f"{one.low:.0%} to {one.high:.0%}"


def _met(one: Verdict) -> str:
    return {True: "met", False: "missed", None: NOTHING}[one.met]


# Training


def _training_words(evidence: Evidence) -> str:
    return f"""{fitted_words(evidence, "training")} None is about a shape, a source or a row; how many rows a source
has weighs them and no more (`calibration/training_fit.py`). Kernels are those of the calibration, which has seen no
training. *Complete* rows state model, chips, lengths, batch, format and layout (up to eight chips without the layout);
the others are *completed* as [training.md](training.md) says. *Speeds* are all metrics but time to train and
chip-hours, which are of *whole runs*.
"""


def _benches(evidence: Evidence) -> list[str]:
    """Steps timed alone, row by row, by source."""
    found = ["### Steps timed alone\n"]
    for source, ids in benches(evidence):
        found += [f"#### {evidence.titles.get(source, source)}\n", _bench_words(evidence, ids), _bench(evidence, ids)]
    return found


def _bench_words(evidence: Evidence, ids: Sequence[str]) -> str:
    quoted = sorted({evidence.peers[id][0] for id in ids if id in evidence.peers})
    if not quoted:
        return f"{len(ids)} published steps.\n"
    return (
        f"{len(ids)} published steps of another simulator's validation. What {', '.join(quoted)} itself predicted "
        "stands beside them; it is a bar, and nothing here was fitted to it.\n"
    )


def _bench(evidence: Evidence, ids: Sequence[str]) -> str:
    known = by_id(evidence.training.in_sample, ids)
    columns = [text_column("row"), text_column("step"), number_column("measured", "s")]
    columns += [number_column(IN_SAMPLE, "s"), number_column("error"), text_column("inside")]
    kinds = ("source", ANEW)
    columns += [number_column(f"{said(kind)}: error") for kind in kinds] + [text_column("inside")]
    quoted = any(id in evidence.peers for id in ids)
    columns += [number_column("other simulator: error")] if quoted else []
    held = [by_id(evidence.training.rows(kind), ids) for kind in kinds]
    rows = []
    for id in ids:
        row = known[id]
        cells = [id, evidence.about.get(id, ""), number(row.measured, 4), number(row.predicted, 4), error_cell(row)]
        cells += [inside_cell(row), *(error_cell(one.get(id)) for one in held), inside_cell(held[-1].get(id))]
        rows.append((*cells, _peer_error(evidence, row)) if quoted else tuple(cells))
    errors = [[error for error in map(relative, one.values()) if error is not None] for one in (known, *held)]
    shares = [share_cell(coverage(list(one.values()))) if one else NOT_RUN for one in (known, held[-1])]
    if quoted:
        errors.append([evidence.peers[id][1] / known[id].measured - 1.0 for id in ids if id in evidence.peers])
    for label, figure in (("mean error", statistics.fmean), ("largest error", max)):
        texts = [f"{figure(list(map(abs, one))):.1%}" if one else NOT_RUN for one in errors]
        inner, outer = shares if label == "mean error" else ("", "")
        rows.append(("", label, "", "", texts[0], inner, *texts[1:3], outer, *texts[3:]))
    return to_markdown(Table(title="", columns=tuple(columns), rows=tuple(rows)))


def _peer_error(evidence: Evidence, row: Scored) -> str:
    said_of = evidence.peers.get(row.id)
    return NOTHING if said_of is None else f"{said_of[1] / row.measured - 1.0:+.1%}"


def _scaling(evidence: Evidence) -> str:
    """Loss of rate per chip from the smallest to the largest run of each scaling table."""
    if not evidence.scaling:
        return "No scaling table spans enough chips.\n"
    known, held = by_id(evidence.training.in_sample), by_id(evidence.training.rows("source"))
    columns = (
        text_column("run"), text_column("source"), number_column("chips"), number_column("measured loss"),
        number_column(IN_SAMPLE), number_column("source left out"),
    )  # fmt: skip
    rows = tuple(
        (one.about, f"`{one.source_id}`", f"{one.chips[0]:,} to {one.chips[1]:,}", _points(one.measured(known)),
         _points(one.loss(known)), _points(one.loss(held)) if held else NOT_RUN)
        for one in evidence.scaling
    )  # fmt: skip
    words = (
        "Part of the rate per chip that the largest run of a table loses against its smallest, of at most an eighth of "
        "the chips and cut alike; batches as stated.\n"
    )
    return words + "\n" + to_markdown(Table(title="", columns=columns, rows=rows))


def _points(share: float | None) -> str:
    return NOTHING if share is None else f"{share:+.1%}".removeprefix("+")


# Collectives


def _collectives(evidence: Evidence) -> list[str]:
    sizes = group(evidence.collectives.in_sample, system_of(evidence))
    few = {name for name, one in sizes.items() if one["rows"] < LEAST_ROWS}
    rows = [row for row in evidence.collectives.in_sample if evidence.systems.get(row.id) in few]
    return [
        "## Collectives\n",
        f"{fitted_words(evidence, 'collectives')} Rows that dispatch or combine tokens of experts follow the exchange "
        "parameters of the calibration, which saw the same kernels; no fit leaves them out, so they are in sample "
        f"alone. {_largest(evidence)}\n",
        to_markdown(collective_overview(evidence)),
        "### By system\n",
        groups(evidence.collectives, "system", system_of(evidence), ("system", "source")),
        "### By source\n",
        groups(evidence.collectives, "source", lambda row: row.source_id, ("source",)),
        "".join(f"- `{name}`: {title}\n" for name, title in sorted(_titles(evidence, evidence.collectives).items())),
        "### By metric\n",
        groups(evidence.collectives, "metric", lambda row: row.metric, ("system",)),
        f"### Systems with fewer than {LEAST_ROWS} rows, one by one\n",
        one_by_one(evidence, rows, evidence.collectives, "system"),
        "### Rows in no total, one by one\n",
        "Latencies of links, bandwidths as kernels count them, figures of low confidence and sellers' claims, as "
        "predicted from the facts of the links. Bandwidths calculated from a time above are left out.\n",
        one_by_one(evidence, evidence.shown, Scores((), {}), None),
        "### Why rows are in no total\n",
        unscored_rows(evidence, "collectives"),
    ]


def _largest(evidence: Evidence) -> str:
    """What one source is to the others."""
    counts = Counter(row.source_id for row in evidence.collectives.in_sample)
    if not counts:
        return ""
    name, rows = counts.most_common(1)[0]
    return (
        f"`{name}` holds {rows} of the {counts.total()} rows, so with this source left out a fit has few others, and "
        "beliefs carry the answer."
    )


# Failures


def _failures(evidence: Evidence) -> list[str]:
    scored = [row for row in evidence.failures.in_sample if row.skipped is None]
    return [
        "## Failures\n",
        f"{fitted_words(evidence, 'failures')} So few clusters were counted that beliefs carry part of the answer, and "
        "bands are wide. What a job loses with an interruption is completed from the catalog where a figure does not "
        "state it. A bound is met by any prediction on its side.\n",
        to_markdown(failure_overview(evidence)),
        "### Figures, one by one\n",
        one_by_one(evidence, scored, evidence.failures, "source"),
        "".join(f"- `{name}`: {title}\n" for name, title in sorted(_titles(evidence, evidence.failures).items())),
        "### Why rows are in no total\n",
        unscored_rows(evidence, "failures"),
    ]
