"""Sweeps on Ray, on clusters of this machine: workers and nodes go, tasks do not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.planner.executors import on_ray, works

from accord.planner.executors.local import LocalExecutor
from accord.store.sweeps import open_sweep, run_sweep

pytestmark = pytest.mark.skipif(
    find_spec("ray") is None and "ACCORD_CI" not in os.environ, reason="the extra [ray] is not installed"
)

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


class Scene:
    """A process of on_ray.py with folders, and a mark, of its own."""

    def __init__(self, name: str, folder: Path, short: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        self.environment = environment | {
            "HOME": str(short),
            "PYTHONPATH": str(works.ROOT),
            "RAY_TMPDIR": str(short),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "TMPDIR": str(short),
        }
        self.process = subprocess.Popen(
            [sys.executable, on_ray.__file__, name, str(folder)],
            cwd=folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def told(self) -> dict[str, Any]:
        """What the scene prints; it prints nothing else."""
        out, said = self.process.communicate(timeout=130)
        assert self.process.returncode == 0, said[-4000:]
        answer: dict[str, Any] = json.loads(out)
        return answer

    def left(self, allowed: frozenset[str] = frozenset(), limit_s: float = 15.0) -> set[str]:
        """Ray's processes, the allowed ones aside, that are still there after some seconds."""
        folder, until_s = Path(self.environment["RAY_TMPDIR"]), time.monotonic() + limit_s
        while (there := names(folder) - allowed) and time.monotonic() < until_s:
            time.sleep(0.1)
        return there


def names(folder: Path) -> set[str]:
    """What processes that have files in a folder are called."""
    found = set()
    for process in on_ray.living(folder):
        with suppress(OSError):
            found.add((process / "cmdline").read_text().strip("\0").replace("\0", " "))
    return found


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name leaves room for the names of Ray's sockets, which pytest's do not."""
    folder = Path(tempfile.mkdtemp(prefix="ar-", dir="/tmp"))
    yield folder
    for process in on_ray.living(folder):
        with suppress(OSError):
            os.kill(int(process.name), signal.SIGKILL)
    shutil.rmtree(folder)


def digests(count: int) -> list[str]:
    return [works.digest(str(number).encode()).hex() for number in range(count)]


def test_a_cluster_is_started_and_ended(tmp_path: Path, short: Path) -> None:
    scene = Scene("started", tmp_path, short)
    told = scene.told()
    assert told["answers"] == digests(20)
    assert (tmp_path / "mark").exists()  # a worker did die
    assert not told["connected"]
    assert told["listening"] and set(told["listening"]) <= LOOPBACK
    assert scene.left() == set()
    assert list(short.iterdir()) == [], "Ray left files"
    assert [file.name for file in tmp_path.iterdir()] == ["mark"]


@pytest.mark.slow
def test_two_nodes_lose_a_worker_and_a_node(tmp_path: Path, short: Path) -> None:
    (short / "ray").mkdir()
    scene = Scene("cluster", tmp_path, short)
    told = scene.told()
    assert told["plain"] == [*digests(50), works.digest(on_ray.LARGE).hex()]
    assert told["threads"] == [b"1".hex()]
    assert told["refused"] == ["DoesNotFit", "a chip: task 0 does not fit\nhint: use more"]
    assert told["killer"][0] == "WorkerLost"
    assert told["killer"][1].startswith("task 1 ended its worker 3 times (WorkerCrashedError)")
    assert len(told["lost"]) == 1  # the node was at work when it went
    assert told["began"].count(told["lost"][0]) == 2
    assert told["disturbed"] == digests(40)
    assert len(told["began"]) <= 40 + 3  # what was under way, and no more, is done again
    assert set(told["listening"]) <= LOOPBACK
    assert told["joined"] == digests(1)
    assert told["other"][0] == "UsageError" and "is connected to a Ray cluster" in told["other"][1]
    assert told["connected"]  # what somebody else started stays
    assert scene.left() == set()


@pytest.mark.slow
def test_a_sweep_on_ray_that_was_killed_goes_on(tmp_path: Path, short: Path) -> None:
    log = tmp_path / "log"
    first = Scene("sweep", tmp_path, short)
    until_s = time.monotonic() + 60.0
    while len(works.began(log)) < 20:
        assert time.monotonic() < until_s and first.process.poll() is None
        time.sleep(0.01)
    first.process.kill()
    first.process.communicate()
    # agents of a node that was not shut down take a minute to see that there is nobody to tell of it
    assert first.left(frozenset({"ray::DashboardAgent", "ray::RuntimeEnvAgent"})) == set()
    before = len(works.began(log))
    tasks = [f"{log} 0.05 {number}".encode() for number in range(40)]
    with open_sweep(tmp_path / "sweep.sqlite", "key", tasks) as kept:
        finished = len(kept.finished())
        found = run_sweep(LocalExecutor(), works.logged, tasks, kept)
    assert [answer.hex() for answer in found] == digests(40)
    assert finished >= 10
    assert len(works.began(log)) == before + 40 - finished


@pytest.mark.slow
def test_interrupted_from_the_keyboard_nothing_is_left(
    tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, log = Scene("sweep", tmp_path, short), tmp_path / "log"
    until_s = time.monotonic() + 60.0
    while len(works.began(log)) < 4:
        assert time.monotonic() < until_s and scene.process.poll() is None
        time.sleep(0.01)
    began_s = time.monotonic()
    os.killpg(scene.process.pid, signal.SIGINT)
    _, said = scene.process.communicate(timeout=40)
    assert time.monotonic() - began_s < 20.0
    assert scene.process.returncode in (130, -signal.SIGINT) and said.rstrip().endswith("KeyboardInterrupt")
    assert scene.left() == set()
    assert list(short.iterdir()) == []


@pytest.mark.parametrize("address", ["nonsense", "ray://127.0.0.1:1", "127.0.0.1", "127.0.0.1:port"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    code = f"from accord.planner.executors import Place, executor; executor('ray', Place(address={address!r}))"
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert f"UsageError: '{address}' is no address of a Ray cluster" in ended.stderr


def test_an_address_that_nobody_answers_is_said_at_once() -> None:
    code = (
        "from accord.planner.executors import Place, executor\n"
        "executor('ray', Place(address='127.0.0.1:1')).run(bytes, {0: b''}, print)"
    )
    began_s = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "UsageError: no Ray cluster answers at 127.0.0.1:1\nhint: give the HOST:PORT" in ended.stderr
    assert time.monotonic() - began_s < 10.0
