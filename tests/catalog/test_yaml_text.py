"""The strict subset of YAML, and the lines it remembers. Refusals are in broken/."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.base.errors import CatalogError
from accord.catalog.yaml_text import MAX_BYTES, parse_yaml, read_yaml

TEXT = b"""\
# a comment
id: a
rate: {value: 3.2 TB/s, low: 1e3}
list:
  - first: 1
  - 2.5
words: [no, 1:30, 2025-04-16, '12', ~, null, true, "", 0o10, 1_000, .5, 5., -3, +1.5e-3]
block: |
  two
  lines
"""


def test_values_and_lines() -> None:
    root = parse_yaml(TEXT, "a.yaml")
    assert root.plain() == {
        "id": "a",
        "rate": {"value": "3.2 TB/s", "low": 1000.0},
        "list": [{"first": 1}, 2.5],
        "words": ["no", "1:30", "2025-04-16", "12", None, None, True, "", "0o10", "1_000", 0.5, 5.0, -3, 0.0015],
        "block": "two\nlines\n",
    }
    first = root.find("list[0].first")
    assert first is not None
    assert (first.key, first.line, first.scalar) == ("list[0].first", 5, 1)
    assert root.entries["rate"].line == 3


@pytest.mark.parametrize("key", ["", "id.x", "list[7]", "list[0].second", "nothing.at.all"])
def test_find_nothing(key: str) -> None:
    assert parse_yaml(TEXT, "a.yaml").find(key) is None


def test_byte_order_mark_and_windows_lines() -> None:
    assert parse_yaml(b"\xef\xbb\xbfid: a\r\nname: b\r\n", "a.yaml").plain() == {"id": "a", "name": "b"}


def test_large_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(CatalogError, match="large.yaml: the file is above 1 MiB"):
        read_yaml(file)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="none.yaml: the file cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(CatalogError, match="shown.yaml: the file cannot be read"):
        read_yaml(tmp_path, "shown.yaml")


def test_a_scalar_is_no_entry() -> None:
    with pytest.raises(CatalogError, match="a.yaml:1: the file is 'words'; an entry is a mapping"):
        parse_yaml(b"words", "a.yaml")
    with pytest.raises(CatalogError, match="a.yaml:1: the file is empty"):
        parse_yaml(b"---\n", "a.yaml")


def test_long_text_is_cut_in_messages() -> None:
    item = parse_yaml(b"a: " + b"x" * 100, "a.yaml").entries["a"]
    with pytest.raises(CatalogError, match=r"a is 'x{40}\.\.\.'; true or false"):
        item.flag()


def test_unknown_keys_far_from_any() -> None:
    with pytest.raises(CatalogError, match="zzz is not a known key\nhint: keys here are id, name"):
        parse_yaml(b"zzz: 1", "a.yaml").fields(("id", "name"))


def test_text_wanted() -> None:
    root = parse_yaml(b"a: 2025\nb: '  '\nc: true\n", "a.yaml")
    assert root.entries["a"].string() == "2025"
    with pytest.raises(CatalogError, match="a.yaml:2: b is empty; text is wanted"):
        root.entries["b"].string()
    with pytest.raises(CatalogError, match="a.yaml:3: c is true; text is wanted"):
        root.entries["c"].string()


def test_maps_and_lists_wanted() -> None:
    root = parse_yaml(b"a: 1\nb: {c: d}\n", "a.yaml")
    with pytest.raises(CatalogError, match="a is 1; a mapping is wanted"):
        root.entries["a"].map()
    with pytest.raises(CatalogError, match="b is a mapping; a list is wanted\nhint: start each item"):
        root.entries["b"].list()


@pytest.mark.parametrize("escape", [r"\e", r"\0", r"\a", r"\r", r"\x7f", r"\x9b", r"\N", r"\P", r"\u202e"])
def test_control_characters_are_refused_and_not_repeated(escape: str) -> None:
    for text, what in (
        (f'id: x\nnote: "a{escape}[31mb"\n', "a.yaml:2: note holds a control character"),
        (f'id: x\nlist: ["a{escape}b"]\n', r"a.yaml:2: list\[0\] holds a control"),
        (f'id: x\n"n{escape}": 1\n', "a.yaml:2: the file has a key that holds a control"),
    ):
        with pytest.raises(CatalogError, match=what) as raised:
            parse_yaml(text.encode(), "a.yaml")
        assert all(sign == "\n" or sign.isprintable() for sign in str(raised.value))


def test_tabs_and_newlines_are_text() -> None:
    root = parse_yaml(b'a: "b\\tc\\nd"\nb: |\n  two\n  lines\n', "a.yaml")
    assert root.plain() == {"a": "b\tc\nd", "b": "two\nlines\n"}
