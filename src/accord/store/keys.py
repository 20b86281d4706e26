"""Ed25519 keys as files: made once, never overwritten, and read only where nobody else can read the private half.

A private key is PKCS #8 in PEM with mode 0600, a public key SubjectPublicKeyInfo in PEM (RFC 8410). The id of a key is
the SHA-256 [hex] of the DER of its public half. Needs the extra ``[sign]``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)  # fmt: skip

from accord.base.errors import DataError, UsageError
from accord.report.attestation import on_a_line, shown
from accord.report.canonical import read_json

MOST_BYTES = 64 << 10
MOST_TRUST_BYTES = 1 << 20
MOST_NAME = 200  # characters
OTHERS = 0o077 if os.name == "posix" else 0  # permissions that nobody else may have
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who may be believed.

    id: SHA-256 [hex] of the DER; name: for readers; fits: whether a signature and a message belong to the key
    """

    id: str
    name: str
    fits: Callable[[bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Who signs. id: that of the public half; sign: a message to its signature of 64 bytes."""

    id: str
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """A pair that was made: its id and both files."""

    id: str
    private: Path
    public: Path


def make_keys(stem: Path) -> KeyFiles:
    """Make a pair and write ``STEM.key`` (0600) and ``STEM.pub``.

    Raises UsageError where either is there already or the name is none, OSError naming the file where it cannot be
    written.
    """
    if not stem.name:
        raise UsageError(f"'{stem}' is no name of a file", hint="such as party-a, for party-a.key and party-a.pub")
    private, public = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("key", "pub"))
    for file in (private, public):
        if os.path.lexists(file):
            raise UsageError("is there already; keys are never overwritten", where=str(file), hint="take another name")
    key = Ed25519PrivateKey.generate()
    _write(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    try:
        _write(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    except BaseException:
        private.unlink()  # made a moment ago, and of no use alone
        raise
    return KeyFiles(_id(key.public_key()), private, public)


def read_private_key(file: Path) -> PrivateKey:
    """Read the key that signs.

    Raises DataError for a file that others may read, that is no key, has a password or is of another kind.
    """
    key = _loaded(lambda data: load_pem_private_key(data, password=None), _read(file, private=True), str(file))
    if not isinstance(key, Ed25519PrivateKey):
        raise _other_kind(key, str(file))
    return PrivateKey(_id(key.public_key()), key.sign)


def read_public_key(file: Path) -> PublicKey:
    """Read a key that is believed. Raises DataError for what is no public Ed25519 key."""
    name = on_a_line(file.name)
    return public_key(_read(file), name, str(file))


def public_key(pem: bytes, name: str, where: str) -> PublicKey:
    """A key that is believed, from its PEM. Raises DataError naming ``where``."""
    if b"PRIVATE KEY" in pem:
        raise DataError("is a private key", where=where, hint="give the public half, NAME.pub; never hand this one out")
    key = _loaded(load_pem_public_key, pem, where)
    if not isinstance(key, Ed25519PublicKey):
        raise _other_kind(key, where)

    def fits(signature: bytes, message: bytes) -> bool:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return PublicKey(_id(key), name, fits)


def read_trust(file: Path) -> tuple[PublicKey, ...]:
    """Read the keys that are believed: ``{"<key id>": {"name": "...", "pem": "..."}, ...}``.

    Raises DataError for a file that is not so, has no key, or names a key by an id that is not its own.
    """
    where = str(file)
    data = read_json(_read(file, most_bytes=MOST_TRUST_BYTES), where)
    if not isinstance(data, dict) or not data:
        raise DataError("has no keys", where=where, hint='{"<key id>": {"name": "...", "pem": "..."}}')
    return tuple(_trusted(id, entry, f"{where}: {shown(id[:16])}") for id, entry in data.items())


def _trusted(id: str, entry: object, where: str) -> PublicKey:
    fields = entry if isinstance(entry, dict) else {}
    name, pem = fields.get("name"), fields.get("pem")
    if not isinstance(name, str) or not isinstance(pem, str) or len(fields) != 2:
        raise DataError("a key is written as its name and its pem", where=where)
    if not 1 <= len(name) <= MOST_NAME or not name.isprintable():
        what = f"the name of a key is one line of 1 to {MOST_NAME} characters that can be printed"
        raise DataError(what, where=where)
    key = public_key(pem.encode(), name, where)
    if key.id != id:
        raise DataError(f"the key's id is {key.id}", where=where, hint="write it under its own id")
    return key


def _read(file: Path, *, private: bool = False, most_bytes: int = MOST_BYTES) -> bytes:
    """Bytes of a regular file, looked at and read through one descriptor."""
    where = str(file)
    try:
        descriptor = os.open(file, _READ)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=where) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise DataError("is no file", where=where)
        if private and mode & OTHERS:
            what = f"others may read or write this private key (mode {stat.S_IMODE(mode):04o})"
            raise DataError(what, where=where, hint=f"chmod 600 {file}, and make a new key if it was shared")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(most_bytes + 1)
    finally:
        os.close(descriptor)
    if len(data) > most_bytes:
        raise DataError(f"is larger than {most_bytes >> 10} KiB, so it is no key", where=where)
    return data


def _loaded(load: Callable[[bytes], object], pem: bytes, where: str) -> object:
    try:
        return load(pem)
    except TypeError:
        raise DataError("has a password", where=where, hint="keys of 'accord attest keygen' have none") from None
    except (ValueError, UnsupportedAlgorithm):
        raise DataError("is no PEM of a key", where=where, hint="'accord attest keygen' makes a pair") from None


def _other_kind(key: object, where: str) -> DataError:
    kind = type(key).__name__.strip("_").replace("PrivateKey", "").replace("PublicKey", "")
    return DataError(f"is a key of another kind ({kind})", where=where, hint="Ed25519 is what signs here")


def _id(key: Ed25519PublicKey) -> str:
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _write(file: Path, data: bytes, mode: int) -> None:
    """Write a file that is new; it never has more permissions than it ends with."""
    try:
        descriptor = os.open(file, _NEW, mode)
    except FileExistsError:  # since the look before
        raise UsageError("is there already; keys are never overwritten", where=str(file)) from None
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
    except BaseException:
        file.unlink()
        raise
