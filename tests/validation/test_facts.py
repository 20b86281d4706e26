"""A second table that fills what a measured table leaves empty."""

from __future__ import annotations

import pytest

from accord.base.errors import TableError
from accord.validation.facts import with_facts
from accord.validation.rows import Row, read_rows

TABLE = (
    "id,source_id,kind,confidence,phase,metric,value,isl,weights\n"
    "a,one,measured,high,serve,tpot_s,1,500,\nb,two,measured,high,serve,tpot_s,1,,fp8\n"
)


def rows(facts: str) -> tuple[Row, ...]:
    return with_facts(read_rows(TABLE, "t.csv"), facts, "facts.csv")


def test_empty_cells_are_filled_and_stated_ones_stay() -> None:
    first, second = rows("source_id,isl,osl,weights,distinct_prompts\none,9,80,bf16,45\ntwo,7,,int8,\n")
    assert (first.number("isl"), first.number("osl"), first.text["weights"]) == (500.0, 80.0, "bf16")
    assert first.count("distinct_prompts") == 45
    assert (second.number("isl"), second.number("osl"), second.text["weights"]) == (7.0, None, "fp8")


def test_a_measured_value_is_never_filled() -> None:
    first, _ = rows("source_id,value\none,9\n")
    assert first.number("value") == 1.0


@pytest.mark.parametrize(("facts", "said"), [
    ("isl\n5\n", r"facts\.csv:1: column source_id missing"),
    ("source_id,isl\none,many\n", r"facts\.csv:2: isl is 'many', not a number"),
    ("source_id,distinct_prompts\none,1.5\n", r"facts\.csv:2: distinct_prompts is 1\.5, not a whole number"),
    ("source_id,isl\none\n", r"facts\.csv:2: the row has more or fewer cells"),
    ("source_id,isl\none,5\none,6\n", r"facts\.csv:3: source_id is empty or stands twice"),
])  # fmt: skip
def test_broken_facts_are_told_with_their_line(facts: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        rows(facts)
