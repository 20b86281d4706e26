"""What stands before every address: hosts, origins, the token, methods, bodies, and headers of every answer.

One ASGI middleware without buffers on the way out, so that streams pass. The page's own files are public: they hold
nothing that is not in the wheel. Everything under ``/api`` needs the token where the server has one. A foreign
``Origin`` and a ``Sec-Fetch-Site`` other than ``same-origin`` and ``none`` are refused, but for one case: a page that
somebody follows a link to (GET, ``Sec-Fetch-Mode: navigate``, ``Sec-Fetch-Dest: document``, not under ``/api``). It
changes nothing, and no other site can read it.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accord.web.answer import error_body
from accord.web.hosts import Names
from accord.web.nesting import nested_deeper
from accord.web.settings import MIB, Settings

CSP = "default-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'"
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HEAD_BYTES = 16 << 10  # of a request line and its headers
METHODS = ("GET", "HEAD", "POST")
MOST_AT_ONCE = 256  # requests, streams among them
MOST_HELD_BYTES = 256 * MIB  # bodies of all requests together
BODY_S = 60.0  # for a whole body
PIECE_S = 10.0  # for the next piece of it
LINGER_S = 1.0  # how long a body that is refused is still taken in, so that its sender reads why
LINGER_BYTES = 16 * MIB
MOST_DEPTH = 64  # of a body's JSON
MOST_QUERY_FIELDS = 200
TOKEN_FIELDS = frozenset({"token", "access_token", "auth_token", "bearer", "bearer_token", "authorization", "api_key"})
_GATED = "accord.gated"
_DROPPED = frozenset({name.lower().encode() for name in HEADERS} | {b"set-cookie", b"server"})
_FIXED = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
_PROXIES = (b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")


class Denied(Exception):
    """A request is refused. status: of HTTP; what, hint: for its sender; headers: besides the usual."""

    def __init__(
        self, status: int, what: str, hint: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what)
        self.status, self.what, self.hint, self.headers = status, what, hint, dict(headers or {})

    def body(self) -> bytes:
        """The error in the one form."""
        return error_body(self.what, hint=self.hint)


class _Gone(Exception):
    """The sender went away."""


class _Body:
    """What was read of a body: its data, until the application has taken them, and their size [bytes]."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.size_bytes = 0


class _Head(NamedTuple):
    """What a request's head says. api: whether its path is of the API."""

    method: str
    path: str
    api: bool
    headers: tuple[tuple[bytes, bytes], ...]

    def all(self, name: bytes) -> list[bytes]:
        """Values of a header, each time it is there."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: bytes) -> bytes | None:
        """A header's value, None where it is not there, and an empty one where it is there twice."""
        values = self.all(name)
        return None if not values else values[0].strip() if len(values) == 1 else b""


def protect(app: ASGIApp, settings: Settings) -> ASGIApp:
    """An application behind everything this module refuses. settings: with the port that the server really has."""
    return Gate(app, settings)


