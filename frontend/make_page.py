#!/usr/bin/env python3
"""Build the page: ``frontend/`` -> ``src/accord/web/static/``, by Node and npm, where its sources have changed.

    python3 frontend/make_page.py            build, unless what is there was built from these very sources
    python3 frontend/make_page.py --check    build, then check types and run the unit tests of the page

Exit codes: 0 done, 1 failed; 77 where a check is not possible here (no Node), which with ACCORD_CI in the environment
is 1. Used by ``do.py`` and ``hatch_build.py``. Standard library only, written so that an old Python can still read it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys

NODES = ((20, 19), (22, 12))  # the least of each line that Vite takes; newer lines are taken from their beginning
FRONTEND = os.path.dirname(os.path.abspath(__file__))
STATIC = os.path.join(os.path.dirname(FRONTEND), "src", "accord", "web", "static")
MODULES = os.path.join(FRONTEND, "node_modules")
STAMP = ".stamp"
SKIPPED = 77
NOT_SOURCES = ("node_modules", "__pycache__", "coverage", "dist", "tests", "make_page.py")


class PageError(Exception):
    """The page could not be built; the text says why."""


# What is there


def sources_digest() -> str:
    """Hash of every source of the page: names and content, not times."""
    total = hashlib.sha256()
    for folder, folders, files in os.walk(FRONTEND):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES and not name.startswith("."))
        for name in sorted(files):
            if name in NOT_SOURCES or name.startswith("."):
                continue
            path = os.path.join(folder, name)
            with open(path, "rb") as source:
                content = hashlib.sha256(source.read()).hexdigest()
            total.update((os.path.relpath(path, FRONTEND).replace(os.sep, "/") + " " + content + "\n").encode())
    return total.hexdigest()


def has_sources() -> bool:
    """Whether this is a checkout or an sdist, from which the page can be built at all."""
    return os.path.isfile(os.path.join(FRONTEND, "package.json"))


def built() -> bool:
    """Whether there is a page, of whatever age."""
    return os.path.isfile(os.path.join(STATIC, "index.html"))


def fresh() -> bool:
    """Whether the page that is there was built from the sources that are there."""
    return built() and read(os.path.join(STATIC, STAMP)) == sources_digest()


def new_enough(major: int, minor: int) -> bool:
    """Whether Vite takes a Node: of a line that is named at least what is named, and whatever came after the last."""
    return major > NODES[-1][0] or any(major == line and minor >= least for line, least in NODES)


def node_lacking() -> str:
    """Why Node cannot be used here, or "" where it can."""
    need = ", ".join("{}.{}".format(*least) for least in NODES)
    node = shutil.which("node")
    if not node:
        return f"Node {need} or newer is not installed"
    try:
        told = subprocess.check_output([node, "--version"], stderr=subprocess.DEVNULL).decode().strip()
    except (OSError, ValueError, subprocess.CalledProcessError):
        return f"{node} does not run"
    found = re.match(r"v(\d+)\.(\d+)", told)
    if not found or not new_enough(int(found.group(1)), int(found.group(2))):
        return f"Node {need} or newer is needed; {node} is {told}"
    if not shutil.which("npm"):
        return "npm is not installed (Node is)"
    return ""


# Building


def build() -> None:
    """Build the page in a folder of its own and put it into ``static``; what is there is kept where that fails.

    Raises:
        PageError: where Node is lacking, the packages cannot be had, or the build fails.
    """
    lacking = node_lacking()
    if lacking:
        raise PageError(lacking)
    digest = sources_digest()
    install()
    new, old = (os.path.join(MODULES, f".accord-page-{age}-{os.getpid()}") for age in ("new", "old"))
    try:
        npm(["run", "build", "--", "--outDir", new, "--emptyOutDir", "--logLevel", "warn"])
        if not os.path.isfile(os.path.join(new, "index.html")):
            raise PageError("npm run build wrote no index.html")
        with open(os.path.join(new, STAMP), "w") as stamp:
            stamp.write(digest)
        try:
            if os.path.isdir(STATIC):
                os.rename(STATIC, old)
            os.rename(new, STATIC)
        except OSError as error:
            if not fresh():  # somebody else may have built the same meanwhile
                raise PageError(f"cannot put the page into {STATIC}: {error}") from error
    finally:
        if os.path.isdir(old) and not os.path.isdir(STATIC):
            os.rename(old, STATIC)
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def install() -> None:
    """Install exactly the packages of package-lock.json, running no script of theirs; nothing where they are there."""
    want = hashlib.sha256(read(os.path.join(FRONTEND, "package-lock.json")).encode()).hexdigest()
    stamp = os.path.join(MODULES, ".accord-stamp")
    if read(stamp) == want:
        return
    npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
    with open(stamp, "w") as done:
        done.write(want)


def npm(words: "list[str]") -> None:
    """Run npm in ``frontend/``, its output on stderr; PageError where it fails."""
    command = [shutil.which("npm") or "npm"] + words
    sys.stdout.flush()
    try:
        code = subprocess.call(command, cwd=FRONTEND, stdout=sys.stderr.fileno(), stdin=subprocess.DEVNULL, env=quiet())
    except OSError as error:
        raise PageError(f"npm {words[0]} did not start: {error}") from error
    if code:
        raise PageError("npm {} failed ({})".format(" ".join(words[:2]), code))


def quiet() -> "dict[str, str]":
    """The caller's environment; npm asks nobody, looks for no newer self and draws no bar."""
    kept = dict(os.environ)
    for name, value in (("update_notifier", "false"), ("progress", "false"), ("fund", "false"), ("audit", "false")):
        kept["npm_config_" + name] = value
    kept["CI"] = "1"  # vitest runs once and leaves
    return kept


def read(path: str) -> str:
    """A file's text, or "" where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


# As a command


def main(words: "list[str]") -> int:
    """Build where it is needed, then check where that is asked; returns the exit code."""
    unknown = [word for word in words if word != "--check"]
    if unknown:
        say(f"error: unknown word {unknown[0]}\nhint: make_page.py takes --check or nothing")
        return 2
    lacking = node_lacking()
    if lacking and words and "ACCORD_CI" not in os.environ:
        say(f"skipped: {lacking}")
        return SKIPPED
    try:
        if fresh() and not words:
            say("the page is up to date")
        elif not fresh():
            build()
            say(f"the page is built: {os.path.relpath(STATIC)}")
        if words:
            install()
            npm(["run", "check"])
            npm(["test"])
    except PageError as error:
        say(f"error: {error}")
        if lacking:
            say("hint: Node and its npm build the page; everything else of Accord works without")
        return 1
    return 0


def say(text: str) -> None:
    """Print on stderr, where everything but data goes."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
