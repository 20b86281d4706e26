"""The matrix and a fleet as tables."""

from __future__ import annotations

from msgspec.structs import replace

from accord.planner.fleet import Band, FleetFacts, fleet_metrics
from accord.planner.matrix import Answer, Cell, Converted, Point, Question, Supported
from accord.planner.plan import Metric
from accord.report.fleet import fleet_dict, fleet_tables
from accord.report.matrix import COST, RATE, cell_dict, cell_text, counts, matrix_dict, matrix_tables, representatives
from accord.report.tables import to_text

ASKED = Question(isl=4096.0, osl=1024.0, tpot_s=0.05)
WIDER = Converted(kind="requantise", stored="fp8", held="int8", computed="int8", memory_ratio=1.0)


def cell(model: str, chip: str, answer: Answer, *, vendor: str = "nvidia", conversion: Converted | None = None) -> Cell:
    return Cell(
        model=model, column=chip, chip=chip, system=None, vendor=vendor, answer=answer, stored="fp8", weights="fp8",
        conversion=conversion,
    )  # fmt: skip


def served(rate: float, chips: int = 8, *, within: bool = True) -> Answer:
    point = Point(
        requests=8, batch_per_device=1.0, tokens_per_device=1024.0, isl=4096.0, osl=1024.0, context=4608.0,
        within_tpot=within,
    )  # fmt: skip
    rates = {RATE: Metric(value=rate, unit="tok/s", low=rate / 2, high=rate * 2)}
    return Answer(fits="yes", chips=chips, memory_chips=chips, point=point, metrics=rates)


BARE = Answer(fits="unknown", cause="bf16", reason="no BF16 rate is published")
LINKS = Answer(fits="unknown", cause="links", memory_chips=4, reason="takes 4 chips by memory, and ...")
FEW = Answer(fits="no", cause="system", memory_chips=16, reason="takes 16 chips, the system has 8")


def test_a_cell_in_words() -> None:
    assert cell_text(cell("m", "a", served(1234.0))) == "8: 1,230"
    assert cell_text(cell("m", "a", served(12.0), conversion=WIDER)) == "8: 12.0~"
    stated = replace(cell("m", "a", served(12.0)), support=Supported(answer="yes", engine="vllm"))
    assert cell_text(stated) == "8: 12.0+"
    assert cell_text(cell("m", "a", served(12.0, within=False))) == "8: 12.0!"
    assert cell_text(cell("m", "a", Answer(fits="yes", chips=1, cause="bandwidth"))) == "1: ?"
    assert cell_text(cell("m", "a", BARE)) == "?"
    assert cell_text(cell("m", "a", LINKS)) == "?4"
    assert cell_text(cell("m", "a", FEW)) == "no"


def some() -> list[Cell]:
    return [
        cell(model, f"{vendor}-{at}", answer, vendor=vendor)
        for model in ("m", "n")
        for vendor in ("huawei", "nvidia", "nobody")
        for at, answer in enumerate((served(1.0), served(2.0), LINKS, BARE))
    ]


def test_tables_hold_every_model_and_say_what_is_left_out() -> None:
    tables = matrix_tables(some(), ASKED, named=False)
    titles = [table.title for table in tables]
    assert titles == [
        "Models on chips of Huawei", "Models on chips of NVIDIA", "Models on chips of others",
        "Formats that chips multiply as stored", "Unknown for every model", "Counts",
    ]  # fmt: skip
    assert all(len(table.rows) == 2 for table in tables[:3])
    assert [row[0] for row in tables[4].rows] == ["huawei-3", "nvidia-3", "nobody-3"]
    text = "".join(map(to_text, tables))
    assert max(map(len, text.splitlines())) <= 120
    assert "yes 12, no 0, unknown 12" in text


def test_named_columns_are_all_shown() -> None:
    cells = [cell("m", f"nvidia-{at}", served(float(at + 1))) for at in range(17)]
    tables = matrix_tables(cells, ASKED, named=True)
    assert [len(table.columns) - 1 for table in tables[:3]] == [6, 6, 5]
    assert [table.title.rpartition(" ")[2] for table in tables[3:-1]] == [f"nvidia-{at}" for at in range(17)]


