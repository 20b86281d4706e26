"""Connections: HTTP/1.1 by h11, with deadlines for heads and readers that uvicorn has not; errors in the one form."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from accord.web.answer import error_body
from accord.web.security import HEAD_BYTES, HEADERS

HEAD_S = 10.0  # from a connection to the end of its TLS handshake; from there or a first byte to the end of a head
STALL_S = 60.0  # how long a reader may leave an answer lie
MOST_CONNECTIONS = 512


class Wire(H11Protocol):
    """One connection."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*args, **named)
        self._late: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many already."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._say(503, "too many connections are open", (("Retry-After", "2"),))
            return
        self._late = self.loop.call_later(HEAD_S, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._late = _stopped(self._late)
        self._stalled = _stopped(self._stalled)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a head that has begun must end in time."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._late = _stopped(self._late)
        elif self._late is None and not self.transport.is_closing():
            self._late = self.loop.call_later(HEAD_S, self._head_is_late)

    def pause_writing(self) -> None:
        """Wait for the reader, but not for ever."""
        super().pause_writing()
        self._stalled = self._stalled or self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        self._stalled = _stopped(self._stalled)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or has too large a head."""
        self._say(400, f"the request is no HTTP/1.1, or its head is larger than {HEAD_BYTES >> 10} KiB")

    def _head_is_late(self) -> None:
        self._late = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._say(408, "the head of the request came too slowly")

    def _say(self, status: int, what: str, more: tuple[tuple[str, str], ...] = ()) -> None:
        """Answer without the application, and close."""
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what the application would still say goes nowhere
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        body = error_body(what)
        usual = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
        headers = [*usual.items(), ("Cache-Control", "no-store"), *more, *HEADERS.items()]
        events = (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage())
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Door(asyncio.Protocol):
    """A connection until TLS is agreed on: counted from the moment it is taken, and given up where that takes long."""

    def __init__(self, context: ssl.SSLContext, **named: Any) -> None:
        """context: of the server's certificate; named: what uvicorn gives a :class:`Wire`."""
        self._context, self._named = context, named
        self._connections: set[Any] = named["server_state"].connections
        self._early = bytearray()
        self._plain: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, unless there are too many connections already."""
        assert isinstance(transport, asyncio.Transport), "a socket's transport"
        self._plain = transport
        if len(self._connections) >= MOST_CONNECTIONS:
            transport.abort()
            return
        transport.pause_reading()
        self._connections.add(self)
        self._task = asyncio.get_running_loop().create_task(self._agree(transport))

    def data_received(self, data: bytes) -> None:
        """Keep what came along with the end of the handshake."""
        self._early += data

    def shutdown(self) -> None:
        """End it, since the server ends."""
        if self._plain is not None:
            self._plain.abort()

    async def _agree(self, plain: asyncio.Transport) -> None:
        """Agree on TLS, and let the connection go on as a :class:`Wire`."""
        loop = asyncio.get_running_loop()
        try:
            made = await loop.start_tls(
                plain, self, self._context, server_side=True, ssl_handshake_timeout=HEAD_S, ssl_shutdown_timeout=HEAD_S
            )
        except OSError:  # no TLS, too late, or gone
            return
        finally:
            self._connections.discard(self)
        if made is None or made.is_closing():
            return
        wire = Wire(**self._named)
        made.set_protocol(wire)
        wire.connection_made(made)
        if self._early:
            wire.data_received(bytes(self._early))


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Stop a timer; None takes its place."""
    if timer is not None:
        timer.cancel()
    return None
