"""The application: addresses, one form of errors, jobs where it takes long, the catalog in short, the page's files."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.in_process import Client, in_process

from accord._version import VERSION
from accord.web.routes import page
from accord.web.schema import question_of
from accord.web.settings import Settings

ESTIMATE = {"model": "deepseek-r1", "system": "huawei-cloudmatrix-384", "chips": 16, "isl": 2000, "osl": 500}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    settings = Settings(store=tmp_path_factory.mktemp("store") / "runs.sqlite", quick_workers=1)
    with in_process(settings) as client:
        yield client


def error(response: Any) -> dict[str, Any]:
    found = response.json()
    assert set(found) == {"error"}
    assert set(found["error"]) == {"what", "where", "hint", "exit_code"}
    return dict(found["error"])


def test_a_verb_is_asked_by_its_fields(client: Client) -> None:
    response = client.post("/api/v1/estimate", json=ESTIMATE)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["accord-exit-code"] == "0"
    assert response.json()["schema"] == "accord.estimate/1"
    assert response.json()["inputs"]["request"]["model"] == "deepseek-r1"


def test_an_answer_that_is_no_is_an_answer(client: Client) -> None:
    response = client.post("/api/v1/policy/party", json={"name": "nobody at all", "date": "2025-05-01"})
    assert (response.status_code, response.headers["accord-exit-code"]) == (200, "1")


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b'{"model": "\\ud800"}', 400, "no JSON"),
        (b"[]", 422, "object"),
        (b'{"modle": "x"}', 422, "no field 'modle'"),
        (b'{"isl": "many"}', 422, "must be a number or a list"),
        (b'{"isl": []}', 422, "is an empty list"),
        (b'{"graph": 1}', 422, "must be true or false"),
        (b'{"model_file": 1}', 422, "must be an object"),
        (b'{"chips": 0}', 422, "greater than or equal to 1"),
        (b'{"model": "/etc/passwd"}', 422, "character"),
        (b'{"deployment": {"name": "d.yaml", "path": "/etc"}}', 422, "no field 'path'"),
        (b'{"deployment": {"text": "a"}}', 422, "'deployment.name' is missing"),
        (b"{}", 422, "--model"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(body: bytes, status: int, what: str, client: Client) -> None:
    response = client.post("/api/v1/estimate", content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert what in error(response)["what"]


def test_a_field_that_was_meant_is_named(client: Client) -> None:
    assert "model" in error(client.post("/api/v1/estimate", json={"modle": "x"}))["hint"]
    found = error(client.post("/api/v1/estimate", json={"isl": "many"}))
    assert (found["where"], found["hint"]) == ("isl", "Prompt tokens.")


@pytest.mark.parametrize(
    ("verb", "fields", "what"),
    [
        ("plan", {}, "--model is missing"),
        ("plan", {"model": "deepseek-r1", "system": ["nope"]}, "no system is called 'nope'"),
        ("plan", {"model": "nope", "system": ["huawei-cloudmatrix-384"]}, "not in the catalog"),
        ("plan", {"ttft": 5}, "takes seconds"),
        ("plan", {"scenario": {"name": "s.toml", "text": "[plan]\nmodle = 1\n"}}, "'modle'"),
        ("size", {"model": "deepseek-r1", "system": "huawei-cloudmatrix-384"}, "no load to size for"),
        ("simulate", {}, "no load"),
        ("simulate", {"model": "nope", "system": "x", "isl": 500, "osl": 50, "rate": 1}, "not in the catalog"),
    ],
)
def test_a_long_question_that_cannot_be_meant_starts_no_job(
    verb: str, fields: dict[str, object], what: str, client: Client
) -> None:
    client.post("/api/v1/estimate", json={})  # the worker has loaded
    response = client.post(f"/api/v1/{verb}", json=fields)
    assert response.status_code == 422
    assert what in error(response)["what"]
    assert client.get("/api/v1/jobs").json() == {"jobs": []}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404), ("POST", "/api/v1/attest/sign", 404), ("POST", "/api/v1/calibrate", 404),
        ("POST", "/api/v1/runs/delete", 404), ("GET", "/api/v1/estimate", 405), ("GET", "/nothing", 404),
        ("GET", "/docs", 404), ("GET", "/redoc", 404), ("GET", "/openapi.json", 404),
        ("GET", "/api/v1/jobs/" + "0" * 32, 404), ("GET", "/../pyproject.toml", 404),
        ("GET", "/assets/%2e%2e/%2e%2e/app.py", 404), ("DELETE", "/", 405),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_the_one_form(method: str, path: str, status: int, client: Client) -> None:
    response = client.request(method, path, **({"json": {}} if method == "POST" else {}))
    assert response.status_code == status
    error(response)


def test_what_takes_long_becomes_a_job(client: Client) -> None:
    sent = {"model": "qwen3-32b", "system": "nvidia-h100-sxm", "isl": 500, "osl": 50, "rate": 1, "requests": 1}
    response = client.post("/api/v1/simulate", json=sent)
    assert response.status_code == 202
    job = response.json()
    assert response.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["verb"], job["request"]) == ("simulate", sent)
    assert client.get(response.headers["location"]).json()["id"] == job["id"]
    train = {"model": "qwen3-32b", "system": "nvidia-hgx-h100-8", "chips": 8, "tokens": 1e12, "failures": True}
    assert client.post("/api/v1/train", json=train).status_code == 202
    assert client.post("/api/v1/train", json={"failures": True}).status_code == 422
    assert client.post("/api/v1/train", json={}).status_code == 422


def test_large_bodies_are_read_beside_the_loop(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[threading.Thread] = []

    def seen(*args: Any) -> Any:
        read.append(threading.current_thread())
        return question_of(*args)

    monkeypatch.setattr("accord.web.routes.verbs.question_of", seen)
    for size in (100, 300_000):
        sent = {"file": {"name": "cases.csv", "text": "x" * size}}
        assert client.post("/api/v1/policy/cases", json=sent).status_code == 422
    assert [one is client.thread for one in read] == [True, False]


def test_health_names_version_and_catalog(client: Client) -> None:
    found = client.get("/api/v1/health").json()
    assert set(found) == {"accord", "catalog", "pid"}
    assert found["accord"] == VERSION
    assert len(found["catalog"]) == 64


def test_entries_are_those_that_the_command_lists(client: Client) -> None:
    response = client.get("/api/v1/entries")
    found = response.json()
    assert found["catalog"] == client.get("/api/v1/health").json()["catalog"]
    assert {"chips", "systems", "models", "engines", "workloads", "places", "parties", "instruments", "claims"} <= set(
        found["kinds"]
    )
    assert all(entry["id"] for entries in found["kinds"].values() for entry in entries)
    listed = client.post("/api/v1/catalog/list", json={"kind": "chips"}).json()["result"]["entries"]
    assert found["kinds"]["chips"] == listed
    assert len(gzip.compress(response.content)) < 30_000
    assert "etag" not in response.headers, "nobody may keep an answer, so there is nothing to ask about it"


def test_without_a_built_page_its_address_says_how_to_build_it(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "STATIC", tmp_path)
    for path in ("/", "/plan", "/accuracy"):
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/html")
        assert "do.py page" in response.text
        assert "http://" not in response.text
        assert "https://" not in response.text


def test_files_of_the_page_are_sent_packed_and_kept(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tmp_path / "static"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>Accord</title>")
    script = "let a = 1;\n" * 200
    (built / "assets" / "index-AbCd1234.js").write_text(script)
    (tmp_path / "secret").write_text("secret")
    (built / "link").symlink_to(tmp_path / "secret")
    monkeypatch.setattr(page, "STATIC", built)
    for path in ("/", *(f"/{name}" for name in page.PAGES)):
        assert client.get(path).text == "<!doctype html><title>Accord</title>"
    sent = client.get("/assets/index-AbCd1234.js")
    assert sent.text == script
    assert sent.headers["content-type"].startswith("text/javascript")
    assert sent.headers["content-encoding"] == "gzip"
    assert "immutable" in sent.headers["cache-control"]
    assert "content-encoding" not in client.get("/assets/index-AbCd1234.js", headers={"accept-encoding": ""}).headers
    frame = client.get("/plan")
    assert frame.headers["cache-control"] == "no-cache"
    assert client.get("/plan", headers={"if-none-match": frame.headers["etag"]}).status_code == 304
    assert client.get("/link").status_code == 404
    assert client.get("/assets").status_code == 404
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in ("/nothing", "/nothing/here", "/link"):
        shown = client.get(path, headers=browser)
        assert (shown.status_code, shown.text) == (404, "<!doctype html><title>Accord</title>")
    for path in ("/assets/nothing.js", "/api/v1/nothing", "/api"):
        assert client.get(path, headers=browser).headers["content-type"] == "application/json"
    assert client.post("/nothing", headers=browser).headers["content-type"] == "application/json"


def test_a_fault_is_told_without_its_traceback(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ValueError("secret")

    monkeypatch.setattr("accord.web.routes.verbs.question_of", fail)
    response = client.post("/api/v1/estimate", json=ESTIMATE)
    assert response.status_code == 500
    assert error(response)["exit_code"] == 70
    assert "secret" not in response.text


def test_the_document_is_served(client: Client) -> None:
    found = client.get("/api/v1/openapi.json")
    assert found.status_code == 200
    assert found.json()["info"] == {"title": "Accord", "version": VERSION}
    assert "/api/v1/openapi.json" in found.json()["paths"]
    assert found.headers["content-encoding"] == "gzip"
    plain = client.get("/api/v1/openapi.json", headers={"accept-encoding": ""})
    assert "content-encoding" not in plain.headers
    assert plain.content == found.content
