"""The store of past runs."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.base.errors import DataError, UsageError
from accord.store.record import Record
from accord.store.runs import APPLICATION, SCHEMA, RunStore

A, B, C = "0123456789abcdef" * 2, "0123ffff89abcdef" * 2, "fedcba9876543210" * 2


def record(**changes: Any) -> Record:
    facts: dict[str, Any] = {
        "verb": "simulate",
        "created": "2026-01-02T03:04:05Z",
        "inputs": {"model": "m", "chips": 8, "slo": {"ttft_s": 1.0}},
        "metrics": {"ttft_mean_s": 0.5, "failed": 0.0},
        "catalog": "ab" * 32,
        **changes,
    }
    return Record(**facts)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "deep" / "runs.sqlite")


@pytest.fixture
def filled(store: RunStore) -> RunStore:
    """Three runs; B is the newest, C the oldest."""
    store.add(record(model="m", label="base"), id=A)
    store.add(record(created="2026-02-02T03:04:05Z", model="m", system="s", inputs={"chips": 16}, complete=False), id=B)
    store.add(record(created="2025-02-02T03:04:05Z", verb="estimate", metrics={"tpot_s": 0.02}), id=C)
    return store


def ids(store: RunStore, **filters: Any) -> list[str]:
    return [run.id for run in store.list(**filters)]


def test_a_run_comes_back_as_it_was(store: RunStore) -> None:
    kept = record(model="m", system="s", label="ä 名", complete=False, files=("a/b.csv", "c.json"))
    id = store.add(kept)
    assert re.fullmatch(r"[0-9a-f]{32}", id)
    run = store.show(id)
    assert run.id == id
    assert run.record == kept


def test_ids_differ(store: RunStore) -> None:
    assert len({store.add(record()) for _ in range(20)}) == 20


@settings(max_examples=30)
@given(
    inputs=st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()),
    metrics=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
)
def test_any_inputs_and_numbers_come_back(
    inputs: dict[str, object], metrics: dict[str, float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = RunStore(tmp_path_factory.getbasetemp() / "any.sqlite")
    found = store.show(store.add(record(inputs=inputs, metrics=metrics))).record
    assert found.inputs == inputs
    assert found.metrics == metrics


def test_newest_first_and_filters(filled: RunStore) -> None:
    assert ids(filled) == [B, A, C]
    assert ids(filled, limit=1) == [B]
    assert ids(filled, model="m") == [B, A]
    assert ids(filled, model="m", system="s") == [B]
    assert ids(filled, verb="estimate") == [C]
    assert ids(filled, label="base") == [A]
    assert ids(filled, label="none") == []


def test_of_the_same_second_the_last_added_is_newest(store: RunStore) -> None:
    first, second = store.add(record()), store.add(record())
    assert ids(store) == [second, first]


def test_a_time_is_kept_in_utc() -> None:
    assert record(created="2026-01-02T03:04:05.75+02:00").created == "2026-01-02T01:04:05Z"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"created": "yesterday"}, "'yesterday' is no time of a run"),
        ({"created": "2026-01-02T03:04:05"}, "has no time zone"),
        ({"metrics": {"tpot_s": float("nan")}}, "metric tpot_s of a run is nan"),
    ],
)
def test_what_cannot_be_kept(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        record(**changes)


@pytest.mark.parametrize(("name", "id"), [(C, C), ("f", C), ("FED", C), ("01234", A), (" 0123f ", B)])
def test_the_beginning_of_an_id_is_enough(name: str, id: str, filled: RunStore) -> None:
    assert filled.show(name).id == id


@pytest.mark.parametrize(
    ("name", "what", "hint"),
    [
        ("0123", "several runs begin with '0123'", "write more of it: 0123456789ab, 0123ffff89ab"),
        ("01234567x", "there is no run '01234567x'", "did you mean '012345678'?"),
        ("fedcab98", "there is no run 'fedcab98'", "did you mean 'fedcba98'?"),
        ("base", "there is no run 'base'", "'accord runs list' shows which there are"),
        ("%", "there is no run '%'", "'accord runs list' shows which there are"),
        ("", "there is no run ''", "'accord runs list' shows which there are"),
    ],
)
def test_an_unknown_id(name: str, what: str, hint: str, filled: RunStore) -> None:
    with pytest.raises(UsageError) as caught:
        filled.show(name)
    assert (caught.value.what, caught.value.hint) == (what, hint)


@pytest.mark.parametrize("id", ["", "abc", "Z" * 32, A.upper()])
def test_an_id_that_is_none(id: str, store: RunStore) -> None:
    with pytest.raises(UsageError, match="no id of a run"):
        store.add(record(), id=id)


def test_an_id_is_taken_once(filled: RunStore) -> None:
    with pytest.raises(UsageError, match="already"):
        filled.add(record(), id=A)
    assert len(filled.list()) == 3


def test_side_by_side(filled: RunStore) -> None:
    found = filled.compare([A, "0123f", "fe"])
    assert [run.id for run in found.runs] == [A, B, C]
    metrics = {row.name: (row.values, row.ratios) for row in found.metrics}
    assert metrics["ttft_mean_s"] == ((0.5, 0.5, None), (1.0, 1.0, None))
    assert metrics["failed"] == ((0.0, 0.0, None), (None, None, None))
    assert metrics["tpot_s"] == ((None, None, 0.02), (None, None, None))
    inputs = {row.name: row.values for row in found.inputs}
    assert inputs == {"model": ("m", None, "m"), "chips": (8, 16, 8), "slo.ttft_s": (1.0, None, 1.0)}


def test_a_run_beside_itself_differs_in_nothing(filled: RunStore) -> None:
    found = filled.compare([A, A])
    assert not found.inputs
    assert {row.ratios[1] for row in found.metrics} == {1.0, None}


def test_one_run_is_compared_with_nothing(filled: RunStore) -> None:
    with pytest.raises(UsageError, match="compared with nothing"):
        filled.compare([A])


def test_forgetting_is_for_all_or_none(filled: RunStore) -> None:
    with pytest.raises(UsageError, match="there is no run"):
        filled.delete([A, "0bad"])
    assert ids(filled) == [B, A, C]
    assert filled.delete(["01234", C, A]) == (A, C)
    assert ids(filled) == [B]


def test_what_does_not_exist_has_no_runs_and_is_not_made(store: RunStore) -> None:
    assert store.list() == ()
    for ask in (lambda: store.show(A), lambda: store.compare([A, B]), lambda: store.delete([A])):
        with pytest.raises(UsageError, match="there is no run"):
            ask()
    assert not store.path.parent.exists()


def test_an_empty_file_is_a_store_that_begins(store: RunStore) -> None:
    store.path.parent.mkdir()
    store.path.touch()
    assert store.list() == ()
    with pytest.raises(UsageError, match="there is no run"):
        store.show(A)
    store.add(record(), id=A)
    assert ids(store) == [A]


# Files that cannot be used


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE songs (name TEXT)")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE runs (id TEXT)")
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {SCHEMA + 1}")


def text(path: Path) -> None:
    path.write_text("no database at all, but long enough to be taken for one at first sight\n" * 10)


def cut(path: Path) -> None:
    RunStore(path).add(record(), id=A)
    path.write_bytes(path.read_bytes()[:5000])


def scribbled(path: Path) -> None:
    RunStore(path).add(record(), id=A)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)
    path.write_bytes(data)


def without_table(path: Path) -> None:
    RunStore(path).add(record(), id=A)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE runs")


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "what", "hint"),
    [
        (foreign, "holds no runs of Accord", "give --store another path"),
        (newer, "written by a newer Accord (form 2, this one knows 1)", "update Accord"),
        (text, "is no database of runs, or is damaged (file is not a database)", "move the file away"),
        (cut, "is no database of runs, or is damaged", "move the file away"),
        (scribbled, "is no database of runs, or is damaged", "move the file away"),
        (without_table, "is no database of runs, or is damaged (no such table: runs)", "move the file away"),
        (folder, "cannot be opened or written", "give --store a path that can be written to"),
    ],
)
def test_a_file_that_cannot_be_used(make: Any, what: str, hint: str, store: RunStore) -> None:
    store.path.parent.mkdir()
    make(store.path)
    before = store.path.read_bytes() if store.path.is_file() else None
    for ask in (store.list, lambda: store.show(A), lambda: store.add(record())):
        with pytest.raises(DataError) as caught:
            ask()
        assert what in caught.value.what
        assert hint in (caught.value.hint or "")
        assert caught.value.where == str(store.path)
    if before is not None and make is not without_table:
        assert store.path.read_bytes() == before


@pytest.mark.parametrize(
    ("column", "value"), [("metrics", "{"), ("metrics", '{"a": "b"}'), ("created", "never"), ("files", "3")]
)
def test_a_row_that_cannot_be_read_is_named(column: str, value: str, filled: RunStore) -> None:
    with closing(sqlite3.connect(filled.path)) as database, database:
        database.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (value, C))
    for ask in (filled.list, lambda: filled.show(C)):
        with pytest.raises(DataError, match="run fedcba987654 cannot be read") as caught:
            ask()
        assert caught.value.hint == "'accord runs delete fedcba987654' forgets it"
    assert filled.show(A).id == A
    filled.delete([C])
    assert ids(filled) == [B, A]


def test_a_file_that_another_program_holds(filled: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accord.store.runs.WAIT_S", 0.05)
    with closing(sqlite3.connect(filled.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DataError, match="in use by another program"):
            filled.add(record())
        assert ids(filled) == [B, A, C]  # readers do not wait
        other.execute("ROLLBACK")
    filled.add(record())


def test_a_file_in_a_folder_that_cannot_be_written_to_is_read(
    filled: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def refused(address: str, **rest: Any) -> sqlite3.Connection:
        if str(address).endswith("?mode=ro"):
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        opened: sqlite3.Connection = connect(address, **rest)
        return opened

    monkeypatch.setattr(sqlite3, "connect", refused)
    assert ids(filled) == [B, A, C]


def test_odd_letters_in_a_path(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "a b?c#d%20é" / "runs.sqlite")
    store.add(record(), id=A)
    assert ids(store) == [A]


# Several at once


ADD = """
import sys
from pathlib import Path
from accord.store.record import Record
from accord.store.runs import RunStore
for at in range(25):
    run = Record(verb="simulate", created="2026-01-02T03:04:05Z", inputs={}, metrics={}, catalog="", label=sys.argv[2])
    RunStore(Path(sys.argv[1])).add(run)
"""


def test_two_processes_begin_and_fill_one_store(store: RunStore) -> None:
    words = [sys.executable, "-c", ADD, str(store.path)]
    workers = [subprocess.Popen([*words, name], stderr=subprocess.PIPE) for name in ("one", "two")]
    assert [worker.communicate(timeout=60.0)[1] for worker in workers] == [b"", b""]
    assert (len(store.list(label="one")), len(store.list(label="two"))) == (25, 25)


def test_threads_begin_one_store_together(store: RunStore) -> None:
    gate = threading.Barrier(8)
    wrong: list[Exception] = []

    def work() -> None:
        gate.wait()
        try:
            store.add(record())
            store.list()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(store.list()) == 8


def test_a_record_has_no_other_fields() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"verb": "x", "more": 1}, Record)
