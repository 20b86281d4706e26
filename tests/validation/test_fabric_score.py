"""Predictions of measured collectives: what they rest on, and how far they are off."""

from __future__ import annotations

import csv
import io
import math
import random
from functools import cache

import pytest
from tests.validation.fabric import HEADER, records, shared, table

from accord.api.fabric_validate import fabric_by_system, lookups, shown_fabric, validate_fabric
from accord.catalog.load import load_catalog
from accord.validation.fabric_predict import predict
from accord.validation.fabric_rows import question_of, read_fabric
from accord.validation.fabric_score import macro
from accord.validation.score import Scored, summarise


@cache
def scored() -> tuple[Scored, ...]:
    """The shared table, scored once."""
    return validate_fabric(shared(), "fabric.csv")


def written(rows: list[dict[str, str]]) -> str:
    """Rows as a table."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER.split(","), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def some(content: str) -> list[dict[str, str]]:
    """Every ninth row."""
    return records(content)[::9]


def test_sources_ids_and_order_change_no_prediction() -> None:
    rows = some(shared())
    before = {row.id: row.predicted for row in validate_fabric(written(rows), "t.csv")}
    renamed = [
        {**row, "id": f"x-{row['id']}", "source_id": f"s{at % 3}", "source": "another", "location": "", "date": "1999"}
        for at, row in enumerate(rows)
    ]
    random.Random(5).shuffle(renamed)
    after = {row.id.removeprefix("x-"): row.predicted for row in validate_fabric(written(renamed), "t.csv")}
    assert after == before


def test_values_change_no_prediction() -> None:
    rows = some(shared())
    values = [row["value"] for row in rows]
    random.Random(6).shuffle(values)
    shuffled = [{**row, "value": value} for row, value in zip(rows, values, strict=True)]
    one, other = (validate_fabric(written(made), "t.csv") for made in (rows, shuffled))
    assert [(row.id, row.predicted, row.low, row.high) for row in one] == [
        (row.id, row.predicted, row.low, row.high) for row in other
    ]


def test_each_system_is_within_its_target_and_covered() -> None:
    errors = [one for one in fabric_by_system(shared(), "fabric.csv", scored()) if one.rows >= 20]
    assert len(errors) >= 7
    for one in errors:
        assert math.expm1(one.median_abs_log_error) <= 0.10, one
    assert 100.0 * math.expm1(macro(errors) or 1.0) <= 8.0
    summary = summarise(scored())
    assert summary.coverage_90 is not None and 0.85 <= summary.coverage_90 <= 0.97
    assert summary.macro_coverage_90 is not None and summary.macro_coverage_90.value >= 0.75
    assert summary.skipped == 0


def test_systems_with_few_rows_follow_from_their_links() -> None:
    few = [one for one in fabric_by_system(shared(), "fabric.csv", scored()) if one.rows < 20]
    assert {one.system for one in few} >= {"amd-mi300x-8", "aws-p5en-h200-8", "nvidia-hgx-h800-8"}
    for one in few:
        assert math.expm1(one.median_abs_log_error) <= 0.12, one


def test_other_rows_are_shown_beside_predictions_and_are_in_no_total() -> None:
    shown = shown_fabric(shared(), "fabric.csv")
    assert not {row.id for row in shown} & {row.id for row in scored()}
    normal = [row for row in shown if row.metric == "algbw_byte_per_s" and row.log_ratio is not None]
    assert len(normal) >= 28
    assert all(abs(row.log_ratio or 0.0) < 0.25 for row in normal)


def test_kernels_of_many_tokens_send_one_copy_to_each_node() -> None:
    """The bandwidth they print falls with the share of a token's nodes that is its own: 2 nodes pass half to others."""
    line = (
        "r{0},s,s,2026,measured,high,nvidia-h800-sxm,nvidia-hgx-h800-8,inter-node,{0},{1},ep_dispatch,normal,k,,"
        "algbw_byte_per_s,1e10,byte/s,,dtype=fp8; tokens_per_rank=4096; hidden=7168; topk=8"
    )
    rows = read_fabric(table(*(line.format(8 * nodes, nodes) for nodes in (4, 8, 16, 32))), "t.csv")
    facts = lookups(load_catalog())[0].facts("nvidia-hgx-h800-8")
    found = [predict(question_of(row), "algbw_byte_per_s", *facts).value for row in rows]
    rates = [float(value[0]) for value in found if value is not None]
    assert rates == sorted(rates, reverse=True)
    for nodes, rate in zip((4, 8, 16, 32), rates, strict=True):
        assert rate * (1.0 - 1.0 / nodes) == pytest.approx(44e9, rel=0.06)


def test_small_table_is_scored_row_by_row() -> None:
    found = {row.id: row for row in validate_fabric(table(), "t.csv")}
    assert set(found) == {"a1", "b1", "d2", "f1"}
    assert found["f1"].skipped is not None
    assert found["f1"].predicted is None
    assert found["b1"].low is not None and found["b1"].predicted is not None
    assert found["b1"].low < found["b1"].predicted
    shown = {row.id: row for row in shown_fabric(table(), "t.csv")}
    assert set(shown) == {"a3", "b2", "c1", "d1", "e1"}
    assert shown["e1"].predicted == pytest.approx(1.9e-6)


def test_bands_beyond_the_domain_are_wider() -> None:
    line = (
        "r{0},s,s,2026,measured,high,nvidia-h100-sxm,nvidia-hgx-h100-8,{2},{0},{1},all_gather,default,k,{3},"
        "time_s,1e-3,s,,"
    )
    lines = [line.format(8 * nodes, nodes, "inter-node", 64_000_000 * nodes) for nodes in (2, 16, 256)]
    inside = line.format(8, 1, "intra-node", 64_000_000)
    found = {row.id: row for row in validate_fabric(table(inside, *lines), "t.csv")}
    widths = {id: math.log(row.high / row.low) for id, row in found.items() if row.high and row.low}
    assert len(widths) == 4
    assert all(widths[id] > 1.5 * widths["r8"] for id in ("r16", "r128", "r2048"))
