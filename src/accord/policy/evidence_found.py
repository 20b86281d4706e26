"""The shape every format of result files is read into, before it becomes evidence."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from accord.policy.evidence_json import Node

EvidenceKind = Literal["safety", "performance", "bom"]
DATA_SAMPLES = "dataset_samples"  # setting: samples in the data of a test, run or not


@dataclass(frozen=True, slots=True)
class Found:
    """One test of one model, or one bill of materials.

    tests: names under which the taxonomy may know it; model: as the file names it, None where it does not
    metrics: by name, SI units; samples: how many items or requests are behind them
    unfinished: why it is no evidence, None where it is; definition: id, version and sha256 of the conformance
        definition it follows, where the file says so; settings: as the file states them
    told: one sentence on what the file shows
    """

    kind: EvidenceKind
    title: str
    told: str
    model: str | None = None
    date: datetime.date | None = None
    tests: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    samples: int | None = None
    unfinished: str | None = None
    definition: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def stated_definition(holder: Node | None) -> dict[str, str]:
    """What a file says under ``accord_definition``: id, version, sha256; empty where it says nothing."""
    stated = holder.get("accord_definition") if holder is not None else None
    return {} if stated is None else {key: stated.need(key).text() for key in ("id", "version", "sha256")}


def stated_settings(holder: Node | None, key: str) -> dict[str, str]:
    """Settings that a file states under a key, one line of text each; those that are null are not stated."""
    stated = holder.get(key) if holder is not None else None
    return {} if stated is None else {name: one.setting() for name, one in stated.pairs() if one.value is not None}
