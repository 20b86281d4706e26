"""Answers that another party can check: signed, verified, and made again.

The pure part is in :mod:`accord.report.attestation`, keys are in :mod:`accord.store.keys`. Here the two meet the
catalog and the code. Running a verb again is the command line's business. Needs the extra ``[sign]``.
"""

from __future__ import annotations

import datetime
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from accord._version import VERSION
from accord.api.law import Law
from accord.base.errors import DataError, Refusal
from accord.catalog.load import Catalog
from accord.report.attest_view import MOST_DIFFERENCES, Difference, Drift, Recomputed, Verified, difference
from accord.report.attestation import (
    RESULT,
    SHOWN,
    Believed,
    Code,
    Command,
    FileRef,
    Report,
    Signer,
    Statement,
    believe,
    digest,
    on_a_line,
    read_envelope,
    read_statement,
    shown,
    sign,
    statement_bytes,
)
from accord.report.canonical import MOST_BYTES, differences, read_json

PACKAGE = Path(__file__).parents[1]
# Members of a result that are not hashed: paths of files that the verb wrote.
EXCLUDED: Mapping[str, tuple[str, ...]] = {
    "simulate": ("files",), "fabric": ("picture",), "train": ("picture",), "policy.classify": ("picture",),
    "policy.adoption": ("picture",), "audit": ("picture",),
}  # fmt: skip
# Members of inputs that are not hashed: words as they were typed. The statement has the command in a form of its own.
SPELLED: Mapping[str, tuple[str, ...]] = {"simulate": ("command",)}
_SCHEMA = re.compile(r"accord\.([a-z]+(?:[.-][a-z]+)*)/\d{1,4}")
_HEX = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]{0,63}")
_ANY_DAY = datetime.date(2025, 1, 1)  # a rule book's digest is over all its rules, of whatever day


@dataclass(frozen=True, slots=True)
class Run:
    """How the answer was made: the command, the files it read, and the exit code, None where it was not made here."""

    command: Command
    files: tuple[FileRef, ...] = ()
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A verb's JSON answer that was read: its parts, and what of its result is hashed."""

    verb: str
    schema: str
    version: str
    catalog: str
    inputs: Mapping[str, object]
    result: Mapping[str, object]
    excluded: tuple[str, ...]

    @property
    def asked(self) -> dict[str, object]:
        """What of its inputs is hashed."""
        return {key: value for key, value in self.inputs.items() if key not in SPELLED.get(self.verb, ())}


def read_document(data: bytes, where: str) -> Document:
    """Read what a verb printed with ``--json``. Raises DataError."""
    found = read_json(data, where)
    fields = found if isinstance(found, dict) else {}
    schema, inputs, result = fields.get("schema"), fields.get("inputs"), fields.get("result")
    catalog, version = fields.get("catalog"), fields.get("accord")
    known = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    if (
        known is None or not isinstance(inputs, dict) or not isinstance(result, dict) or not isinstance(version, str)
        or not _VERSION.fullmatch(version) or not isinstance(catalog, str) or not _HEX.fullmatch(catalog)
    ):  # fmt: skip
        raise DataError("is no answer of a verb", where=where, hint="give a file that 'accord VERB --json' printed")
    excluded = tuple(name for name in EXCLUDED.get(known[1], ()) if name in result)
    hashed = {key: value for key, value in result.items() if key not in excluded}
    return Document(known[1], known[0], version, catalog, inputs, hashed, excluded)


def attest(
    data: bytes, name: str, signers: Sequence[Signer], catalog: Catalog, *, run: Run | None = None,
    embed: bool = False, beside: bool = True,
) -> bytes:  # fmt: skip
    """Sign a verb's answer.

    data: what it printed with ``--json``; name: of its file, for messages and, with ``beside``, as a subject
    catalog: of here; its rules are recorded where it is the one that answered
    run: how it was made, where that is known; embed: put the result itself into the statement
    Returns the envelope. Raises DataError for what is no answer, or too large or too deep to be read again.
    """
    document = read_document(data, name)
    here = document.catalog == catalog.digest
    result, ran = digest(document.result), run is not None and run.exit_code is not None
    report = Report(
        schema=document.schema, code=_code(document.version, ran=ran), catalog=document.catalog,
        rules=rules_digest(catalog) if here else None, inputs=digest(document.asked), result=result,
        excluded=document.excluded, files=run.files if run else (), command=run.command if run else None,
        exit_code=run.exit_code if run else None, value=dict(document.result) if embed else None,
    )  # fmt: skip
    subjects = {RESULT: result}
    if beside:
        subjects[name if name != RESULT else f"file {name}"] = sha256(data).hexdigest()
    envelope = sign(statement_bytes(Statement(subjects, report)), signers)
    if len(envelope) > MOST_BYTES:
        raise DataError(
            f"its envelope would be larger than {MOST_BYTES >> 20} MiB", where=name, hint="leave --embed out"
        )
    return envelope


