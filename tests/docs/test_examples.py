"""The three scripts in ``examples`` print what lies beside them: the same words, and numbers within one per cent.

``pytest tests/docs/test_examples.py --refresh-golden`` writes what they print now.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.console import ROOT

SCRIPTS = ("engineer", "buyer", "analyst")
MOST_LINES = 120
TOLERANCE = 0.01
_NUMBER = re.compile(r"(?<![\w.:-])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?![\w-])")


def _printed(name: str, folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{name}.py"), *words],
        cwd=folder, env={**os.environ, "COLUMNS": "40"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def _parted(text: str) -> tuple[str, list[float]]:
    """Words without their numbers and the line breaks these move, and the numbers."""
    flat = " ".join(text.split())
    return _NUMBER.sub("#", flat), [float(one.replace(",", "")) for one in _NUMBER.findall(flat)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_print_what_is_kept(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    kept = ROOT / "examples" / f"{name}.out"
    got = _printed(name, tmp_path)
    if request.config.getoption("--refresh-golden"):
        kept.write_text(got, encoding="utf-8")
    words, numbers = _parted(got)
    expected_words, expected = _parted(kept.read_text(encoding="utf-8"))
    assert words == expected_words, "see what moved, then use --refresh-golden"
    assert numbers == pytest.approx(expected, rel=TOLERANCE)


def test_numbers_and_words_are_told_apart() -> None:
    words, numbers = _parted("ttft_p50_s 0.09 s, h20: 1,943 tok/s\n  +48% on 2025-05-01, 3.9e+24 to 5 FLOP")
    assert words == "ttft_p50_s # s, h20: # tok/s #% on 2025-05-01, # to # FLOP"
    assert numbers == [0.09, 1943.0, 48.0, 3.9e24, 5.0]


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_short_and_tell_intervals_and_sources(name: str) -> None:
    text = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < MOST_LINES
    out = (ROOT / "examples" / f"{name}.out").read_text(encoding="utf-8")
    assert re.search(r"\d to \d", out)
    assert "ources" in out


def test_the_engineer_gets_launch_files(tmp_path: Path) -> None:
    _printed("engineer", tmp_path, "launch")
    assert {"router.sh", "decode-head.sh"} <= {file.name for file in (tmp_path / "launch").iterdir()}
