"""The process of one job: reads what to do, runs the verb, tells how far it is, and leaves the answer in a file.

Started by :mod:`accord.web.jobs` as ``python -m accord.web.job_process`` in the folder of the job. Standard input has
one line, the :class:`Order`, and stays open as long as the server lives: this process ends with it. Standard output
has lines of JSON, each a :class:`Told`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import msgspec

from accord.cli.watching import observed
from accord.store.files import write
from accord.store.job import Failure, Progress
from accord.web.answer import OK, Question, Reply, run
from accord.web.child import limit_cpu, limit_memory
from accord.web.guard import Guard

QUESTION = "question.msgpack"
RESULT = "result.json"
FILES = "files"
WORK = "work"
CHECKPOINT = "parts.sqlite"
EVERY_S = 0.2  # between two lines of progress
NICE = 10
GONE = 1
UNREADABLE = 74
BAD_DATA = 3
ANSWERS = (0, 1)  # yes or no
NO_PARTS = ("--matrix", "--fleet")
EXPORT = "--export="
SIMULATED = ("csv", "chrome-trace", "series")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do.

    folder: of the job; store: of the runs; cpu_s, memory_bytes: limits on this process
    most_bytes: of a file of the question once it is unpacked
    """

    folder: str
    store: str
    cpu_s: float
    memory_bytes: int
    most_bytes: int


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: how far it is, or how it ended. run: id in the store; exit_code: of the verb, with its answer."""

    progress: Progress | None = None
    run: str | None = None
    exit_code: int | None = None
    error: Failure | None = None


class Reporter:
    """Writes lines to the server, progress now and then."""

    def __init__(self, pipe: IO[bytes], id: str) -> None:
        """pipe: binary, without a buffer; id: of the job."""
        self._pipe, self._id, self._last_s = pipe, id, 0.0
        self.run: str | None = None

    def tell(self, told: Told) -> None:
        """Write a line."""
        self._pipe.write(msgspec.json.encode(told) + b"\n")

    def progress(self, done: int, total: int, text: str) -> None:
        """See :class:`accord.cli.watching.Observer`."""
        now_s = time.monotonic()
        if now_s - self._last_s >= EVERY_S or done == total:
            self._last_s = now_s
            self.tell(Told(progress=Progress(done=done, total=total, text=text)))

    def lasting(self, file: str) -> str:
        """Its address under ``/api/v1``; see :class:`accord.cli.watching.Observer`."""
        return f"jobs/{self._id}/{file}"

    def kept(self, run: str) -> None:
        """See :class:`accord.cli.watching.Observer`."""
        self.run = run


def with_places(question: Question) -> tuple[Question, dict[str, str]]:
    """The question, and parameters that the server adds, relative to the folder in which the verb is run.

    A simulation's files go into :data:`FILES`; a search keeps its finished parts in the job's folder.
    """
    if question.verb == "simulate":
        asked = [word.removeprefix(EXPORT) for word in question.words if word.startswith(EXPORT)]
        names = dict.fromkeys([*(name for word in asked for name in word.split(",")), *SIMULATED])
        rest = tuple(word for word in question.words if not word.startswith(EXPORT))
        return replace(question, words=rest), {"out": FILES, "export": ",".join(names)}
    if question.verb in ("plan", "size") and not any(word.startswith(NO_PARTS) for word in question.words):
        return question, {"checkpoint": f"../{CHECKPOINT}"}
    return question, {}


def answer(question: Question, order: Order, reporter: Reporter) -> Reply:
    """Run the verb; a search whose finished parts cannot be used any more begins again without them."""
    reply = _run(question, order, reporter)
    checkpoint = Path(order.folder) / CHECKPOINT
    if reply.exit_code == BAD_DATA and checkpoint.exists() and CHECKPOINT in str(_error(reply).where):
        checkpoint.unlink()
        return _run(question, order, reporter)
    return reply


def _run(question: Question, order: Order, reporter: Reporter) -> Reply:
    """Run the verb in an empty folder; files that it leaves for the reader are moved out of it."""
    work, files = Path(order.folder) / WORK, Path(order.folder) / FILES
    for place in (work, files):
        shutil.rmtree(place, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        question, extra = with_places(question)
        with observed(reporter):
            reply = run(question, work, store=Path(order.store), extra=extra, most_bytes=order.most_bytes)
        if (work / FILES).is_dir():
            (work / FILES).rename(files)
        return reply
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _error(reply: Reply) -> Failure:
    """What a reply without an answer says."""
    try:
        found: Mapping[str, Any] = msgspec.json.decode(reply.body)["error"]
        return Failure(
            what=str(found["what"]), where=found.get("where"), hint=found.get("hint"), exit_code=reply.exit_code
        )
    except (msgspec.DecodeError, KeyError, TypeError):
        return Failure(what="the verb ended without an answer", exit_code=reply.exit_code)


def ended(reply: Reply, folder: Path, run: str | None) -> Told:
    """Keep the answer, and say how it ended."""
    if reply.status != OK or reply.exit_code not in ANSWERS:
        return Told(run=run, error=_error(reply))
    write(folder / RESULT, [reply.body])
    return Told(run=run, exit_code=reply.exit_code)


def _limit(order: Order) -> None:
    """Be the last to get the processor, and no more of it and of memory than is allowed."""
    with contextlib.suppress(OSError):
        os.nice(NICE)
    with contextlib.suppress(OSError):  # Linux shares the processor among sessions first, and a job is one
        Path("/proc/self/autogroup").write_text(str(NICE), encoding="ascii")
    limit_cpu(order.cpu_s)
    limit_memory(order.memory_bytes)


def _follow(stdin: int) -> None:
    """End with the server, even in the midst of the work."""
    while os.read(stdin, 4096):
        pass
    os._exit(GONE)


def main() -> int:
    """Do the job of the order on standard input."""
    os.umask(0o077)
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stdin = sys.stdin.buffer
    line = stdin.readline()
    if not line:
        return GONE  # the server is gone before it gave an order
    order = msgspec.json.decode(line, type=Order)
    threading.Thread(target=_follow, args=(sys.stdin.fileno(),), daemon=True).start()
    _limit(order)
    folder = Path(order.folder)
    Guard(folder, Path(order.store)).install()
    reporter = Reporter(pipe, folder.name)
    try:
        question = msgspec.msgpack.decode((folder / QUESTION).read_bytes(), type=Question)
    except (OSError, msgspec.MsgspecError) as error:
        what = f"what was asked cannot be read any more ({type(error).__name__})"
        reporter.tell(Told(error=Failure(what=what, hint="ask again", exit_code=UNREADABLE)))
        return 0
    try:
        told = ended(answer(question, order, reporter), folder, reporter.run)
    except OSError as error:
        what = f"the answer cannot be kept ({error.strerror})"
        told = Told(error=Failure(what=what, hint="make room on the disk", exit_code=UNREADABLE))
    except MemoryError:
        told = Told(error=Failure(what="the job needs more memory than it may have", hint="ask a smaller question"))
    except KeyboardInterrupt:
        return 130
    reporter.tell(told)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # the thread that reads standard input would hold the interpreter's end up
