"""The token: made once, private, strong, and compared in constant time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.web.token import new_token, read_token, weakness


def written(folder: Path, text: bytes, mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_bytes(text)
    file.chmod(mode)
    return file


def test_a_new_token_is_private_strong_and_read_again(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for name in ("one", "two"):
            new_token(tmp_path / name)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o600
    one, two = read_token(tmp_path / "one"), read_token(tmp_path / "two")
    assert one != two
    assert len(one) == 43  # 32 bytes in base64


def test_a_token_is_never_overwritten(tmp_path: Path) -> None:
    file = written(tmp_path, b"something")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nothing")
    for taken in (file, link, tmp_path):
        with pytest.raises(UsageError, match="never overwritten"):
            new_token(taken)
    assert file.read_bytes() == b"something"
    assert not (tmp_path / "nothing").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        new_token(tmp_path / "none" / "token")
    assert "none" in str(caught.value.filename)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o606, 0o644, 0o620])
def test_a_token_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    new_token(tmp_path / "token")
    (tmp_path / "token").chmod(mode)
    with pytest.raises(UsageError, match=f"mode 0{mode:o}"):
        read_token(tmp_path / "token")


def test_links_folders_pipes_and_nothing_are_refused(tmp_path: Path) -> None:
    new_token(tmp_path / "token")
    (tmp_path / "link").symlink_to(tmp_path / "token")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, what in (
        ("link", "symbolic link"),
        (".", "is no file|cannot be read"),
        ("pipe", "is no file"),
        ("no", "cannot"),
    ):
        with pytest.raises(UsageError, match=what) as caught:
            read_token(tmp_path / name)
        assert caught.value.exit_code == 2 and caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\n", b"short", b"correct horse battery staple and more words", b"a" * 40, b"0123456789abcdef" * 2,
        b"password" * 6, b"abcdefghijklmnopqrstuvwxyz0123456789", b"1111111122222222333333334444444455555555",
        b"0" * 2000, "tökeñ-tökeñ-tökeñ-tökeñ-tökeñ-x".encode(), b"abcdabcd\nabcdefgh-abcdefgh-xyzzy-1234-9",
        b"f3a9c2e17b604d8895ab1c3d2e4f607",
    ],
)  # fmt: skip
def test_what_may_be_guessed_or_is_no_token_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        read_token(written(tmp_path, text))
    assert "--new-token" in (caught.value.hint or "")
    if text.strip():
        assert text.decode() not in str(caught.value)


@pytest.mark.parametrize("encode", [bytes.hex, lambda raw: raw.hex().upper()], ids=["hex", "HEX"])
def test_a_token_of_16_random_bytes_is_enough(tmp_path: Path, encode: object) -> None:
    assert callable(encode)
    text = str(encode(bytes.fromhex("d1c09f7e4b2a68355e0f9ac417b3862d"))).encode()
    assert read_token(written(tmp_path, text + b"\r\n")) == text


@given(st.binary(min_size=16, max_size=16))
def test_what_is_random_is_rarely_called_weak(raw: bytes) -> None:
    text = raw.hex().encode()
    assert (weakness(text) is None) or len(set(text)) < 12
