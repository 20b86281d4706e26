"""The page: its files, with its frame at each of its addresses."""

from __future__ import annotations

import functools
import gzip
import mimetypes
import re
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

STATIC = Path(__file__).parents[1] / "static"
PAGES = ("plan", "compare", "supernode", "simulate", "train", "policy", "claims", "catalog", "accuracy")
FRAME = "index.html"
ASSETS = "assets"
FOREVER = "public, max-age=31536000, immutable"
AGAIN = "no-cache"
NOT_FOUND, NOT_MODIFIED = 404, 304
_NO_PAGES = (ASSETS, "api")
_HASHED = re.compile(r"^assets/[\w./-]+-[\w-]{8,}\.\w+$")
_KINDS = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".woff2": "font/woff2",
    ".webmanifest": "application/json",
}
_TEXT = re.compile(r"^(?:text/|image/svg|application/(?:json|javascript))")
NOT_BUILT = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Accord</title>
<h1>The page is not built</h1>
<p>The HTTP API under <code>/api/v1</code> works,
and <a href="/api/v1/openapi.json">its document</a> says how it is asked.
<p>With Node 20.19 or 22.12 and npm installed, <code>python3 do.py page</code> builds the page; a released wheel has it.
</html>
"""


def _router() -> APIRouter:
    """Addresses of the page and of its files."""
    made = APIRouter(include_in_schema=False)
    for path in ("/", *(f"/{name}" for name in PAGES)):
        made.add_api_route(path, frame, methods=["GET", "HEAD"])
    for path in ("/{path}", f"/{ASSETS}/{{path:path}}"):
        made.add_api_route(path, file, methods=["GET", "HEAD"])
    return made


async def frame(request: Request) -> Response:
    """The frame, which finds out from the address what to show."""
    if FRAME not in _files(STATIC, _built(STATIC)):
        return Response(NOT_BUILT, media_type="text/html")
    return _send(request, FRAME)


def missing(request: Request) -> Response | None:
    """The frame for who looks for a page at an address that has none; None for who asks for anything else."""
    path, wanted = request.url.path, request.headers.get("accept", "")
    if request.method not in ("GET", "HEAD") or "text/html" not in wanted:
        return None
    if path.split("/")[1] in _NO_PAGES or FRAME not in _files(STATIC, _built(STATIC)):
        return None
    try:
        body, _, kind, _ = _read(STATIC, FRAME, _built(STATIC))
    except OSError:  # the page is being built again
        return None
    return Response(body, NOT_FOUND, {"Cache-Control": AGAIN, "Vary": "Accept"}, media_type=kind)


async def file(request: Request) -> Response:
    """One of the files that were built."""
    name = request.url.path.removeprefix("/")
    if name not in _files(STATIC, _built(STATIC)):
        raise HTTPException(404)
    return _send(request, name)


def _send(request: Request, name: str) -> Response:
    try:
        body, packed, kind, tag = _read(STATIC, name, _built(STATIC))
    except OSError:  # the page is being built again
        raise HTTPException(404) from None
    headers = {
        "Cache-Control": FOREVER if _HASHED.match(name) else AGAIN, "ETag": tag, "Vary": "Accept-Encoding"
    }  # fmt: skip
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=NOT_MODIFIED, headers=headers)
    if packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=kind)
    return Response(body, headers=headers, media_type=kind)


def _built(folder: Path) -> int:
    """When the page was built [ns], 0 where it was not; what is kept of another build is forgotten."""
    try:
        return (folder / FRAME).stat().st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=4)
def _files(folder: Path, built: int) -> frozenset[str]:
    """Names of the files there are; links, and what begins with a dot, are none."""
    places = (place for place in folder.rglob("*") if place.is_file() and not place.is_symlink())
    found = (place.relative_to(folder) for place in places)
    return frozenset(name.as_posix() for name in found if not any(part.startswith(".") for part in name.parts))


@functools.lru_cache(maxsize=256)
def _read(folder: Path, name: str, built: int) -> tuple[bytes, bytes | None, str, str]:
    """A file: its bytes, these packed, its type, its tag."""
    body = (folder / name).read_bytes()
    kind = _KINDS.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(body, 9, mtime=0) if _TEXT.match(kind) and len(body) > 500 else None
    return body, packed, kind, f'"{sha256(body).hexdigest()[:32]}"'


router = _router()
