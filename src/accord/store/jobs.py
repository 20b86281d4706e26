"""Long questions and what became of them: a row each in one SQLite file, and a folder each beside it.

A job that was added is in the file once ``add`` returns, whatever ends the process after that. One process at a time
holds the folder. The file says whose it is (``application_id``) and in which form (``user_version``); a file of
something else, a damaged one and one of a newer form are refused with what to do, and so are symbolic links.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec

from accord.base.errors import AccordError, DataError, UsageError
from accord.store.job import (
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    ID,
    INTERRUPTED,
    NEXT,
    QUEUED,
    RUNNING,
    Failure,
    Job,
    NoSuchJob,
    Progress,
    WrongState,
)

APPLICATION = 0x4143434A  # "ACCJ"
SCHEMA = 1
FILE = "jobs.sqlite"
LOCK = "jobs.lock"
WORK = "work-"  # begins the names of folders that are not kept
WAIT_S = 10.0  # for another program that reads the file
_COLUMNS = "id, verb, request, state, created, started, ended, progress, error, run, resumes, exit_code"
_TABLES = (
    """CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        verb TEXT NOT NULL,
        request TEXT NOT NULL,
        state TEXT NOT NULL,
        created TEXT NOT NULL,
        started TEXT,
        ended TEXT,
        progress TEXT NOT NULL,
        error TEXT,
        run TEXT,
        resumes INTEGER NOT NULL,
        exit_code INTEGER
    )""",
    "CREATE INDEX jobs_state ON jobs (state)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_SHUT = (
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL
)  # fmt: skip
_AGAIN = "move the file away, and a new one begins; or give --store another path"


class JobStore:
    """The jobs of a folder, held by this process until closed. Safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        """Open or begin it. Raises DataError for a file that cannot be used, UsageError where another holds it."""
        self.folder = folder
        self.path = folder / FILE
        self._turn = threading.RLock()
        self._lock = _held(folder)
        try:
            self._database = _opened(self.path)
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Let go of the folder; what was kept stays."""
        with self._turn:
            self._database.close()
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def add(self, verb: str, request: Mapping[str, object], *, created: str, id: str | None = None) -> Job:
        """Keep a new job, queued; its id is 128 random bits in hexadecimal digits unless one is given."""
        id = secrets.token_hex(16) if id is None else _checked(id)
        job = Job(id=id, verb=verb, request=dict(request), state=QUEUED, created=created)
        values = _values(job)
        with self._write() as database:
            try:
                database.execute(f"INSERT INTO jobs ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})", values)
            except sqlite3.IntegrityError:
                raise UsageError(f"there is a job {id} already", where=str(self.path)) from None
        return job

    def show(self, id: str) -> Job:
        """One job. Raises NoSuchJob."""
        with self._read() as database:
            return self._one(database, id)

    def list(self, *, limit: int | None = None, state: str | None = None) -> tuple[Job, ...]:
        """Jobs, newest first, of one state if it is given, at most ``limit``."""
        where, values = ("state = ?", [state]) if state is not None else ("1", [])
        words = f"SELECT {_COLUMNS} FROM jobs WHERE {where} ORDER BY number DESC LIMIT ?"
        with self._read() as database:
            rows = database.execute(words, [*values, -1 if limit is None else limit]).fetchall()
        return tuple(self._job(row) for row in rows)

    def start(self, id: str, *, at: str) -> Job:
        """A queued job runs. Raises WrongState."""
        return self._move(id, RUNNING, started=at)

    def finish(self, id: str, *, at: str, exit_code: int, run: str | None, progress: Progress) -> Job:
        """A running job has its answer. Raises WrongState."""
        return self._move(id, DONE, ended=at, exit_code=exit_code, run=run, progress=progress)

    def fail(self, id: str, error: Failure, *, at: str, progress: Progress) -> Job:
        """A job has none. Raises WrongState."""
        return self._move(id, FAILED, ended=at, error=error, progress=progress)

    def cancel(self, id: str, *, at: str) -> Job:
        """A job is not wanted any more. Raises WrongState for one that ended for good."""
        return self._move(id, CANCELLED, ended=at)

    def interrupt(self, id: str, *, at: str, progress: Progress) -> Job:
        """A job stops where it is, to be resumed. Raises WrongState."""
        return self._move(id, INTERRUPTED, ended=at, progress=progress)

    def interrupt_all(self, *, at: str) -> tuple[str, ...]:
        """What was queued or running when the process before this one ended is interrupted; returns the ids."""
        with self._write() as database:
            words = "SELECT id FROM jobs WHERE state IN (?, ?) ORDER BY number"
            ids = tuple(id for (id,) in database.execute(words, (QUEUED, RUNNING)))
            words = "UPDATE jobs SET state = ?, ended = ? WHERE state IN (?, ?)"
            database.execute(words, (INTERRUPTED, at, QUEUED, RUNNING))
        return ids

    def resume(self, id: str) -> Job:
        """An interrupted job is queued again. Raises WrongState for any other."""
        with self._write() as database:
            before = self._one(database, id)
            if before.state != INTERRUPTED:
                raise _wrong(before, QUEUED)
            return self._put(
                database,
                before,
                state=QUEUED,
                started=None,
                ended=None,
                progress=Progress(),
                resumes=before.resumes + 1,
            )

    def keep_progress(self, id: str, progress: Progress) -> None:
        """Remember how far a running job is; nothing where it does not run."""
        with self._write() as database:
            words = "UPDATE jobs SET progress = ? WHERE id = ? AND state = ?"
            database.execute(words, (_json(progress), _checked(id), RUNNING))

    def delete(self, id: str) -> None:
        """Forget a job that ended, and its folder. Raises NoSuchJob, WrongState."""
        with self._write() as database:
            before = self._one(database, id)
            if before.state not in ENDED:
                raise WrongState(f"job {id[:12]} is {before.state}", hint="cancel it first")
            database.execute("DELETE FROM jobs WHERE id = ?", (id,))
        self._clear(id)

    def expire(self, kept: int) -> tuple[str, ...]:
        """Forget jobs that ended before the newest ``kept`` of those that did; returns their ids."""
        words = f"SELECT id FROM jobs WHERE state IN ({', '.join('?' * len(ENDED))})"
        words += " ORDER BY ended DESC, number DESC LIMIT -1 OFFSET ?"
        with self._write() as database:
            ids = tuple(id for (id,) in database.execute(words, (*sorted(ENDED), kept)))
            database.executemany("DELETE FROM jobs WHERE id = ?", [(id,) for id in ids])
        for id in ids:
            self._clear(id)
        return ids

    def sweep(self) -> tuple[str, ...]:
        """Remove folders of no job and those of work, which a process leaves that is killed; returns their names."""
        with self._read() as database:
            known = {id for (id,) in database.execute("SELECT id FROM jobs")}
        names = [one.name for one in os.scandir(self.folder)]
        found = [name for name in names if name.startswith(WORK) or (ID.fullmatch(name) and name not in known)]
        for name in found:
            self._clear(name)
        return tuple(found)

    def place(self, id: str) -> Path:
        """Folder of a job, which need not be there. Raises NoSuchJob for what is no id, DataError for a link."""
        path = self.folder / _checked(id)
        if path.is_symlink():
            raise DataError("a symbolic link where a job's folder should be", where=str(path), hint="remove it")
        return path

    def _clear(self, name: str) -> None:
        path = self.folder / name
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path, ignore_errors=True)  # follows no links

    def _move(self, id: str, state: str, **changes: object) -> Job:
        with self._write() as database:
            before = self._one(database, id)
            if state not in NEXT[before.state]:
                raise _wrong(before, state)
            return self._put(database, before, state=state, **changes)

    def _put(self, database: sqlite3.Connection, before: Job, **changes: object) -> Job:
        job = msgspec.structs.replace(before, **changes)
        names = _COLUMNS.split(", ")[1:]
        sets = ", ".join(f"{name} = ?" for name in names)
        database.execute(f"UPDATE jobs SET {sets} WHERE id = ?", [*_values(job)[1:], job.id])
        return job

    def _one(self, database: sqlite3.Connection, id: str) -> Job:
        row = database.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (_checked(id),)).fetchone()
        if row is None:
            raise NoSuchJob(f"there is no job {id}", hint="jobs that ended long ago are forgotten")
        return self._job(row)

    def _job(self, row: Sequence[object]) -> Job:
        fields = dict(zip(_COLUMNS.split(", "), row, strict=True))
        try:
            for name in ("request", "progress", "error"):
                fields[name] = None if fields[name] is None else msgspec.json.decode(str(fields[name]))
            job = msgspec.convert(fields, Job)
            if job.state not in NEXT:
                raise msgspec.ValidationError(f"no state '{job.state}'")
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            what = f"job {str(fields['id'])[:12]} cannot be read: {error}"
            raise DataError(what, where=str(self.path), hint=_AGAIN) from None
        return job

    @contextlib.contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._turn, _clear_words(self.path):
            yield self._database

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        with self._turn, _clear_words(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def working_folder(folder: Path) -> Path:
    """A new folder for whoever holds the jobs of a folder; what a killed process leaves of it is swept."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Path(tempfile.mkdtemp(prefix=WORK, dir=folder))


