"""Requests with lists, taken apart by ranks and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import product
from typing import TypeVar

import msgspec
import numpy as np

from accord.inference.check import RANKS
from accord.inference.request import EstimateRequest

Record = TypeVar("Record")


def by_ranks(request: EstimateRequest) -> tuple[EstimateRequest, ...]:
    """One request a combination of listed ranks, in the order of the points."""
    listed = {name: getattr(request, name) for name in RANKS if isinstance(getattr(request, name), tuple)}
    combinations = product(*listed.values())
    return tuple(msgspec.structs.replace(request, **dict(zip(listed, one, strict=True))) for one in combinations)


def merge_arrays(parts: Sequence[tuple[Record, int]]) -> Record:
    """Records of arrays one after another; each comes with its number of points, to which it is stretched."""
    kind = type(parts[0][0])
    columns = {
        field.name: np.concatenate([np.broadcast_to(getattr(part, field.name), (count,)) for part, count in parts])
        for field in fields(kind)  # type: ignore[arg-type]
    }
    return kind(**columns)
