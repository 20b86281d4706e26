"""One value for every day, and no day with two."""

from __future__ import annotations

from datetime import date

import pytest

from accord.base.dated import Dated, Span
from accord.base.errors import DataError, MissingFact

FIRST = Span(value=4800, start=date(2022, 10, 7), until=date(2023, 11, 17))
SECOND = Span(value=2400, start=date(2023, 11, 17))


def test_the_value_in_force() -> None:
    values = Dated([SECOND, FIRST])
    assert values.on(date(2022, 10, 7)) == 4800
    assert values.on(date(2023, 11, 16)) == 4800
    assert values.on(date(2023, 11, 17)) == 2400
    assert values.on(date(2099, 1, 1)) == 2400
    assert [span.value for span in values] == [4800, 2400]
    assert len(values) == 2


def test_outside_there_is_none() -> None:
    with pytest.raises(MissingFact, match="threshold has no value on 2022-10-06\nhint: it starts on 2022-10-07"):
        Dated([SECOND, FIRST], what="threshold").on(date(2022, 10, 6))
    with pytest.raises(MissingFact, match="and ends before 2023-11-17"):
        Dated([FIRST]).on(date(2023, 11, 17))


def test_overlap() -> None:
    later = Span(value=1, start=date(2023, 11, 1))
    with pytest.raises(DataError, match="limit has two values in force on 2023-11-01\nhint: end the earlier one"):
        Dated([FIRST, later], what="limit")
    with pytest.raises(DataError, match="two values"):
        Dated([SECOND, Span(value=1, start=date(2024, 1, 1))])


def test_gap() -> None:
    later = Span(value=1, start=date(2023, 11, 18))
    with pytest.raises(DataError, match="limit has no value from 2023-11-17 to 2023-11-18"):
        Dated([FIRST, later], what="limit")


def test_no_span_and_an_empty_one() -> None:
    with pytest.raises(DataError, match="limit has no dated value"):
        Dated([], what="limit")
    with pytest.raises(DataError, match="holds no day"):
        Span(value=1, start=date(2023, 1, 1), until=date(2023, 1, 1))