def _checked(id: str) -> str:
    if not ID.fullmatch(id):
        raise NoSuchJob("that is no id of a job", hint="an id has 32 hexadecimal digits")
    return id


def _wrong(job: Job, state: str) -> WrongState:
    hints = {QUEUED: "only an interrupted job can be resumed", CANCELLED: "it ended already"}
    return WrongState(f"job {job.id[:12]} is {job.state}", hint=hints.get(state))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _values(job: Job) -> list[object]:
    error = None if job.error is None else _json(job.error)
    return [
        job.id, job.verb, _json(job.request), job.state, job.created, job.started, job.ended, _json(job.progress),
        error, job.run, job.resumes, job.exit_code,
    ]  # fmt: skip


def _held(folder: Path) -> int:
    """Make the folder and hold it; returns the lock's descriptor. Raises UsageError, DataError."""
    hint = "give --store another path"
    try:
        if folder.is_symlink():
            raise DataError("a symbolic link where the folder of jobs should be", where=str(folder), hint=hint)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        what = f"the folder of jobs cannot be used ({error.strerror})"
        raise DataError(what, where=str(folder), hint=hint) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise UsageError("another server works on these jobs", where=str(folder), hint=f"end it, or {hint}") from None
    return lock


def _opened(path: Path) -> sqlite3.Connection:
    """The database, found to be ours or begun. Raises DataError."""
    if path.is_symlink():
        raise DataError("a symbolic link where the file of jobs should be", where=str(path), hint=_AGAIN)
    with _clear_words(path):
        database = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            path.chmod(0o600)
            _begin(database, path)
        except BaseException:
            database.close()
            raise
    return database


