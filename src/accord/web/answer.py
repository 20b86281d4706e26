"""One question in a worker: words of a command line -> what the verb prints with ``--json``, or an error."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from accord.api.runs import FILE, HOME_VARIABLE
from accord.base.errors import AccordError, UsageError
from accord.cli.main import cli
from accord.web.uploads import unpack

OK, TOO_LARGE, CANNOT_BE_MEANT, FAULT, UNAVAILABLE = 200, 413, 422, 500, 503
EXIT_INTERNAL, EXIT_IO, EXIT_INTERRUPTED = 70, 74, 130
STORED = ("policy check", "runs compare", "runs list", "runs show", "simulate")  # verbs that take --store
log = logging.getLogger("accord.web")


@dataclass(frozen=True)
class File:
    """A file of a request. name: as the sender calls it, without folders; data: its bytes, perhaps gzipped."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Question:
    """A question that has been checked.

    verb: its path, such as ``policy classify``; words: after the verb; they name files by their names alone
    files: what is written into the worker's folder, in which the verb is run
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


def error_body(what: str, where: str | None = None, hint: str | None = None, exit_code: int | None = None) -> bytes:
    """The one form of an error. exit_code: of the command, None where none was run."""
    told = {"what": what, "where": where, "hint": hint, "exit_code": exit_code}
    return json.dumps({"error": told}, ensure_ascii=False).encode() + b"\n"


def refusal(status: int, what: str, where: str | None = None, hint: str | None = None, exit_code: int = 1) -> Reply:
    """A reply that is an error."""
    return Reply(status, exit_code, error_body(what, where, hint, exit_code))


def run(
    question: Question, folder: Path, *, store: Path, extra: Sequence[str] = (), most_bytes: int = 64 << 20
) -> Reply:
    """Run a question in this process and return its reply; nothing is raised.

    folder: empty and private; files of the question are written there, and the verb is run in it
    store: the run store; extra: further flags, such as ``--out=...`` of a job
    most_bytes: of one file once it is unpacked
    """
    store = store.absolute()
    words = [*question.verb.split(), *extra, *_store_words(question.verb, store), *question.words]
    printed, said = io.StringIO(), io.StringIO()
    try:
        with _inside(folder, store), _captured(printed, said):
            _bring(question.files, folder, most_bytes)
            code = cli.main(words, prog_name="accord", standalone_mode=False)
    except BaseException as error:  # a worker outlives whatever its question does
        reply = _of_error(error)
    else:
        reply = Reply(OK, code if isinstance(code, int) else 0, printed.getvalue().encode())
        if not reply.body:
            reply = refusal(FAULT, "the verb printed nothing", hint="please report it", exit_code=EXIT_INTERNAL)
    return _without_places(reply, folder, store)


def _store_words(verb: str, store: Path) -> tuple[str, ...]:
    """What names a store that is not called as usual."""
    return (f"--store={store}",) if store.name != FILE and verb in STORED else ()


def _bring(files: Sequence[File], folder: Path, most_bytes: int) -> None:
    """Write a question's files. Raises UsageError, DataError for content that may not be."""
    for file in files:
        (folder / file.name).write_bytes(unpack(file.name, file.data, most_bytes))


@contextlib.contextmanager
def _inside(folder: Path, store: Path) -> Iterator[None]:
    """Be in a folder, with the store where verbs look for it."""
    before, home = os.getcwd(), os.environ.get(HOME_VARIABLE)
    os.chdir(folder)
    os.environ[HOME_VARIABLE] = str(store.parent)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.pop(HOME_VARIABLE)
        if home is not None:
            os.environ[HOME_VARIABLE] = home


@contextlib.contextmanager
def _captured(printed: io.StringIO, said: io.StringIO) -> Iterator[None]:
    """Keep what is printed, and give an empty standard input."""
    stdin = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO())
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
            yield
    finally:
        sys.stdin = stdin


def _of_error(error: BaseException) -> Reply:
    """What the command line would say of an error, as a reply."""
    if isinstance(error, AccordError):
        return refusal(CANNOT_BE_MEANT, error.what, error.where, error.hint, error.exit_code)
    if isinstance(error, click.ClickException):
        return refusal(CANNOT_BE_MEANT, error.format_message().rstrip("."), exit_code=error.exit_code)
    if isinstance(error, MemoryError):
        return refusal(
            TOO_LARGE, "the question needs more memory than a worker may use", hint="ask for less at once"
        )  # fmt: skip
    if isinstance(error, KeyboardInterrupt | click.exceptions.Abort):
        return refusal(UNAVAILABLE, "the worker was interrupted", hint="ask again", exit_code=EXIT_INTERRUPTED)
    if isinstance(error, PermissionError):
        return refusal(
            CANNOT_BE_MEANT, f"'{error.filename}' may not be read here", hint="send a file's content, not its place",
            exit_code=UsageError.exit_code,
        )  # fmt: skip
    log.error("fault\n%s", "".join(traceback.format_exception(error)))
    code = EXIT_IO if isinstance(error, OSError) else EXIT_INTERNAL
    return refusal(
        FAULT, "this is a fault of Accord, not of your input", hint="please report it with the server's log",
        exit_code=code,
    )  # fmt: skip


def _without_places(reply: Reply, folder: Path, store: Path) -> Reply:
    """The reply without the folders of this machine that a verb may have named."""
    body = reply.body
    for place in dict.fromkeys((folder, folder.resolve(), store.parent, store.parent.resolve())):
        own = json.dumps(str(place), ensure_ascii=False)[1:-1].encode()
        if place != Path(place.anchor):
            body = body.replace(own + b"/", b"")
    return reply if body is reply.body else Reply(reply.status, reply.exit_code, body)
