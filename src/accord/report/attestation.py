"""A signed statement about an answer: an in-toto Statement in a DSSE envelope. Bytes in, bytes out; no keys, no files.

The envelope is DSSE 1.0 (https://github.com/secure-systems-lab/dsse, protocol.md and envelope.md): what is signed is
``DSSEv1 LEN TYPE LEN PAYLOAD``, so that neither the payload nor what it is said to be can be changed. The statement is
in-toto Statement v1 (https://github.com/in-toto/attestation, spec/v1): subjects by hash, and a predicate, here
``urn:accord:report:v1``, that says how the answer came about. Members of an envelope, of a statement and of its
subjects that are not known are passed over, as both specifications ask; a key among them is never looked at. Of the
predicate, which is Accord's own, every member must be known: what a reader does not understand it does not vouch for.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Protocol

import msgspec

from accord.base.errors import DataError, Refusal
from accord.report.canonical import canonical, read_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:accord:report:v1"
RESULT = "result"  # the subject that is the answer itself; another is the file it came in
MOST_SIGNATURES = 16
SHOWN = 16
# Texts that messages and tables show are checked where they are read: hashes, names of files, versions, plain words.
Hash = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")]
Word = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9 .+!_/-]{0,63}\Z")]


class Signer(Protocol):
    """Who signs: the id of a key, and what makes a signature of a message."""

    @property
    def id(self) -> str:
        """SHA-256 [hex] of the public key."""

    @property
    def sign(self) -> Callable[[bytes], bytes]:
        """A message to its signature."""


class Believed(Protocol):
    """A key that is believed: its id, a name for readers, and whether a signature and a message belong to it."""

    @property
    def id(self) -> str:
        """SHA-256 [hex] of the public key."""

    @property
    def name(self) -> str:
        """For readers."""

    @property
    def fits(self) -> Callable[[bytes, bytes], bool]:
        """A signature and a message to whether they belong to the key."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its type and signatures: pairs of a key's id, a hint that nothing rests on, and the signature."""

    payload: bytes
    payload_type: str
    signatures: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature.

    keyid: of the believed key that made it, else what the signature says of itself, which nothing rests on
    by: name of the believed key that made it, None for no such key
    """

    keyid: str
    by: str | None


class FileRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file or a folder that went in: a name without its path, and SHA-256 [hex] of what is in it."""

    name: Name
    sha256: Hash
    folder: bool = False


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verb of Accord and its arguments by flag; a file stands as ``{"file": NAME}``, its hash is among ``files``."""

    verb: tuple[Word, ...]
    arguments: Mapping[str, str | bool | Mapping[str, str] | tuple[str | Mapping[str, str], ...]]


class Code(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accord itself.

    version: of the package that answered; sha256: over its Python files as they were when it signed
    ran: whether the code of that hash also made the answer; python, numpy, machine: what it ran on
    """

    version: Word
    sha256: Hash
    ran: bool
    python: Word
    numpy: Word
    machine: Word


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The predicate: how an answer came about.

    schema: of the answer, ``accord.<verb>/1``; exit_code: of the verb, None where it was not run to be signed
    catalog, rules, inputs, result: SHA-256 [hex] of the data, of the rules of law in it, and of the canonical inputs
    and result; rules is None where another catalog answered. excluded: members of the result that are not hashed
    files: what was read beside the catalog; command: how to ask again, None where it is not known
    value: the result itself, where it was embedded
    """

    schema: Word
    code: Code
    catalog: Hash
    inputs: Hash
    result: Hash
    rules: Hash | None = None
    excluded: tuple[Word, ...] = ()
    files: tuple[FileRef, ...] = ()
    command: Command | None = None
    exit_code: int | None = None
    value: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What was signed: subjects as name to SHA-256 [hex], and the predicate."""

    subjects: Mapping[str, str]
    report: Report


def digest(value: object) -> str:
    """SHA-256 [hex] of a value's canonical JSON."""
    return sha256(canonical(value)).hexdigest()


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed (DSSE "pre-authentication encoding")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


# Out


