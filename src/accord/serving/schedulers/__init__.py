"""Batch policies by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from accord.serving.scheduler import Scheduler
from accord.serving.schedulers.decode_first import DecodeFirst
from accord.serving.schedulers.fcfs import Fcfs
from accord.serving.schedulers.prefill_first import PrefillFirst
from accord.serving.schedulers.shortest_first import ShortestFirst

SCHEDULERS: Mapping[str, Scheduler] = MappingProxyType(
    {
        "fcfs": Fcfs(),
        "shortest-first": ShortestFirst(),
        "prefill-first": PrefillFirst(),
        "decode-first": DecodeFirst(),
    }
)
