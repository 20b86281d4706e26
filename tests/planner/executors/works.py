"""Work for workers to do; a task's bytes are text, its parts apart by spaces."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path

from accord.base.errors import DoesNotFit

ROOT = Path(__file__).parents[3]  # workers find this module from here


def digest(task: bytes) -> bytes:
    """An answer that is told from every other."""
    return hashlib.sha256(task).digest()


def logged(task: bytes) -> bytes:
    """``LOG SLEEP_S NAME``: write down that the task began, take some time, answer."""
    log, sleep_s, name = task.decode().split()
    line = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(line, f"{name} {os.getpid()}\n".encode())
    os.close(line)
    time.sleep(float(sleep_s))
    return digest(name.encode())


def began(log: Path) -> list[tuple[str, int]]:
    """Names of the tasks that began, with the process."""
    if not log.exists():
        return []
    return [(name, int(pid)) for name, pid in (line.split() for line in log.read_text().splitlines())]


def kills_once(task: bytes) -> bytes:
    """``MARK NAME``: the first to come here ends its process, later ones answer; no MARK is ``-``."""
    mark, name = task.decode().split()
    if mark != "-":
        try:
            os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)
        except FileExistsError:
            pass
    return digest(name.encode())


def kills(task: bytes) -> bytes:
    """``kill`` ends its process each time."""
    if task == b"kill":
        os.kill(os.getpid(), signal.SIGKILL)
    return digest(task)


def leaves(task: bytes) -> bytes:
    """End the process as C code might."""
    os._exit(7)


def refuses(task: bytes) -> bytes:
    """Raise what Accord raises."""
    raise DoesNotFit(f"task {task.decode()} does not fit", where="a chip", hint="use more")


class Odd(Exception):
    """An error that does not survive pickling."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("odd")


def breaks(task: bytes) -> bytes:
    """Raise what cannot travel."""
    raise Odd(1, 2)


def fails(task: bytes) -> bytes:
    """Raise what Python raises."""
    raise ZeroDivisionError("by nought")


def threads(task: bytes) -> bytes:
    """Threads that numerical libraries may use here."""
    return os.environ.get(task.decode(), "unset").encode()
