"""The command line answers at once: what ``--help`` may import, and the processor time it may take."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

HEAVY = ("numpy", "rich", "fastapi", "yaml", "scipy", "ray", "accord.api", "accord.catalog")
CPU_LIMIT_S = 0.3


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"]], ids=" ".join)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from accord.cli.main import main; code = main(sys.argv[1:]);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["[]", "0"]
    assert "accord" in done.stdout


def test_help_of_simulate_loads_neither_catalog_nor_engine() -> None:
    heavy = ("accord.api", "accord.catalog", "accord.inference", "accord.step", "yaml", "rich")
    code = (
        "import sys; from accord.cli.main import main; main(sys.argv[1:]);"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    words = [sys.executable, "-c", code, "simulate", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["[]"]
    assert "--find-rate" in done.stdout


def test_help_takes_little_processor_time() -> None:
    took = min(_cpu_s() for _ in range(5))  # the least of five: the machine may be busy
    assert took < CPU_LIMIT_S


def _cpu_s() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "accord", "--help"], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
