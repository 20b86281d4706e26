"""One broken file per mistake, with the exact message it must give beside it.

The first word of a file's name is its kind; ``<name>.txt`` holds the message.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.base.errors import CatalogError
from accord.catalog.load import UNCOUNTED, load_file

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(FOLDER.glob("*.yaml"))


def kind_of(file: Path) -> str:
    word = file.name.partition("-")[0]
    if word in UNCOUNTED:
        return word
    return {"party": "parties"}.get(word, f"{word}s")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_message(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    with pytest.raises(CatalogError) as caught:
        load_file(Path(file.name), kind_of(file))
    assert str(caught.value) == file.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")
    assert caught.value.hint, "every message says how to mend"


def test_each_message_is_its_own() -> None:
    assert len(FILES) >= 16
    messages = [file.with_suffix(".txt").read_text(encoding="utf-8").replace(file.stem, "") for file in FILES]
    assert len(set(messages)) == len(FILES)
    assert {file.stem for file in FOLDER.glob("*.txt")} == {file.stem for file in FILES}
