"""Checkpoints of sweeps: whatever ends a sweep, it goes on where it was."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.planner.executors import works

from accord.base.errors import DataError, UsageError
from accord.planner.executor import Done, Work
from accord.planner.executors.local import LocalExecutor
from accord.planner.executors.processes import ProcessExecutor
from accord.store import sweeps
from accord.store.sweeps import APPLICATION, SCHEMA, Sweep, open_sweep, run_sweep, sweep_key

TASKS = [str(number).encode() for number in range(20)]
KEY = sweep_key("ab" * 32, b"problem", TASKS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "sweep.sqlite"


class InOrder:
    """Works tasks off in the order given, and stops after some."""

    def __init__(self, order: list[int], stop: int | None = None) -> None:
        self.order, self.stop = order, stop
        self.worked: list[int] = []

    def run(self, work: Work, tasks: Mapping[int, bytes], done: Done) -> None:
        for number in self.order:
            if number in tasks:
                if len(self.worked) == self.stop:
                    raise KeyboardInterrupt
                self.worked.append(number)
                done(number, work(tasks[number]))


@settings(max_examples=40)
@given(count=st.integers(0, 12), data=st.data())
def test_any_order_from_any_point_gives_the_same(
    count: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tasks = data.draw(st.lists(st.binary(max_size=40), min_size=count, max_size=count))
    path = tmp_path_factory.mktemp("any") / "sweep.sqlite"
    key = sweep_key("c", b"p", tasks)
    first = InOrder(data.draw(st.permutations(range(count))), data.draw(st.integers(0, count)))
    second = InOrder(data.draw(st.permutations(range(count))))
    with open_sweep(path, key, tasks) as sweep:
        try:
            run_sweep(first, works.digest, tasks, sweep)
        except KeyboardInterrupt:
            assert len(first.worked) == first.stop
    with open_sweep(path, key, tasks) as sweep:
        assert set(sweep.finished()) == set(first.worked)
        assert run_sweep(second, works.digest, tasks, sweep) == [works.digest(task) for task in tasks]
    assert sorted(first.worked + second.worked) == list(range(count))


def test_without_a_checkpoint_the_answers_are_the_same() -> None:
    seen: list[tuple[int, int]] = []
    found = run_sweep(LocalExecutor(), works.digest, TASKS[:3], progress=lambda *now: seen.append(now))
    assert found == [works.digest(task) for task in TASKS[:3]]
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert run_sweep(LocalExecutor(), works.digest, []) == []


def test_a_finished_sweep_works_no_more(path: Path) -> None:
    with open_sweep(path, KEY, TASKS) as sweep:
        found = run_sweep(LocalExecutor(), works.digest, TASKS, sweep)
    seen: list[tuple[int, int]] = []
    with open_sweep(path, KEY, TASKS) as sweep:
        assert run_sweep(LocalExecutor(), works.leaves, TASKS, sweep, lambda *now: seen.append(now)) == found
    assert seen == [(20, 20)]


def test_a_key_tells_everything_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [
        sweep_key("c", b"p", [b"a", b"b"]),
        sweep_key("d", b"p", [b"a", b"b"]),
        sweep_key("c", b"q", [b"a", b"b"]),
        sweep_key("c", b"p", [b"ab"]),
        sweep_key("c", b"p", [b"b", b"a"]),
        sweep_key("c", b"pa", [b"b"]),
    ]
    monkeypatch.setattr(sweeps, "VERSION", "0")
    keys.append(sweep_key("c", b"p", [b"a", b"b"]))
    assert len(set(keys)) == len(keys)


# Ended from outside


def killed_after(count: int, tmp_path: Path, path: Path, executor: str) -> tuple[list[bytes], Path]:
    """Run a sweep in a process of its own, kill it once ``count`` tasks began, and return its tasks and its log."""
    log = tmp_path / "log"
    code = f"""
from pathlib import Path
from accord.planner.executors import Place, executor
from accord.store.sweeps import open_sweep, run_sweep
from tests.planner.executors import works
if __name__ == "__main__":
    tasks = [f"{log} 0.02 {{number}}".encode() for number in range(40)]
    with open_sweep(Path({str(path)!r}), "key", tasks) as sweep:
        run_sweep(executor("{executor}"), works.logged, tasks, sweep)
