"""The application: addresses, errors in one form, and what lives as long as a server.

:func:`accord.web.security.protect` goes around it and answers for hosts, origins, tokens, bodies and headers.
"""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from accord.base.errors import AccordError
from accord.web.document import document
from accord.web.http import error_response, of_accord_error
from accord.web.jobs import Jobs
from accord.web.routes import board, catalog, jobs, page, verbs
from accord.web.settings import Settings
from accord.web.workers import Workers

ROUTES: tuple[APIRouter, ...] = (board.router, jobs.router, verbs.router, catalog.router, page.router)
"""In the order in which their addresses are tried."""
log = logging.getLogger("accord.web")


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application of a server.

    ``app.state``: ``settings``; ``workers`` (:class:`accord.web.workers.Workers`) and ``jobs``
    (:class:`accord.web.jobs.Jobs`), which are started and stopped with it
    """
    app = FastAPI(
        title="Accord", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan,
        redirect_slashes=False,
    )  # fmt: skip
    app.state.settings = settings
    app.state.workers = Workers(settings)
    app.state.jobs = Jobs(settings)
    for router in ROUTES:
        app.include_router(_with_status(router))
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.add_exception_handler(AccordError, _of_accord)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_request)
    app.add_exception_handler(Exception, _of_fault)
    return app


def _with_status(router: APIRouter) -> APIRouter:
    """Addresses that name no status answer 200, which the document needs to be told."""
    for route in router.routes:
        if isinstance(route, APIRoute) and route.status_code is None:
            route.status_code = 200
    return router


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    await app.state.jobs.start()  # holds the folder in which those of the workers lie
    try:
        app.state.workers.start()
        try:
            yield
        finally:
            app.state.workers.stop()
    finally:
        await app.state.jobs.stop()


async def _of_accord(request: Request, error: Exception) -> Response:
    assert isinstance(error, AccordError)
    return of_accord_error(error)


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    frame = page.missing(request) if error.status_code == page.NOT_FOUND else None
    if frame is not None:
        return frame
    told = {404: "there is no such address", 405: "the address does not take this method"}
    what = told.get(error.status_code) or HTTPStatus(error.status_code).phrase.lower()
    return error_response(error.status_code, what, headers=error.headers)


async def _of_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    status = 400 if first.get("type") == "json_invalid" else 422
    where = ".".join(str(part) for part in first.get("loc", ())[1:]) or None
    return error_response(status, str(first.get("msg", "the request cannot be meant")), where, exit_code=2)


async def _of_fault(request: Request, error: Exception) -> Response:
    log.error("fault\n%s", "".join(traceback.format_exception(error)))
    return error_response(
        500, "this is a fault of Accord, not of your input", hint="please report it with the server's log", exit_code=70
    )  # fmt: skip
