"""What a job is: a long question, its state, and which states may follow it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from accord.base.errors import UsageError

ID = re.compile(r"[0-9a-f]{32}")
QUEUED, RUNNING, DONE, FAILED, CANCELLED, INTERRUPTED = (
    "queued", "running", "done", "failed", "cancelled", "interrupted"
)  # fmt: skip
NEXT: Mapping[str, frozenset[str]] = MappingProxyType({
    QUEUED: frozenset({RUNNING, FAILED, CANCELLED, INTERRUPTED}),
    RUNNING: frozenset({DONE, FAILED, CANCELLED, INTERRUPTED}),
    INTERRUPTED: frozenset({QUEUED, CANCELLED}),
    DONE: frozenset(),
    FAILED: frozenset(),
    CANCELLED: frozenset(),
})  # fmt: skip
"""State -> states that may follow it."""
ENDED = frozenset({DONE, FAILED, CANCELLED, INTERRUPTED})


class NoSuchJob(UsageError):
    """No job has this id."""


class WrongState(UsageError):
    """The job is not in a state for that."""


class Progress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a job is: ``done`` of ``total`` of what ``text`` says, 0 of 0 where that is not known."""

    done: int = 0
    total: int = 0
    text: str = ""


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a job failed, in the parts of :class:`accord.base.errors.AccordError`."""

    what: str
    where: str | None = None
    hint: str | None = None
    exit_code: int = 70


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One job.

    request: as it was sent, content of files left out; created, started, ended: ISO 8601 with the zone
    run: id in the store of runs; resumes: times it was taken up again; exit_code: of the verb, once it answered
    """

    id: str
    verb: str
    request: dict[str, object]
    state: str
    created: str
    started: str | None = None
    ended: str | None = None
    progress: Progress = Progress()
    error: Failure | None = None
    run: str | None = None
    resumes: int = 0
    exit_code: int | None = None
