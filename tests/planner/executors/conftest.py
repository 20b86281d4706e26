"""Workers find the work of these tests."""

from __future__ import annotations

import pytest
from tests.planner.executors.works import ROOT


@pytest.fixture(autouse=True)
def _findable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
