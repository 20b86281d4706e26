"""A server on its wire: what a browser never sends, deadlines, streams, the log, signals."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.web import served
from tests.web.certificate import certificate
from tests.web.served import BODY_BYTES, TOKEN, Server

from accord.web.security import CSP


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served.process(served.small("hurry")) as running:
        assert running.port
        yield running
        assert running.said.count("Traceback") == running.said.count("ValueError: broken")


def request(server: Server, line: str, *headers: str, host: bool = True, close: bool = True) -> bytes:
    lines = [line, *([f"Host: 127.0.0.1:{server.port}"] if host else []), *headers]
    return "\r\n".join([*lines, *(["Connection: close"] if close else []), "", ""]).encode()


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer[9:12])


def what(answer: bytes) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    error = json.loads(body)["error"]
    assert set(error) == {"what", "where", "hint", "exit_code"}
    return str(error["what"])


def test_every_answer_has_the_headers(server: Server) -> None:
    answers = [
        server.raw(request(server, "GET /api/v1/health HTTP/1.1")),
        server.raw(request(server, "GET /api/v1/health HTTP/1.1", host=False)),
        server.raw(request(server, "GET /nowhere HTTP/1.1")),
        server.raw(request(server, "GET /api/v1/fault HTTP/1.1")),
        server.raw(b"no HTTP at all\r\n\r\n"),
        server.raw(request(server, "GET / HTTP/1.1", "Long: " + "a" * 40000)),
    ]
    assert [status(answer) for answer in answers] == [200, 400, 404, 500, 400, 431]
    for answer in answers:
        head = answer.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
        assert f"content-security-policy: {CSP}".lower() in head
        assert {"x-content-type-options: nosniff", "referrer-policy: no-referrer"} <= set(head)
        names = {line.partition(":")[0] for line in head}
        assert not {name for name in names if name.startswith("access-control") or name in ("set-cookie", "server")}
    assert b"cache-control: no-store" in answers[0].lower()


def test_a_fault_is_told_on_stderr_and_not_in_the_answer(server: Server) -> None:
    answer = server.raw(request(server, "GET /api/v1/fault HTTP/1.1"))
    assert status(answer) == 500
    assert b"Traceback" not in answer and b"broken" not in answer
    server.wait_for("ValueError: broken\nerror: this is a fault of Accord")


def test_two_lengths_are_refused_and_what_follows_is_not_answered(server: Server) -> None:
    hidden = request(server, "GET /api/v1/health HTTP/1.1")
    head = request(
        server, "POST /api/v1/echo HTTP/1.1", "Content-Type: application/json", f"Content-Length: {5 + len(hidden)}",
        "Transfer-Encoding: chunked", close=False,
    )  # fmt: skip
    answer = server.raw(head + b"0\r\n\r\n" + hidden)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert status(answer) == 400
    assert what(answer) == "the request states two lengths"


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 2", "Content-Length: 3"),
        ("Content-Length: +2",),
        ("Content-Length: 2, 3",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding : chunked",),
        ("Content-Length: 2\r\n folded: 3",),
        ("Host: other.example",),
    ],
)
def test_heads_that_are_read_in_two_ways_are_refused(server: Server, headers: tuple[str, ...]) -> None:
    head = request(server, "POST /api/v1/echo HTTP/1.1", "Content-Type: application/json", *headers)
    assert status(server.raw(head, b"{}")) == 400


def test_what_breaks_off_in_the_middle_is_no_fault(server: Server) -> None:
    head = request(server, "POST /api/v1/echo HTTP/1.1", "Content-Type: application/json", "Transfer-Encoding: chunked")
    rests = {
        b"x": 408, b"5\r\nabc": 408, b"ffffffffffffffffffff\r\n": 408, b"1\r\n{\r\nzzz\r\n": 400,
        b"0\r\n\r\nGARBAGE\r\n\r\n": 200,
    }  # fmt: skip
    for rest, expected in rests.items():
        assert (rest, status(server.raw(head, rest))) == (rest, expected)
    for whole in (b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET\r\n\r\n", b"\x00" * 100):
        assert (whole, status(server.raw(whole))) == (whole, 400)
    upgrade = request(server, "GET /plan HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", close=False)
    assert status(server.raw(upgrade, until=b"page")) == 200
    assert status(server.raw(request(server, "GET /plan HTTP/1.1"))) == 200


def test_another_host_is_refused_however_it_is_named(server: Server) -> None:
    absolute = request(server, f"GET http://evil.example:{server.port}/api/v1/health HTTP/1.1")
    assert status(server.raw(absolute)) == 400
    rebound = f"GET /api/v1/health HTTP/1.1\r\nHost: evil.example:{server.port}\r\nConnection: close\r\n\r\n"
    assert status(server.raw(rebound.encode())) == 403
    assert status(server.raw(b"GET /api/v1/health HTTP/1.0\r\n\r\n")) == 403


def test_a_body_that_is_too_large_is_refused_and_its_sender_reads_why(server: Server) -> None:
    head = ("POST /api/v1/echo HTTP/1.1", "Content-Type: application/json")
    stated = request(server, *head, f"Content-Length: {4 * BODY_BYTES}")
    answer = server.raw(stated, b" " * (4 * BODY_BYTES))
    assert (status(answer), what(answer)) == (413, "the body is larger than 1 MiB")
    chunked = request(server, *head, "Transfer-Encoding: chunked")
    chunk = b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
    answer = server.raw(chunked, *[chunk] * 20)
    assert (status(answer), what(answer)) == (413, "the body is larger than 1 MiB")
    whole = b"%x\r\n" % BODY_BYTES + b" " * BODY_BYTES + b"\r\n0\r\n\r\n"
    answer = server.raw(chunked, whole)
    assert status(answer) == 200
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"bytes": BODY_BYTES}


def test_an_expected_continue_is_not_sent_for_a_body_that_is_refused(server: Server) -> None:
    head = request(
        server, "POST /api/v1/echo HTTP/1.1", "Content-Type: text/plain", "Content-Length: 9", "Expect: 100-continue"
    )
    assert status(server.raw(head, until=b"}}")) == 415


def test_slow_heads_and_bodies_time_out(server: Server) -> None:
    answer = server.raw(b"GET / HTTP/1.1\r\nHost:")
    assert (status(answer), what(answer)) == (408, "the head of the request came too slowly")
    head = request(
        server, "POST /api/v1/echo HTTP/1.1", "Content-Type: application/json", "Content-Length: 9", close=False
    )
    answer = server.raw(head, b"{")
    assert (status(answer), what(answer)) == (408, "the body came too slowly")
    again = request(server, "GET /plan HTTP/1.1", close=False)
    answer = server.raw(again, again, b"GET /", pause_s=0.1)
    assert [answer.count(b"HTTP/1.1 200"), answer.count(b"HTTP/1.1 408")] == [2, 1]


def test_a_stream_comes_as_it_is_made(server: Server) -> None:
    answer = server.raw(request(server, "GET /api/v1/jobs/1/events HTTP/1.1"), until=b"progress\n\n")
    assert status(answer) == 200


def test_head_and_options(server: Server) -> None:
    answer = server.raw(request(server, "HEAD /plan HTTP/1.1"))
    assert status(answer) == 200 and answer.endswith(b"\r\n\r\n")
    answer = server.raw(request(server, "OPTIONS /api/v1/echo HTTP/1.1", "Access-Control-Request-Method: POST"))
    assert status(answer) == 405
    assert b"allow: GET, HEAD, POST" in answer and b"access-control" not in answer


def test_the_log_has_no_query_path_token_or_body() -> None:
    with served.process(served.small("token")) as running:
        bearer = f"Authorization: Bearer {TOKEN}"
        assert status(running.raw(request(running, "GET /api/v1/health?secret=1 HTTP/1.1", bearer))) == 200
        for wrong in (f"GET /api/v1/health?token={TOKEN} HTTP/1.1", f"GET /plan?x={TOKEN} HTTP/1.1"):
            assert status(running.raw(request(running, wrong, bearer))) == 400
        for holding in (f"GET /{TOKEN}", f"GET /api/v1/jobs/{TOKEN}", f"GET /plan?{TOKEN}", f"GET /plan?x=a{TOKEN}b"):
            assert status(running.raw(request(running, f"{holding} HTTP/1.1", bearer))) == 400
        answer = running.raw(request(running, "GET /api/v1/health HTTP/1.1", "Authorization: Bearer wrong"))
        assert status(answer) == 401 and b'www-authenticate: Bearer realm="accord"' in answer
        assert status(running.raw(request(running, f"GET /{TOKEN}", "a b c"))) == 400
        assert running.end(signal.SIGTERM)[0] == 0
        assert running.process.stdout is not None and running.process.stdout.read() == ""
        said = running.said
    assert "GET /api/v1/health 200 " in said
    assert not any(word in said for word in (TOKEN, "secret", "?", "Bearer", "wrong"))


def test_a_signal_ends_the_server_soon_though_a_stream_is_open() -> None:
    for one in (signal.SIGINT, signal.SIGTERM):
        with served.process(served.small()) as running:
            with socket.create_connection(("127.0.0.1", running.port), timeout=10) as line:
                line.sendall(request(running, "GET /api/v1/jobs/1/events HTTP/1.1"))
                assert line.recv(100)
                code, took_s = running.end(one)
            assert (code, running.said.count("Traceback")) == (0, 0)
            assert took_s < 5


def test_a_second_signal_ends_it_at_once() -> None:
    with served.process(served.small()) as running, socket.create_connection(("127.0.0.1", running.port)) as line:
        line.sendall(request(running, "GET /api/v1/jobs/1/events HTTP/1.1"))
        assert line.recv(100)
        code, took_s = running.end(signal.SIGINT, signal.SIGINT)
    assert code == 130
    assert took_s < 1


def test_a_question_that_is_cut_off_by_the_end_is_told_so() -> None:
    with served.process(served.small()) as running, socket.create_connection(("127.0.0.1", running.port)) as line:
        line.sendall(request(running, "GET /api/v1/slow HTTP/1.1"))
        running.wait_for("begun")
        code, took_s = running.end(signal.SIGTERM)
        line.settimeout(10)
        answer = b"".join(iter(lambda: line.recv(65536), b""))
        said = running.said
    assert (status(answer), what(answer)) == (503, "the server is stopping")
    assert f"content-security-policy: {CSP}".encode() in answer and b"cache-control: no-store" in answer
    assert (code, took_s < 5, "Traceback" in said) == (0, True, False)


def is_open(line: socket.socket, wait_s: float) -> bool:
    """Whether a connection on which nothing was said is still open after a while."""
    line.settimeout(wait_s)
    try:
        return line.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_a_tls_handshake_has_a_deadline_and_counts_as_a_connection(tmp_path: Path) -> None:
    cert, _ = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(cert))
    with served.process(served.small("hurry", "few", f"tls={tmp_path}")) as running, ExitStack() as stack:
        where = ("127.0.0.1", running.port)
        silent = [stack.enter_context(socket.create_connection(where)) for _ in range(served.FEW)]
        one_more = stack.enter_context(socket.create_connection(where))
        assert not is_open(one_more, 0.4)
        assert is_open(silent[0], 0.05)
        time.sleep(0.6)
        assert not any(is_open(line, 1.0) for line in silent)
        garbage = stack.enter_context(socket.create_connection(where))
        garbage.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert not is_open(garbage, 5.0) or garbage.recv(100)[:1] != b"H"
        for _ in range(2 * served.FEW):
            with trust.wrap_socket(socket.create_connection(where), server_hostname="127.0.0.1") as line:
                line.sendall(request(running, "GET /plan HTTP/1.1"))
                assert status(b"".join(iter(lambda: line.recv(65536), b""))) == 200
        held = stack.enter_context(socket.create_connection(where))
        code, took_s = running.end(signal.SIGTERM)
        assert (code, took_s < 5, "Traceback" in running.said) == (0, True, False)
        assert not is_open(held, 1.0)
