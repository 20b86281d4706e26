"""Jobs as they are shown: as JSON, as server-sent events, and the files they leave."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from accord.base.errors import DataError
from accord.report.outputs import EXPORTS, PICTURES
from accord.store.job import QUEUED, RUNNING, Job
from accord.web.job_process import CHECKPOINT, QUESTION, WORK

PIECE = 1 << 18  # bytes of a file that are read at once
SUMMARY = "summary.json"
NAMES = frozenset({SUMMARY, *(EXPORTS[name].file for name in EXPORTS), *(PICTURES[name].file for name in PICTURES)})
"""Files of a simulation that may be fetched."""


def event(job: Job, number: int) -> bytes:
    """One server-sent event: ``progress`` while it is queued or runs, then the name of its state."""
    name = "progress" if job.state in (QUEUED, RUNNING) else job.state
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), to_json(job))


def to_json(job: Job) -> bytes:
    """A job as the API shows it."""
    found = msgspec.to_builtins(job)
    del found["exit_code"]
    return msgspec.json.encode(found)


def shown(request: Mapping[str, object]) -> dict[str, object]:
    """A request without the contents of its files."""

    def plain(value: object) -> object:
        if isinstance(value, Mapping):
            if "name" in value and ("text" in value or "base64" in value):
                return {"name": value["name"]}
            return {str(key): plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    return {name: plain(value) for name, value in request.items()}


def read_whole(path: Path) -> bytes:
    """Content of a regular file. Raises DataError where it is gone, or a link."""
    return b"".join(read_pieces(path))


def read_pieces(path: Path) -> Iterator[bytes]:
    """The same, piece by piece."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except OSError as error:
        what = f"what the job left cannot be read ({error.strerror})"
        raise DataError(what, hint="ask the question again") from None


def listed(folder: Path) -> dict[str, int]:
    """Regular files of a folder whose names are known; links are none."""
    if folder.is_symlink() or not folder.is_dir():
        return {}
    with os.scandir(folder) as found:
        kept = {
            one.name: one.stat(follow_symlinks=False).st_size
            for one in found
            if one.name in NAMES and one.is_file(follow_symlinks=False)
        }
    return dict(sorted(kept.items()))


def tidy(folder: Path) -> None:
    """Remove what only a job that goes on needs: the question, with its files, and finished parts."""
    for name in (QUESTION, *(CHECKPOINT + end for end in ("", "-wal", "-shm", "-journal"))):
        with contextlib.suppress(OSError):
            (folder / name).unlink()
    shutil.rmtree(folder / WORK, ignore_errors=True)