class Gate:
    """The middleware; a second one around the same application lets everything pass."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Wrap an application."""
        self.app = app
        self._settings = settings
        self._names = Names(settings)
        self._active = 0
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application do it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http" or scope.get(_GATED):
            await self.app(scope, receive, send)
            return
        scope[_GATED] = True
        head = _head(scope)
        send = dressed(send, head.api)
        self._active += 1
        body = _Body()
        read = not _has_body(head)
        try:
            self._check(head, scope)
            if not read:
                await self._take(receive, body)
                read = True
                await _check_json(body.data)
            await self.app(scope, _replayed(body, receive) if head.method == "POST" else receive, send)
        except Denied as denied:
            await _refuse(denied, receive, send, unread=not read)
        except _Gone:
            return
        finally:
            self._active -= 1
            self._held_bytes -= body.size_bytes

    def _check(self, head: _Head, scope: Scope) -> None:
        """Everything a head can be refused for, in order. Raises Denied."""
        _check_form(head)
        if self._active > MOST_AT_ONCE:
            raise _busy("more requests are being answered than this server takes at once")
        self._check_host(head)
        self._check_origin(head)
        if head.method not in METHODS:
            raise Denied(405, f"{head.method[:20]} is not served", headers={"Allow": ", ".join(METHODS)})
        self._check_address(head.path, scope.get("query_string", b""))
        if head.api and self._settings.token is not None:
            self._check_token(head, self._settings.token)
        self._check_body(head)

    def _check_host(self, head: _Head) -> None:
        host = head.one(b"host")
        if host is None or not self._names.host(host):
            hint = "open the address that the server printed; --allow-host states further names"
            raise Denied(403, "the host that was asked for is not one of this server", hint)
        if self._settings.token is None and any(head.all(name) for name in _PROXIES):
            hint = "start it with --behind-proxy and --token-file"
            raise Denied(403, "the request came through a proxy, which this server was not told of", hint)

    def _check_origin(self, head: _Head) -> None:
        origin = head.one(b"origin")
        if origin is not None and not self._names.origin(origin):
            raise Denied(403, "the request came from a page of another origin")
        site = head.one(b"sec-fetch-site")
        if site is None or site.lower() in (b"same-origin", b"none"):
            return
        followed = (
            head.method in ("GET", "HEAD")
            and not head.api
            and (head.one(b"sec-fetch-mode") or b"").lower() == b"navigate"
            and (head.one(b"sec-fetch-dest") or b"").lower() == b"document"
        )
        if not followed:
            raise Denied(403, "the request came from a page of another site")

    def _check_address(self, path: str, query: bytes) -> None:
        """Refuse a token in the path or the query; what is there is never repeated."""
        if len(query) > HEAD_BYTES:
            raise Denied(414, f"the query is larger than {HEAD_BYTES >> 10} KiB")
        try:
            fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS)
        except ValueError:
            raise Denied(400, f"the query has more than {MOST_QUERY_FIELDS} fields") from None
        token = self._settings.token
        texts = path.encode("utf-8", "replace"), query, unquote_to_bytes(query)
        held = token is not None and any(_holds(text, token) for text in texts)
        if held or any(name.lower() in TOKEN_FIELDS for name, _ in fields):
            hint = "send it as 'Authorization: Bearer TOKEN', and make a new one if this was a real one"
            raise Denied(400, "a token is never taken from an address", hint)

    def _check_token(self, head: _Head, token: bytes) -> None:
        given = head.one(b"authorization") or b""
        scheme, _, shown = given.partition(b" ")
        if not hmac.compare_digest(shown.strip(), token) or scheme.lower() != b"bearer":
            realm = {"WWW-Authenticate": 'Bearer realm="accord"'}
            raise Denied(401, "this server asks for its token", "send it as 'Authorization: Bearer TOKEN'", realm)

    def _check_body(self, head: _Head) -> None:
        if head.method != "POST":
            if _has_body(head):
                raise Denied(400, f"a {head.method} has no body")
            return
        kind = [part.strip().lower() for part in (head.one(b"content-type") or b"").split(b";")]
        if kind[0] != b"application/json" or any(part != b"charset=utf-8" for part in kind[1:]):
            raise Denied(415, "the body is not sent as application/json", "Content-Type: application/json")
        if head.all(b"content-encoding"):
            raise Denied(415, "the body is encoded", "send it as it is; a file in it may be gzipped")
        length = head.one(b"content-length")
        if length is not None and int(length) > self._settings.max_body_bytes:
            raise self._too_large()

    def _too_large(self) -> Denied:
        most = self._settings.max_body_bytes
        size = f"{most >> 20} MiB" if most >= MIB else f"{most} bytes"
        return Denied(413, f"the body is larger than {size}", "send a smaller file, or gzip it")

    async def _take(self, receive: Receive, body: _Body) -> None:
        """Read a body, and count it in. Raises Denied where it is too large or too slow, or others are held already."""
        clock = asyncio.get_running_loop().time
        end_s = clock() + BODY_S
        more = True
        while more:
            try:
                async with asyncio.timeout_at(min(end_s, clock() + PIECE_S)):
                    message = await receive()
            except TimeoutError:
                raise Denied(408, "the body came too slowly") from None
            if message["type"] != "http.request":
                raise _Gone
            piece = message.get("body", b"")
            if body.size_bytes + len(piece) > self._settings.max_body_bytes:
                raise self._too_large()
            if self._held_bytes + len(piece) > max(MOST_HELD_BYTES, self._settings.max_body_bytes):
                raise _busy("the bodies of other requests fill what this server holds at once")
            body.data += piece
            body.size_bytes += len(piece)
            self._held_bytes += len(piece)
            more = bool(message.get("more_body", False))


