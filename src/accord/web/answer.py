"""One question in a worker: words of a command line -> what the verb prints with ``--json``, or an error."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import sys
import tomllib
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any

import click

from accord.api.records import is_sent, no_places
from accord.api.runs import FILE, HOME_VARIABLE
from accord.base.errors import AccordError, UsageError
from accord.cli.main import cli
from accord.cli.watching import Begun, only_checked
from accord.web.uploads import unpack
from accord.web.verbs import commands

OK, TOO_LARGE, CANNOT_BE_MEANT, FAULT, UNAVAILABLE = 200, 413, 422, 500, 503
EXIT_INTERNAL, EXIT_IO, EXIT_INTERRUPTED = 70, 74, 130
STORED = ("policy check", "runs compare", "runs list", "runs show", "simulate")  # verbs that take --store
SCENARIO = ".toml"
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
    only_checked: a long verb ends once it knows what it is to do; the reply is empty then
    """

    verb: str
    words: tuple[str, ...]
    files: tuple[File, ...] = ()
    only_checked: bool = False


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
    question: Question, folder: Path, *, store: Path, extra: Mapping[str, str] | None = None, most_bytes: int = 64 << 20
) -> Reply:
    """Run a question in this process and return its reply; nothing is raised.

    folder: empty and private; files of the question are written there, and the verb is run in it
    store: the run store; extra: further parameters, such as ``out`` of a job, of which the record of a run says nothing
    most_bytes: of one file once it is unpacked
    """
    store = store.absolute()
    words = [*question.verb.split(), *question.words]
    defaults = _defaults(question.verb, {**_store_named(question.verb, store), **(extra or {})})
    printed, said = io.StringIO(), io.StringIO()
    try:
        with _inside(folder, store), _captured(printed, said), no_places():
            _bring(question, folder, most_bytes)
            code = (_checked if question.only_checked else _asked)(words, defaults)
    except BaseException as error:  # a worker outlives whatever its question does
        reply = _of_error(error)
    else:
        reply = Reply(OK, code if isinstance(code, int) else 0, printed.getvalue().encode())
        if not reply.body and not question.only_checked:
            reply = refusal(FAULT, "the verb printed nothing", hint="please report it", exit_code=EXIT_INTERNAL)
    return _without_places(reply, folder, store)


def _checked(words: Sequence[str], defaults: Mapping[str, Any]) -> object:
    """Read what a long verb reads before it begins. Raises as the verb would."""
    with only_checked(), contextlib.suppress(Begun):
        return _asked(words, defaults)
    return 0


def _asked(words: Sequence[str], defaults: Mapping[str, Any]) -> object:
    """Run a verb; its exit code."""
    return cli.main(list(words), prog_name="accord", standalone_mode=False, default_map=defaults)


def _defaults(verb: str, values: Mapping[str, str]) -> Mapping[str, Any]:
    """Values of a verb's parameters that are not typed, in click's form."""
    found: Mapping[str, Any] = values
    for name in reversed(verb.split()):
        found = {name: found}
    return found


def _store_named(verb: str, store: Path) -> dict[str, str]:
    """What names a store that is not called as usual."""
    return {"store": str(store)} if store.name != FILE and verb in STORED else {}


def _bring(question: Question, folder: Path, most_bytes: int) -> None:
    """Write a question's files. Raises UsageError, DataError for content that may not be."""
    for file in question.files:
        content = unpack(file.name, file.data, most_bytes)
        if file.name.lower().endswith(SCENARIO):
            _check_places(question.verb, file.name, content)
        (folder / file.name).write_bytes(content)


def _check_places(verb: str, name: str, content: bytes) -> None:
    """Refuse a scenario that names a file of this machine for a flag. Raises UsageError."""
    try:
        plan = tomllib.loads(content.decode("utf-8-sig")).get("plan")
    except (ValueError, RecursionError):
        return  # the verb says what is wrong with it
    if not isinstance(plan, dict):
        return
    for key in [one.name for one in commands()[verb]().params if isinstance(one.type, click.Path)]:
        values = plan.get(key)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str) and not is_sent(value):
                what = f"plan.{key} names a place of this machine"
                raise UsageError(what, where=name, hint="send the file's content in a field of its own")


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
        return _of_click(error)
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
    if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
        return refusal(UNAVAILABLE, "the disk is full", hint="make room on the disk", exit_code=EXIT_IO)
    log.error("fault\n%s", "".join(traceback.format_exception(error)))
    code = EXIT_IO if isinstance(error, OSError) else EXIT_INTERNAL
    return refusal(
        FAULT, "this is a fault of Accord, not of your input", hint="please report it with the server's log",
        exit_code=code,
    )  # fmt: skip


def _of_click(error: click.ClickException) -> Reply:
    """What click says of a flag: the flag is where, and what it takes the hint."""
    if isinstance(error, click.BadParameter) and error.param is not None:
        param = error.param
        flag = next((text for text in param.opts if text.startswith("--")), param.human_readable_name)
        what = "is missing" if isinstance(error, click.MissingParameter) else error.message.rstrip(".")
        return refusal(CANNOT_BE_MEANT, what, flag, getattr(param, "help", None), error.exit_code)
    return refusal(CANNOT_BE_MEANT, error.format_message().rstrip("."), exit_code=error.exit_code)


def _without_places(reply: Reply, folder: Path, store: Path) -> Reply:
    """The reply without the folders of this machine that a verb may have named: in errors, and as the store's place."""
    body = reply.body
    if reply.status == OK:
        for before in (b'"', b'"--store='):
            own, name = (json.dumps(text, ensure_ascii=False).encode()[1:] for text in (str(store), store.name))
            body = body.replace(before + own, before + name)
    else:
        told = json.loads(body)["error"]
        places = dict.fromkeys(str(one) for place in (folder, store.parent) for one in (place, place.resolve()))
        for part in ("what", "where", "hint"):
            told[part] = told[part] and _plain(told[part], places)
        body = error_body(**told)
    return replace(reply, body=body)


def _plain(text: str, places: Iterable[str]) -> str:
    """A message without these folders before the names of what lies in them."""
    for place in places:
        if place != os.sep:
            text = re.sub(rf"(?<![\w.:/~-]){re.escape(place)}/", "", text)
    return text
