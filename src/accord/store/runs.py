"""Past runs in one SQLite file, which several processes may use at once.

The file says whose it is (``application_id``) and in which form (``user_version``). A file of something else, a
damaged one and one of a newer form are refused with what to do; nothing is ever written to them.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec

from accord.base.errors import AccordError, DataError, UsageError
from accord.base.registry import closest
from accord.report.to_json import to_bytes
from accord.store.record import Comparison, Record, Run, side_by_side

APPLICATION = 0x41434344  # "ACCD"
SCHEMA = 1
WAIT_S = 30.0  # for another process to finish its write
NEAR = 1000  # latest runs among which the id that was meant is looked for
SHOWN = 6  # ids that a message lists
_COLUMNS = "id, verb, created, label, model, system, inputs, metrics, catalog, accord, complete, files"
_TABLES = """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        verb TEXT NOT NULL,
        created TEXT NOT NULL,
        label TEXT NOT NULL,
        model TEXT NOT NULL,
        system TEXT NOT NULL,
        inputs TEXT NOT NULL,
        metrics TEXT NOT NULL,
        catalog TEXT NOT NULL,
        accord TEXT NOT NULL,
        complete INTEGER NOT NULL,
        files TEXT NOT NULL
    );
    CREATE INDEX runs_created ON runs (created);
