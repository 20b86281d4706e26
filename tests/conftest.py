"""Settings of the whole suite: property tests draw the same examples every time and have no deadline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("accord", deadline=None, derandomize=True, database=None)
settings.load_profile("accord")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that rewrites golden files; their diff is to be reviewed."""
    parser.addoption("--refresh-golden", action="store_true", help="write golden files instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with ``tests/golden/<name>``, byte for byte, or write it with --refresh-golden."""

    def check(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--refresh-golden"):
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text.encode())
        assert file.is_file(), f"{file} is missing; write it with --refresh-golden"
        assert text == file.read_bytes().decode(), f"{name} differs; see what moved, then use --refresh-golden"

    return check
