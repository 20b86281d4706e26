"""A server under load, watched from outside: what clients saw, its memory over time, and what a kill leaves."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.web.load import DEPLOYMENTS, Outcome
from tests.web.running import Server

from accord.web.settings import Settings

ROOT = Path(__file__).parents[2]
EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Memory of a server while clients asked.

    at_s: seconds since they began; all_bytes: of all its processes
    own_bytes: of the one that lasts as long as the server: workers are replaced, and jobs end
    """

    at_s: tuple[float, ...]
    all_bytes: tuple[int, ...]
    own_bytes: tuple[int, ...]

    @property
    def most_bytes(self) -> int:
        """The most that all of them had."""
        return max(self.all_bytes)

    def growth_bytes_per_s(self, last_s: float) -> float:
        """Growth of the server's own over the last seconds of asking: the slope of a line through the samples."""
        first_s = self.at_s[-1] - last_s
        late = [(at, size) for at, size in zip(self.at_s, self.own_bytes, strict=True) if at >= first_s]
        return float(np.polyfit([at for at, _ in late], [size for _, size in late], 1)[0])


def pressed(server: Server, flags: Sequence[str], seconds: float) -> tuple[Outcome, Memory]:
    """Press a server by a process of clients and watch its memory meanwhile.

    Before that it loads what it needs and keeps as many answers as it ever does: what grows then, should not.
    flags: of ``tests.web.load``, without ``--seconds``; seconds: of asking
    """
    _readied(server)
    command = [sys.executable, "-m", "tests.web.load", server.url, "--seconds", str(seconds), *flags]
    clients = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    start_s, at_s, sizes = time.monotonic(), list[float](), list[tuple[int, int]]()
    try:
        while time.monotonic() - start_s < seconds and clients.poll() is None:
            at_s.append(time.monotonic() - start_s)
            sizes.append(server.resident_bytes())
            time.sleep(EVERY_S)
        told, complaint = clients.communicate()
    finally:
        clients.kill()
    assert clients.returncode == 0, complaint[-4000:]
    everything, own = zip(*sizes, strict=True)
    return Outcome(**json.loads(told)), Memory(at_s=tuple(at_s), all_bytes=everything, own_bytes=own)


def _readied(server: Server) -> None:
    """Ask what makes workers load everything, and long answers until no more are kept."""
    with server.client() as client:
        for deployment in DEPLOYMENTS * 2:
            assert client.post("/estimate", json={**deployment, "isl": [64], "osl": [64]}).status_code == 200

        def long_answer(number: int) -> int:
            lengths = list(range(4096 + 32 * number, 4128 + 32 * number))
            answer = client.post("/estimate", json={**DEPLOYMENTS[number % len(DEPLOYMENTS)], "isl": lengths})
            assert answer.status_code == 200, answer.text
            return len(answer.content)

        with ThreadPoolExecutor(8) as threads:  # so that every thread of the server has its share
            kept_bytes = 0
            for first in range(0, 8000, 80):
                kept_bytes += sum(threads.map(long_answer, range(first, first + 80)))
                if kept_bytes > 1.1 * Settings.quick_cache_bytes:
                    break
