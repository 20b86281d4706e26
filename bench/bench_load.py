"""The HTTP API under load: what clients on the loopback address wait for, and the memory of the server's processes.

Run ``python bench/bench_load.py``: ``--clients`` ask a server of its own for ``--seconds``, at each of ``--paces``
(mean seconds between an answer and the client's next question). Ten of fifty start searches, one every two seconds or
when ``Retry-After`` says; the others ask for estimates, of which hardly two are the same. What is printed is the table
of README.md. Clients share the machine with the server. Growth is that of the server's own process, whose kept
answers are as many as may be before the clients come. ``tests/web/test_load.py`` asserts what a pace of one second
gives.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.web.load import Outcome, quantile
from tests.web.pressed import Memory, pressed
from tests.web.running import running

FLAT_S = 30.0
COLUMNS = (
    "pause of a client", "estimates a second", "p50, p95, p99", "plans accepted, p95", "put off (429)",
    "faults, broken, lost", "most memory", "growth",
)  # fmt: skip


def row(think_s: float, outcome: Outcome, memory: Memory) -> str:
    """One line of the table."""
    shares = [f"{quantile(outcome.estimate_s, share) * 1e3:.0f}" for share in (0.5, 0.95, 0.99)]
    growth = memory.growth_bytes_per_s(min(FLAT_S, outcome.seconds / 2))
    cells = (
        f"{think_s:g} s",
        f"{len(outcome.estimate_s) / outcome.seconds:.0f}",
        f"{', '.join(shares)} ms",
        f"{len(outcome.accepted_s)}, {quantile(outcome.accepted_s, 0.95) * 1e3:.0f} ms",
        f"{outcome.refused}",
        f"{outcome.faults}, {sum(outcome.broken.values())}, {len(outcome.lost)}",
        f"{memory.most_bytes / 1e6:.0f} MB",
        f"{growth / 1e3:+.0f} kB/s",
    )
    return f"| {' | '.join(cells)} |"


def main(words: Sequence[str] | None = None) -> None:
    """Press a server at each pace, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--planners", type=int, default=10, help="clients among them that start searches")
    parser.add_argument("--seconds", type=float, default=60.0, help="at each pace")
    parser.add_argument("--paces", type=float, nargs="+", default=[1.0, 0.0], metavar="SECONDS")
    told = parser.parse_args(words)
    _say(f"{told.clients} clients, {told.planners} of them planning, {told.seconds:g} s; {os.cpu_count()} cores, "
         f"Python {platform.python_version()}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")  # fmt: skip
    for think_s in told.paces:
        with tempfile.TemporaryDirectory() as home, running(Path(home)) as server:
            flags = ["--clients", str(told.clients), "--planners", str(told.planners), "--think", str(think_s)]
            _say(row(think_s, *pressed(server, flags, told.seconds)))


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
