"""One process."""

from __future__ import annotations

import pytest
from tests.planner.executors import works

from accord.base.errors import DoesNotFit
from accord.planner.executors.local import LocalExecutor


def test_tasks_are_done_once_in_order() -> None:
    done: list[tuple[int, bytes]] = []
    LocalExecutor().run(works.digest, {3: b"c", 1: b"a", 2: b"b"}, lambda number, answer: done.append((number, answer)))
    assert done == [(1, works.digest(b"a")), (2, works.digest(b"b")), (3, works.digest(b"c"))]


def test_errors_pass() -> None:
    with pytest.raises(DoesNotFit):
        LocalExecutor().run(works.refuses, {0: b"0"}, lambda number, answer: None)
