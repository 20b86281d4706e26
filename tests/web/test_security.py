"""What stands before every address, asked without a server: hosts, origins, the token, methods, bodies."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from accord.base.errors import UsageError
from accord.web import security
from accord.web.hosts import Names, allowed_host, is_loopback, resolved
from accord.web.security import CSP, protect
from accord.web.settings import Settings

PORT = 8321
TOKEN = b"q7xT0o2kVnBf3mZyRw8sLdAe"
PLAIN = Settings(store=Path("none.sqlite"), port=PORT, max_body_bytes=1000)
SECRET = replace(PLAIN, token=TOKEN)
JSON = ("Content-Type", "application/json")
BEARER = ("Authorization", f"Bearer {TOKEN.decode()}")
Headers = Iterable[tuple[str, str]]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def what(self) -> str:
        return str(json.loads(self.body)["error"]["what"])


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    while scope["method"] == "POST":
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"access-control-allow-origin", b"*")]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def ask(
    path: str = "/api/v1/health", method: str = "GET", headers: Headers = (), *, settings: Settings = PLAIN,
    host: str | None = f"127.0.0.1:{PORT}", query: str = "", body: Iterable[bytes] = (),
) -> Answer:  # fmt: skip
    listed = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    listed += [] if host is None else [(b"host", host.encode("latin-1"))]
    scope: Scope = {
        "type": "http", "method": method, "path": path, "query_string": query.encode("latin-1"), "headers": listed,
    }  # fmt: skip
    pieces = list(body) or [b""]
    messages: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": at < len(pieces)} for at, piece in enumerate(pieces, 1)
    ]
    said: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        said.append(message)

    asyncio.run(protect(echo, settings)(scope, receive, send))  # type: ignore[arg-type]
    head: dict[str, str] = {}
    for name, value in said[0]["headers"]:
        assert name.decode() not in head
        head[name.decode()] = value.decode()
    return Answer(said[0]["status"], head, b"".join(message["body"] for message in said[1:]))


def post(*pieces: bytes, headers: Headers = (JSON,), settings: Settings = PLAIN) -> Answer:
    length = ("Content-Length", str(sum(len(piece) for piece in pieces)))
    return ask("/api/v1/estimate", "POST", [*headers, length], settings=settings, body=pieces)


def test_answers_have_the_headers_of_the_contract() -> None:
    for answer in (ask(), ask(host="evil.example"), ask("/plan")):
        assert answer.headers["content-security-policy"] == CSP
        assert CSP == "default-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert not any(name.startswith("access-control") for name in answer.headers)
    assert ask().headers["cache-control"] == "no-store"
    assert ask("/plan").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8321", "localhost:8321", "LocalHost:8321", "[::1]:8321", "[0:0:0:0:0:0:0:1]:8321"]
)
def test_our_hosts(host: str) -> None:
    assert ask(host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        None, "", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:08321", "localhost.:8321", "evil.example:8321",
        "127.0.0.1:8321.evil.example", "127.0.0.1.evil.example:8321", "localhost:8321@evil.example",
        "user@localhost:8321", "127.1:8321",
        "2130706433:8321", "0x7f000001:8321", "0.0.0.0:8321", "[::]:8321", "::1:8321", "[::1%lo]:8321",
        "[::ffff:127.0.0.1]:8321", "localhost:8321, evil.example", "loc\xe4lhost:8321", "localhost:99999", "[::1:8321",
        "localhost:8321/", "localhost:8321#", "localhost\x00:8321",
    ],
)  # fmt: skip
def test_hosts_that_are_not_ours(host: str | None) -> None:
    answer = ask(host=host)
    assert answer.status == 403
    assert set(json.loads(answer.body)["error"]) == {"what", "where", "hint", "exit_code"}
    assert ask("/plan", host=host).status == 403


def test_two_hosts_are_none() -> None:
    assert ask(headers=[("Host", f"localhost:{PORT}")]).status == 403


@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_any_other_host_and_origin_is_refused(text: str) -> None:
    ours = {f"{name}:{PORT}" for name in ("127.0.0.1", "localhost", "[::1]")}
    names = Names(PLAIN)
    for value in (text, f"{text}:{PORT}", f"127.0.0.1:{PORT}{text}", f"{text}127.0.0.1:{PORT}"):
        assert names.host(value.encode("latin-1")) == (value.lower() in ours)
        assert not names.origin(f"https://{value}".encode("latin-1"))
        assert names.origin(f"http://{value}".encode("latin-1")) == (value.lower() in ours)


def test_stated_hosts() -> None:
    proxied = replace(SECRET, behind_proxy=True, allowed_hosts=("accord.example", "other.example:8443"))
    for host in ("accord.example", "ACCORD.example:443", "accord.example:8321", "other.example:8443", "localhost:8321"):
        assert ask(settings=proxied, headers=[BEARER], host=host).status == 200
    for host in ("other.example", "other.example:8321", "x.accord.example", "accord.example:8444"):
        assert ask(settings=proxied, headers=[BEARER], host=host).status == 403
    for origin in ("https://accord.example", "http://accord.example", "https://other.example:8443"):
        assert ask(settings=proxied, headers=[BEARER, ("Origin", origin)]).status == 200
    tls = replace(SECRET, cert=Path("c"), key=Path("k"), host="192.0.2.7", port=443)
    assert ask(settings=tls, headers=[BEARER, ("Origin", "https://192.0.2.7")], host="192.0.2.7").status == 200
    assert ask(settings=tls, headers=[BEARER, ("Origin", "http://192.0.2.7")], host="192.0.2.7").status == 403
    assert allowed_host(" A.example:1 ") == "a.example:1"
    for wrong in ("", "*", "a b", "http://a.example", "a.example:0", "a.example/", "*.example", "[1]:2"):
        with pytest.raises(UsageError):
            allowed_host(wrong)


@pytest.mark.parametrize(
    "origin",
    ["null", "", "http://evil.example", "https://127.0.0.1:8321", "http://127.0.0.1", "http://127.0.0.1:8322", "file://",
     "http://127.0.0.1:8321.evil.example", "http://127.0.0.1:8321/", "http://a@127.0.0.1:8321", "chrome-extension://abc",
     "http://127.0.0.1:8321 http://evil.example", "//127.0.0.1:8321", "127.0.0.1:8321"],
)  # fmt: skip
def test_foreign_origins_are_refused(origin: str) -> None:
    assert post(b"{}", headers=[JSON, ("Origin", origin)]).status == 403
    assert ask("/plan", headers=[("Origin", origin)]).status == 403


def test_our_origins_pass_once() -> None:
    own = ("Origin", f"http://LOCALHOST:{PORT}")
    assert post(b"{}", headers=[JSON, own, ("Sec-Fetch-Site", "same-origin")]).status == 200
    assert post(b"{}", headers=[JSON, own, own]).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "CROSS-SITE", "", "none, cross-site", "else"])
def test_fetches_from_other_sites_are_refused(site: str) -> None:
    there = ("Sec-Fetch-Site", site)
    assert post(b"{}", headers=[JSON, there]).status == 403
    for path in ("/api/v1/health", "/plan", "/assets/a.js"):
        assert ask(path, headers=[there]).status == 403
    link = [there, ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
    assert ask("/plan", headers=link).status == 200
    assert ask("/api/v1/health", headers=link).status == 403
    assert ask("/plan", "POST", [*link, JSON]).status == 403
    assert ask("/plan", headers=[*link[:2], ("Sec-Fetch-Dest", "iframe")]).status == 403


def test_our_own_fetches_pass() -> None:
    for site in ("same-origin", "none", "Same-Origin"):
        assert ask(headers=[("Sec-Fetch-Site", site)]).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "X" * 500])
def test_other_methods(method: str) -> None:
    answer = ask(method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert len(answer.body) < 300


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", "application/json ;charset=utf-8"]
)
def test_json_is_taken(kind: str) -> None:
    assert post(b"{}", headers=[("Content-Type", kind)]).body == b"{}"


@pytest.mark.parametrize(
    "headers",
    [
        [], [("Content-Type", "text/plain")], [("Content-Type", "application/x-www-form-urlencoded")],
        [("Content-Type", "text/plain; application/json")], [("Content-Type", "application/json, text/plain")],
        [("Content-Type", "application/jsonp")], [("Content-Type", "application/json; charset=utf-16")], [JSON, JSON],
        [JSON, ("Content-Encoding", "gzip")], [("Content-Type", "multipart/form-data; boundary=application/json")],
    ],
)  # fmt: skip
def test_other_content_is_refused(headers: Headers) -> None:
    assert post(b"{}", headers=headers).status == 415


def test_bodies_are_capped_with_a_length_and_without() -> None:
    assert post(b" " * 400, b" " * 600).status == 200
    assert post(b" " * 1001).status == 413
    chunked = [JSON, ("Transfer-Encoding", "chunked")]
    assert ask("/api/v1/plan", "POST", chunked, body=[b" " * 400, b" " * 600]).status == 200
    answer = ask("/api/v1/plan", "POST", chunked, body=[b" " * 400] * 9)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert ask(headers=[("Content-Length", "5")], body=[b"12345"]).status == 400
    assert ask(headers=[("Content-Length", "0")]).status == 200
    for wrong in ("-1", "1e3", "five", "9" * 30, ""):
        assert ask("/api/v1/plan", "POST", [JSON, ("Content-Length", wrong)]).status == 400


def test_deep_json_is_refused_before_anything_parses_it() -> None:
    assert post(b"[" * 400 + b"]" * 400).status == 400
    assert post(b'{"a":' * 190).status == 400
    assert post(json.dumps({"text": "[" * 500}).encode()).status == 200


def test_bodies_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "MOST_HELD_BYTES", 1500)
    answers: list[int] = []

    async def main() -> None:
        gate, release = protect(echo, PLAIN), asyncio.Event()
        scope: Scope = {"type": "http", "method": "POST", "path": "/api/v1/plan", "query_string": b""}
        headers = [
            (b"host", b"localhost:8321"),
            (b"content-type", b"application/json"),
            (b"transfer-encoding", b"chunked"),
        ]

        async def one(wait: bool) -> None:
            messages = [{"type": "http.request", "body": b" " * 900, "more_body": True}]
            messages += [{"type": "http.request", "body": b"", "more_body": False}]

            async def receive() -> Message:
                if wait and len(messages) == 1:
                    await release.wait()
                return messages.pop(0)

            async def send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    answers.append(message["status"])

            await gate({**scope, "headers": headers}, receive, send)

        first = asyncio.create_task(one(True))
        await asyncio.sleep(0)
        await one(False)
        release.set()
        await first
        await one(False)

    asyncio.run(main())
    assert answers == [429, 200, 200]


def test_too_many_at_once_are_told_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "MOST_AT_ONCE", 0)
    answer = ask()
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")


def test_a_request_through_a_proxy_that_was_not_stated_is_refused() -> None:
    through = ("X-Forwarded-For", "192.0.2.1")
    assert ask(headers=[through]).status == 403
    assert ask(headers=[through, BEARER], settings=replace(SECRET, behind_proxy=True)).status == 200


def test_the_api_asks_for_the_token_and_the_page_does_not() -> None:
    assert ask(settings=SECRET, headers=[BEARER]).status == 200
    assert ask("/plan", settings=SECRET).status == 200
    for path in ("/api", "/api/v1/health", "/api/v1/openapi.json", "/api/v1/nothing"):
        answer = ask(path, settings=SECRET)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="accord"')


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", TOKEN.decode())], [("Authorization", "Bearer")], [("Authorization", "Bearer ")],
        [("Authorization", f"Basic {TOKEN.decode()}")], [("Authorization", f"Bearer {TOKEN.decode()[:-1]}")],
        [("Authorization", f"Bearer {TOKEN.decode()}x")], [("Authorization", f"Bearer {TOKEN.decode().lower()}")],
        [("Authorization", f"Bearer \xff{TOKEN.decode()}")], [BEARER, BEARER], [("Cookie", f"token={TOKEN.decode()}")],
        [("X-Token", TOKEN.decode())],
    ],
)  # fmt: skip
def test_wrong_tokens(headers: Headers) -> None:
    answer = ask(settings=SECRET, headers=headers)
    assert answer.status == 401
    assert TOKEN not in answer.body


def test_the_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []
    same = hmac.compare_digest

    def seen(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return same(one, other)

    monkeypatch.setattr(hmac, "compare_digest", seen)
    assert ask(settings=SECRET, headers=[("Authorization", "Basic wrong")]).status == 401
    assert ask(settings=SECRET, headers=[BEARER]).status == 200
    assert compared == [(b"wrong", TOKEN), (TOKEN, TOKEN)]


@pytest.mark.parametrize(
    "query",
    [
        f"x={TOKEN.decode()}",
        "token=",
        "a=1&Access_Token=2",
        "authorization=x",
        "%74oken=1",
        f"x=%71{TOKEN.decode()[1:]}",
    ],
)
def test_a_token_in_an_address_is_refused_though_it_is_right(query: str) -> None:
    for path in ("/api/v1/health", "/plan"):
        answer = ask(path, settings=SECRET, headers=[BEARER], query=query)
        assert (answer.status, answer.what) == (400, "a token is never taken from an address")
        assert TOKEN not in answer.body


def test_other_queries_pass_up_to_a_size() -> None:
    assert ask("/plan", query="isl=1000&model=deepseek-r1&q=%ff&tokens=1").status == 200
    assert ask("/plan", query="&".join("abcdefghij" for _ in range(201))).status == 400
    assert ask("/plan", query="a=" + "b" * 17_000).status == 414


@pytest.mark.parametrize("path", ["http://evil.example/", "//evil.example/x", "", "*", "/a\\b", "/a\x00b", "/a\r\nb"])
def test_paths_that_are_none(path: str) -> None:
    assert ask(path).status == 400


def test_two_lengths_and_heads_that_are_too_large() -> None:
    two = [JSON, ("Content-Length", "2"), ("Transfer-Encoding", "chunked")]
    assert ask("/api/v1/plan", "POST", two, body=[b"{}"]).status == 400
    assert ask(headers=[("A", "b" * 20_000)]).status == 431


def test_websockets_are_closed() -> None:
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    asyncio.run(protect(echo, PLAIN)({"type": "websocket", "path": "/"}, receive, send))  # type: ignore[arg-type]
    assert said == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_loopback(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "::ffff:10.0.0.1", "localhost", "", "fe80::1"]
)
def test_not_loopback(address: str) -> None:
    assert not is_loopback(address)


def test_names_are_resolved_to_addresses() -> None:
    assert resolved("127.0.0.1") == "127.0.0.1"
    assert resolved("[::1]") == "::1"
    assert is_loopback(resolved("localhost"))
    with pytest.raises(UsageError):
        resolved("no.such.host.invalid")
