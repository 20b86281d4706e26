"""Workers for quick questions: the deadline, the queue, memory, and a worker that dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from accord.web.answer import File, Question, Reply
from accord.web.settings import MIB, Settings
from accord.web.workers import Workers

T = TypeVar("T")
QUICK = Question("catalog list", ("--json",))
SLOW = Question("why", ("--json", "--", "plan.json"), (File("plan.json", b"{"),))
ALL_CLAIMS = Question("audit", ("--json",))  # takes seconds


def with_workers(folder: Path, ask: Callable[[Workers], Awaitable[T]], **settings: Any) -> T:
    """What a coroutine says that asks workers of their own."""

    async def asked() -> T:
        workers = Workers(Settings(store=folder / "runs.sqlite", **settings))
        workers.start()
        try:
            return await ask(workers)
        finally:
            workers.stop()

    return asyncio.run(asked())


def pids() -> set[int]:
    """Worker processes that this one started, whichever thread it was."""
    found = {
        int(child)
        for thread in Path(f"/proc/{os.getpid()}/task").iterdir()
        for child in (thread / "children").read_text().split()
    }
    return {pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_questions_are_answered_side_by_side(tmp_path: Path) -> None:
    async def ask(workers: Workers) -> list[Reply]:
        questions = [Question("catalog list", ("--json", "--", kind)) for kind in ("chips", "systems", "models", "x")]
        return await asyncio.gather(*map(workers.ask, questions))

    replies = with_workers(tmp_path, ask)
    assert [one.status for one in replies] == [200, 200, 200, 422]
    kinds = [json.loads(one.body)["result"]["kind"] for one in replies[:3]]
    assert kinds == ["chips", "systems", "models"]
    assert not (tmp_path / "runs.sqlite").exists()


def test_the_deadline_ends_a_question_and_the_next_one_is_answered(tmp_path: Path) -> None:
    async def ask(workers: Workers) -> tuple[float, list[Reply]]:
        assert (await workers.ask(QUICK)).status == 200
        before = pids()
        start = time.monotonic()
        late = await workers.ask(ALL_CLAIMS)
        took = time.monotonic() - start
        again = await workers.ask(Question("catalog list", ("--json", "--", "models")))
        assert not before & pids(), "the late worker is gone"
        return took, [late, again]

    took_s, (late, again) = with_workers(tmp_path, ask, quick_workers=1, quick_deadline_s=1.0)
    assert late.status == 408
    assert "longer than 1 s" in json.loads(late.body)["error"]["what"]
    assert 0.9 < took_s < 3.0
    assert again.status == 200


def test_too_many_questions_are_told_to_come_again(tmp_path: Path) -> None:
    async def ask(workers: Workers) -> list[int]:
        await workers.ask(QUICK)
        questions = [Question("estimate", (f"--isl={number}", "--json")) for number in range(12)]
        return [one.status for one in await asyncio.gather(workers.ask(ALL_CLAIMS), *map(workers.ask, questions))]

    states = with_workers(tmp_path, ask, quick_workers=1, quick_queue=4)
    assert states[0] == 200
    assert states[1:].count(429) >= 7
    assert set(states[1:]) == {422, 429}


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    async def ask(workers: Workers) -> list[Reply]:
        await workers.ask(QUICK)
        asked = asyncio.create_task(workers.ask(ALL_CLAIMS))
        await asyncio.sleep(0.5)
        for pid in pids():
            os.kill(pid, signal.SIGKILL)
        return [await asked, await workers.ask(Question("catalog list", ("--json", "--", "models")))]

    died, again = with_workers(tmp_path, ask, quick_workers=1)
    assert died.status == 503
    assert "ended before it answered" in json.loads(died.body)["error"]["what"]
    assert again.status == 200


def test_a_question_that_needs_too_much_memory_is_refused_and_the_worker_lives(tmp_path: Path) -> None:
    words = (
        "--model=deepseek-r1", "--system=huawei-cloudmatrix-384", "--phase=decode", "--batch-per-device=8",
        "--sweep=kv-len=1000:90000:30000", "--sweep=isl=1000:90000:3000", "--json",
    )  # fmt: skip

    async def ask(workers: Workers) -> list[Reply]:
        return [await workers.ask(Question("estimate", words)), await workers.ask(QUICK)]

    large, again = with_workers(tmp_path, ask, quick_workers=1, worker_memory_bytes=400 * MIB)
    assert large.status == 413
    assert json.loads(large.body)["error"]["what"]
    assert again.status == 200


def test_what_was_asked_before_is_answered_at_once(tmp_path: Path) -> None:
    async def ask(workers: Workers) -> tuple[Reply, Reply, float]:
        first = await workers.ask(ALL_CLAIMS)
        start = time.monotonic()
        return first, await workers.ask(ALL_CLAIMS), time.monotonic() - start

    first, second, took_s = with_workers(tmp_path, ask, quick_workers=1)
    assert first.body == second.body
    assert took_s < 0.05


def test_kept_answers_are_bounded(tmp_path: Path) -> None:
    async def ask(workers: Workers) -> int:
        for kind in ("chips", "systems", "models", "places"):
            assert (await workers.ask(Question("catalog list", ("--json", "--", kind)))).status == 200
        return sum(len(reply.body) for reply in workers.kept())

    assert 0 < with_workers(tmp_path, ask, quick_workers=1, quick_cache_bytes=130_000) <= 130_000


def test_a_worker_is_replaced_after_its_share_of_questions(tmp_path: Path) -> None:
    async def ask(workers: Workers) -> tuple[set[int], set[int]]:
        await workers.ask(QUICK)
        first = pids()
        for name in ("models", "chips"):
            assert (await workers.ask(Question("catalog list", ("--json", "--", name)))).status == 200
        return first, pids()

    first, last = with_workers(tmp_path, ask, quick_workers=1, worker_tasks=2)
    assert first != last


def test_what_a_question_brought_is_gone_afterwards(tmp_path: Path) -> None:
    async def ask(workers: Workers) -> list[str]:
        assert (await workers.ask(SLOW)).status == 422
        await workers.ask(QUICK)
        assert workers.folder.parent == tmp_path / "runs.sqlite-jobs"  # where the next start sweeps
        return [str(one) for one in workers.folder.rglob("*") if one.is_file()]

    assert with_workers(tmp_path, ask, quick_workers=1) == []
