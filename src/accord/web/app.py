"""The application: middlewares, addresses, errors in one form."""

from __future__ import annotations

from fastapi import FastAPI

from accord.web.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application of a server.

    ``app.state``: ``settings``, ``workers`` (:class:`accord.web.workers.Workers`), ``jobs`` once there are any
    """
    raise NotImplementedError
