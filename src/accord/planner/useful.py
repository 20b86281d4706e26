"""Rows that can be left out, because another row of equal size beats them in everything that can matter."""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.planner.pareto import leading
from accord.planner.table import Index, Table
from accord.planner.waits import WAITING


def useful_serving(table: Table, wishes: frozenset[str]) -> Index:
    """Rows that may be best: of one layout none serves more, more surely and (where it is wished) sooner."""
    columns = [-table.request_per_s, table.rate_sd]
    columns += _wished(wishes, table.tpot_s, table.first_s)
    return leading(_layout_key(table), np.stack(columns, axis=1))


def _layout_key(table: Table) -> Array:
    """A number for each layout."""
    ranks = np.stack([table.tp, table.pp, table.dp, table.cp, table.ep], axis=1)
    return np.asarray(np.unique(ranks, axis=0, return_inverse=True)[1].ravel(), dtype=np.float64)


def useful_prefill(table: Table, wishes: frozenset[str], *, waits: bool) -> Index:
    """Prefill rows that may be best: capacity, sureness, step, gathering, payload, servers of equal instances.

    waits: limits speak of the time to first token. Where it is wished to be short as well, all rows may be best: one
    that keeps a limit less easily is loaded less, and what is loaded less waits less
    """
    if waits and wishes & WAITING:
        return np.arange(len(table))
    columns = [
        -table.request_per_s, table.rate_sd, table.first_sd, table.first_s, table.gather_s, table.payload_bytes,
        -table.groups, table.groups * table.load,
    ]  # fmt: skip
    return leading(table.devices, np.stack(columns, axis=1))


def useful_decode(table: Table, wishes: frozenset[str], *, ends: bool) -> Index:
    """Decode rows that may be best. ends: a limit on the time to the last token speaks of them.

    Where the time to first token is wished to be short, slower ones may be: they ask less of the prefill pool.
    """
    columns = [-table.request_per_s, table.rate_sd]
    if ends or wishes & {"tpot", "e2el", "ttft"}:
        columns += [table.tpot_s, table.tpot_sd, *table.tpot_q_s]
    if wishes & WAITING:
        columns.append(table.request_per_s)
    return leading(table.devices, np.stack(columns, axis=1))


def _wished(wishes: frozenset[str], tpot: Array, first: Array) -> list[Array]:
    found = [tpot] if wishes & {"tpot", "e2el"} else []
    return [*found, *([first] if wishes & {"ttft", "e2el"} else [])]
