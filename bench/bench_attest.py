"""Signed answers: CPU time to sign one and to verify it.

Run ``python bench/bench_attest.py [--json]``; ``python3 do.py bench`` runs it under pytest-benchmark.
The answer is that of ``accord plan`` over three systems, as printed with --json. Signing reads it strictly, hashes it
in canonical form and writes the envelope; verifying reads the envelope strictly, checks the signature and the
statement, and with --result reads the answer again and hashes it. Keys, catalog and the hashes of its rules and
of Accord's own code, which are made once a process, are apart.
"""

from __future__ import annotations

import contextlib
import io
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accord import __version__
from accord.api.attest import PACKAGE, attest, code_digest, compare_document, rules_digest, verify
from accord.catalog.load import Catalog, load_catalog
from accord.cli.main import main as accord
from accord.report.canonical import canonical, read_json
from accord.store.keys import PrivateKey, PublicKey, make_keys, read_private_key, read_public_key

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

PLAN = (
    "plan", "--model", "deepseek-v3", "--system", "nvidia-hgx-h200-8,nvidia-hgx-h20-8,huawei-cloudmatrix-384", "--tpot",
    "40ms", "--ttft", "2s", "--isl", "4000", "--osl", "1000", "--no-intervals", "--json",
)  # fmt: skip
AIM_S = 0.02  # of signing and verifying together
ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement: what was done, the least CPU time of a few rounds, and what is aimed at."""

    name: str
    cpu_s: float
    aim_s: float | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """An answer and a pair of keys."""

    answer: bytes
    catalog: Catalog
    private: PrivateKey
    public: PublicKey

    def signed(self, *, embed: bool = False) -> bytes:
        """The envelope."""
        return attest(self.answer, "plan.json", [self.private], self.catalog, embed=embed)

    def both(self, *, embed: bool = False, beside: bool = False) -> None:
        """Sign and verify, and hold the answer against the statement."""
        found = verify(self.signed(embed=embed), "plan.dsse.json", [self.public])
        if beside:
            compare_document(found.statement, b" " + self.answer, "plan.json")


def case() -> Case:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        accord(PLAN)
    with tempfile.TemporaryDirectory() as folder:
        pair = make_keys(Path(folder) / "k")
        return Case(
            printed.getvalue().encode(), load_catalog(), read_private_key(pair.private), read_public_key(pair.public)
        )


def timed(name: str, work: Callable[[], object], aim_s: float | None = None) -> Line:
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return Line(name, min(taken), aim_s)


def measured() -> list[Line]:
    one = case()
    document = read_json(one.answer, "plan.json")
    plain, embedded = one.signed(), one.signed(embed=True)
    size = f"{len(one.answer) / 1e3:,.0f} kB"
    return [
        timed(f"sign and verify, an answer of {size}", one.both, AIM_S),
        timed("the same, the answer read again to compare", lambda: one.both(beside=True), AIM_S),
        timed("sign and verify, the result embedded", lambda: one.both(embed=True), AIM_S),
        timed("sign", one.signed), timed("verify", lambda: verify(plain, "f", [one.public])),
        timed("verify, the result embedded", lambda: verify(embedded, "f", [one.public])),
        timed(f"canonical JSON of {size}", lambda: canonical(document)),
        timed(f"strict reading of {size}", lambda: read_json(one.answer, "plan.json")),
        timed("hash of the rules, once a catalog", lambda: rules_digest.__wrapped__(one.catalog)),
        timed("hash of the code, once a process", lambda: code_digest.__wrapped__(PACKAGE)),
    ]  # fmt: skip


def test_sign_and_verify(benchmark: BenchmarkFixture) -> None:
    one = case()
    one.both()
    assert timed("", one.both).cpu_s < AIM_S
    benchmark(one.both)


def main() -> None:
    lines = measured()
    if "--json" in sys.argv[1:]:
        told = [asdict(line) for line in lines]
        print(json.dumps({"accord": __version__, "python": platform.python_version(), "lines": told}, indent=2))  # noqa: T201
        return
    width = max(len(line.name) for line in lines)
    print(f"{'':<{width}}  {'CPU ms':>8}  {'aimed at':>8}")  # noqa: T201
    for line in lines:
        aim = f"{1e3 * line.aim_s:,.0f}" if line.aim_s is not None else ""
        print(f"{line.name:<{width}}  {1e3 * line.cpu_s:>8.2f}  {aim:>8}")  # noqa: T201
    print(f"accord {__version__}, Python {platform.python_version()}, {platform.machine()}")  # noqa: T201


if __name__ == "__main__":
    main()