def verify(data: bytes, where: str, keys: Sequence[Believed]) -> Verified:
    """Check an envelope's signature, and read what was signed.

    Raises DataError for what is no envelope, Refusal where no key that is believed signed it.
    """
    envelope = read_envelope(data, where)
    signed = believe(envelope, keys, where)
    statement = read_statement(envelope.payload, where)
    known = _SCHEMA.fullmatch(statement.report.schema)
    if known is None or not set(statement.report.excluded) <= set(EXCLUDED.get(known[1], ())):
        what = f"leaves members of the result of {shown(statement.report.schema)} out of its hash"
        raise DataError(what, where=where)
    return Verified(statement, signed)


def compare_document(statement: Statement, data: bytes, where: str) -> str:
    """Hold an answer's file against a statement, and say in which way it is the one that was signed.

    A file whose bytes were signed must say what was signed too: a subject's hash alone does not.
    Raises Refusal naming what differs, DataError for what is no answer.
    """
    report = statement.report
    document = read_document(data, where)
    pairs = (
        ("schema", report.schema, document.schema), ("version", report.code.version, document.version),
        ("catalog", report.catalog, document.catalog), ("inputs", report.inputs, digest(document.asked)),
        ("result", report.result, digest(document.result)),
    )  # fmt: skip
    for name, signed, here in pairs:
        if signed != here:
            places = ", ".join(on_a_line(one.path) for one in islice(_differences(report, document), 3))
            found = f" at {places}" if name == "result" and places else ""
            what = f"is not the answer that was signed: {name} differs{found} (signed {signed[:SHOWN]}, here "
            raise Refusal(f"{what}{here[:SHOWN]})", where=where)
    files = [hash for name, hash in statement.subjects.items() if name != RESULT]
    return "the same bytes" if sha256(data).hexdigest() in files else "the same answer in other bytes"


def drifts(report: Report, catalog: Catalog) -> tuple[Drift, ...]:
    """What an answer rests on that is not the same here: data, rules, version, code."""
    pairs = [
        ("catalog", report.catalog, catalog.digest), ("version", report.code.version, VERSION),
        ("code", report.code.sha256, code_digest()),
    ]  # fmt: skip
    if report.rules is not None:
        pairs.insert(1, ("rules", report.rules, rules_digest(catalog)))
    return tuple(Drift(what, signed[:SHOWN], here[:SHOWN]) for what, signed, here in pairs if signed != here)


def recomputed(report: Report, data: bytes, exit_code: int, found: Sequence[Drift] = ()) -> Recomputed:
    """Compare an answer that was made again with the one that was signed.

    data, exit_code: of the verb, run with the recorded command; found: what is known not to be the same here
    """
    document = read_document(data, "the answer made again")
    same_code = report.exit_code in (None, exit_code)
    same = document.schema == report.schema and digest(document.result) == report.result and same_code
    inputs = digest(document.asked)
    places = list(islice(_differences(report, document), MOST_DIFFERENCES))
    for what, signed, here in (
        ("inputs, sha256", report.inputs, inputs), ("schema", report.schema, document.schema),
        ("exit code", exit_code if same_code else report.exit_code, exit_code),
    ):  # fmt: skip
        if signed != here:
            places.insert(0, difference(what, signed, here))
    return Recomputed(tuple(found), True, same, inputs == report.inputs, tuple(places))


@lru_cache(maxsize=2)
def rules_digest(catalog: Catalog) -> str:
    """SHA-256 [hex] over all rules and groups of countries of a catalog, as answers of the law give it."""
    return Law(catalog).book(_ANY_DAY).digest


@cache
def code_digest(package: Path = PACKAGE) -> str:
    """SHA-256 [hex] over the relative path and the bytes of every Python file of the package."""
    total = sha256()
    for name, file in sorted((file.relative_to(package).as_posix(), file) for file in package.rglob("*.py")):
        total.update(name.encode() + b"\0" + sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _code(version: str, *, ran: bool) -> Code:
    return Code(
        version=version, sha256=code_digest(), ran=ran, python=platform.python_version(), numpy=np.__version__,
        machine=f"{platform.system()} {platform.machine()}".strip() or "unknown",
    )  # fmt: skip


def _differences(report: Report, document: Document) -> tuple[Difference, ...]:
    """Where a result differs from the embedded one; nothing where none was embedded."""
    if report.value is None:
        return ()
    return tuple(difference(*one) for one in differences(msgspec.to_builtins(report.value), document.result))