def statement_bytes(statement: Statement) -> bytes:
    """The canonical JSON of a statement. Raises DataError where it cannot be written, or not read again."""
    predicate = {key: value for key, value in msgspec.to_builtins(statement.report).items() if value is not None}
    payload = canonical({
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": hash}} for name, hash in statement.subjects.items()],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    })  # fmt: skip
    return payload


def sign(payload: bytes, signers: Sequence[Signer]) -> bytes:
    """Sign a statement's bytes and return the envelope as JSON, one line."""
    message = pae(PAYLOAD_TYPE, payload)
    signatures = [{"keyid": one.id, "sig": base64.b64encode(one.sign(message)).decode()} for one in signers]
    envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": signatures}
    return canonical(envelope) + b"\n"


# In


def read_envelope(data: bytes, where: str) -> Envelope:
    """Read an envelope, without believing it. Raises DataError naming what is wrong."""
    found = read_json(data, where)
    if not isinstance(found, dict) or not {"payload", "payloadType", "signatures"} <= set(found):
        hint = "'accord attest sign' makes one: payload, payloadType and signatures"
        raise DataError("is no signed envelope (DSSE)", where=where, hint=hint)
    kind, signatures = found["payloadType"], found["signatures"]
    if kind != PAYLOAD_TYPE:
        raise DataError(f"the payload is said to be {shown(kind)}, not {PAYLOAD_TYPE}", where=where)
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MOST_SIGNATURES:
        raise DataError(f"has no list of 1 to {MOST_SIGNATURES} signatures", where=where)
    read = tuple(_signature(one, f"{where}: signatures[{index}]") for index, one in enumerate(signatures))
    return Envelope(_decoded(found["payload"], f"{where}: payload"), kind, read)


def believe(envelope: Envelope, keys: Sequence[Believed], where: str) -> tuple[Signed, ...]:
    """Check all signatures against keys that the reader already has.

    Returns every signature with the believed key that made it, whatever key it names. Raises Refusal where no believed
    key signed, and where a signature names a believed key and none of them made it.
    """
    message = pae(envelope.payload_type, envelope.payload)
    ids = {key.id for key in keys}
    found: list[Signed] = []
    for keyid, signature in envelope.signatures:
        maker = next((key for key in keys if key.fits(signature, message)), None)
        if maker is None and keyid in ids:
            what = f"the signature of key {keyid[:SHOWN]} does not fit: the content or the signature was changed"
            raise Refusal(what, where=where)
        found.append(Signed(keyid, None) if maker is None else Signed(maker.id, maker.name))
    if all(one.by is None for one in found):
        said = ", ".join(shown(one.keyid[:SHOWN]) if one.keyid else "a key without an id" for one in found)
        hint = "get the signer's public key from the signer; one inside the file would prove nothing"
        raise Refusal(f"signed by {said}, and by none of the keys that are believed", where=where, hint=hint)
    return tuple(found)


def read_statement(payload: bytes, where: str) -> Statement:
    """Read a payload whose signature was checked. Raises DataError for what is no statement of Accord."""
    found = read_json(payload, f"{where}: payload")
    fields = found if isinstance(found, dict) else {}
    for name, wanted in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
        if fields.get(name) != wanted:
            raise DataError(f"{name} is {shown(fields.get(name))}, not {wanted}", where=where)
    try:
        report = msgspec.convert(fields.get("predicate"), Report)
    except msgspec.ValidationError as error:
        raise DataError(f"the predicate is malformed: {on_a_line(str(error))}", where=where) from None
    subjects = _subjects(fields.get("subject"), where)
    if subjects.get(RESULT) != report.result or (report.value is not None and digest(report.value) != report.result):
        raise DataError("the result and its hash contradict each other", where=where)
    return Statement(subjects, report)


def on_a_line(text: str) -> str:
    """Text from elsewhere with a question mark for every sign that would not be printed as it is."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def shown(value: object) -> str:
    """Text from elsewhere, cut and without control signs, for a message."""
    text = value if isinstance(value, str) else type(value).__name__ if value is not None else "missing"
    plain = on_a_line(text[:60])
    return f"'{plain}'" if isinstance(value, str) else plain


def _subjects(found: object, where: str) -> Mapping[str, str]:
    try:
        listed = msgspec.convert(found, list[_Subject])
    except msgspec.ValidationError as error:
        raise DataError(f"a subject is malformed: {on_a_line(str(error))}", where=where) from None
    subjects = {one.name: one.digest.get("sha256", "") for one in listed}
    if len(subjects) != len(listed):
        raise DataError("two subjects have one name", where=where)
    return subjects


class _Subject(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    digest: dict[str, str]


def _signature(found: object, where: str) -> tuple[str, bytes]:
    fields = found if isinstance(found, dict) else {}
    keyid = fields.get("keyid", "")
    if not isinstance(keyid, str):
        raise DataError("keyid is no text", where=where)
    return keyid, _decoded(fields.get("sig"), f"{where}.sig")


def _decoded(text: object, where: str) -> bytes:
    """Base64 of either alphabet, in the one spelling that encoding gives. Raises DataError."""
    if not isinstance(text, str) or not text:
        raise DataError("is missing, or no text", where=where)
    try:
        data = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise DataError("is not base64, or cut short", where=where) from None
    if text.encode() not in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        raise DataError("is base64 in another spelling than its own", where=where)
    return data
