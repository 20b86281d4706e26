"""Many clients at once on a server of the loopback address, for a bounded time: estimates, and plans as jobs.

``python -m tests.web.load URL --clients 50 --seconds 60`` prints an :class:`Outcome` as JSON. It is a process of its
own, so that clients do not wait for one another in the server's. A client asks, waits for the answer, thinks for a
moment and asks again; every eighth question is one that many ask, the others are hardly ever the same. Refusals (429)
are honoured: the client comes back after ``Retry-After``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

import httpx

ENDED = ("done", "failed", "cancelled", "interrupted")
BUSY, ACCEPTED, FAULT = 429, 202, 500
DRAIN_S = 240.0
POPULAR = 8
PAUSE_S = 2.0  # of a planner between two plans
DEPLOYMENTS = (
    {"model": "llama-3.1-8b", "system": "nvidia-hgx-h100-8", "tp": [1], "phase": ["serve"]},
    {"model": "llama-3.1-70b", "system": "nvidia-hgx-h100-8", "tp": [8], "phase": ["serve"]},
    {"model": "llama-3.1-70b", "system": "huawei-atlas-800-a2-node", "tp": [8], "phase": ["serve"]},
    {"model": "gpt-oss-120b", "system": "amd-mi300x-8", "tp": [4], "phase": ["serve"]},
)
SEARCHES = (
    {"model": "llama-3.1-8b", "system": ["nvidia-hgx-h100-8"], "ttft": "2000ms", "tpot": "50ms"},
    {"model": "llama-3.1-70b", "system": ["huawei-atlas-800-a2-node"], "ttft": "3000ms", "tpot": "80ms"},
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What clients saw.

    statuses: ``VERB STATUS`` -> answers; estimate_s, accepted_s: seconds to an estimate, and to a job that was taken
    jobs: state in which they ended -> how many; lost: ids that were accepted and did not end
    broken: connections that failed, by kind; seconds: of asking
    """

    clients: int
    seconds: float
    statuses: dict[str, int]
    estimate_s: list[float]
    accepted_s: list[float]
    jobs: dict[str, int]
    lost: list[str]
    broken: dict[str, int]

    @property
    def faults(self) -> int:
        """Answers of 500 and above."""
        return sum(count for name, count in self.statuses.items() if int(name.split()[1]) >= FAULT)

    @property
    def refused(self) -> int:
        """Answers that asked to come back later."""
        return sum(count for name, count in self.statuses.items() if name.endswith(f" {BUSY}"))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1] if len(values) > 1 else 0.0


@dataclass
class _Seen:
    statuses: Counter[str] = field(default_factory=Counter)
    estimate_s: list[float] = field(default_factory=list)
    accepted_s: list[float] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)


class _Crowd:
    """Clients of one server until a moment."""

    def __init__(self, client: httpx.AsyncClient, until_s: float, think_s: float) -> None:
        self.client, self.until_s, self.think_s, self.seen = client, until_s, think_s, _Seen()

    async def estimates(self, draw: random.Random) -> None:
        """Ask for estimates, one after the other."""
        while time.monotonic() < self.until_s:
            answer, took_s = await self._post("estimate", _deployment(draw))
            if answer is not None and answer.status_code == httpx.codes.OK:
                self.seen.estimate_s.append(took_s)
            await self._rest(answer, draw.expovariate(1.0 / self.think_s) if self.think_s else 0.0)

    async def plans(self, draw: random.Random) -> None:
        """Start searches, some while after the other, whether they ended or not."""
        while time.monotonic() < self.until_s:
            answer, took_s = await self._post("plan", _search(draw))
            if answer is not None and answer.status_code == ACCEPTED:
                self.seen.accepted_s.append(took_s)
                self.seen.jobs.append(answer.json()["id"])
            await self._rest(answer, PAUSE_S)

    async def _post(self, verb: str, body: dict[str, object]) -> tuple[httpx.Response | None, float]:
        start_s = time.perf_counter()
        try:
            answer = await self.client.post(f"/api/v1/{verb}", json=body)
        except httpx.TransportError as error:
            self.seen.broken[type(error).__name__] += 1
            return None, 0.0
        self.seen.statuses[f"{verb} {answer.status_code}"] += 1
        return answer, time.perf_counter() - start_s

    async def _rest(self, answer: httpx.Response | None, usual_s: float) -> None:
        """Think; after a refusal wait as long as the server says, after a failure a moment."""
        wait_s = usual_s
        if answer is None:
            wait_s = 0.5
        elif answer.status_code == BUSY:
            wait_s = float(answer.headers["Retry-After"])
        await asyncio.sleep(max(0.0, min(wait_s, self.until_s - time.monotonic())))

    async def drained(self, wait_s: float) -> tuple[dict[str, int], list[str]]:
        """Wait until every job that was accepted has ended; states, and ids of those that have not."""
        left, states = list(self.seen.jobs), Counter[str]()
        until_s = time.monotonic() + wait_s
        while left and time.monotonic() < until_s:
            for id in list(left):
                answer = await self.client.get(f"/api/v1/jobs/{id}")
                state = answer.json()["state"] if answer.status_code == httpx.codes.OK else f"HTTP {answer.status_code}"
                if state in ENDED:
                    states[state] += 1
                    left.remove(id)
                elif answer.status_code == httpx.codes.OK:
                    break  # the oldest still runs, and the others come after it
            await asyncio.sleep(0.5)
        return dict(states), left


