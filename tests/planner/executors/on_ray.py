"""Sweeps on Ray, for test_ray.py to run in a process of their own: ``on_ray.py SCENE FOLDER`` prints JSON.

Ray keeps settings for the life of a process, starts others and handles signals; none of that is to reach the tests.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.planner.executors import works

from accord.base.errors import AccordError
from accord.planner.executor import Work
from accord.planner.executors import Place, executor
from accord.store.sweeps import open_sweep, run_sweep

STORE_BYTES = 80 * 2**20
LARGE = b"x" * 300_000  # travels through Ray's object store


def answers(work: Work, tasks: list[bytes], place: Place, each: Callable[[int], None] | None = None) -> list[str]:
    """Answers in order [hex], each given once. each: is told how many there are, after each."""
    found: dict[int, bytes] = {}

    def done(number: int, answer: bytes) -> None:
        assert number not in found, "answered twice"
        found[number] = answer
        if each is not None:
            each(len(found))

    executor("ray", place).run(work, dict(enumerate(tasks)), done)
    return [found[number].hex() for number in range(len(tasks))]


def error_of(work: Work, tasks: list[bytes], place: Place) -> list[str]:
    try:
        answers(work, tasks, place)
    except AccordError as error:
        return [type(error).__name__, str(error)]
    return []


def started(folder: Path) -> dict[str, Any]:
    """A cluster that the executor starts."""
    seen: list[str] = []
    tasks = [f"{folder / 'mark' if number == 3 else '-'} {number}".encode() for number in range(20)]
    first = answers(works.kills_once, tasks, Place(workers=2), lambda count: seen.extend(listening()))
    import ray

    return {"answers": first, "listening": sorted(set(seen)), "connected": ray.is_initialized()}


def cluster(folder: Path) -> dict[str, Any]:
    """Two nodes of one processor each; a worker is killed, and a node goes."""
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": STORE_BYTES}
    there = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    second = there.add_node(**node)
    place, log = Place(address=there.address), folder / "log"
    told: dict[str, Any] = {}
    try:
        told["plain"] = answers(works.digest, [*(str(number).encode() for number in range(50)), LARGE], place)
        told["threads"] = answers(works.threads, [b"OMP_NUM_THREADS"], place)
        told["refused"] = error_of(works.refuses, [b"0"], place)
        told["killer"] = error_of(works.kills, [b"0", b"kill", b"2"], place)

        def disturb(count: int) -> None:
            if count == 6:
                told["killed"] = works.began(log)[-1][1]
                os.kill(told["killed"], signal.SIGKILL)
            if count >= 12 and "lost" not in told and (busy := at_work_on(second, log)):
                for pid in (raylet(second), *busy):  # as a machine goes: all at once
                    os.kill(pid, signal.SIGKILL)
                there.remove_node(second, allow_graceful=False)
                told["lost"] = list(busy.values())

        tasks = [f"{log} 0.2 {number}".encode() for number in range(40)]
        told["disturbed"] = answers(works.logged, tasks, place, disturb)
        told["began"] = [name for name, _ in works.began(log)]
        told["listening"] = sorted(set(listening()))
        ray.init(address=there.address, log_to_driver=False)
        told["joined"] = answers(works.digest, [b"0"], Place())
        told["other"] = error_of(works.digest, [b"0"], Place(address="127.0.0.1:1"))
        told["connected"] = ray.is_initialized()
        ray.shutdown()
    finally:
        there.shutdown()
    return told


def raylet(node: Any) -> int:
    """The process that a node's workers come from."""
    return int(node.all_processes["raylet"][0].process.pid)


def at_work_on(node: Any, log: Path) -> dict[int, str]:
    """A node's process that began the latest task, with the task's name, where that was just now."""
    name, pid = works.began(log)[-1]
    try:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return {}
    return {pid: name} if parent == raylet(node) and time.time() - log.stat().st_mtime < 0.12 else {}


def sweep(folder: Path) -> dict[str, Any]:
    """A sweep with a checkpoint, on a cluster that the executor starts."""
    tasks = [f"{folder / 'log'} 0.05 {number}".encode() for number in range(40)]
    with open_sweep(folder / "sweep.sqlite", "key", tasks) as kept:
        found = run_sweep(executor("ray", Place(workers=2)), works.logged, tasks, kept)
    return {"answers": [answer.hex() for answer in found]}


def listening() -> list[str]:
    """Addresses at which processes of this test listen [hex, as Linux shows them]."""
    sockets = set()
    for process in [*living(Path(os.environ["RAY_TMPDIR"])), Path("/proc/self")]:
        for file in (process / "fd").glob("*"):
            try:
                sockets.add(os.readlink(file))
            except OSError:
                continue
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and f"socket:[{parts[9]}]" in sockets:
                found.append(parts[1].split(":")[0])
    return found


def living(folder: Path) -> list[Path]:
    """Processes that have a file below a folder open, as all of Ray's have their logs."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            files = [os.readlink(file) for file in (process / "fd").iterdir()]
        except OSError:
            continue
        if any(name.startswith(f"{folder}/") for name in files):
            found.append(process)
    return found


def watchdog(limit_s: float) -> None:
    """Never outlive the test."""
    timer = threading.Timer(limit_s, os._exit, [99])
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    watchdog(120.0)
    scenes = {"started": started, "cluster": cluster, "sweep": sweep}
    sys.stdout.write(json.dumps(scenes[sys.argv[1]](Path(sys.argv[2]))))
