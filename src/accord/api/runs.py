"""The store of past runs: where it lies, and what can be asked of it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from accord.base.errors import UsageError
from accord.store.record import Comparison, Record, Run
from accord.store.runs import RunStore

if sys.platform != "win32":
    import pwd

FILE = "runs.sqlite"
HOME_VARIABLE = "ACCORD_HOME"


def store_path(environ: Mapping[str, str], home: Path | None) -> Path:
    """Where runs are kept if nothing else is said.

    ``$ACCORD_HOME/runs.sqlite``; else ``accord/runs.sqlite`` in ``$XDG_DATA_HOME``, which counts only as an absolute
    path, or in ``~/.local/share`` (XDG Base Directory Specification 0.8)
    home: of the user, None where there is none; raises UsageError where it would be needed
    """
    if environ.get(HOME_VARIABLE):
        return Path(environ[HOME_VARIABLE]).expanduser() / FILE
    data = Path(environ.get("XDG_DATA_HOME", ""))
    if data.is_absolute():
        return data / "accord" / FILE
    if home is None:
        raise UsageError("no home folder is known to keep runs in", hint=f"give --store a path, or set {HOME_VARIABLE}")
    return home / ".local" / "share" / "accord" / FILE


def home_folder() -> Path | None:
    """The user's home, which an empty ``$HOME`` does not name; None where the system knows of none."""
    with contextlib.suppress(KeyError, RuntimeError):
        if sys.platform != "win32" and not os.environ.get("HOME"):
            return Path(pwd.getpwuid(os.getuid()).pw_dir)
        return Path.home()
    return None


def run_store(path: Path | None = None) -> RunStore:
    """The store at a path, or where :func:`store_path` puts it."""
    return RunStore(path if path is not None else store_path(os.environ, home_folder()))


def keep_run(record: Record, *, store: Path | None = None) -> str:
    """Keep a run and return its id. Raises DataError for a store that cannot be used."""
    return run_store(store).add(record)


def list_runs(
    *,
    verb: str | None = None,
    model: str | None = None,
    system: str | None = None,
    label: str | None = None,
    limit: int | None = None,
    store: Path | None = None,
) -> tuple[Run, ...]:
    """Kept runs that match every filter, newest first."""
    return run_store(store).list(verb=verb, model=model, system=system, label=label, limit=limit)


def show_run(id: str, *, store: Path | None = None) -> Run:
    """One run by its id or a beginning of it. Raises UsageError naming the closest."""
    return run_store(store).show(id)


def compare_runs(ids: Sequence[str], *, store: Path | None = None) -> Comparison:
    """Two runs or more side by side, with ratios to the first. Raises UsageError."""
    return run_store(store).compare(ids)


def delete_runs(ids: Sequence[str], *, store: Path | None = None) -> tuple[str, ...]:
    """Forget runs, all or none; files they wrote stay. Raises UsageError."""
    return run_store(store).delete(ids)