def test_what_is_named_has_its_costs_and_formats() -> None:
    cost = {**served(5.0).metrics, COST: Metric(value=0.5, unit="USD", low=0.25, high=1.0)}
    priced = replace(served(5.0), metrics=cost)
    cells = [
        replace(cell("m" * 40, "a-chip-" * 5, priced, conversion=WIDER), native_formats=("bf16", "fp8")),
        cell("n", "a-chip-" * 5, FEW), cell("o", "a-chip-" * 5, served(1.0)),
    ]  # fmt: skip
    tables = matrix_tables(cells, ASKED, named=True)
    assert tables[1].rows == (
        ("m" * 40, "8", "fp8~", "5.00", "2.50 to 10.0", "0.500", "0.250 to 1.00"),
        ("n", "no", "-", "-", "-", "-", "-"), ("o", "8", "fp8", "1.00", "0.500 to 2.00", "-", "-"),
    )  # fmt: skip
    assert tables[1].notes == (f"{'a-chip-' * 5} multiplies as stored: bf16, fp8",)
    assert max(len(line) for table in tables for line in to_text(table).splitlines()) <= 120


def test_long_words_of_the_matrix_are_wrapped() -> None:
    bare = replace(BARE, reason="nobody says what it multiplies " * 8)
    many = [replace(cell("m", f"huawei-{at}", served(1.0), vendor="huawei"), native_formats=("bf16",)) for at in (1, 2)]
    tables = matrix_tables([*many, cell("m", "nvidia-1", bare)], ASKED, named=False)
    assert max(len(line) for table in tables for line in to_text(table).splitlines()) <= 120
    assert next(one for one in tables if one.title.startswith("Formats")).rows == (("bf16", "huawei-1, huawei-2"),)


def test_representatives_take_vendors_in_turn_and_the_best_first() -> None:
    columns = {
        **{f"a-{at}": [cell("m", f"a-{at}", served(float(at)), vendor="a")] for at in range(1, 10)},
        "b-1": [cell("m", "b-1", LINKS, vendor="b")],
    }
    assert representatives(columns, ("a", "b")) == ["a-6", "a-7", "a-8", "a-9", "b-1"]


def test_data_has_the_words_of_the_tables() -> None:
    result = matrix_dict(some(), ASKED)
    assert set(result) == {"operating_point", "counts", "cells"}
    one = cell_dict(cell("m", "a", served(5.0), conversion=WIDER))
    assert {"model", "chip", "system", "fits", "reason", "chips", "layout", "weights", "conversion"} <= set(one)
    assert one["support"] == {"answer": "unknown", "engine": None, "why": "", "source": None, "date": None}
    assert one["metrics"] == {
        RATE: {"value": 5.0, "unit": "tok/s", "low": 2.5, "high": 10.0, "basis": "derived"}
    }  # fmt: skip
    assert Supported(answer="unknown").engine is None


def test_counts_of_nothing_are_nothing() -> None:
    found = counts([])
    assert found["fits"] == {"yes": 0, "no": 0, "unknown": 0}
    assert found["reasons"] == {}


def test_a_fleet_table() -> None:
    facts = FleetFacts(
        chips=1000, flop_per_s=Band(1e15, 1e15, 1e15), mfu=Band(0.4, 0.3, 0.45), active_params=8e9,
        power_w=Band(1000.0, 900.0, 1100.0), pue=Band(1.2, 1.1, 1.3),
    )  # fmt: skip
    metrics = fleet_metrics(facts)
    one = cell("m", "a", served(5.0))
    table = fleet_tables(facts, metrics, one, 0.9)[0]
    text = to_text(table)
    assert "1,000 chips of a (as in a): m" in text
    assert "0.0105 TWh" in text
    assert "not known" in text
    assert max(map(len, text.splitlines())) <= 100
    assert set(fleet_dict(facts, metrics, one)) >= {"chips", "model", "metrics", "unknown"}
