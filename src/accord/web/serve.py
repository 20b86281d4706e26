"""A server from its socket to its end: who may listen where, the address, signals, faults and lines of the log.

The first SIGINT or SIGTERM ends it in order, with exit code 0, in less than five seconds; what is not done by then, and
a second signal, ends it at once with 128 + the number of the signal (130, 143).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import multiprocessing
import os
import signal
import socket
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accord.base.errors import AccordError, UsageError
from accord.web.answer import EXIT_INTERNAL, error_body
from accord.web.hosts import HTTP_PORT, HTTPS_PORT, is_loopback, is_wildcard, name_of, resolved, shown
from accord.web.security import HEAD_BYTES, dressed, protect
from accord.web.settings import Settings
from accord.web.wire import Door, Wire

GRACE_S = 1  # for answers that are being sent when the server ends
END_S = 4.5  # from the first signal to the end of whatever is left
KEEP_ALIVE_S = 5
BACKLOG = 128
FAULT, UNAVAILABLE = 500, 503
NO_PAGE = """the page is not built, so only the HTTP API under /api/v1 is served
hint: with Node 20.19 or 22.12 and npm, 'python3 do.py page' builds it; a released wheel has it"""
STATIC = Path(__file__).parent / "static"

Say = Callable[[str], None]
Make = Callable[[Settings], ASGIApp]


def checked(settings: Settings) -> Settings:
    """Settings with the address that their host stands for, and its name, where it may be listened on.

    Raises UsageError where others could reach the server and there is no token, or neither TLS nor a proxy.
    """
    if (settings.cert is None) != (settings.key is None):
        lacking = "--key" if settings.key is None else "--cert"
        raise UsageError("TLS takes a certificate and its key", where=lacking, hint="--cert FILE --key FILE")
    _check_tls(settings)
    address = resolved(settings.host)
    outside = not is_loopback(address)
    make = "'accord web --new-token FILE' makes one for --token-file"
    if settings.token is None and (outside or settings.behind_proxy):
        why = f"{settings.host} can be reached by others" if outside else "others reach it through the proxy"
        raise UsageError(f"{why}, so a token is needed", where="--host" if outside else "--behind-proxy", hint=make)
    if outside and settings.cert is None and not settings.behind_proxy:
        hint = "give --cert and --key, or --behind-proxy where another server does TLS"
        raise UsageError(f"{settings.host} can be reached by others, so TLS is needed", where="--host", hint=hint)
    return replace(settings, host=address, name=name_of(settings.host))


def listen(settings: Settings) -> socket.socket:
    """The socket of a server. Raises UsageError where its port is in use or may not be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    where = f"{shown(settings.host)}:{settings.port}"
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it; asyncio sees no TCP here
        made.bind((settings.host, settings.port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        hint = "--port 0 takes a free one"
        raise UsageError(f"cannot be listened on: {error.strerror or error}", where=where, hint=hint) from None
    made.setblocking(False)
    return made


def address_of(settings: Settings) -> str:
    """The address of the page, for people; the token is no part of it."""
    tls = settings.cert is not None
    scheme = "https" if tls else "http"
    host = settings.name or shown(settings.host)
    if settings.name is None and is_wildcard(settings.host):
        named = settings.allowed_hosts[0] if settings.allowed_hosts else "localhost"
        if ":" in named.rpartition("]")[2]:
            return f"{scheme}://{named}/"
        host = named
    return f"{scheme}://{host}/" if settings.port == (HTTPS_PORT if tls else HTTP_PORT) else (
        f"{scheme}://{host}:{settings.port}/"
    )  # fmt: skip


def serve(settings: Settings, *, say: Say, verbose: bool = False, make: Make | None = None) -> int:
    """Serve until a signal ends it, and return the exit code.

    say: prints a line on stderr; verbose: a line for each request too; make: of the application, for tests
    Raises UsageError as :func:`checked` and :func:`listen` do, and what the application cannot start for.
    """
    settings = checked(settings)
    sock = listen(settings)
    settings = replace(settings, port=sock.getsockname()[1])
    try:
        made = (make or _application)(settings)
        app = Watched(protect(made, settings), say, verbose=verbose)
        if not (STATIC / "index.html").is_file():
            say(f"warning: {NO_PAGE}")
        server = _Server(_config(app, settings), lambda: _ready(settings, say), lambda: _stop_jobs(made))
        app.ending = lambda: server.should_exit
        try:
            asyncio.run(server.serve(sockets=[sock]))
        except SystemExit:
            if isinstance(app.failure, AccordError | OSError):
                raise app.failure from None
            raise
        return 0
    finally:
        sock.close()


class Watched:
    """The outermost layer: a line of the log for each request, and faults of Accord that nothing else caught.

    failure: what the application could not start for; ending: whether the server is about to end
    """

    def __init__(self, app: ASGIApp, say: Say, *, verbose: bool) -> None:
        """Wrap an application."""
        self.app = app
        self.failure: BaseException | None = None
        self.ending: Callable[[], bool] = lambda: False
        self._say, self._verbose = say, verbose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            try:
                await self.app(scope, receive, send)
            except Exception as error:
                self.failure = error
                raise
            return
        start_s = time.perf_counter()
        status: list[int] = []

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, seen)
        except asyncio.CancelledError:
            if not self.ending():
                raise
            if not status:
                hint = "ask again when there is a server again"
                await _say(dressed(seen, api=True), UNAVAILABLE, error_body("the server is stopping", hint=hint))
        except Exception:
            if status == [FAULT]:
                return  # the application has told of it
            self._say(
                f"{traceback.format_exc()}error: this is a fault of Accord; please report it with the lines above"
            )
            if not status:
                what = "this is a fault of Accord, not of the request"
                await _say(dressed(seen, api=True), FAULT, error_body(what, exit_code=EXIT_INTERNAL))
        finally:
            if self._verbose:
                self._say(log_line(scope, status[0] if status else None, time.perf_counter() - start_s))


def log_line(scope: Scope, status: int | None, took_s: float) -> str:
    """Method, path pattern, status and time of a request; never its path, query, headers or body."""
    pattern = getattr(scope.get("route"), "path", None)
    method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "OTHER"
    return f"{method} {pattern or '*'} {'-' if status is None else status} {took_s * 1e3:.0f} ms"


async def _say(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Server(uvicorn.Server):
    """uvicorn's server with our signals."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready, self._ending = ready, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        with _unheard(signal.SIGINT):
            await super().startup(sockets=sockets)
        if not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Interrupt jobs first, so that who follows one hears of it before the connection ends."""
        self._ending()
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals while the server runs; uvicorn would raise them again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order; at the second signal, or when that takes too long, at once."""
        if self.should_exit:
            _end_at_once(128 + sig)
        self.should_exit = True
        timer = threading.Timer(END_S, _end_at_once, (128 + sig,))
        timer.daemon = True
        timer.start()


def _stop_jobs(app: ASGIApp) -> None:
    """Begin to stop an application's jobs, where it has some."""
    jobs = getattr(getattr(app, "state", None), "jobs", None)
    if jobs is not None:
        jobs.begin_stop()


@contextlib.contextmanager
def _unheard(one: signal.Signals) -> Iterator[None]:
    """Ignore a signal for a moment: processes that are started inherit it, and a terminal sends Ctrl-C to them too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(one, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(one, before)


def _end_at_once(code: int) -> None:
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(code)


def _application(settings: Settings) -> ASGIApp:
    from accord.web.app import create_app  # noqa: PLC0415  slow to load, and a wrong flag is told before

    return create_app(settings)


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)  # Watched tells what there is to tell
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="asyncio",
        http=Wire,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        workers=1,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=None if settings.cert is None else str(settings.cert),
        ssl_keyfile=None if settings.key is None else str(settings.key),
        h11_max_incomplete_event_size=HEAD_BYTES,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        config.http_protocol_class = functools.partial(Door, config.ssl)  # type: ignore[assignment]
        config.ssl = None  # the door does TLS
    return config


def _check_tls(settings: Settings) -> None:
    """Read certificate and key once. Raises UsageError where they are none or do not fit."""
    if settings.cert is None or settings.key is None:
        return

    def password() -> str:
        raise UsageError("has a password", where=str(settings.key), hint="give a key without one, and keep it private")

    for file in (settings.cert, settings.key):
        if not file.is_file():
            raise UsageError("is no file", where=str(file), hint="certificate and key are PEM files")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.cert, settings.key, password)
    except OSError as error:
        what = f"certificate and key cannot be used: {getattr(error, 'reason', None) or error.strerror}"
        raise UsageError(what, where=str(settings.cert), hint="both are PEM, and belong together") from None


def _ready(settings: Settings, say: Say) -> None:
    address = address_of(settings)
    say(f"listening on {address}")
    if settings.open_browser and not is_wildcard(settings.host) and has_display():
        import webbrowser  # noqa: PLC0415

        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def has_display() -> bool:
    """Whether there is a screen that a browser could open on."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