"""
    script = tmp_path / "sweep.py"
    script.write_text(code)
    process = subprocess.Popen([sys.executable, script], env={**os.environ, "PYTHONPATH": str(works.ROOT)})
    until_s = time.monotonic() + 60.0
    while len(works.began(log)) < count:
        assert time.monotonic() < until_s and process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.wait()
    return [f"{log} 0.02 {number}".encode() for number in range(40)], log


@pytest.mark.parametrize(("executor", "count"), [("local", 1), ("local", 17), ("processes", 9)])
def test_a_sweep_that_was_killed_goes_on(executor: str, count: int, tmp_path: Path, path: Path) -> None:
    tasks, log = killed_after(count, tmp_path, path, executor)
    time.sleep(1.0)  # workers see that nobody is there
    before = [name for name, _ in works.began(log)]
    with open_sweep(path, "key", tasks) as sweep:
        kept = {str(number) for number in sweep.finished()}
        found = run_sweep(LocalExecutor(), works.logged, tasks, sweep)
    assert found == [works.digest(str(number).encode()) for number in range(40)]
    lost = set(before) - kept
    assert len(lost) <= (1 if executor == "local" else 2 * (os.cpu_count() or 1))  # under way, no more
    again = [name for name, _ in works.began(log)][len(before) :]
    assert sorted(again) == sorted({str(number) for number in range(40)} - kept)  # what is kept is not done again


def test_a_file_that_is_killed_at_birth_is_begun_again(tmp_path: Path) -> None:
    """Whatever step of the beginning is the last, the next process finds a file it can use."""
    for step in range(1, 12):
        path = tmp_path / f"{step}.sqlite"
        code = f"""
import os, signal, sqlite3
from pathlib import Path
from accord.store.sweeps import open_sweep
class Last(sqlite3.Connection):
    left = {step}
    def execute(self, *words):
        Last.left -= 1
        if Last.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(*words)