def _head(scope: Scope) -> _Head:
    headers = tuple((name.lower(), value) for name, value in scope["headers"])
    path = str(scope["path"])
    return _Head(str(scope["method"]), path, path == "/api" or path.startswith("/api/"), headers)


def _holds(text: bytes, token: bytes) -> bool:
    """Whether a token is in a text, found out in a time that does not tell how much of it is."""
    return any(hmac.compare_digest(text[at : at + len(token)], token) for at in range(len(text) - len(token) + 1))


def _has_body(head: _Head) -> bool:
    """Whether a body follows the head."""
    return bool(head.all(b"transfer-encoding")) or any(value.strip() != b"0" for value in head.all(b"content-length"))


def _check_form(head: _Head) -> None:
    """Refuse what servers and proxies read in different ways."""
    lengths = head.all(b"content-length")
    if head.all(b"transfer-encoding") and lengths:
        raise Denied(400, "the request states two lengths", "send Content-Length or Transfer-Encoding, not both")
    if len(lengths) > 1 or any(not value.strip().isdigit() or len(value) > 20 for value in lengths):
        raise Denied(400, "the length of the request is no number")
    if len(head.path) + sum(len(name) + len(value) for name, value in head.headers) > HEAD_BYTES:
        raise Denied(431, f"the head of the request is larger than {HEAD_BYTES >> 10} KiB")
    odd = "\\" in head.path or any(ord(one) < 32 or ord(one) == 127 for one in head.path)
    if odd or not head.path.startswith("/") or head.path.startswith("//"):
        raise Denied(400, "the request names no path of this server")


async def _check_json(body: bytearray) -> None:
    deep = (
        await asyncio.to_thread(nested_deeper, body, MOST_DEPTH) if len(body) > MIB else nested_deeper(body, MOST_DEPTH)
    )
    if deep:
        raise Denied(400, f"the body is nested deeper than {MOST_DEPTH} levels")


def _busy(what: str) -> Denied:
    return Denied(429, what, "try again in a moment", {"Retry-After": "2"})


def _replayed(body: _Body, receive: Receive) -> Receive:
    """A ``receive`` that says the body once, and then what the connection says."""
    said = False

    async def again() -> Message:
        nonlocal said
        if said:
            return await receive()
        said = True
        whole = bytes(body.data)
        body.data.clear()
        return {"type": "http.request", "body": whole, "more_body": False}

    return again


def dressed(send: Send, api: bool) -> Send:
    """A ``send`` that gives every answer the headers of this module, and no cookies or CORS headers.

    api: the answer is one of the API, which nothing may keep
    """

    async def clothed(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name.lower(), value) for name, value in message.get("headers", ())]
            kept = [
                (name, value)
                for name, value in kept
                if name not in _DROPPED and not name.startswith(b"access-control-")
            ]
            if api:
                kept = [(name, value) for name, value in kept if name != b"cache-control"]
                kept.append((b"cache-control", b"no-store"))
            elif not any(name == b"cache-control" for name, _ in kept):
                kept.append((b"cache-control", b"no-cache"))
            message = {**message, "headers": [*kept, *_FIXED]}
        await send(message)

    return clothed


async def _refuse(denied: Denied, receive: Receive, send: Send, *, unread: bool) -> None:
    """Say why; a body that was not read is taken in for a moment, for a reset would lose the answer."""
    body = denied.body()
    headers = {**denied.headers, "Content-Type": "application/json", "Content-Length": str(len(body))}
    if unread:
        headers["Connection"] = "close"
    listed = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": denied.status, "headers": listed})
    await send({"type": "http.response.body", "body": body, "more_body": unread})
    if unread:
        await _linger(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _linger(receive: Receive) -> None:
    taken_bytes = 0
    try:
        async with asyncio.timeout(LINGER_S):
            while taken_bytes < LINGER_BYTES:
                message = await receive()
                taken_bytes += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
