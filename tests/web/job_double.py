"""The process of a job whose verb is a double: it does what the first word of the question says."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from accord.cli.watching import Watching, each, parts, tell_kept
from accord.web import job_process
from accord.web.answer import Question, Reply, refusal


def _wait(folder: Path, *rest: str) -> Reply:
    """Stops when it is asked to, with half an answer."""
    with Watching() as watching:
        count = 0
        while watching.progress(count * 0.01, count, 100_000):
            count += 1
            time.sleep(0.01)
    return Reply(200, 130, b'{"half": true}')


def _hold(folder: Path, *rest: str) -> None:
    """Does not stop when it is asked to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parts(1, 2)
    time.sleep(600)


def _burn(folder: Path, *rest: str) -> None:
    while True:
        pass


def _parts(folder: Path, *rest: str) -> None:
    for number in range(int(rest[0]) + 1):
        parts(number, int(rest[0]))


def _begin(folder: Path, *rest: str) -> None:
    run = each(lambda: None, "runs", 2)
    run()
    run()


def _full(folder: Path, *rest: str) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _crash(folder: Path, *rest: str) -> None:
    os.write(2, b"last words")
    os._exit(7)


def _babble(folder: Path, *rest: str) -> None:
    for number in range(3, 20):
        with contextlib.suppress(OSError):
            os.write(number, b"no json\n")


def _eat(folder: Path, *rest: str) -> None:
    kept = [bytearray(1 << 26) for _ in range(1000)]
    kept.clear()


def _files(folder: Path, *rest: str) -> None:
    (folder / "files").mkdir()
    for name in ("series.json", "secret.txt"):
        (folder / "files" / name).write_text(name)
    (folder / "files" / "summary.json").symlink_to(folder / "files" / "secret.txt")


DOES: dict[str, Callable[..., Reply | None]] = {
    "answer": lambda folder, code="0": Reply(200, int(code), b'{"words": "answer"}'),
    "long": lambda folder: Reply(200, 0, b'{"words": "%s"}' % (b"long " * 2000)),
    "wait": _wait,
    "hold": _hold,
    "burn": _burn,
    "parts": _parts,
    "begin": _begin,
    "full": _full,
    "crash": _crash,
    "kill": lambda folder: os.kill(os.getpid(), signal.SIGKILL),
    "babble": _babble,
    "eat": _eat,
    "refuse": lambda folder: refusal(422, "it cannot be meant", "--isl", "mend it", 2),
    "keep": lambda folder: tell_kept("ab" * 16),
    "files": _files,
}


def run(question: Question, folder: Path, *, store: Path, extra: Mapping[str, str], most_bytes: int = 0) -> Reply:
    """See :func:`accord.web.answer.run`."""
    do, *rest = question.words
    reply = DOES[do](folder, *rest)
    return reply or Reply(200, 0, b'{"words": "%s"}' % " ".join((*question.words, *extra.values())).encode())


job_process.__dict__["run"] = run
job_process.NICE = 0  # tests wait for it
if __name__ == "__main__":
    code = job_process.main()
    sys.stderr.flush()
    os._exit(code)
