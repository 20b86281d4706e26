"""The board's address: what it answers, what it refuses, and how questions wait for it."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import httpx
import msgspec
import pytest

from accord.api.board import Board
from accord.planner.problem import Limit, Limits, Problem, Space
from accord.web.answer import Reply
from accord.web.board import Ask, BoardWorker
from accord.web.board_answer import MOST_BOARDS, MOST_POINTS, Boards
from accord.web.routes.board import BOARD, PlanBoardRequest
from accord.web.settings import Settings
from accord.web.verbs import COMMON

SMALL: dict[str, object] = {
    "model": "deepseek-v3", "system": ["nvidia-hgx-h200-8"], "isl": 4096, "osl": 1024, "batch": [4, 16, 64, 128],
    "engine": ["sglang"], "max_num_batched_tokens": [8192], "mtp_tokens": [0],
}  # fmt: skip
LIMITED = {**SMALL, "ttft": "2s", "tpot": "50ms", "chips": 48}
WORDS = (
    "--model=deepseek-v3", "--system=nvidia-hgx-h200-8", "--isl=4096", "--osl=1024", "--batch=4,16,64,128",
    "--engine=sglang", "--max-num-batched-tokens=8192", "--mtp-tokens=0", "--json",
)  # fmt: skip


def test_it_answers_with_an_envelope(api: httpx.Client) -> None:
    first = api.post("/plan/board", json=LIMITED)
    assert first.status_code == 200, first.text
    body = first.json()
    result = body["result"]
    assert body["schema"].startswith("accord.plan.board/") and body["sources"]
    assert result["candidates"] == result["feasible"] + sum(result["rejected"].values())
    front = result["front"]
    assert [one["x"] for one in front] == sorted(one["x"] for one in front)
    assert [one["y"] for one in front] == sorted((one["y"] for one in front), reverse=True)
    for one in front:
        assert one["x_low"] < one["x"] < one["x_high"] and one["y_low"] < one["y"] < one["y_high"]
        assert one["chips"] <= 48 and one["layout"]
    points = result["points"]
    assert len({len(column) for column in points.values()}) == 1 and len(points["x"]) <= 2 * MOST_POINTS
    again = api.post("/plan/board", json={**LIMITED, "tpot": "45ms", "per": "usd", "chosen": 0, "client": "page-1"})
    told = again.json()["result"]
    assert told["priced"] is True and told["priced_s"] == 0.0 and told["per"] == "usd"
    assert told["chosen"]["metrics"]["output_token_per_s_per_user"]["value"] == pytest.approx(told["front"][0]["x"])


def test_the_best_is_that_of_a_board_asked_in_process(api: httpx.Client) -> None:
    latencies = (Limit(latency="ttft", limit_s=2.0), Limit(latency="tpot", limit_s=0.05))
    space = Space(batches=(4, 16, 64, 128), engines=("sglang",), budgets=(8192,), mtp_tokens=(0,))
    problem = Problem(model="deepseek-v3", systems=("nvidia-hgx-h200-8",), isl=4096.0, osl=1024.0, space=space)
    best = Board(problem).ask(Limits(latencies=latencies, chips=48)).best
    assert best is not None
    assert api.post("/plan/board", json=LIMITED).json()["result"]["best"] == json.loads(msgspec.json.encode(best))


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"tpot": "soon"}, "tpot"),
        ({"nope": 1}, "there is no field 'nope'"),
        ({"chosen": -1}, "greater than or equal to 0"),
        ({"chosen": 99_999}, "none of index 99999"),
        ({"system": ["nvidia-hgx-h2"]}, "no system is called"),
        ({"per": "watt"}, "'chip' or 'usd'"),
        ({"client": "a b"}, "character"),
    ],
)
def test_what_it_refuses(api: httpx.Client, more: dict[str, object], what: str) -> None:
    found = api.post("/plan/board", json={**SMALL, **more})
    error = found.json()["error"]
    assert found.status_code == 422 and what in f"{error['where']}: {error['what']}"


def test_where_nothing_keeps_the_limits(api: httpx.Client) -> None:
    result = api.post("/plan/board", json={**SMALL, "ttft": "1ms"}).json()["result"]
    assert result["feasible"] == 0 and result["front"] == [] and result["best"] is None
    assert result["rejected"]["ttft"] == result["candidates"]
    assert not any(result["points"]["feasible"])


def test_every_flag_is_a_field_or_withheld_with_a_reason() -> None:
    fields = {str(one.alias) for one in PlanBoardRequest.model_fields.values()}
    for parameter in BOARD.command.params:
        name = parameter.name or ""
        if name in BOARD.withheld or name in COMMON:
            assert BOARD.field_of(parameter) is None
        else:
            assert BOARD.field_of(parameter) in fields, name
    assert "$defs" not in PlanBoardRequest.model_json_schema(by_alias=True)


def test_boards_are_few() -> None:
    boards = Boards()
    for isl in range(MOST_BOARDS + 2):
        words = tuple(word.replace("4096", str(4096 + isl)) for word in WORDS)
        boards.answer(Ask(words))
    assert len(boards._kept) == MOST_BOARDS


# How questions wait


class Slow(BoardWorker):
    """A worker whose process is a lock: it answers when it is let."""

    def __init__(self, deadline_s: float = 30.0) -> None:
        super().__init__(Settings(store=Path("runs.db"), quick_queue=3, quick_deadline_s=deadline_s))
        self.let, self.done = threading.Semaphore(0), list[str]()

    def _exchange(self, ask: Ask, end_s: float) -> Reply:
        self.let.acquire()
        self.done.append(ask.words[0])
        return Reply(200, 0, b"{}")


async def here() -> bool:
    return False


async def away() -> bool:
    return True


async def begun(worker: Slow, text: str, client: str | None = None) -> asyncio.Task[Reply]:
    task = asyncio.create_task(worker.ask(Ask((text,)), client, here))
    await asyncio.sleep(0.01)
    return task


def test_of_one_client_only_the_latest_question_that_waits_is_answered() -> None:
    async def story() -> None:
        worker = Slow()
        tasks = [await begun(worker, text, "a") for text in ("first", "second", "third")]
        worker.let.release(3)
        assert [(await task).status for task in tasks] == [200, 409, 200]
        assert worker.done == ["first", "third"]
        worker.stop()

    asyncio.run(story())


def test_a_question_whose_client_is_gone_is_not_begun() -> None:
    async def story() -> None:
        worker = Slow()
        first = await begun(worker, "first")
        gone = asyncio.create_task(worker.ask(Ask(("gone",)), None, away))
        cancelled = await begun(worker, "cancelled")
        cancelled.cancel()
        worker.let.release(2)
        assert (await first).status == 200 and (await gone).status == 409
        assert (await (await begun(worker, "last"))).status == 200
        assert worker.done == ["first", "last"]
        worker.stop()

    asyncio.run(story())


def test_a_client_that_leaves_does_not_let_two_questions_at_the_process() -> None:
    async def story() -> None:
        worker = Slow()
        first = await begun(worker, "first")
        first.cancel()
        second = await begun(worker, "second")
        assert not second.done() and worker.done == []
        worker.let.release(2)
        assert (await second).status == 200 and worker.done == ["first", "second"]
        worker.stop()

    asyncio.run(story())


def test_the_queue_has_an_end() -> None:
    async def story() -> None:
        worker = Slow()
        tasks = [await begun(worker, text) for text in ("a", "b", "c", "d")]
        assert (await tasks[3]).status == 429
        worker.let.release(3)
        assert [(await task).status for task in tasks[:3]] == [200, 200, 200]
        worker.stop()

    asyncio.run(story())


def test_a_question_waits_no_longer_than_the_deadline() -> None:
    async def story() -> None:
        worker = Slow(deadline_s=0.2)
        first, second = await begun(worker, "first"), await begun(worker, "second")
        late = await second
        assert late.status == 408 and b"until the deadline" in late.body
        worker.let.release(2)
        assert (await first).status == 200
        assert (await (await begun(worker, "third"))).status == 200
        assert worker.done == ["first", "third"]
        worker.stop()

    asyncio.run(story())
