"""Names lead to implementations; a wrong name is answered with the closest one."""

from __future__ import annotations

import pytest

from accord.base.errors import UsageError
from accord.base.registry import Registry, closest, did_you_mean

TABLE = Registry("scheduler", {"first-come": 1, "chunked-prefill": 2})


def test_a_known_name() -> None:
    assert TABLE["chunked-prefill"] == 2
    assert "first-come" in TABLE
    assert "last-come" not in TABLE
    assert list(TABLE) == ["first-come", "chunked-prefill"] == list(TABLE.names())
    assert len(TABLE) == 2


def test_an_unknown_name_gets_the_closest() -> None:
    with pytest.raises(UsageError) as caught:
        TABLE["Chunked_Prefil"]
    assert str(caught.value) == "scheduler 'Chunked_Prefil' is not known\nhint: did you mean 'chunked-prefill'?"


def test_nothing_near_lists_them() -> None:
    with pytest.raises(UsageError, match="hint: known: first-come, chunked-prefill"):
        TABLE["zzz"]
    assert closest("zzz", ()) is None
    assert did_you_mean("zzz", ()) == "there are none"
    assert did_you_mean("zzz", [f"a{n}" for n in range(20)], most=2) == "known: a0, a1, ... (20 in all)"
