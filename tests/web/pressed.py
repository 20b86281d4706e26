"""A server under load, watched from outside: what clients saw, its memory over time, and what a kill leaves."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.web.load import DEPLOYMENTS, Outcome
from tests.web.running import Server

ROOT = Path(__file__).parents[2]
EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Memory of a server while clients asked.

    at_s: seconds since they began; all_bytes: of all its processes; lasting_bytes: of those that are no job's
    """

    at_s: tuple[float, ...]
    all_bytes: tuple[int, ...]
    lasting_bytes: tuple[int, ...]

    @property
    def most_bytes(self) -> int:
        """The most that all of them had."""
        return max(self.all_bytes)

    def growth_bytes_per_s(self, last_s: float) -> float:
        """Growth of those that last, over the last seconds of asking: the slope of a line through the samples."""
        first_s = self.at_s[-1] - last_s
        late = [(at, size) for at, size in zip(self.at_s, self.lasting_bytes, strict=True) if at >= first_s]
        return float(np.polyfit([at for at, _ in late], [size for _, size in late], 1)[0])


def pressed(server: Server, flags: Sequence[str], seconds: float) -> tuple[Outcome, Memory]:
    """Press a server by a process of clients and watch its memory meanwhile.

    flags: of ``tests.web.load``, without ``--seconds``; seconds: of asking
    """
    with server.client() as client:  # a server that has just started loads what it needs at the first questions
        for deployment in DEPLOYMENTS * 2:
            assert client.post("/estimate", json={**deployment, "isl": [64], "osl": [64]}).status_code == 200
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
    everything, lasting = zip(*sizes, strict=True)
    return Outcome(**json.loads(told)), Memory(at_s=tuple(at_s), all_bytes=everything, lasting_bytes=lasting)
