"""Runs written down by hand, for tests of what is calculated from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from accord.base.array import Array
from accord.serving.gaps import Tally
from accord.serving.result import CANCELLED, COMPLETED, FAILED, UNFINISHED, Gaps, Outcome, PoolUse, Requests, Series
from accord.workloads.request import Workload

STATUSES = {"completed": COMPLETED, "cancelled": CANCELLED, "failed": FAILED, "unfinished": UNFINISHED}
Row = tuple[float, float, float, float, str, int]  # arrival, scheduled, first, finish, status, produced
NEVER = float("nan")


def whole(values: object) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(values, dtype=np.int64).reshape(-1)


def gaps_of(seconds: Sequence[float] | Array) -> Gaps:
    tally = Tally()
    for one in seconds:
        tally.add(float(one), 1)
    return tally.result()


def pool(name: str = "pool", **changes: float) -> PoolUse:
    numbers: dict[str, float] = {
        "chips": 1.0, "instances": 1, "busy_s": 0.0, "up_s": 0.0, "iterations": 0, "prompt_tokens": 0,
        "answer_tokens": 0, "hit_tokens": 0, "asked_tokens": 0, "preemptions": 0, "link_busy_s": 0.0,
    }  # fmt: skip
    return PoolUse(name=name, **{**numbers, **changes})  # type: ignore[arg-type]


def outcome(
    rows: Sequence[Row], *, prompt: Sequence[int] | None = None, answer: Sequence[int] | None = None,
    tenant: Sequence[int] = (), tenants: tuple[str, ...] = ("all",), radio_s: float = 0.0,
    gaps: Sequence[float] = (), series: Mapping[str, Series] | None = None, pools: tuple[PoolUse, ...] = (),
    end_s: float | None = None, complete: bool = True, seed: int = 0, cached: Sequence[int] | None = None,
) -> Outcome:  # fmt: skip
    count = len(rows)
    columns = [np.asarray([row[at] for row in rows], dtype=np.float64) for at in range(4)]
    produced = whole([row[5] for row in rows])
    zero, none = np.zeros(count, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    work = Workload(
        name="by hand",
        arrival_s=np.nan_to_num(columns[0], nan=0.0),
        prompt=whole(prompt if prompt is not None else [10] * count),
        answer=np.maximum(whole(answer), 1) if answer is not None else np.maximum(produced, 1),
        tenant=whole(tenant),
        tenants=tenants,
        follows=np.where(np.isnan(columns[0]), np.arange(count) - 1, -1),
        radio_s=radio_s,
    )
    found = Requests(
        arrival_s=columns[0],
        scheduled_s=columns[1],
        first_s=columns[2],
        finish_s=columns[3],
        status=np.asarray([STATUSES[row[4]] for row in rows], dtype=np.int8),
        produced=produced,
        cached=whole(cached) if cached is not None else zero,
        pooled=zero, preempted=zero, restarted=zero, prefill=none, instance=none,
    )  # fmt: skip
    known = columns[3][np.isfinite(columns[3])]
    last_s = float(known.max()) if len(known) else 0.0
    return Outcome(
        workload=work, requests=found, gaps=gaps_of(gaps), series=series or {}, pools=pools, events=(), spans=(),
        end_s=last_s if end_s is None else end_s, seed=seed, complete=complete,
    )  # fmt: skip


# Two seconds to the first token each; three, one and no gap of 1 s; the last gives one token alone.
FOUR: tuple[Row, ...] = (
    (0.0, 1.0, 2.0, 5.0, "completed", 4),
    (1.0, 1.0, 3.0, 4.0, "completed", 2),
    (2.0, 4.0, 4.0, 4.0, "completed", 1),
    (3.0, 5.0, 7.0, 10.0, "cancelled", 3),
)
