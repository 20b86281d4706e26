"""Keys as files: made once and for one's own eyes, and read with suspicion."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from accord.base.errors import DataError, UsageError
from accord.store.keys import KeyFiles, make_keys, read_private_key, read_public_key, read_trust

PEM, PKCS8, SPKI = Encoding.PEM, PrivateFormat.PKCS8, PublicFormat.SubjectPublicKeyInfo


@pytest.fixture
def pair(tmp_path: Path) -> KeyFiles:
    return make_keys(tmp_path / "party.a")


def private_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_a_pair_signs_and_is_believed(pair: KeyFiles) -> None:
    private, public = read_private_key(pair.private), read_public_key(pair.public)
    signature = private.sign(b"words")
    assert len(signature) == 64
    assert public.fits(signature, b"words")
    assert not public.fits(signature, b"other words")
    assert not public.fits(signature[:-1], b"words")
    assert pair.id == private.id == public.id
    assert public.name == "party.a.pub"
    assert [file.name for file in (pair.private, pair.public)] == ["party.a.key", "party.a.pub"]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
def test_a_private_key_is_for_its_owner_whatever_the_umask(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        pair = make_keys(tmp_path / "k")
    finally:
        os.umask(before)
    assert stat.S_IMODE(pair.private.stat().st_mode) == 0o600
    assert stat.S_IMODE(pair.public.stat().st_mode) == 0o644 & ~mask


@pytest.mark.parametrize("suffix", ["key", "pub"])
@pytest.mark.parametrize("link", [False, True], ids=["file", "dangling link"])
def test_nothing_is_overwritten(suffix: str, link: bool, tmp_path: Path) -> None:
    there = tmp_path / f"k.{suffix}"
    there.symlink_to(tmp_path / "elsewhere") if link else there.write_text("mine")
    with pytest.raises(UsageError, match="never overwritten"):
        make_keys(tmp_path / "k")
    assert [file.name for file in tmp_path.iterdir()] == [there.name]
    assert link or there.read_text() == "mine"


def test_a_key_that_appears_in_between_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "k.pub").write_text("mine")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with pytest.raises(UsageError, match=r"k\.pub: is there already"):
        make_keys(tmp_path / "k")
    assert (tmp_path / "k.pub").read_text() == "mine"
    assert not (tmp_path / "k.key").exists()


def test_a_key_that_cannot_be_written_whole_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        make_keys(tmp_path / "k")
    assert not list(tmp_path.iterdir())


def test_names_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no name of a file"):
        make_keys(Path(""))
    with pytest.raises(FileNotFoundError):
        make_keys(tmp_path / "none" / "k")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o777], ids=oct)
def test_a_private_key_that_others_may_read_is_refused(mode: int, pair: KeyFiles) -> None:
    pair.private.chmod(mode)
    with pytest.raises(DataError, match=f"others may read or write this private key .mode {mode:04o}") as caught:
        read_private_key(pair.private)
    assert f"chmod 600 {pair.private}" in str(caught.value.hint)


def test_private_keys_that_are_none(pair: KeyFiles, tmp_path: Path) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048).private_bytes(PEM, PKCS8, NoEncryption())
    ec_key = ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, NoEncryption())
    locked = ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, BestAvailableEncryption(b"x"))
    whole = pair.private.read_bytes()
    for data, message in (
        (rsa_key, r"another kind \(RSA\)"), (ec_key, r"another kind \(.*E.*\)"), (locked, "has a password"),
        (whole[:-40], "is no PEM"), (b"", "is no PEM"), (pair.public.read_bytes(), "is no PEM"),
        (b"\xff" * 50, "is no PEM"),
        (b"x" * (64 << 10), "is no PEM"), (b"x" * ((64 << 10) + 1), "larger than 64 KiB"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=message):
            read_private_key(private_file(tmp_path / "k", data))
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_private_key(tmp_path / "none.key")
    with pytest.raises(DataError, match="is no file"):
        read_private_key(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is no file"):
        read_private_key(tmp_path / "pipe")


def test_public_keys_that_are_none(pair: KeyFiles, tmp_path: Path) -> None:
    ec_key = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(PEM, SPKI)
    for data, message in (
        (pair.private.read_bytes(), "is a private key"), (ec_key, "another kind"), (b"ssh-ed25519 AAAA", "is no PEM"),
        (pair.public.read_bytes()[:-30], "is no PEM"),
    ):  # fmt: skip
        (tmp_path / "k").write_bytes(data)
        with pytest.raises(DataError, match=message):
            read_public_key(tmp_path / "k")


def test_a_trust_file_names_keys_by_their_own_ids(pair: KeyFiles, tmp_path: Path) -> None:
    other = make_keys(tmp_path / "b")
    file = tmp_path / "trust.json"
    entries = {one.id: {"name": name, "pem": one.public.read_text()} for name, one in (("A", pair), ("B", other))}
    file.write_text(json.dumps(entries))
    assert [(key.id, key.name) for key in read_trust(file)] == [(pair.id, "A"), (other.id, "B")]


def test_trust_files_that_are_none(pair: KeyFiles, tmp_path: Path) -> None:
    file, pem = tmp_path / "trust.json", pair.public.read_text()
    good = {"name": "A", "pem": pem}
    for text, message in (
        ("[]", "has no keys"), ("{}", "has no keys"), ("{", "not JSON"), (json.dumps({"00": good}), "the key's id is"),
        (json.dumps({pair.id: pem}), "its name and its pem"), (json.dumps({pair.id: {"name": "A"}}), "its name and"),
        (json.dumps({pair.id: {**good, "more": 1}}), "its name and"),
        (json.dumps({pair.id: {"name": 1, "pem": pem}}), "its name and"),
        (json.dumps({pair.id: {"name": "A", "pem": "x"}}), "is no PEM"),
        *((json.dumps({pair.id: {"name": name, "pem": pem}}), "one line of 1 to 200 characters that can be printed")
          for name in ("", "A\x1b[2J", "A\nB", "A\x9b1m", "A\u202eB", "x" * 201)),
        (f'{{"{pair.id}": {json.dumps(good)}, "{pair.id}": {json.dumps(good)}}}', "twice"),
        (" " * ((1 << 20) + 1), "larger than 1024 KiB"),
    ):  # fmt: skip
        file.write_text(text)
        with pytest.raises(DataError, match=message):
            read_trust(file)


def test_names_of_keys_are_printed_as_they_are_only_where_they_can_be(pair: KeyFiles, tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[2J.pub"
    odd.write_bytes(pair.public.read_bytes())
    assert read_public_key(odd).name == "a?[2J.pub"
    file = tmp_path / "trust.json"
    file.write_text(json.dumps({"\x1b[2J": {"name": "A", "pem": pair.public.read_text()}}))
    with pytest.raises(DataError, match="the key's id is") as raised:
        read_trust(file)
    assert "\x1b" not in str(raised.value)
