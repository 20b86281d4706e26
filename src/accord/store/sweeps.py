"""Checkpoint of a sweep: answers by number in one SQLite file that one process at a time may use.

An answer is in the file once ``keep`` returns, whatever ends the process after that. The file says whose it is
(``application_id``), in which form (``user_version``), and of which sweep (its key). A file of something else, of
another sweep, or a damaged one is refused with what to do, and stays as it was.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from accord._version import VERSION
from accord.base.errors import AccordError, DataError
from accord.planner.executor import Executor, Work, numbered

Progress = Callable[[int, int], None]

APPLICATION = 0x41434357  # "ACCW"
SCHEMA = 1
WAIT_S = 1.0  # for a process that is just letting go of the file
_TABLES = (
    "CREATE TABLE sweep (key TEXT NOT NULL, accord TEXT NOT NULL, tasks INTEGER NOT NULL)",
    "CREATE TABLE answers (number INTEGER PRIMARY KEY, answer BLOB NOT NULL, sha256 BLOB NOT NULL)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_SHUT = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_AGAIN = "name another file, or move this one away to begin again"


def sweep_key(catalog: str, problem: bytes, tasks: Sequence[bytes]) -> str:
    """SHA-256 [hex] of all that the answers depend on: the version of Accord, the catalog, the problem, the tasks.

    catalog: its digest; problem: what was asked, encoded
    """
    whole = hashlib.sha256()
    for piece in (VERSION.encode(), catalog.encode(), problem, *tasks):
        whole.update(len(piece).to_bytes(8, "big"))
        whole.update(piece)
    return whole.hexdigest()


def open_sweep(path: Path, key: str, tasks: Sequence[bytes]) -> Sweep:
    """Open the checkpoint of a sweep, or begin one where there is no file; it is held until closed.

    key: see :func:`sweep_key`
    Raises DataError for a file of something else, of another sweep, damaged, in use, or that cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _shut(path, error) from None
    with _clear(path):
        database = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
        try:
            _begin(database, path, key, len(tasks))
            return Sweep(path, database, len(tasks))
        except BaseException:
            database.close()
            raise


class Sweep:
    """A checkpoint that is open. A context manager: it closes itself at the end."""

    def __init__(self, path: Path, database: sqlite3.Connection, tasks: int) -> None:
        self.path, self._database, self._tasks = path, database, tasks

    def finished(self) -> dict[int, bytes]:
        """Answers that are kept, by number. Raises DataError where one is not what was kept."""
        with _clear(self.path):
            rows = self._database.execute("SELECT number, answer, sha256 FROM answers ORDER BY number").fetchall()
        for number, answer, digest in rows:
            sound = isinstance(answer, bytes) and hashlib.sha256(answer).digest() == digest
            if not sound or not 0 <= number < self._tasks:
                what = f"answer {number} of the sweep is damaged"
                raise DataError(what, where=str(self.path), hint=_AGAIN)
        return {number: answer for number, answer, _ in rows}

    def keep(self, number: int, answer: bytes) -> None:
        """Keep the answer of a task, at once and for good. Raises DataError where it cannot be written."""
        row = (number, answer, hashlib.sha256(answer).digest())
        with _clear(self.path):
            self._database.execute("INSERT INTO answers VALUES (?, ?, ?)", row)

    def close(self) -> None:
        """Let go of the file; what was kept stays."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run_sweep(
    executor: Executor, work: Work, tasks: Sequence[bytes], sweep: Sweep | None = None, progress: Progress | None = None
) -> list[bytes]:
    """Answers of all tasks, in their order; what the checkpoint has is not worked out again.

    work: a module-level function; sweep: keeps each answer as it comes
    progress: called with the number of finished tasks and of all, at first and after each
    Raises what the executor and the checkpoint raise; the answers kept until then stay.
    """
    answers = {} if sweep is None else sweep.finished()

    def tell() -> None:
        if progress is not None:
            progress(len(answers), len(tasks))

    def done(number: int, answer: bytes) -> None:
        if sweep is not None:
            sweep.keep(number, answer)
        answers[number] = answer
        tell()

    tell()
    executor.run(work, numbered(tasks, answers), done)
    return [answers[number] for number in range(len(tasks))]


def _begin(database: sqlite3.Connection, path: Path, key: str, tasks: int) -> None:
    """Hold the file; see that it is the one of this sweep, or make an empty one so.

    The first tables come with a journal that undoes a half of them; only then does the file write ahead.
    """
    database.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
    database.execute("BEGIN EXCLUSIVE")
    marks = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and marks == [0, 0]:
        for words in _TABLES:
            database.execute(words)
        database.execute("INSERT INTO sweep VALUES (?, ?, ?)", (key, VERSION, tasks))
        database.execute("COMMIT")
    else:
        _check(database, path, key, tasks, marks)
        database.execute("COMMIT")
    database.execute("PRAGMA journal_mode = WAL").fetchone()
    database.execute("PRAGMA synchronous = NORMAL")


def _check(database: sqlite3.Connection, path: Path, key: str, tasks: int, marks: Sequence[int]) -> None:
    where = str(path)
    if marks[0] != APPLICATION:
        raise DataError("the file is a database, but no checkpoint of a sweep", where=where, hint="name another file")
    if marks[1] != SCHEMA:
        what = f"the checkpoint has form {marks[1]}, and this Accord knows {SCHEMA}"
        raise DataError(what, where=where, hint=_AGAIN)
    ((found, accord, number),) = database.execute("SELECT key, accord, tasks FROM sweep").fetchall()
    if found == key and number == tasks:
        state = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if state != "ok":
            raise DataError(f"the checkpoint is damaged ({state})", where=where, hint=_AGAIN)
        return
    if accord != VERSION:
        what = f"the checkpoint is of Accord {accord}, and this is {VERSION}"
    else:
        what = "the checkpoint is of another sweep: its question, scenario or catalog differs"
    raise DataError(what, where=where, hint=_AGAIN)


@contextmanager
def _clear(path: Path) -> Iterator[None]:
    """Turn what the database raises into what to do about it."""
    try:
        yield
    except sqlite3.Error as error:
        raise _error(path, error) from None
    except ValueError as error:  # not one row of the sweep
        raise DataError(f"the checkpoint is damaged ({error})", where=str(path), hint=_AGAIN) from None


def _error(path: Path, error: sqlite3.Error) -> AccordError:
    code = int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
    if code in _HELD:
        hint = "wait for it, or name another file"
        return DataError("another process works on this sweep", where=str(path), hint=hint)
    if code in _SHUT:
        return _shut(path, error)
    if code in _FULL:
        what = f"the checkpoint cannot be read or written ({error})"
        return DataError(what, where=str(path), hint="make room on the disk and run it again: what is finished is kept")
    return DataError(f"the file is no checkpoint, or is damaged ({error})", where=str(path), hint=_AGAIN)


def _shut(path: Path, error: Exception) -> DataError:
    what = f"the checkpoint cannot be opened or written ({error})"
    return DataError(what, where=str(path), hint="name a file in a folder that can be written to")
