"""Files are whole or not there."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from accord.base.errors import UsageError
from accord.store.files import write


def breaking() -> Iterator[bytes]:
    yield b"half of "
    raise RuntimeError("the maker broke")


def test_a_path_gets_all_pieces(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", [b"one ", b"two"])
    assert (tmp_path / "a.txt").read_bytes() == b"one two"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_maker_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write(tmp_path / "a.txt", breaking())
    assert os.listdir(tmp_path) == []


def test_a_maker_that_breaks_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        write(file, breaking())
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield b"n"
        assert file.read_bytes() == b"old"
        yield b"ew"

    write(file, pieces())
    assert file.read_bytes() == b"new"


def test_permissions_stay(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"old")
    file.chmod(0o640)
    write(file, [b"new"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    write(tmp_path / "new", [b""])
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.txt").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "there" / "a.txt")
    write(tmp_path / "link", [b"new"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "a.txt").read_bytes() == b"new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write(tmp_path / "pipe", [b"one ", b"two"])
    reader.join(timeout=10.0)
    assert got == [b"one two"]


@pytest.mark.parametrize("name", ["nowhere/a.txt", ""])
def test_an_error_names_the_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError) as caught:
        write(tmp_path / name, [b"x"])
    assert caught.value.filename == str(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_stream_of_bytes() -> None:
    stream = io.BytesIO()
    write(stream, [b"one ", b"two"])
    assert stream.getvalue() == b"one two"


def test_a_stream_of_text_gets_whole_characters() -> None:
    stream = io.StringIO()
    euro = "€".encode()
    write(stream, [b"1 ", euro[:1], euro[1:]])
    assert stream.getvalue() == "1 €"


@pytest.mark.parametrize("piece", [b"\xff\xfe", "€".encode()[:2]])
def test_bytes_that_are_no_text(piece: bytes) -> None:
    with pytest.raises(UsageError, match="no text"):
        write(io.StringIO(), [piece])
