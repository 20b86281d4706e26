"""``accord web``: the page and the HTTP API."""

# ruff: noqa: PLC0415, PLR0913, PLR0917  imports inside functions keep the start fast; a verb has the options it has

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accord.base.errors import UsageError
from accord.cli.output import say
from accord.web import token as tokens

if TYPE_CHECKING:
    from accord.web.settings import Settings

POSIX = os.name == "posix"
_FILE = click.Path(path_type=Path)


@click.command("web")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; see below for others.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8321, show_default=True, help="0 takes a port that is free."
)
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the page, where there is a screen.")
@click.option(
    "--store",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="The file of the store; else runs.sqlite in $ACCORD_HOME, or accord/runs.sqlite in the data folder.",
)
@click.option("--new-token", type=_FILE, metavar="FILE", help="Make a token into a new file, and end.")
@click.option("--token-file", type=_FILE, metavar="FILE", help="Ask every caller of the API for this token.")
@click.option("--cert", type=_FILE, metavar="FILE", help="Certificate for TLS, as PEM.")
@click.option("--key", type=_FILE, metavar="FILE", help="Its private key, as PEM.")
@click.option("--behind-proxy", is_flag=True, help="Another server does TLS, and passes requests on.")
@click.option("--allow-host", multiple=True, metavar="NAME[:PORT]", help="A name to be asked under; may be repeated.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that answer quick questions.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Long questions at a time.")
@click.option("--verbose", is_flag=True, help="A line for each request on stderr: method, pattern, status, time.")
def command(
    host: str,
    port: int,
    browser: bool,
    store: Path | None,
    new_token: Path | None,
    token_file: Path | None,
    cert: Path | None,
    key: Path | None,
    behind_proxy: bool,
    allow_host: tuple[str, ...],
    workers: int | None,
    jobs: int | None,
    verbose: bool,
) -> int:
    """Serve the page and the HTTP API on this machine, offline.

    The address is printed on stderr once it can be opened; Ctrl-C ends the server in order, with exit code 0. On a
    host that others reach, a token is needed, and TLS (--cert, --key) or --behind-proxy. Without a token, everybody who
    has an account on this machine can ask. It needs a POSIX system, such as Linux, macOS or WSL.
    """
    if not POSIX:
        hint = "start it on Linux, macOS or WSL; every other verb works here"
        raise UsageError("the server needs a POSIX system, for locks on files and limits on processes", hint=hint)
    if new_token is not None:
        if token_file is not None:
            raise UsageError("a token is made or used, not both", where="--new-token", hint="--token-file comes after")
        tokens.new_token(new_token)
        say(f"a new token is in {new_token}; start the server with --token-file, and hand the token to who may ask")
        return 0
    token = None if token_file is None else tokens.read_token(token_file)
    settings = _settings(
        host=host, port=port, store=store, token=token, cert=cert, key=key, behind_proxy=behind_proxy,
        allow_host=allow_host, workers=workers, jobs=jobs, browser=browser,
    )  # fmt: skip
    from accord.web.serve import serve

    return serve(settings, say=say, verbose=verbose)


def _settings(
    *,
    host: str,
    port: int,
    store: Path | None,
    token: bytes | None,
    cert: Path | None,
    key: Path | None,
    behind_proxy: bool,
    allow_host: tuple[str, ...],
    workers: int | None,
    jobs: int | None,
    browser: bool,
) -> Settings:
    """What the flags say, and the settings' own value where they say nothing."""
    from accord.api.runs import run_store
    from accord.web.hosts import allowed_host
    from accord.web.settings import Settings

    place = run_store(store).path.absolute()
    usual = Settings(store=place)
    return Settings(
        store=place,
        host=host,
        port=port,
        allowed_hosts=tuple(allowed_host(name) for name in allow_host),
        token=token,
        behind_proxy=behind_proxy,
        cert=cert,
        key=key,
        open_browser=browser,
        quick_workers=workers or usual.quick_workers,
        job_workers=jobs or usual.job_workers,
    )
