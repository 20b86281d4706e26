"""Rows of one role as columns: one instance of a layout at one load, what it does and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import msgspec
import numpy as np
import numpy.typing as npt

from accord.base.array import Array

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one branch, shape ``(R,)`` each.

    tp, pp, dp, cp, ep: ranks of an instance; groups: attention groups that start prompts by themselves
    load: requests that run in an attention group (serve, decode) or whole prompts of a group and step (prefill)
    budget: tokens of an iteration (serve); mtp: draft tokens; reuse: share of the prompt found in the cache
    microbatches: of a step
    request_per_s: of one instance; a prefill row's is the most it can do
    tpot_s, tpot_q_s: mean time per output token and its percentiles, shape ``(Q, R)``; 0 in prefill
    first_s, first_q_s: time to first token (serve); of a prefill row that of its step, without waiting
    gather_s: of a prefill row, half a step where it has places for several prompts: the wait for one under way
    payload_bytes: cache of one prompt that a prefill rank sends
    time_sd: of the logarithm of its step time by parameters and disputed facts
    rate_sd, tpot_sd, first_sd: the same of these answers, the residual of their kind included
    memory_bytes, capacity_bytes: of the fullest device
    """

    tp: Array
    pp: Array
    dp: Array
    cp: Array
    ep: Array
    load: Array
    budget: Array
    mtp: Array
    reuse: Array
    microbatches: Array
    request_per_s: Array
    tpot_s: Array
    tpot_q_s: Array
    first_s: Array
    first_q_s: Array
    gather_s: Array
    payload_bytes: Array
    time_sd: Array
    rate_sd: Array
    tpot_sd: Array
    first_sd: Array
    memory_bytes: Array
    capacity_bytes: Array

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.tp.shape[0])

    @property
    def devices(self) -> Array:
        """Ranks of an instance."""
        return self.tp * self.pp * self.dp * self.cp

    @property
    def groups(self) -> Array:
        """Attention groups of an instance that start prompts by themselves; context-parallel ranks share theirs."""
        return self.dp.copy()

    def pick(self, index: Index) -> Table:
        """The rows at ``index``."""
        return Table(*(getattr(self, one.name)[..., index] for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of candidates: how many there were, were priced, and fell for which reason."""

    counted: int = 0
    estimated: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.counted + other.counted, self.estimated + other.estimated, self.rejected + other.rejected)


def joined(tables: Sequence[Table]) -> Table:
    """Rows of all tables after one another; at least one table."""
    return Table(*(np.concatenate([getattr(table, one.name) for table in tables], axis=-1) for one in fields(Table)))


class _Packed(msgspec.Struct, frozen=True):
    columns: tuple[tuple[tuple[int, ...], bytes], ...]
    counted: int
    estimated: int
    rejected: dict[str, int]


def packed(table: Table, tally: Tally) -> bytes:
    """Both as bytes, the same for the same rows."""
    columns = tuple(
        (getattr(table, one.name).shape, np.ascontiguousarray(getattr(table, one.name), "<f8").tobytes())
        for one in fields(Table)
    )
    rejected = dict(sorted(tally.rejected.items()))
    return msgspec.msgpack.encode(_Packed(columns, tally.counted, tally.estimated, rejected))


def unpacked(content: bytes) -> tuple[Table, Tally]:
    """What :func:`packed` made bytes of."""
    found = msgspec.msgpack.decode(content, type=_Packed)
    columns = [np.frombuffer(data, "<f8").reshape(shape) for shape, data in found.columns]
    return Table(*columns), Tally(found.counted, found.estimated, Counter(found.rejected))
