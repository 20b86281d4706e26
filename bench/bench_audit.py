"""Claims: CPU seconds of an audit of all of the catalog's, and of each.

Run ``python bench/bench_audit.py [--json]``; ``python3 do.py bench`` runs it under pytest-benchmark.
Each round opens a catalog of its own, so that every question is asked of the verbs anew.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from accord import __version__
from accord.api.audit import audit
from accord.catalog.load import load_catalog

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

AIM_S = 10.0  # CPU seconds of all claims
ROUNDS = 3
SLOWEST = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """cpu_s: of all claims, least of the rounds; by_claim: of the slowest ones alone [s]."""

    claims: int
    questions: int
    cpu_s: float
    by_claim: dict[str, float]
    accord: str = __version__
    machine: str = platform.machine()


def measure(rounds: int = ROUNDS) -> Measured:
    """Audit all claims some times, then each alone."""
    taken, count, questions = [], 0, 0
    for _ in range(rounds):
        start = time.process_time()
        found, questions = audit(load_catalog())
        taken.append(time.process_time() - start)
        count = len(found)
    alone = {id: _alone(id) for id in load_catalog().ids("claims")}
    slowest = dict(sorted(alone.items(), key=lambda item: -item[1])[:SLOWEST])
    return Measured(claims=count, questions=questions, cpu_s=min(taken), by_claim=slowest)


def _alone(id: str) -> float:
    start = time.process_time()
    audit(load_catalog(), (id,))
    return time.process_time() - start


def test_audit(benchmark: BenchmarkFixture) -> None:
    """All claims within the aim."""
    benchmark.pedantic(lambda: audit(load_catalog()), rounds=ROUNDS)  # type: ignore[no-untyped-call]
    assert measure(1).cpu_s < AIM_S


def main(words: Sequence[str]) -> int:
    """Print what was measured; 1 where it is above the aim."""
    found = measure()
    if "--json" in words:
        print(json.dumps(asdict(found), indent=2))  # noqa: T201
    else:
        print(f"{found.claims} claims, {found.questions} questions: {found.cpu_s:.2f} CPU s (aim {AIM_S:g})")  # noqa: T201
        for id, seconds in found.by_claim.items():
            print(f"  {id:32} {seconds:.2f} s alone")  # noqa: T201
    return 0 if found.cpu_s < AIM_S else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
