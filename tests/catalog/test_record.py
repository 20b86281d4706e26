"""From a file's tree to a record, as the record's own types say."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.base.errors import CatalogError
from accord.catalog.load import load_file
from accord.catalog.record import read_facts
from accord.catalog.value import walk
from accord.catalog.yaml_text import parse_yaml

SAMPLE = Path(__file__).parent / "sample"
SOURCES = b"sources: {S1: {title: a, publisher: b, date: 2025}}\n"


def test_facts_by_section() -> None:
    facts = read_facts(
        parse_yaml(b"serving:\n  ttft: {value: 50 ms, basis: assumed, source: S1}\n" + SOURCES, "d.yaml")
    )
    assert facts["serving"]["ttft"].si == 0.05
    assert facts["serving"]["ttft"].unit == "s"
    with pytest.raises(CatalogError, match="has no 'sources'"):
        read_facts(parse_yaml(b"serving: {}\n", "d.yaml"))


@pytest.mark.parametrize(
    "day", ["2025", "2025-04", "2025-04-16", "2025-Q2", "2025-H1", "2025-07/08", "2025-06 (Q2 2025)"]
)
def test_days(day: str) -> None:
    text = f"s:\n  a: {{value: 1, basis: assumed, source: S1, date: {day}}}\n".encode() + SOURCES
    assert read_facts(parse_yaml(text, "d.yaml"))["s"]["a"].date == day


@pytest.mark.parametrize(
    "day", ["25-04", "2025-4", "2025-02-30", "2025-13", "2025-Q5", "20250416", "1825", "[2025]", "true"]
)
def test_no_days(day: str) -> None:
    text = f"s:\n  a: {{value: 1, basis: assumed, source: S1, date: {day}}}\n".encode() + SOURCES
    with pytest.raises(CatalogError, match="date"):
        read_facts(parse_yaml(text, "d.yaml"))


def test_alternatives_are_in_the_unit_of_their_value() -> None:
    other = b"{value: 2 cm2, basis: assumed, source: S1}"
    text = b"s:\n  a: {value: 1 mm2, basis: assumed, source: S1, alternatives: [" + other + b"]}\n"
    value = read_facts(parse_yaml(text + SOURCES, "d.yaml"))["s"]["a"]
    assert value.unit == "mm2"
    assert value.spread() == (1.0, 200.0)


def test_empty_optional_keys_are_nothing() -> None:
    text = b"s:\n  a: {value: 1, basis: assumed, source: S1, note: , why: , date: , low: , high: }\n"
    value = read_facts(parse_yaml(text + SOURCES, "d.yaml"))["s"]["a"]
    assert (value.note, value.why, value.date, value.low, value.high) == (None, None, None, None, None)


def test_walk_over_a_system() -> None:
    keys = {key for key, _ in walk(load_file(SAMPLE / "systems" / "example-node-8.yaml", "systems"))}
    assert "fabric.planes[0].tiers[1].uplink" in keys
    assert "fabric.planes[0].paths.npu-npu-read-inter-node.latency" in keys
    assert "memory_pool.hop_latency.npu-dram" in keys
    assert "totals.int8" in keys
