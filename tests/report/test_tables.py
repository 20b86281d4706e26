from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.report.tables import Table, number, number_column, pairs, text_column, to_text

TABLE = Table(
    title="Two parts",
    columns=(text_column("part"), number_column("time", "ms")),
    rows=(("attention", "12.5"), ("experts", "3")),
    notes=("per layer",),
)


def test_plain_text() -> None:
    assert to_text(TABLE) == (
        "Two parts\npart       time [ms]\n---------  ---------\nattention       12.5\nexperts            3\nper layer\n"
    )


def test_wide_characters_take_two_cells() -> None:
    table = Table(title="", columns=(text_column("name"), text_column("x")), rows=(("昇腾", "1"), ("abcd", "2")))
    lines = to_text(table).splitlines()
    assert lines[2] == "昇腾  1"
    assert lines[3] == "abcd  2"


def test_pairs_have_no_heading() -> None:
    assert to_text(pairs("T", [("a", "1"), ("bb", "2")])) == "T\na   1\nbb  2\n"


def test_an_empty_table_is_its_title_and_headings() -> None:
    assert to_text(Table(title="T", columns=(text_column("a"),), rows=())) == "T\na\n-\n"


def test_a_row_has_a_cell_for_every_column() -> None:
    with pytest.raises(ValueError, match="row 0 of 'T' has 1 cells for 2 columns"):
        Table(title="T", columns=(text_column("a"), text_column("b")), rows=(("x",),))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0"),
        (1.0, "1.00"),
        (12.345, "12.3"),
        (999.6, "1,000"),
        (0.001234, "0.00123"),
        (1234567.0, "1,230,000"),
        (3.2e12, "3.20e+12"),
        (-5.678, "-5.68"),
        (1e-9, "1.00e-09"),
        (float("inf"), "inf"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


@given(st.floats(min_value=1e-12, max_value=1e15), st.integers(min_value=1, max_value=8))
def test_numbers_keep_their_digits(value: float, digits: int) -> None:
    assert float(number(value, digits).replace(",", "")) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))
