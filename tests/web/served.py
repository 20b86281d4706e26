"""A server with a small application of its own, as a process: ``python served.py PORT TOKEN WORDS``."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

TOKEN = "correct-Horse-battery_staple-1845-Xq"
BODY_BYTES = 1 << 20
FEW = 4  # connections at a time


async def _health(request: Request) -> Response:
    return JSONResponse({"accord": "here"}, headers={"Set-Cookie": "a=b", "Access-Control-Allow-Origin": "*"})


async def _echo(request: Request) -> Response:
    return JSONResponse({"bytes": len(await request.body())})


async def _slow(request: Request) -> Response:
    print("begun", file=sys.stderr, flush=True)  # noqa: T201
    await asyncio.sleep(600)
    return PlainTextResponse("late")


async def _events(request: Request) -> Response:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"event: progress\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(endless(), media_type="text/event-stream")


async def _page(request: Request) -> Response:
    return PlainTextResponse("page")


def application() -> ASGIApp:
    """The application behind the gate."""
    inside = Starlette(
        routes=[
            Route("/api/v1/health", _health),
            Route("/api/v1/slow", _slow),
            Route("/api/v1/echo", _echo, methods=["POST"]),
            Route("/api/v1/jobs/{id}/events", _events),
            Route("/plan", _page),
        ]
    )

    async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/api/v1/fault":
            raise ValueError("broken")
        await inside(scope, receive, send)

    return faulty


class Server:
    """A server that runs."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self._log = process, log

    @property
    def said(self) -> str:
        """What it printed on stderr so far."""
        return self._log.read_text()

    def wait_for(self, pattern: str, limit_s: float = 30.0) -> re.Match[str]:
        """Wait until it has said something."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            ended = self.process.poll() is not None
            found = re.search(pattern, self.said)
            if found is not None:
                return found
            if ended:
                break
            time.sleep(0.02)
        raise AssertionError(f"{pattern} was not said: {self.said}")

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.wait_for(r"listening on https?://[^/]*:(\d+)/\n")[1])

    def end(self, *signals: signal.Signals) -> tuple[int, float]:
        """Send signals, and return the exit code and how long it took [s]."""
        start_s = time.monotonic()
        for at, one in enumerate(signals):
            time.sleep(0.3 if at else 0.0)
            self.process.send_signal(one)
        return self.process.wait(20), time.monotonic() - start_s

    def raw(self, *pieces: bytes, pause_s: float = 0.0, until: bytes | None = None) -> bytes:
        """Send bytes on a connection, and return what comes back until it is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause_s)
            got = b""
            while until is None or until not in got:
                try:
                    more = line.recv(65536)
                except ConnectionResetError:
                    break
                if not more:
                    break
                got += more
            return got


@contextmanager
def process(words: list[str], *, session: bool = False) -> Iterator[Server]:
    """A process that serves, killed at the end if it is still there. session: it leads a process group."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as stderr:
            running = subprocess.Popen(
                [sys.executable, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=session,
            )
        with running:
            try:
                yield Server(running, log)
            finally:
                running.kill()


def small(*words: str) -> list[str]:
    """Words that start the small application.

    words: ``token``, ``hurry`` (short deadlines), ``few`` (connections), ``tls=FOLDER`` of cert.pem and key.pem
    """
    return [str(Path(__file__)), *words]


def main(words: list[str]) -> int:
    """Serve the small application."""
    from accord.web import security, wire
    from accord.web.serve import serve
    from accord.web.settings import Settings

    if "hurry" in words:
        wire.HEAD_S = security.PIECE_S = 0.5
    if "few" in words:
        wire.MOST_CONNECTIONS = FEW
    folder = next((Path(word.removeprefix("tls=")) for word in words if word.startswith("tls=")), None)
    settings = Settings(
        store=Path("none.sqlite"),
        port=0,
        max_body_bytes=BODY_BYTES,
        token=TOKEN.encode() if "token" in words else None,
        cert=folder and folder / "cert.pem",
        key=folder and folder / "key.pem",
    )

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    return serve(settings, say=say, verbose=True, make=lambda _: application())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
