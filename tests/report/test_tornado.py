from __future__ import annotations

from collections.abc import Mapping

import pytest

from accord.economics.sensitivity import swings
from accord.report.tables import NOTHING, to_text
from accord.report.tornado import Cause, causes_of, tornado_table, widest_first

BASE = {"price": 100.0, "life": 4.0, "tariff": 0.05, "colour": 1.0}
RANGES = {"price": (80.0, 150.0), "life": (3.0, 6.0), "tariff": (0.04, 0.08), "colour": (0.0, 2.0)}
UNITS = {"price": "USD", "life": "year", "tariff": "USD/kWh"}


def cost(x: Mapping[str, float]) -> float:
    return x["price"] / x["life"] + 100.0 * x["tariff"]


def causes() -> tuple[Cause, ...]:
    return causes_of(swings(cost, BASE, RANGES), UNITS)


def test_the_widest_comes_first_and_what_does_nothing_is_named() -> None:
    table = tornado_table(causes(), "the cost", "USD")
    assert [row[0] for row in table.rows] == ["price", "life", "tariff"]
    assert table.rows[1] == ("life", "3 year", "6 year", "38.3", "21.7", "55.6")
    assert "at the base of all causes: 30.0 USD" in table.notes
    assert "do not move it: colour" in table.notes
    assert "What the cost depends on" in to_text(table)


def test_ends_without_words_and_no_causes() -> None:
    assert tornado_table([Cause("a", 1.0, 3.0, 2.0)], "it", "s").rows[0][1:3] == (NOTHING, NOTHING)
    assert tornado_table([], "it", "s").rows == ()
    assert tornado_table([Cause("a", 1.0, 3.0, 0.0)], "it", "s").rows[0][-1] == NOTHING
    assert widest_first([Cause("nan", float("nan"), 1.0, 1.0), Cause("b", 1.0, 1.0, 1.0)]) == ()


@pytest.mark.parametrize("form", ["svg", "png"])
def test_the_picture_is_the_same_bytes_each_time(form: str) -> None:
    plots = pytest.importorskip("accord.report.plots.tornado")
    first = plots.picture(causes(), "the cost", "USD", form)
    assert first == plots.picture(causes(), "the cost", "USD", form)
    assert first.startswith(b"\x89PNG" if form == "png" else b"<?xml")
    assert plots.picture([], "the cost", "USD", form)


def test_bars_reach_from_the_base_to_both_ends() -> None:
    plots = pytest.importorskip("accord.report.plots.tornado")
    one_sided = Cause("one-sided", 31.0, 35.0, 30.0, "a", "b")
    (axes,) = plots.tornado([*causes(), one_sided], "the cost", "USD").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["price", "life", "one-sided", "tariff"]
    for at, cause in enumerate(widest_first([*causes(), one_sided])):
        bars = [bar for bar in axes.patches if abs(bar.get_y() + bar.get_height() / 2.0 - at) < 1e-6]
        ends = sorted(bar.get_x() + bar.get_width() for bar in bars)
        assert ends == pytest.approx(sorted((cause.at_low, cause.at_high)))
        assert {round(bar.get_x(), 9) for bar in bars} == {30.0}
    low, high = axes.get_xlim()
    assert low < 21.7
    assert high > 42.5
    assert "a" not in [text.get_text() for text in axes.texts], "the shorter half of a one-sided bar has no words"


def test_only_the_widest_are_drawn() -> None:
    plots = pytest.importorskip("accord.report.plots.tornado")
    many = [Cause(f"c{at:02}", 1.0, 3.0 + at, 2.0) for at in range(plots.MOST + 5)]
    (axes,) = plots.tornado(many, "it", "s").axes
    assert len(axes.get_yticklabels()) == plots.MOST