connect = sqlite3.connect
sqlite3.connect = lambda *words, **more: connect(*words, **more, factory=Last)
open_sweep(Path({str(path)!r}), "key", [b"a"]).keep(0, b"b")
"""
        ended = subprocess.run([sys.executable, "-c", code], check=False).returncode
        assert ended in (0, -signal.SIGKILL)
        with open_sweep(path, "key", [b"a"]) as sweep:
            assert run_sweep(LocalExecutor(), works.digest, [b"a"], sweep) in ([works.digest(b"a")], [b"b"])


def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(works.ROOT)
    tasks = [f"{tmp_path / 'mark' if number == 4 else '-'} {number}".encode() for number in range(12)]
    with open_sweep(path, KEY, tasks) as sweep:
        found = run_sweep(ProcessExecutor(2), works.kills_once, tasks, sweep)
        assert sweep.finished() == dict(enumerate(found))
    assert found == [works.digest(str(number).encode()) for number in range(12)]


# Files that are not what they should be


def refused(path: Path, key: str = KEY, tasks: list[bytes] = TASKS) -> str:
    """The message with which a file is refused."""
    with pytest.raises(DataError) as error, open_sweep(path, key, tasks) as sweep:
        sweep.finished()
    assert error.value.exit_code == 3
    assert error.value.hint
    assert error.value.where == str(path)
    return error.value.what


def filled(path: Path) -> bytes:
    with open_sweep(path, KEY, TASKS) as sweep:
        run_sweep(LocalExecutor(), works.digest, TASKS, sweep)
    return path.read_bytes()


def edited(path: Path, words: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(words, values)


def test_another_sweep_is_refused_and_stays(path: Path) -> None:
    before = filled(path)
    assert "another sweep" in refused(path, key="0" * 64)
    assert "another sweep" in refused(path, tasks=TASKS[:5])
    assert path.read_bytes() == before


def test_another_version_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    monkeypatch.setattr(sweeps, "VERSION", "9.9")
    assert (
        refused(path, key=sweep_key("ab" * 32, b"problem", TASKS))
        == "the checkpoint is of Accord 0.1.0, and this is 9.9"
    )


def test_another_form_is_named(path: Path) -> None:
    filled(path)
    edited(path, f"PRAGMA user_version = {SCHEMA + 1}")
    assert refused(path) == f"the checkpoint has form {SCHEMA + 1}, and this Accord knows {SCHEMA}"


def test_another_database_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    edited(path, "CREATE TABLE mine (x)")
    before = path.read_bytes()
    assert refused(path) == "the file is a database, but no checkpoint of a sweep"
    assert path.read_bytes() == before
    path = tmp_path / "half.sqlite"
    edited(path, f"PRAGMA application_id = {APPLICATION}")
    edited(path, f"PRAGMA user_version = {SCHEMA}")
    assert "damaged" in refused(path)


def test_no_database_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("a shopping list, long enough to be read as a header" * 10)
    assert "no checkpoint, or is damaged" in refused(path)
    assert path.read_text().startswith("a shopping list")


def test_a_cut_file_never_answers_wrongly(path: Path) -> None:
    """To SQLite a file of one byte is an empty one; any longer one is seen."""
    whole = filled(path)
    for length in [*range(2, 200, 13), *range(200, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert "damaged" in refused(path), length
        assert path.read_bytes() == whole[:length]


@settings(max_examples=60)
@given(data=st.data())
def test_a_flipped_byte_never_answers_wrongly(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("bytes") / "sweep.sqlite"
    whole = bytearray(filled(path))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    right = {number: works.digest(task) for number, task in enumerate(TASKS)}
    try:
        with open_sweep(path, KEY, TASKS) as sweep:
            assert sweep.finished().items() <= right.items()
    except DataError as error:
        assert error.hint


@pytest.mark.parametrize(
    "words",
    [
        "UPDATE answers SET answer = x'00' WHERE number = 3",
        "UPDATE answers SET answer = 'text' WHERE number = 3",
        "UPDATE answers SET number = 99 WHERE number = 3",
        "UPDATE answers SET number = -1 WHERE number = 3",
    ],
)
def test_an_answer_that_was_changed_is_refused(words: str, path: Path) -> None:
    filled(path)
    edited(path, words)
    assert "of the sweep is damaged" in refused(path)


# Places that cannot be used


def test_two_processes_do_not_share_a_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "WAIT_S", 0.05)
    code = (
        "import sys; from pathlib import Path; from accord.store.sweeps import open_sweep\n"
        f"with open_sweep(Path({str(path)!r}), {KEY!r}, [b''] * 20): print('held', flush=True); sys.stdin.read()"
    )
    for _ in range(2):  # a new file, then one that is there
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout and other.stdout.readline() == b"held\n"
            assert refused(path) == "another process works on this sweep"
            other.kill()
    with open_sweep(path, KEY, TASKS) as sweep:
        assert refused(path) == "another process works on this sweep"
        assert sweep.finished() == {}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be opened or written" in refused(tmp_path / "file" / "sweep.sqlite")
    assert "cannot be opened or written" in refused(tmp_path)
    if sys.platform == "linux":
        assert "cannot be opened or written" in refused(Path("/proc/sweep.sqlite"))


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_a_full_disk_keeps_what_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    code = f"""
import resource, sys
from pathlib import Path
from accord.base.errors import DataError
from accord.store.sweeps import open_sweep
with open_sweep(Path({str(path)!r}), "key", [b""] * 1000) as sweep:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    for number in range(1000):
        try:
            sweep.keep(number, bytes(1000))
        except DataError as error:
            print(number, error)
            sys.exit(error.exit_code)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert ended.returncode == 3, ended.stderr
    assert "the checkpoint cannot be read or written" in ended.stdout and "make room" in ended.stdout
    with open_sweep(path, "key", [b""] * 1000) as sweep:
        assert sweep.finished() == dict.fromkeys(range(int(ended.stdout.split()[0])), bytes(1000))


def test_errors_of_the_work_leave_what_is_kept(path: Path) -> None:
    def work(task: bytes) -> bytes:
        if task == b"7":
            raise UsageError("seven")
        return task

    sweep: Sweep
    with open_sweep(path, KEY, TASKS) as sweep:
        with pytest.raises(UsageError, match="seven"):
            run_sweep(LocalExecutor(), work, TASKS, sweep)
        assert sweep.finished() == {number: TASKS[number] for number in range(7)}
