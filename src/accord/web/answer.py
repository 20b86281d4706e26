"""One question in a worker: words of a command line -> what the verb prints with ``--json``, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class File:
    """A file of a request. name: as the sender calls it, without folders; data: its bytes, perhaps gzipped."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Question:
    """A question that has been checked.

    verb: its path, such as ``policy classify``
    words: after the verb; a word may hold :data:`accord.web.schema.MARK` + index + MARK where a file's path goes
    files: what is written into the worker's private folder before the verb is run
    """

    verb: str
    words: tuple[str, ...]
    files: tuple[File, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What a verb said.

    status: of HTTP; exit_code: of the command; body: JSON, the envelope or ``{"error": {...}}``
    """

    status: int
    exit_code: int
    body: bytes


def run(question: Question, folder: Path, *, store: Path, extra: Sequence[str] = ()) -> Reply:
    """Run a question in this process and return its reply; nothing is raised.

    folder: empty and private; files of the question are written there
    store: the run store; extra: further words, such as ``--out=...`` of a job
    """
    raise NotImplementedError