"""
_FILTERS = ("verb", "model", "system", "label")
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_SHUT = (
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL
)  # fmt: skip
_JSON = ("inputs", "metrics", "files")


class RunStore:
    """The runs kept in a file; it comes into being with the first of them."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is opened yet."""
        self.path = path

    def add(self, record: Record, *, id: str | None = None) -> str:
        """Keep a run and return its id, 128 random bits in hexadecimal digits unless one is given.

        Raises UsageError for an id that is taken or malformed, DataError for a file that cannot be used.
        """
        id = secrets.token_hex(16) if id is None else id
        if not re.fullmatch(r"[0-9a-f]{32}", id):
            raise UsageError(f"'{id}' is no id of a run", hint="an id has 32 hexadecimal digits")
        values = [id, *(_kept(record, name) for name in _COLUMNS.split(", ")[1:])]
        marks = ", ".join("?" * len(values))
        with self._open(write=True) as database:
            try:
                database.execute(f"INSERT INTO runs ({_COLUMNS}) VALUES ({marks})", values)
            except sqlite3.IntegrityError:
                raise UsageError(f"there is a run {id} already", where=str(self.path)) from None
        return id

    def list(
        self,
        *,
        verb: str | None = None,
        model: str | None = None,
        system: str | None = None,
        label: str | None = None,
        limit: int | None = None,
    ) -> tuple[Run, ...]:
        """Runs that match every filter, newest first, at most ``limit``; none where there is no file."""
        wanted = dict(zip(_FILTERS, (verb, model, system, label), strict=True))
        wanted = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in wanted) or "1"
        words = f"SELECT {_COLUMNS} FROM runs WHERE {where} ORDER BY created DESC, number DESC LIMIT ?"
        if not self.path.exists():
            return ()
        with self._open(write=False) as database:
            if not _holds_something(database):
                return ()
            rows = database.execute(words, [*wanted.values(), -1 if limit is None else limit]).fetchall()
        return tuple(self._run(row) for row in rows)

    def show(self, name: str) -> Run:
        """The run of an id, or of a beginning of it that no other has. Raises UsageError naming the closest."""
        (run,) = self._found([name])
        return run

    def compare(self, names: Sequence[str]) -> Comparison:
        """Two runs or more side by side, ratios to the first. Raises UsageError for fewer or an unknown one."""
        if len(names) < 2:
            raise UsageError("one run is compared with nothing", hint="name a second run")
        return side_by_side(self._found(names))

    def delete(self, names: Sequence[str]) -> tuple[str, ...]:
        """Forget runs, all or none, and return their ids; files they wrote stay. Raises UsageError."""
        if not self.path.exists():
            raise self._unknown(names[0], [])
        with self._open(write=True) as database:
            ids = tuple(dict.fromkeys(self._id(database, name) for name in names))
            database.executemany("DELETE FROM runs WHERE id = ?", [(id,) for id in ids])
        return ids

    def _found(self, names: Sequence[str]) -> tuple[Run, ...]:
        if not self.path.exists():
            raise self._unknown(names[0], [])
        words = f"SELECT {_COLUMNS} FROM runs WHERE id = ?"
        with self._open(write=False) as database:
            if not _holds_something(database):
                raise self._unknown(names[0], [])
            ids = [self._id(database, name) for name in names]
            rows = [database.execute(words, (id,)).fetchone() for id in ids]
        return tuple(self._run(row) for row in rows)

    def _id(self, database: sqlite3.Connection, name: str) -> str:
        """The one id that begins with ``name``."""
        low = name.strip().lower()
        if re.fullmatch(r"[0-9a-f]{1,32}", low):
            words = "SELECT id FROM runs WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
            found = [id for (id,) in database.execute(words, (low, f"{low}g", SHOWN + 1))]
            if len(found) == 1:
                return str(found[0])
            if found:
                more = ", ..." if len(found) > SHOWN else ""
                listed = ", ".join(id[: max(12, len(low) + 4)] for id in found[:SHOWN])
                raise UsageError(f"several runs begin with '{name}'", hint=f"write more of it: {listed}{more}")
        near = [id for (id,) in database.execute("SELECT id FROM runs ORDER BY number DESC LIMIT ?", (NEAR,))]
        raise self._unknown(name, near)

    def _unknown(self, name: str, ids: Sequence[str]) -> UsageError:
        beginnings = {id[: max(len(name), 8)]: None for id in ids}
        near = closest(name, beginnings)
        hint = f"did you mean '{near}'?" if near else "'accord runs list' shows which there are"
        return UsageError(f"there is no run '{name}'", where=str(self.path), hint=hint)

    def _run(self, row: Sequence[object]) -> Run:
        fields = dict(zip(_COLUMNS.split(", "), row, strict=True))
        id = str(fields.pop("id"))
        try:
            fields |= {name: msgspec.json.decode(str(fields[name])) for name in _JSON}
            return Run(id=id, record=msgspec.convert(fields, Record, strict=False))
        except (msgspec.DecodeError, msgspec.ValidationError, AccordError) as error:
            hint = f"'accord runs delete {id[:12]}' forgets it"
            raise DataError(f"run {id[:12]} cannot be read: {error}", where=str(self.path), hint=hint) from None

    @contextmanager
    def _open(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """A connection to a file that was found to be ours, within one transaction."""
        try:
            with closing(self._connected(write)) as database:
                if write:
                    _begin(database)
                self._check(database)
                yield database
                if write:
                    database.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._damaged(error) from None

    def _connected(self, write: bool) -> sqlite3.Connection:
        if self.path.is_symlink():
            what, hint = "a symbolic link where the store should be", "give --store the file that it leads to"
            raise DataError(what, where=str(self.path), hint=hint)
        if write:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None)
        address = f"file:{quote(str(self.path.absolute()))}"
        try:
            return _reader(f"{address}?mode=ro")
        except sqlite3.OperationalError as error:  # in a folder that may not be written to: what the file itself holds
            if _code(error) not in _SHUT:
                raise
            return _reader(f"{address}?mode=ro&immutable=1")

    def _check(self, database: sqlite3.Connection) -> None:
        """Refuse what is neither ours nor empty, as it is while another process begins it. Raises DataError."""
        if not _holds_something(database):
            return
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION:
            what = "the file is a database, but holds no runs of Accord"
            raise DataError(what, where=str(self.path), hint="give --store another path")
        if version > SCHEMA:
            raise DataError(
                f"the file was written by a newer Accord (form {version}, this one knows {SCHEMA})",
                where=str(self.path),
                hint="update Accord, or give --store another path",
            )

    def _damaged(self, error: sqlite3.Error) -> AccordError:
        """What to do about an error of the database."""
        code, where = _code(error), str(self.path)
        if code in _HELD:
            hint = "try again; end the program that holds it if that does not help"
            return DataError(f"the file is in use by another program ({error})", where=where, hint=hint)
        if code in _SHUT:
            hint = "give --store a path that can be written to"
            return DataError(f"the file cannot be opened or written ({error})", where=where, hint=hint)
        hint = "move the file away, and a new one begins with the next run; or give --store another path"
        return DataError(f"the file is no database of runs, or is damaged ({error})", where=where, hint=hint)


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, 0 for an error that is not its own."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _reader(address: str) -> sqlite3.Connection:
    database = sqlite3.connect(address, timeout=WAIT_S, isolation_level=None, uri=True)
    try:
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database


def _begin(database: sqlite3.Connection) -> None:
    """Begin to write; an empty file becomes a store first, whichever process is there first."""
    if not _holds_something(database):
        _set_journal(database)
    database.execute("BEGIN IMMEDIATE")
    if not _holds_something(database):
        for words in _TABLES.strip().rstrip(";").split(";"):
            database.execute(words)
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {SCHEMA}")


def _holds_something(database: sqlite3.Connection) -> bool:
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return bool(tables or application or version)


def _set_journal(database: sqlite3.Connection) -> None:
    """Write ahead, so that readers never wait; SQLite does not itself wait for others when this is set."""
    until_s = time.monotonic() + WAIT_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if _code(error) not in _HELD or time.monotonic() > until_s:
                raise
        time.sleep(0.01)


def _kept(record: Record, name: str) -> object:
    value = getattr(record, name)
    if name in _JSON:
        return to_bytes(value, indent=0).decode().rstrip("\n")
    return int(value) if isinstance(value, bool) else value