def _begin(database: sqlite3.Connection, path: Path) -> None:
    database.execute("BEGIN IMMEDIATE")
    marks = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and marks == [0, 0]:
        for words in _TABLES:
            database.execute(words)
    elif marks[0] != APPLICATION:
        raise DataError("the file is a database, but holds no jobs of Accord", where=str(path), hint=_AGAIN)
    elif marks[1] > SCHEMA:
        what = f"the file was written by a newer Accord (form {marks[1]}, this one knows {SCHEMA})"
        raise DataError(what, where=str(path), hint=f"update Accord, or {_AGAIN}")
    else:
        (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise DataError(f"the file of jobs is damaged ({state})", where=str(path), hint=_AGAIN)
    database.execute("COMMIT")
    database.execute("PRAGMA journal_mode = WAL").fetchone()


@contextlib.contextmanager
def _clear_words(path: Path) -> Iterator[None]:
    """Turn what the database raises into what to do about it."""
    try:
        yield
    except sqlite3.Error as error:
        raise _error(path, error) from None
    except OSError as error:
        raise DataError(f"the file cannot be used ({error.strerror})", where=str(path), hint=_AGAIN) from None


def _error(path: Path, error: sqlite3.Error) -> AccordError:
    code = int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
    if code in _HELD:
        hint = "try again; end the program that holds it if that does not help"
        return DataError(f"the file is in use by another program ({error})", where=str(path), hint=hint)
    if code in _SHUT:
        what = f"the file cannot be opened or written ({error})"
        return DataError(what, where=str(path), hint="make room on the disk, or give --store another path")
    return DataError(f"the file is no database of jobs, or is damaged ({error})", where=str(path), hint=_AGAIN)
