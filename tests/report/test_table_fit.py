"""Tables that are made to fit: no line too long, words whole, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from accord.report.table_fit import fitted, lines
from accord.report.tables import Table, pairs, text_column, to_text

WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=9), max_size=30).map(" ".join)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=6), st.integers(40, 120))
def test_words_stay_whole_and_in_order(rows: list[tuple[str, str, str]], width: int) -> None:
    table = Table(title="T", columns=tuple(map(text_column, "abc")), rows=tuple(rows))
    found = fitted(table, width)
    assert max(map(len, to_text(found).splitlines())) <= width
    for at in range(3):
        told = " ".join(word for row in found.rows for word in row[at].split())
        assert told.split() == " ".join(row[at] for row in rows).split()


def test_a_table_that_fits_stays_as_it_is() -> None:
    table = pairs("T", [("a", "b c"), ("", "")], ("note",))
    assert fitted(table) == table


def test_alternatives_and_ids_break_at_their_joints() -> None:
    table = pairs("T", [("outcome", "licence:required|exception:NAC_notify"), ("rule", "us-ear-3a090-2024/3A090.a")])
    said = to_text(fitted(table, 30))
    assert "licence:required|\n" in said
    assert "us-ear-3a090-2024/\n" in said


def test_addresses_are_not_broken() -> None:
    address = "https://example.org/" + "a/" * 60
    table = pairs("T", [("key", f"words before it\n{address}"), ("other", "word " * 40)])
    text = to_text(fitted(table, 60))
    assert address in text
    assert all(len(line) <= 60 for line in text.splitlines() if "://" not in line)


def test_lines() -> None:
    assert lines("one two three", 8) == ["one two", "  three"]
    assert lines("one\ntwo", 80) == ["one", "two"]
    assert lines("", 10) == [""]
