"""The source tree, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "accord"


class Module(NamedTuple):
    """One source file: its path below the package, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.path.split("/")[0]


def _modules() -> Iterator[Module]:
    for file in sorted(PACKAGE.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        yield Module(file.relative_to(PACKAGE).as_posix(), text, ast.parse(text))


@pytest.fixture(scope="session")
def package() -> Path:
    return PACKAGE


@pytest.fixture(scope="session")
def modules() -> tuple[Module, ...]:
    found = tuple(_modules())
    assert found, f"no source below {PACKAGE}"
    return found
