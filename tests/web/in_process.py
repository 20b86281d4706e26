"""A server without a socket: its application in a thread of its own, asked as by httpx."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from accord.web.app import create_app
from accord.web.security import protect
from accord.web.settings import Settings


class Client:
    """Asks an application that runs in another thread's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient, thread: threading.Thread) -> None:
        self._loop, self._client, self.thread = loop, client, thread

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask, and wait for the whole answer."""
        return asyncio.run_coroutine_threadsafe(self._client.request(method, path, **more), self._loop).result(120)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


@contextmanager
def in_process(settings: Settings) -> Iterator[Client]:
    """A client of an application that is started now and stopped at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    app = create_app(settings)
    transport = httpx.ASGITransport(protect(app, settings), raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{settings.port}")
    lives = app.router.lifespan_context(app)
    try:
        asyncio.run_coroutine_threadsafe(lives.__aenter__(), loop).result(60)
        try:
            yield Client(loop, client, thread)
        finally:
            asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(60)
            asyncio.run_coroutine_threadsafe(lives.__aexit__(None, None, None), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
