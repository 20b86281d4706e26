"""``accord web`` as it is typed: what it refuses before it listens, and the server with its page."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.web import served
from tests.web.certificate import certificate
from tests.web.served import TOKEN, Server

from accord.base.errors import UsageError
from accord.cli.main import main
from accord.web import serve
from accord.web.hosts import Names
from accord.web.serve import address_of, checked, has_display, listen
from accord.web.settings import Settings
from accord.web.token import new_token

PLAIN = Settings(store=Path("none.sqlite"), port=0)
SECRET = replace(PLAIN, token=TOKEN.encode())
Capture = pytest.CaptureFixture[str]


def said(words: list[str], capsys: Capture) -> str:
    """What is printed for words that are refused, with exit code 2 and a hint."""
    assert main(["web", *words, "--no-browser"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and "\nhint: " in err
    return err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "[2001:db8::1]", "10.0.0.1"])
def test_hosts_that_others_reach_need_a_token_and_tls(host: str, capsys: Capture, tmp_path: Path) -> None:
    assert "so a token is needed" in said(["--host", host], capsys)
    new_token(tmp_path / "token")
    assert "so TLS is needed" in said(["--host", host, "--token-file", str(tmp_path / "token")], capsys)
    assert "so a token is needed" in said(["--host", host, "--behind-proxy"], capsys)


def test_a_name_that_leads_elsewhere_is_no_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.9", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: elsewhere)
    with pytest.raises(UsageError, match="can be reached by others"):
        checked(replace(PLAIN, host="localhost"))


def test_a_host_is_asked_for_by_the_name_that_it_was_given_by(monkeypatch: pytest.MonkeyPatch) -> None:
    known = socket.getaddrinfo

    def lookup(name: str, port: None, *, type: int = 0, flags: int = 0) -> object:
        elsewhere = name == "Accord.Example" and flags != socket.AI_NUMERICHOST
        return known("127.0.0.7" if elsewhere else name, port, type=type, flags=flags)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    found = checked(replace(PLAIN, host="Accord.Example", port=8321))
    assert (found.host, found.name) == ("127.0.0.7", "accord.example")
    assert address_of(found) == "http://accord.example:8321/"
    names = Names(found)
    assert names.host(b"accord.example:8321") and names.origin(b"http://accord.example:8321")
    assert names.host(b"127.0.0.7:8321") and not names.host(b"accord.example:80") and not names.host(b"other:8321")
    assert [checked(replace(PLAIN, host=one)).name for one in ("localhost", "127.0.0.1", "[::1]")] == [None] * 3


def test_where_there_is_no_posix_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("accord.web.command.POSIX", False)
    assert "needs a POSIX system" in said([], capsys)


def test_what_may_be_listened_on(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    assert checked(PLAIN).host == "127.0.0.1"
    assert checked(replace(PLAIN, host="127.9.9.9")).host == "127.9.9.9"
    assert checked(replace(SECRET, host="0.0.0.0", behind_proxy=True)).host == "0.0.0.0"
    assert checked(replace(SECRET, host="0.0.0.0", cert=cert, key=key)).host == "0.0.0.0"
    with pytest.raises(UsageError, match="through the proxy, so a token"):
        checked(replace(PLAIN, behind_proxy=True))
    with pytest.raises(UsageError, match="certificate and its key"):
        checked(replace(SECRET, cert=cert))
    for wrong in (key, tmp_path / "nothing"):
        with pytest.raises(UsageError, match="cannot be used|is no file"):
            checked(replace(SECRET, cert=wrong, key=key))


def test_a_port_in_use_is_told_with_what_to_do(capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = said(["--port", str(port)], capsys)
    assert f"127.0.0.1:{port}" in message
    assert "--port 0 takes a free one" in message


def test_a_token_is_made_once_and_not_printed(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "token"
    assert main(["web", "--new-token", str(file)]) == 0
    out, err = capsys.readouterr()
    text = file.read_text().strip()
    assert out == "" and str(file) in err and text not in err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "never overwritten" in said(["--new-token", str(file)], capsys)
    assert file.read_text().strip() == text
    assert "not both" in said(["--new-token", str(tmp_path / "b"), "--token-file", str(file)], capsys)
    file.chmod(0o644)
    assert "others may read" in said(["--token-file", str(file)], capsys)


@pytest.mark.parametrize("words", [["--port", "70000"], ["--workers", "0"], ["--allow-host", "a/b"], ["extra"]])
def test_words_that_cannot_be_meant(words: list[str], capsys: Capture) -> None:
    said(words, capsys)


def test_help_loads_no_server() -> None:
    heavy = ("fastapi", "uvicorn", "accord.catalog", "numpy", "accord.web.app")
    code = "import sys; from accord.cli.main import main; main(['web', '--help']);"
    code += f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "--behind-proxy" in done.stdout


def test_the_address_is_one_that_can_be_opened() -> None:
    assert address_of(replace(PLAIN, port=8321)) == "http://127.0.0.1:8321/"
    assert address_of(replace(PLAIN, host="::1", port=8321)) == "http://[::1]:8321/"
    assert address_of(replace(PLAIN, port=443, cert=Path("c"))) == "https://127.0.0.1/"
    everywhere = replace(PLAIN, host="0.0.0.0", port=8443, cert=Path("c"))
    assert address_of(everywhere) == "https://localhost:8443/"
    assert address_of(replace(everywhere, allowed_hosts=("accord.example",))) == "https://accord.example:8443/"
    assert address_of(replace(everywhere, allowed_hosts=("accord.example:9",))) == "https://accord.example:9/"


def test_a_socket_of_ipv6_takes_ipv6_alone() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        made = listen(replace(PLAIN, host="::1"))
    except UsageError:
        pytest.skip("no IPv6 address on this machine")
    with made:
        assert made.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


def test_a_screen_is_known_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()


def test_what_the_application_cannot_start_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise UsageError("the store is damaged", hint="take another")

    lines: list[str] = []
    with pytest.raises(UsageError, match="the store is damaged"):
        serve.serve(PLAIN, say=lines.append, make=lambda _: broken)
    assert not any("listening" in line for line in lines)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    store = tmp_path_factory.mktemp("store") / "runs.sqlite"
    words = ["-m", "accord", "web", "--no-browser", "--port", "0", "--workers", "1", "--store", str(store)]
    with served.process(words) as server:
        assert server.port
        yield server
        code, took_s = server.end(signal.SIGINT)
        assert (code, took_s < 5) == (0, True), server.said
        assert server.process.stdout is not None and server.process.stdout.read() == ""
        assert "Traceback" not in server.said


def test_the_server_answers_behind_the_gate(running: Server) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", trust_env=False, timeout=60) as client:
        assert client.get("/api/v1/health").json()["pid"] == running.process.pid
        asked = {"model": "llama-3.1-8b", "system": "nvidia-hgx-h100-8", "tp": [1], "phase": ["decode"], "isl": [1000]}
        evil = client.post("/api/v1/estimate", json=asked, headers={"Origin": "http://evil.example"})
        assert (evil.status_code, set(evil.json()["error"])) == (403, {"what", "where", "hint", "exit_code"})
        assert client.post("/api/v1/estimate", content=json.dumps(asked)).status_code == 415
        told = client.post("/api/v1/estimate", json=asked)
        assert (told.status_code, told.headers["accord-exit-code"]) == (200, "0"), told.text
        assert told.json()["result"]["metrics"]["tpot_s"]["value"] > 0.0
        assert client.get("/api/v1/health", headers={"Host": f"evil.example:{running.port}"}).status_code == 403
        nested = client.post("/api/v1/estimate", content="[" * 10_000, headers={"Content-Type": "application/json"})
        assert nested.status_code == 400
        for answer in (client.get("/api/v1/nothing"), client.get("/api/v1/estimate"), evil, nested):
            assert answer.headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert not set(answer.headers) & {"set-cookie", "server", "access-control-allow-origin"}


def test_ctrl_c_is_the_servers_alone(tmp_path: Path) -> None:
    words = ["-m", "accord", "web", "--no-browser", "--port", "0", "--store", str(tmp_path / "runs.sqlite")]
    with served.process(words, session=True) as server:
        assert server.port  # its workers are still loading
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(10) == 0
        assert "Traceback" not in server.said


def test_tls_with_a_token(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    new_token(tmp_path / "token")
    words = ["-m", "accord", "web", "--no-browser", "--port", "0", "--workers", "1", "--verbose"]
    words += ["--cert", str(cert), "--key", str(key), "--token-file", str(tmp_path / "token")]
    token = (tmp_path / "token").read_text().strip()
    with served.process([*words, "--store", str(tmp_path / "runs.sqlite")]) as server:
        trust = ssl.create_default_context(cafile=str(cert))
        with httpx.Client(base_url=f"https://127.0.0.1:{server.port}", trust_env=False, verify=trust) as client:
            assert client.get("/api/v1/health").status_code == 401
            assert client.get("/api/v1/health", headers={"Authorization": f"Bearer {token}"}).status_code == 200
            assert client.get(f"/api/v1/health?token={token}").status_code == 400
        assert server.end(signal.SIGTERM)[0] == 0
        assert token not in server.said
        kept = [file for file in tmp_path.rglob("*") if file.is_file() and file.name != "token"]
        assert kept and not any(token in file.read_text(errors="replace") for file in kept)


def test_without_a_page_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise UsageError("enough")

    monkeypatch.setattr(serve, "STATIC", tmp_path)
    lines: list[str] = []
    with pytest.raises(UsageError, match="enough"):
        serve.serve(PLAIN, say=lines.append, make=lambda _: broken)
    assert any("Node 20.19" in line and "do.py page" in line for line in lines)
    assert os.listdir(tmp_path) == []
