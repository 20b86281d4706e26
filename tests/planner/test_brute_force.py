"""The search against looking at everything, one candidate after another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.planner.rig import ROLES, Case, case
from tests.planner.slow import Slow, slow_front

from accord.planner.compose import Option
from accord.planner.pricing import within
from accord.planner.search import Found, search

COUNT = 240
NEAR = 1e-8  # objectives are compared to nine digits


def found(asked: Case, *, prune: bool) -> Found:
    """What the search says: rows that break a limit by themselves are dropped before, as pricing does."""
    options: dict[str, list[Option]] = {
        role: [replace(one, table=one.table.pick(within(one.table, asked.problem)[0])) for one in asked.options[role]]
        for role in ROLES
    }
    return search(options, asked.offers, asked.sends, asked.problem, 5, prune=prune)


def near(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether two vectors are equal but for rounding."""
    return all(abs(x - y) <= NEAR * max(abs(x), abs(y)) for x, y in zip(a, b, strict=True))


def no_worse(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether a is nowhere more than b but for rounding."""
    return all(x <= y + NEAR * abs(y) for x, y in zip(a, b, strict=True))


def beats(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether a is somewhere less than b, and nowhere so near that rounding decides."""
    same = [abs(x - y) <= 1e-13 * abs(y) for x, y in zip(a, b, strict=True)]
    less = [x < y - NEAR * abs(y) for x, y in zip(a, b, strict=True)]
    return any(less) and all(one or other for one, other in zip(same, less, strict=True))


def check(asked: Case, slow: list[tuple[float, ...]], *, prune: bool) -> Found:
    """Compare both answers; returns the quick one."""
    quick = found(asked, prune=prune)
    assert bool(quick.best) == bool(slow), "one finds a plan, the other none"
    if not slow:
        assert not quick.front
        return quick
    best = min(slow, key=lambda one: tuple(float(f"{value:.7e}") for value in one))
    assert near(quick.best[0].values, best)
    ahead, leaders = [pick.values for pick in quick.front], slow_front(slow)
    if len(best) == 1:
        leaders = [best]
    for one in ahead:
        alike = [other for other in slow if near(one, other)]
        assert alike, "a point that no candidate has"
        assert any(not any(beats(other, own) for other in leaders) for own in alike), "a point that another beats"
    for one in leaders:
        assert any(no_worse(other, one) for other in ahead), "a point of the front is missing"
    return quick


@pytest.mark.parametrize("start", range(0, COUNT, 20))
def test_search_finds_what_looking_at_everything_finds(start: int) -> None:
    for seed in range(start, start + 20):
        asked = case(seed)
        slow = Slow(asked).keeping()
        for prune in (True, False):
            try:
                check(asked, slow, prune=prune)
            except AssertionError as error:
                raise AssertionError(f"question {seed}, prune={prune}: {error}") from error
