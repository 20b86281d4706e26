from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs import console


def test_blocks_are_read() -> None:
    text = "```console\n$ accord a \\\n> --b 1\nout\n...\n\n$ ls  # not run\n```\n```python\n$ accord no\n```\n"
    found = list(console.examples(text))
    assert [example.words for example in found] == [["accord", "a", "--b", "1"], ["ls"]]
    assert found[0].expected == ("out", "...", "")
    assert (found[0].line, found[0].after) == (2, 3)
    assert found[1].flag == "not run"
    assert [example.is_run for example in found] == [True, False]


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (["a"], ["a"], True),
        (["a"], ["a", "b"], False),
        (["a", "..."], ["a", "b", "c"], True),
        (["...", "c"], ["a", "c"], True),
        (["a", "...", "d"], ["a", "d"], True),
        (["a", "...", "d"], ["a", "b"], False),
        (["a"], [], False),
    ],
)
def test_lines_are_compared(expected: list[str], got: list[str], same: bool) -> None:
    assert console.matches(expected, got) is same


@pytest.mark.parametrize(
    ("expected", "got", "shown"),
    [
        (["a 1"], ["a 2", "b"], ["a 2", "b"]),
        (["a 1", "..."], ["a 2", "b", "c"], ["a 2", "..."]),
        (["...", "c 1"], ["a", "b", "c 2"], ["...", "c 2"]),
        (["a 1", "...", "c 1"], ["a 2", "b", "c 2"], ["a 2", "...", "c 2"]),
        (["a", "...", "mid 1.5 ms", "..."], ["a", "b", "c", "mid  22 ms", "d"], ["a", "...", "mid  22 ms", "..."]),
        (["...", "x 1", "...", "y 1", "..."], ["x 7", "b", "y 8", "x 9"], ["...", "x 7", "...", "y 8", "..."]),
        (["a", "b", "...", "c", "d"], ["a"], ["a", "..."]),
        (["...", "a", "b", "...", "c"], ["c"], ["...", "...", "c"]),
    ],
)
def test_elisions_survive_new_output(expected: list[str], got: list[str], shown: list[str]) -> None:
    found = console.refreshed(expected, got)
    assert list(found) == shown
    assert console.matches(found, got)


def test_a_document_is_rewritten_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "printed", lambda command: (f"ran {command}", "and", "more"))
    file = tmp_path / "page.md"
    file.write_text("one\n```console\n$ accord a\nold\n...\n```\n```console\n$ accord b\nold\nold\n```\ntwo\n")
    console.rewrite(file, 0)
    console.rewrite(file, 1)
    assert file.read_text() == (
        "one\n```console\n$ accord a\nran accord a\n...\n```\n"
        "```console\n$ accord b\nran accord b\nand\nmore\n```\ntwo\n"
    )
