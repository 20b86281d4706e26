"""CPU time of whole commands, interpreter start included. Run ``python bench/bench_start.py``."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COMMANDS: dict[str, tuple[tuple[str, ...], float]] = {
    # name: words, most CPU seconds
    "help": (("--help",), 0.3),
    "demo": (("demo",), 3.0),
    "catalog check": (("catalog", "check"), 10.0),
    "estimate": (
        ("estimate", "--model", "deepseek-r1", "--system", "huawei-cloudmatrix-384", "--engine", "cloudmatrix-infer",
         "--phase", "decode", "--ep", "320", "--batch-per-device", "48", "--kv-len", "4608"), 3.0,
    ),
}  # fmt: skip


def run(words: tuple[str, ...]) -> float:
    """CPU seconds (user and system) of one command in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "accord", *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("name", COMMANDS)
def test_start(name: str, benchmark: BenchmarkFixture) -> None:
    words, most = COMMANDS[name]
    run(words)  # compiles and fills the file cache
    assert benchmark.pedantic(run, args=(words,), rounds=3) < most  # type: ignore[no-untyped-call]


def main() -> None:
    lines = []
    for name, (words, _) in COMMANDS.items():
        run(words)
        lines.append(f"{name:<14} {min(run(words) for _ in range(3)):6.2f} CPU seconds")
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
