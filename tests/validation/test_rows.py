"""Measured tables: what is read, and where a broken one is wrong."""

from __future__ import annotations

import pytest
from tests import rig

from accord import api
from accord.base.errors import TableError
from accord.inference.request import PoolRequest
from accord.validation.rows import REQUIRED, Row, read_rows, request_of

HEAD = "id,source_id,kind,confidence,phase,metric,value,model,system,isl,osl,batch_per_device,chips,devices,mode,notes"
GOOD = "a,s,measured,high,decode,tpot_s,0.05,deepseek-r1,huawei-cloudmatrix-384,1024,512,4,160,320,,"


def row(line: str = GOOD, head: str = HEAD) -> Row:
    (only,) = read_rows(f"{head}\n{line}\n", "table.csv")
    return only


def edited(**cells: str) -> str:
    values = dict(zip(HEAD.split(","), GOOD.split(","), strict=True))
    return ",".join({**values, **cells}.values())


def test_a_row() -> None:
    found = row()
    assert (found.id, found.line, found.text["metric"], found.number("value")) == ("a", 2, "tpot_s", 0.05)
    assert (found.count("chips"), found.count("tp"), found.number("kv_len")) == (160, None, None)
    assert found.to_score


@pytest.mark.parametrize(("cells", "scored"), [
    ({}, True), ({"kind": "derived"}, False), ({"kind": "illustrative"}, False), ({"confidence": "low"}, False),
    ({"confidence": "med"}, True),
])  # fmt: skip
def test_rows_to_score(cells: dict[str, str], scored: bool) -> None:
    assert row(edited(**cells)).to_score is scored


def test_notes_hold_flags() -> None:
    assert row(edited(notes="printed gain 6 %; range=min; groups=8")).flags == {"range": "min", "groups": "8"}


def test_a_stated_mean_of_actual_lengths_scales_them() -> None:
    found = row(edited(notes="actual lengths 0.8 to 1.0 (mean 0.9)"))
    assert found.number("isl") == pytest.approx(0.9 * 1024)
    assert found.number("osl") == pytest.approx(0.9 * 512)


def test_a_row_becomes_a_request() -> None:
    asked = request_of(row())
    assert (asked.model, asked.phase, asked.chips, asked.devices) == ("deepseek-r1", "decode", 160, 320)
    assert (asked.batch_per_device, asked.isl, asked.osl) == (4.0, 1024.0, 512.0)
    assert request_of(row(), "prefill").phase == "prefill"


def test_a_row_of_two_pools() -> None:
    head = f"{HEAD},prefill_instances,prefill_devices,prefill_ep,decode_instances,decode_devices,decode_ep"
    found = request_of(row(f"{edited(mode='disaggregated', phase='serve')},6,32,32,1,320,320", head))
    assert found.prefill == PoolRequest(instances=6, devices=32, ep=32)
    assert found.decode == PoolRequest(instances=1, devices=320, ep=320)
    assert found.chips is None


# Broken tables: every message names file and line


@pytest.mark.parametrize("column", REQUIRED)
def test_a_missing_column(column: str) -> None:
    names = [name for name in HEAD.split(",") if name != column]
    with pytest.raises(TableError, match=rf"^table\.csv:1: column {column} missing\nhint: "):
        read_rows(",".join(names) + "\n", "table.csv")


@pytest.mark.parametrize(("line", "what"), [
    (edited(value="fast"), "value is 'fast', not a number"),
    (edited(value="nan"), "value is nan; it must be a finite number"),
    (edited(value="inf"), "value is inf"),
    (edited(value="-1"), "value is -1"),
    (edited(value=""), "value is empty"),
    (edited(id=""), "id is empty"),
    (edited(chips="1.5"), "chips is 1.5, not a whole number"),
    (edited(isl="4k"), "isl is '4k', not a number"),
    (GOOD, "id 'a' stands twice"),
    (GOOD + ",more", "the row has more or fewer cells than the header"),
    (GOOD.rsplit(",", 3)[0], "the row has more or fewer cells than the header"),
])  # fmt: skip
def test_a_broken_row(line: str, what: str) -> None:
    with pytest.raises(TableError) as error:
        api.validate(f"{HEAD}\n{GOOD}\n{line}\n", "table.csv", catalog=rig.catalog())
    assert str(error.value).startswith("table.csv:3: ")
    assert what in error.value.what
    assert error.value.exit_code == 3


@pytest.mark.parametrize(
    "content", ["", "\n", "not a table at all\n", "\x00\x01\x02\xff\x00", "PK\x03\x04\x14\x00\x00"]
)
def test_what_is_no_table(content: str) -> None:
    with pytest.raises(TableError) as error:
        api.validate(content, "table.csv", catalog=rig.catalog())
    assert error.value.where is not None and error.value.where.startswith("table.csv:")


def test_an_unfinished_quote_and_a_huge_cell() -> None:
    with pytest.raises(TableError, match=r"^table\.csv:\d+: "):
        read_rows(f'{HEAD}\n"a,s,measured\n', "table.csv")
    with pytest.raises(TableError, match=r"^table\.csv:\d+: not a CSV table"):
        read_rows(f"{HEAD}\n{'x' * 200_000}\n", "table.csv")


def test_a_table_without_rows_scores_nothing() -> None:
    assert api.validate(f"{HEAD}\n", "table.csv", catalog=rig.catalog()) == ()