async def press(url: str, *, clients: int, planners: int, seconds: float, think_s: float, seed: int) -> Outcome:
    """Let clients ask a server for a time, then wait for its jobs.

    url: of a server on the loopback address; clients: all of them; planners: how many of them start searches
    think_s: mean pause of a client between two estimates
    """
    if urlsplit(url).hostname not in ("127.0.0.1", "::1", "localhost"):
        raise SystemExit(f"error: {url} is not on the loopback address, and a load is not sent elsewhere")
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=url, timeout=60.0, limits=limits, trust_env=False) as client:
        crowd = _Crowd(client, time.monotonic() + seconds, think_s)
        draws = [random.Random(f"{seed} {number}") for number in range(clients)]
        tasks = [crowd.plans(draw) for draw in draws[:planners]] + [crowd.estimates(draw) for draw in draws[planners:]]
        await asyncio.gather(*tasks)
        states, lost = await crowd.drained(DRAIN_S)
    seen = crowd.seen
    return Outcome(
        clients=clients,
        seconds=seconds,
        statuses=dict(sorted(seen.statuses.items())),
        estimate_s=seen.estimate_s,
        accepted_s=seen.accepted_s,
        jobs=states,
        lost=lost,
        broken=dict(seen.broken),
    )


def _deployment(draw: random.Random) -> dict[str, object]:
    """A question to ``estimate``; every eighth is one of a few."""
    if draw.random() < 1.0 / 8.0:
        number = draw.randrange(POPULAR)
        return {**DEPLOYMENTS[number % len(DEPLOYMENTS)], "isl": [1024], "osl": [256], "concurrency": [8 + number]}
    sizes = {
        "isl": [draw.randrange(128, 4096)],
        "osl": [draw.randrange(32, 1024)],
        "concurrency": [draw.randrange(1, 64)],
    }
    return {**draw.choice(DEPLOYMENTS), **sizes}


def _search(draw: random.Random) -> dict[str, object]:
    """A question to ``plan``."""
    return {**draw.choice(SEARCHES), "isl": draw.randrange(256, 2048), "osl": draw.randrange(64, 512)}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags that say how hard a server is pressed."""
    parser.add_argument("--clients", type=int, default=50, help="at a time")
    parser.add_argument("--planners", type=int, default=10, help="clients among them that start searches")
    parser.add_argument("--seconds", type=float, default=60.0, help="of asking")
    parser.add_argument("--think", type=float, default=0.0, help="mean seconds between an answer and the next question")
    parser.add_argument("--seed", type=int, default=1, help="of the questions")


def main(words: Sequence[str] | None = None) -> None:
    """Press a server and print what clients saw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    add_flags(parser)
    told = parser.parse_args(words)
    outcome = asyncio.run(
        press(
            told.url,
            clients=told.clients,
            planners=told.planners,
            seconds=told.seconds,
            think_s=told.think,
            seed=told.seed,
        )
    )
    print(json.dumps(asdict(outcome)))  # noqa: T201  the report that the other process reads


if __name__ == "__main__":
    main()
