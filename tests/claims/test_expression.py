"""Arithmetic over terms: values as by hand, texts that read back, errors that say where."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accord.base.errors import CatalogError
from accord.claims.expression import (
    MOST_CHARS,
    Call,
    Minus,
    Name,
    Node,
    Number,
    Operator,
    Pair,
    check_names,
    evaluate,
    names,
    parse,
    unit_of,
    written,
)
from accord.claims.unit_algebra import parse_unit

TERMS = {"a": 3.0, "b": 0.5, "ours": 7.25}
VALUES = {name: np.asarray(value) for name, value in TERMS.items()}
SIGNS: tuple[Operator, ...] = ("+", "-", "*", "/")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0), ("a", 3.0), ("a + b * 2", 4.0), ("(a + b) * 2", 7.0), ("a - b - 1", 1.5), ("a / b / 2", 3.0),
        ("-a + 4", 1.0), ("a * -b", -1.5), ("min(a, b)", 0.5), ("max(a, b, ours)", 7.25), ("1e3 / 1_000", 1.0),
        ("min(a)", 3.0), ("2. * .5", 1.0), ("a - (b - 1)", 3.5), ("a / (b / 2)", 12.0), (" ours ", 7.25),
        ("--a", 3.0), ("2.5e-1 * 4", 1.0),
    ],
)  # fmt: skip
def test_values(text: str, value: float) -> None:
    node = parse(text)
    assert float(evaluate(node, VALUES)) == pytest.approx(value)
    assert float(evaluate(parse(written(node, {})), VALUES)) == pytest.approx(value)


def test_arrays_are_evaluated_at_once() -> None:
    values = {"a": np.asarray([1.0, 2.0, 4.0]), "b": np.asarray([2.0, 0.0, 2.0])}
    found = evaluate(parse("a / b"), values)
    assert list(np.isfinite(found)) == [True, False, True]
    assert list(found[[0, 2]]) == [0.5, 2.0]


def leaves() -> st.SearchStrategy[Node]:
    numbers = st.floats(0.01, 100.0).map(lambda value: Number(f"{value:.4f}", float(f"{value:.4f}")))
    return st.one_of(numbers, st.sampled_from([Name(name, 1) for name in TERMS]))


def branches(of: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(Pair, st.sampled_from(SIGNS), of, of, st.just(1)),
        st.builds(Minus, of),
        st.builds(Call, st.sampled_from(("min", "max")), st.tuples(of, of), st.just(1)),
    )


@given(st.recursive(leaves(), branches, max_leaves=12))
def test_a_tree_written_out_reads_back(tree: Node) -> None:
    """Brackets stand exactly where they are needed."""
    wanted = float(evaluate(tree, VALUES))
    assume(math.isfinite(wanted))
    text = written(tree, {})
    assume(len(text) <= MOST_CHARS)
    assert float(evaluate(parse(text), VALUES)) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert set(names(tree)) == set(names(parse(text)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the end (column 1)"), ("a +", "the end (column 4)"), ("a b", "'b' (column 3)"), ("(a", "')' is wanted"),
        ("a $ b", "'$' (column 3)"), ("sum(a)", "'sum' (column 1) is no function"), ("a + * b", "'*' (column 5)"),
        ("min()", "')' (column 5)"), (")", "')' (column 1)"), ("a ** b", "'*' (column 4)"), ("(" * 60 + "a", "nested"),
        ("a + " * 300 + "a", "characters"), ("__import__('os')", "(column"), ("a.b", "(column"), ("min(a, b", "wanted"),
        ("1 2", "'2' (column 3)"), ("a if b else a", "'if' (column 3)"),
    ],
)  # fmt: skip
def test_what_is_no_expression_says_where(text: str, message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        parse(text)
    assert message in caught.value.what
    assert caught.value.hint


def test_an_unknown_term_names_the_closest() -> None:
    check_names(parse("max(a, -ours)"), ("a", "ours"))
    with pytest.raises(CatalogError, match="'ourss'") as caught:
        check_names(parse("a / ourss"), ("a", "ours"))
    assert "ours" in str(caught.value.hint)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except CatalogError as error:
        assert error.what


UNITS = {"flops": parse_unit("PFLOP/s"), "power": parse_unit("kW"), "hours": parse_unit("h"), "days": parse_unit("d")}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("flops / power", "FLOP/J"), ("flops * days", "FLOP"), ("hours + days", "s"), ("min(hours, days)", "s"),
        ("-hours", "s"), ("2 * flops", "FLOP/s"), ("hours / days", "1"), ("1 / hours", "1/s"), ("3", "1"),
        ("max(hours)", "s"),
    ],
)  # fmt: skip
def test_units_follow(text: str, unit: str) -> None:
    assert unit_of(parse(text), UNITS).name == unit


@pytest.mark.parametrize("text", ["hours + 1", "flops - power", "max(hours, flops)", "1 - hours / power"])
def test_kinds_are_not_mixed(text: str) -> None:
    with pytest.raises(CatalogError, match="joins"):
        unit_of(parse(text), UNITS)


def test_words_in_place_of_names() -> None:
    words = {"a": "3 W", "b": "2 h"}
    assert written(parse("(a - b) / -max(a, b)"), words) == "(3 W - 2 h) / (-max(3 W, 2 h))"


def test_a_number_too_large_is_refused_where_it_stands() -> None:
    with pytest.raises(CatalogError, match=r"1e400 \(column 5\) is too large"):
        parse("x / 1e400")
