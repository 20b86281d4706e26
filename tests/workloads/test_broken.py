"""One broken trace per mistake, with the exact message it must give beside it.

A file's name begins with its format, or with ``any`` where no format is to be given; ``<name>.txt`` holds the message.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.base.errors import TableError
from accord.workloads.formats import FORMATS
from accord.workloads.trace import read_trace

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(file for file in FOLDER.iterdir() if file.suffix != ".txt")


def expected(file: Path) -> Path:
    return FOLDER / f"{file.name.partition('.')[0]}.txt"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_message(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    format = next((name for name in FORMATS if file.name.startswith(f"{name}-")), None)
    with pytest.raises(TableError) as caught:
        read_trace(Path(file.name), format=format)
    assert str(caught.value) == expected(file).read_text(encoding="utf-8").rstrip("\n")
    assert caught.value.hint, "every message says how to mend"
    assert caught.value.where is not None


def test_each_message_is_its_own() -> None:
    messages = [expected(file).read_text(encoding="utf-8").replace(file.name, "") for file in FILES]
    assert len(set(messages)) >= len(FILES) - 4  # files that are empty, or of no format, share theirs
    assert {file.stem for file in FOLDER.glob("*.txt")} == {file.name.partition(".")[0] for file in FILES}
    assert {name for name in FORMATS if any(file.name.startswith(f"{name}-") for file in FILES)} == set(FORMATS)
