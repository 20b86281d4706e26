"""Jobs of a real server: events as they come, an end in order, a kill in the midst and the server after it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.running import Server, running

from accord.report.exports.series import MOST_BYTES

pytestmark = pytest.mark.slow
MACHINE = {"system": "nvidia-hgx-h200-8", "isl": 4000, "osl": 1000}
PLAN = {**MACHINE, "model": "deepseek-r1", "chips": 64, "tpot": "50ms"}
RUN = {"model": "qwen3-8b", "system": "nvidia-hgx-h200-8", "chips": 8, "isl": "1000", "osl": "100", "rate": 20}


def events(api: httpx.Client, id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with api.stream("GET", f"/jobs/{id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


def start(api: httpx.Client, verb: str, request: dict[str, Any]) -> str:
    began_s = time.monotonic()
    answer = api.post(f"/{verb}", json=request)
    assert answer.status_code == 202, answer.text
    assert time.monotonic() - began_s < 5.0
    id = answer.json()["id"]
    assert answer.headers["location"] == f"/api/v1/jobs/{id}"
    return str(id)


def test_a_plan_tells_its_parts_and_a_simulation_its_files(tmp_path: Path) -> None:
    with running(tmp_path) as server, server.client() as api:
        found = list(events(api, start(api, "plan", PLAN)))
        assert found[-1][0] == "done"
        assert len({job["progress"]["done"] for _, job in found}) > 2
        id = start(api, "simulate", {**RUN, "requests": 500})
        assert list(events(api, id))[-1][0] == "done"
        files = {one["name"]: one["bytes"] for one in api.get(f"/jobs/{id}/files").json()["files"]}
        assert files["series.json"] <= MOST_BYTES + 1
        for name, length in files.items():
            assert len(api.get(f"/jobs/{id}/files/{name}").content) == length
        run = api.get(f"/jobs/{id}").json()["run"]
        shown = api.post("/runs/show", json={"id": run})
        assert shown.status_code == 200, shown.text


def test_a_server_ends_within_five_seconds_of_being_asked_with_readers_there(tmp_path: Path) -> None:
    with running(tmp_path) as server, server.client() as api:
        id = start(api, "simulate", {**RUN, "requests": 1_000_000})
        stream = events(api, id)
        next(stream)
        began_s = time.monotonic()
        server.end()
        assert time.monotonic() - began_s < 5.0
        with pytest.raises((httpx.TransportError, StopIteration)):
            for _ in range(100):
                next(stream)
    with running(tmp_path) as server, server.client() as api:
        assert api.get(f"/jobs/{id}").json()["state"] == "interrupted"
        assert api.post(f"/jobs/{id}/cancel", json={}).json()["state"] == "cancelled"


def test_a_killed_server_is_followed_by_one_that_goes_on(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with server.client() as api:
        ids = [start(api, "plan", {**PLAN, "isl": 4000 + at}) for at in range(3)]
        for _, job in events(api, ids[0]):
            if job["progress"]["done"]:
                break
        server.kill()
    with running(tmp_path) as server, server.client() as api:
        states = {job["id"]: job["state"] for job in api.get("/jobs").json()["jobs"]}
        assert set(states) == set(ids)
        assert set(states.values()) <= {"interrupted", "done"}
        assert states[ids[2]] == "interrupted"
        assert api.get(f"/jobs/{ids[2]}/result").status_code == 404
        for id in (one for one in ids if states[one] == "interrupted"):
            assert api.post(f"/jobs/{id}/resume", json={}).status_code == 202
            assert list(events(api, id))[-1][0] == "done"
        again = start(api, "plan", {**PLAN, "isl": 4000})
        assert list(events(api, again))[-1][0] == "done"
        first, second = (api.get(f"/jobs/{id}/result") for id in (ids[0], again))
        assert first.content == second.content
