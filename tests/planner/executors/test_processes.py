"""A pool of processes: workers die, tasks do not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import active_children
from pathlib import Path

import pytest
from tests.planner.executors import works

from accord.base.errors import DoesNotFit, WorkerLost
from accord.planner.executor import ATTEMPTS, THREADS, Work, processors
from accord.planner.executors.processes import ProcessExecutor


def answers(work: Work, tasks: dict[int, bytes], workers: int = 2) -> dict[int, bytes]:
    """Run, and see that nothing came twice and nobody is left."""
    done: dict[int, bytes] = {}

    def keep(number: int, answer: bytes) -> None:
        assert number not in done, "answered twice"
        done[number] = answer

    try:
        ProcessExecutor(workers).run(work, tasks, keep)
    finally:
        assert not active_children()
    return done


def numbered(count: int) -> dict[int, bytes]:
    return {number: str(number).encode() for number in range(count)}


def test_answers_are_those_of_one_process() -> None:
    tasks = numbered(200) | {1000: b"x" * 1_000_000}
    assert answers(works.digest, tasks) == {number: works.digest(task) for number, task in tasks.items()}


def test_no_task_starts_no_process() -> None:
    assert answers(works.digest, {}) == {}


def test_as_many_workers_as_processors() -> None:
    assert ProcessExecutor().workers == processors() >= 1


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_killed_worker_takes_nothing_with_it(workers: int, tmp_path: Path) -> None:
    marks = {3: tmp_path / "a", 4: tmp_path / "b", 19: tmp_path / "c"}  # the last one while others have nothing to do
    tasks = {number: f"{marks.get(number, '-')} {number}".encode() for number in range(20)}
    expected = {number: works.digest(task.split()[1]) for number, task in tasks.items()}
    assert answers(works.kills_once, tasks, workers) == expected
    assert all(mark.exists() for mark in marks.values())


def test_a_worker_killed_from_outside(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tasks = {number: f"{log} 0.01 {number}".encode() for number in range(60)}
    killed: list[int] = []

    def kill() -> None:
        for at in (5, 15, 30):
            while len(works.began(log)) < at:
                time.sleep(0.001)
            pid = works.began(log)[-1][1]
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    found = answers(works.logged, tasks)
    killer.join()
    assert found == {number: works.digest(str(number).encode()) for number in range(60)}
    assert len(set(killed)) == 3
    assert len(works.began(log)) <= 60 + len(killed)  # only what was under way is done again


def test_a_task_that_kills_is_named() -> None:
    with pytest.raises(WorkerLost) as lost:
        answers(works.kills, numbered(10) | {7: b"kill"})
    assert lost.value.what == f"task 7 ended its worker {ATTEMPTS} times (SIGKILL)"
    assert lost.value.exit_code == 71
    with pytest.raises(WorkerLost, match="task 0 ended its worker 3 times .exit code 7."):
        answers(works.leaves, {0: b""})


def test_errors_of_accord_come_as_they_are() -> None:
    with pytest.raises(DoesNotFit) as error:
        answers(works.refuses, {4: b"4"})
    assert str(error.value) == "a chip: task 4 does not fit\nhint: use more"


def test_other_errors_say_where_they_come_from() -> None:
    with pytest.raises(ZeroDivisionError, match="by nought") as error:
        answers(works.fails, {0: b""})
    assert "works.py" in error.value.__notes__[0]
    with pytest.raises(RuntimeError, match=r"Odd in a worker:\n(?s:.*)works.py"):
        answers(works.breaks, {0: b""})


def test_an_error_of_the_caller_ends_the_workers() -> None:
    def full(number: int, answer: bytes) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        ProcessExecutor(2).run(works.logged, {0: b"/dev/null 0 0", 1: b"/dev/null 60 1"}, full)
    assert not active_children()


def test_a_worker_computes_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS[0], "8")
    tasks = dict(enumerate(name.encode() for name in THREADS))
    assert set(answers(works.threads, tasks, 1).values()) == {b"1"}
    assert os.environ[THREADS[0]] == "8"


PROGRAM = """
import sys
from accord.planner.executors import Place, executor
from tests.planner.executors import works
if __name__ == "__main__" or {unguarded}:
    tasks = {{number: f"{{sys.argv[1]}} {{sys.argv[2]}} {{number}}".encode() for number in range(10)}}
    executor("processes", Place(workers=2)).run(works.logged, tasks, lambda number, answer: print(number, flush=True))
"""


def program(tmp_path: Path, sleep_s: float, unguarded: bool = False) -> tuple[subprocess.Popen[str], Path]:
    script, log = tmp_path / "program.py", tmp_path / "log"
    script.write_text(PROGRAM.format(unguarded=unguarded))
    return subprocess.Popen(
        [sys.executable, script, log, str(sleep_s)],
        env={**os.environ, "PYTHONPATH": str(works.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ), log


def wait_for(log: Path, count: int, limit_s: float = 60.0) -> set[int]:
    until_s = time.monotonic() + limit_s
    while len(works.began(log)) < count:
        assert time.monotonic() < until_s, "the tasks do not begin"
        time.sleep(0.01)
    return {pid for _, pid in works.began(log)}


def gone(pid: int, limit_s: float = 15.0) -> bool:
    until_s = time.monotonic() + limit_s
    while time.monotonic() < until_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_interrupted_from_the_keyboard_nobody_is_left(tmp_path: Path) -> None:
    process, log = program(tmp_path, 60.0)
    pids = wait_for(log, 2)
    began_s = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to everyone
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - began_s < 15.0  # the tasks take a minute
    assert process.returncode in (130, -signal.SIGINT)
    assert said.count("Traceback") == 1 and "KeyboardInterrupt" in said  # the program's own; workers say nothing
    assert len(pids) == 2 and all(gone(pid) for pid in pids)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(how: signal.Signals, tmp_path: Path) -> None:
    process, log = program(tmp_path, 60.0)
    pids = wait_for(log, 2)
    process.send_signal(how)
    process.communicate(timeout=30)
    assert len(pids) == 2 and all(gone(pid) for pid in pids)


def test_a_script_that_starts_itself_again_is_told(tmp_path: Path) -> None:
    process, _ = program(tmp_path, 0.0, unguarded=True)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "worker processes end before they begin (exit code 1)" in said
    assert 'if __name__ == "__main__":' in said
