"""One row for each request of a simulated run: the columns, what they mean, and their values block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from accord.serving.latency import Latencies, latencies
from accord.serving.result import STATUS, Outcome

Kind = Literal["int", "float", "text"]
Values = npt.NDArray[np.generic]
Block = Mapping[str, list[object]]
ROWS = 16384  # of a block


class RowColumn(NamedTuple):
    """One column: its name, what it holds, what it means, and where it is found."""

    name: str
    kind: Kind
    meaning: str
    values: Callable[[Outcome, Latencies], Values]


ROW_COLUMNS: tuple[RowColumn, ...] = (
    RowColumn("request", "int", "number in the workload, from 0", lambda o, _: np.arange(len(o.workload))),
    RowColumn("tenant", "text", "who sent it", lambda o, _: o.workload.tenant),
    RowColumn("priority", "int", "lower goes first", lambda o, _: o.workload.priority),
    RowColumn("follows", "int", "the request it came after, -1 for none", lambda o, _: o.workload.follows),
    RowColumn("status", "text", f"one of {', '.join(STATUS)}", lambda o, _: o.requests.status),
    RowColumn("prompt_tokens", "int", "length of the prompt", lambda o, _: o.workload.prompt),
    RowColumn("answer_tokens", "int", "length of the answer asked for", lambda o, _: o.workload.answer),
    RowColumn("produced_tokens", "int", "answer tokens that came", lambda o, _: o.requests.produced),
    RowColumn("cached_tokens", "int", "prompt tokens found in a cache", lambda o, _: o.requests.cached),
    RowColumn("pooled_tokens", "int", "those of them from the pooled cache", lambda o, _: o.requests.pooled),
    RowColumn("arrival_s", "float", "arrival, from the start of the run [s]", lambda o, _: o.requests.arrival_s),
    RowColumn("scheduled_s", "float", "first scheduled, from the start [s]", lambda o, _: o.requests.scheduled_s),
    RowColumn("first_s", "float", "first token, from the start [s]", lambda o, _: o.requests.first_s),
    RowColumn("finish_s", "float", "last token, cancellation or failure [s]", lambda o, _: o.requests.finish_s),
    RowColumn("queue_s", "float", "arrival to first scheduled [s]", lambda _, w: w.queue_s),
    RowColumn("ttft_s", "float", "arrival to first token [s]", lambda _, w: w.ttft_s),
    RowColumn("tpot_s", "float", "per token after the first, of completed ones [s]", lambda _, w: w.tpot_s),
    RowColumn("e2e_s", "float", "arrival to last token, of completed ones [s]", lambda _, w: w.e2e_s),
    RowColumn("preempted", "int", "times it lost its cache to others", lambda o, _: o.requests.preempted),
    RowColumn("restarted", "int", "times its instance failed", lambda o, _: o.requests.restarted),
    RowColumn("prefill_instance", "int", "computed the prompt, -1 for none", lambda o, _: o.requests.prefill),
    RowColumn("instance", "int", "computed the answer, -1 for none", lambda o, _: o.requests.instance),
)


def row_blocks(outcome: Outcome, rows: int = ROWS) -> Iterator[Block]:
    """Columns as lists of plain values by name, ``rows`` requests at a time; None for what never came."""
    waits = latencies(outcome)
    whole = {column.name: column.values(outcome, waits) for column in ROW_COLUMNS}
    words = {"tenant": outcome.workload.tenants, "status": STATUS}
    for start in range(0, len(outcome.workload), rows):
        yield {
            column.name: _plain(column, whole[column.name][start : start + rows], words.get(column.name, ()))
            for column in ROW_COLUMNS
        }


def _plain(column: RowColumn, values: Values, words: tuple[str, ...]) -> list[object]:
    found: list[object] = values.tolist()
    if column.kind == "text":
        return [words[index] for index in found if isinstance(index, int)]
    if column.kind == "float":
        return [None if value != value else value for value in found]  # noqa: PLR0124  NaN is not itself
    return found
