"""The shared request traces, where they are at hand: the folder ``traces`` beside ``measured`` (tests/measured.py)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.measured import ROOT, VARIABLE


def trace(name: str) -> Path:
    """Path of a trace; skips the test where it is absent."""
    folder = Path(os.environ.get(VARIABLE, ROOT.parent / "shared"))
    for file in (folder / "traces" / name, folder.parent / "traces" / name, folder / name):
        if file.is_file():
            return file
    pytest.skip(f"no traces/{name} in {folder}; set {VARIABLE} to the folder that has it")
