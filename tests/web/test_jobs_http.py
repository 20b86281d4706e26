"""Jobs by their addresses: events, states, results, files; with a double for the verb."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from tests.web.jobs_rig import DOUBLE, LONG_S, application, asked, asking, ended, parsed, progressed, serving, until

from accord.store.job import (
    CANCELLED,
    ENDED,
    INTERRUPTED,
    QUEUED,
)
from accord.web import job_child, job_live
from accord.web.job_live import Events
from accord.web.jobs import Jobs, TooManyStreams


@pytest.fixture(autouse=True)
def double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_child, "COMMAND", DOUBLE)


# Events


def test_events_begin_with_the_present_state_and_end_with_the_job(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job = await held.submit(asked("parts", "5"), {})
            found = parsed([one async for one in await held.follow(job.id)])
            names = [name for name, _ in found]
            assert set(names[:-1]) == {"progress"}
            assert names[-1] == "done"
            assert found[0][1]["state"] == QUEUED
            assert found[-1][1]["progress"] == {"done": 5, "total": 5, "text": "parts of the search"}
            assert "exit_code" not in found[0][1]
            late = parsed([one async for one in await held.follow(job.id)])
            assert late == [("done", found[-1][1])]

    asyncio.run(run())


def test_progress_is_throttled(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job = await held.submit(asked("parts", "100000"), {})
            found = parsed([one async for one in await held.follow(job.id)])
            assert len(found) < 30

    asyncio.run(run())


def test_a_silent_job_has_a_heartbeat_and_a_reader_that_leaves_leaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_live, "HEARTBEAT_S", 0.1)

    async def run() -> None:
        async with serving(tmp_path, job_streams=2) as held:
            job = await held.submit(asked("hold"), {})
            await progressed(held, job.id)
            for _ in range(5):
                heard = []
                async with aclosing(await held.follow(job.id)) as events:
                    async for one in events:
                        heard.append(one)
                        if one.startswith(b":"):
                            break
                assert heard[-1] == b": still here\n\n"
            streams = [await held.follow(job.id) for _ in range(2)]
            for stream in streams:
                await anext(stream)
            with pytest.raises(TooManyStreams):
                await held.follow(job.id)
            for stream in streams:
                await stream.aclose()
            async with aclosing(await held.follow(job.id)) as events:
                await anext(events)

    asyncio.run(run())


def test_readers_that_come_at_once_are_counted_before_they_read(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path, job_streams=3) as held:
            job = await held.submit(asked("hold"), {})
            ended_one = await held.submit(asked("hold"), {})
            await held.cancel(ended_one.id)
            for id in (job.id, ended_one.id):
                found = await asyncio.gather(*(held.follow(id) for _ in range(10)), return_exceptions=True)
                assert sum(isinstance(one, TooManyStreams) for one in found) == 7
                for one in found:
                    if isinstance(one, Events):
                        await one.aclose()
            async with aclosing(await held.follow(job.id)) as events:
                await anext(events)
                assert len(held._streams) == 1

    asyncio.run(run())


def test_readers_of_a_server_that_stops_are_told(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job, waiting = [await held.submit(asked("hold"), {}) for _ in range(2)]
            await progressed(held, job.id)

            async def follow(id: str) -> list[tuple[str, dict[str, Any]]]:
                return parsed([one async for one in await held.follow(id)])

            readers = [asyncio.create_task(follow(one.id)) for one in (job, waiting)]
            await asyncio.sleep(0.1)
            began_s = time.monotonic()
            held.begin_stop()
            for found in await asyncio.gather(*readers):
                assert found[-1][0] == INTERRUPTED
            await held.stop()
            assert time.monotonic() - began_s < 4.0

    asyncio.run(run())


def test_a_reader_that_hangs_up_is_forgotten_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job = await held.submit(asked("hold"), {})
            server = uvicorn.Server(uvicorn.Config(application(held), port=0, lifespan="off", log_config=None))
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            task = asyncio.create_task(server.serve())
            async with asyncio.timeout(LONG_S):
                while not server.started:
                    await asyncio.sleep(0.02)
                port = server.servers[0].sockets[0].getsockname()[1]
                for _ in range(3):
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(b"GET /api/v1/jobs/%s/events HTTP/1.1\r\nHost: x\r\n\r\n" % job.id.encode())
                    await reader.readuntil(b"event: progress")
                    assert len(held._streams) == 1
                    writer.close()
                    await writer.wait_closed()
                    while held._streams:
                        await asyncio.sleep(0.02)
            server.should_exit = True
            await task

    asyncio.run(run())


# Addresses


def ask(home: Path, do: Callable[[Jobs, httpx.AsyncClient], Awaitable[None]], **changes: Any) -> None:
    async def run() -> None:
        async with serving(home, **changes) as held, asking(held) as client:
            await do(held, client)

    asyncio.run(run())


def test_a_job_by_its_addresses(tmp_path: Path) -> None:
    async def do(held: Jobs, client: httpx.AsyncClient) -> None:
        job = await held.submit(asked("files", verb="simulate"), {"trace": {"name": "t.csv", "text": "x" * 10}})
        at = f"/jobs/{job.id}"
        events = await client.get(f"{at}/events")
        assert events.headers["content-type"].startswith("text/event-stream")
        assert events.headers["cache-control"] == "no-store"
        assert parsed([one.encode() for one in events.text.split("\n\n") if one])[-1][0] == "done"
        shown = (await client.get(at)).json()
        assert list(shown) == [
            "id", "verb", "request", "state", "created", "started", "ended", "progress", "error", "run", "resumes"
        ]  # fmt: skip
        assert shown["request"] == {"trace": {"name": "t.csv"}}
        assert (await client.get("/jobs")).json() == {"jobs": [shown]}
        result = await client.get(f"{at}/result")
        assert (result.status_code, result.headers["accord-exit-code"]) == (200, "0")
        assert result.json()["words"] == "files files csv,chrome-trace,series"
        assert (await client.get(f"{at}/files")).json() == {"files": [{"name": "series.json", "bytes": 11}]}
        file = await client.get(f"{at}/files/series.json")
        assert (file.text, file.headers["content-type"]) == ("series.json", "application/json")
        assert file.headers["content-disposition"] == 'attachment; filename="series.json"'
        gone = await client.post(f"{at}/delete", json={})
        assert gone.json() == {"deleted": job.id}
        assert (await client.get(at)).status_code == 404
        assert not (tmp_path / "runs.sqlite-jobs" / job.id).exists()

    ask(tmp_path, do)


@pytest.mark.parametrize(
    "name",
    ["secret.txt", "summary.json", "%2e%2e", "..%2fresult.json", "%2fetc%2fpasswd", "a%00b", "question.msgpack"],
)
def test_no_other_file_is_reached(tmp_path: Path, name: str) -> None:
    async def do(held: Jobs, client: httpx.AsyncClient) -> None:
        job = await ended(held, asked("files", verb="simulate"))
        found = await client.get(f"/jobs/{job.id}/files/{name}")
        assert found.status_code == 404
        assert "secret" not in found.text

    ask(tmp_path, do)


@pytest.mark.parametrize("id", ["0" * 32, "x", "0" * 31, "F" * 32, "..%2f..", "'--", "0" * 32 + "%0a"])
def test_an_unknown_id_is_not_found(tmp_path: Path, id: str) -> None:
    async def do(held: Jobs, client: httpx.AsyncClient) -> None:
        for way in ("", "/events", "/result", "/files", "/files/series.json"):
            assert (await client.get(f"/jobs/{id}{way}")).status_code == 404
        for way in ("/cancel", "/resume", "/delete"):
            assert (await client.post(f"/jobs/{id}{way}", json={})).status_code == 404

    ask(tmp_path, do)


def test_states_and_queues_have_their_status(tmp_path: Path) -> None:
    async def do(held: Jobs, client: httpx.AsyncClient) -> None:
        done, failed = await ended(held, asked("answer", "1")), await ended(held, asked("refuse"))
        assert (await client.get(f"/jobs/{done.id}/result")).headers["accord-exit-code"] == "1"
        conflict = await client.get(f"/jobs/{failed.id}/result")
        assert conflict.status_code == 409
        assert set(conflict.json()["error"]) == {"what", "where", "hint", "exit_code"}
        for way in ("cancel", "resume"):
            assert (await client.post(f"/jobs/{done.id}/{way}", json={})).status_code == 409
        assert (await client.post(f"/jobs/{done.id}/cancel", json={"x": 1})).status_code == 422
        running = await held.submit(asked("hold"), {})
        await progressed(held, running.id)
        assert (await client.get(f"/jobs/{running.id}/result")).status_code == 404
        assert (await client.post(f"/jobs/{running.id}/delete", json={})).status_code == 409
        stream = await held.follow(running.id)
        await anext(stream)
        full = await client.get(f"/jobs/{running.id}/events")
        assert (full.status_code, int(full.headers["retry-after"]) > 0) == (429, True)
        await stream.aclose()
        cancelled = await client.post(f"/jobs/{running.id}/cancel", json={})
        assert (cancelled.status_code, cancelled.json()["state"]) == (200, CANCELLED)

    ask(tmp_path, do, job_streams=1)


def test_long_answers_are_packed_for_those_who_can_unpack_them(tmp_path: Path) -> None:
    async def do(held: Jobs, client: httpx.AsyncClient) -> None:
        job = await held.submit(asked("long"), {"model": "m" * 5000})
        await until(held, job.id, *ENDED)
        for at in ("/jobs", f"/jobs/{job.id}", f"/jobs/{job.id}/result"):
            packed = await client.get(at)
            plain = await client.get(at, headers={"Accept-Encoding": "identity"})
            assert packed.headers["content-encoding"] == "gzip"
            assert int(packed.headers["content-length"]) < 2000 < int(plain.headers["content-length"])
            assert "content-encoding" not in plain.headers
            assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
            assert packed.content == plain.content
            assert ("accord-exit-code" in packed.headers) is at.endswith("result")

    ask(tmp_path, do)


def test_a_fault_of_the_store_is_the_servers_and_names_no_place(tmp_path: Path) -> None:
    async def do(held: Jobs, client: httpx.AsyncClient) -> None:
        job = await ended(held, asked("answer"))
        folder = held._store.place(job.id)
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
        for way in ("/files", "/result"):
            answer = await client.get(f"/jobs/{job.id}{way}")
            assert (answer.status_code, answer.json()["error"]["where"]) == (503, None)
            assert str(tmp_path) not in answer.text
        held._store._database.execute("DROP TABLE jobs")
        for answer in (await client.get("/jobs"), await client.post(f"/jobs/{job.id}/cancel", json={})):
            assert (answer.status_code, answer.json()["error"]["where"]) == (503, None)
            assert str(tmp_path) not in answer.text

    ask(tmp_path, do)
