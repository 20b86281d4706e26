"""The documentation site: built strictly, complete, without another host, its examples and pictures in step.

``pytest tests/docs/test_site.py --refresh-golden`` writes what the pages' examples print now.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
from tests.docs import console
from tests.docs.console import ROOT, Example

import accord.api
from accord.cli.main import VERBS, cli

DOCS = ROOT / "docs"
FOLDERS = ("tutorials", "guides", "concepts", "reference")
SECONDS = 900
_TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|audio|video|embed|object)\b[^>]*?\s(?:src|data|srcset)\s*=\s*["']([^"']+)"""
    r"""|<link\b(?=[^>]*\brel=["'](?:stylesheet|preload|icon|preconnect|dns-prefetch|manifest)\b)[^>]*?href=["']([^"']+)"""
)
_IN_STYLE = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
OTHER_HOST = re.compile(r"(?:[a-z]+:)?//")


def _pages() -> list[Path]:
    return [DOCS / "index.md", *(page for folder in FOLDERS for page in sorted((DOCS / folder).glob("*.md")))]


def _examples(page: Path) -> list[Example]:
    return [one for one in console.examples(page.read_text(encoding="utf-8")) if one.is_run]


def _cases() -> list[object]:
    return [
        pytest.param(
            page, at, id=f"{page.relative_to(DOCS)}-{at}", marks=pytest.mark.slow if one.flag == "slow" else []
        )
        for page in _pages()
        for at, one in enumerate(_examples(page))
    ]


@pytest.mark.parametrize(("page", "at"), _cases())
def test_examples_print_what_is_written(page: Path, at: int, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--refresh-golden"):
        assert "PYTEST_XDIST_WORKER" not in os.environ, "refresh in one process: leave -n out"
        console.rewrite(page, at)
    example = _examples(page)[at]
    got = console.printed(example.command)
    assert console.matches(example.expected, got), f"{page}:{example.line} prints:\n" + "\n".join(got)


def _listed(page: Path) -> Iterator[Path]:
    """Pages that the toctrees of a page name."""
    for block in _TOCTREE.findall(page.read_text(encoding="utf-8")):
        names = [line.strip() for line in block.splitlines() if line.strip() and not line.startswith(":")]
        for name in names:
            if "*" in name or "[" in name:
                yield from sorted((page.parent / name).parent.glob(f"{Path(name).name}.md"))
            else:
                yield (page.parent / f"{name}.md").resolve()


def test_every_page_is_reached_from_the_first() -> None:
    reached: set[Path] = set()
    left = [DOCS / "index.md"]
    while left:
        page = left.pop()
        assert page.is_file(), page
        if page not in reached:
            reached.add(page)
            left += [one.resolve() for one in _listed(page)]
    missing = {page.resolve() for page in DOCS.rglob("*.md")} - reached
    assert not missing, "in no toctree: " + ", ".join(str(page.relative_to(DOCS)) for page in sorted(missing))


def test_the_python_page_has_every_public_name() -> None:
    told = set(re.findall(r"auto(?:function|class):: accord\.api\.(\w+)$", _text("reference/python.md"), re.MULTILINE))
    assert told == set(accord.api.__all__)


def _text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(name).name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_pictures_are_what_the_commands_draw() -> None:
    script = _script("make_pictures")
    assert {file.name for file in script.FOLDER.iterdir()} == {*script.PICTURES, script.MADE}
    assert script.main(["--check"]) == 0, "run 'python docs/make_pictures.py'"


def test_docstrings_become_lists_and_cells() -> None:
    words = _script("_ext/words")
    text = ["One.", "", "isl, osl: prompt and answer; day: of the", "    answer; the last", "Raises X."]
    parts = ["- **isl, osl**: prompt and answer", "- **day**: of the answer; the last"]
    assert words.listed(text) == ["One.", "", *parts, "", "Raises X."]
    assert words.listed(["a: b"]) == ["- **a**: b", ""]
    assert words.cell("``a|b`` of :func:`x` <c> * d_e") == "`a\\|b` of `x` \\<c\\> \\* d\\_e"


# The built site


def _need(there: bool, reason: str) -> None:
    """Skip what is not possible here; in continuous integration it has to be."""
    if not there:
        assert "ACCORD_CI" not in os.environ, reason
        pytest.skip(reason)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly from nothing."""
    _need(importlib.util.find_spec("sphinx") is not None, "Sphinx is not installed; it comes with the extra [dev]")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", "-W", "-n", "--keep-going", "-q", "-d", str(out / "trees"),
         str(DOCS), str(out / "html")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr, done.stderr
    return out / "html"


@pytest.mark.slow
def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    loaded = [
        f"{file.relative_to(site)}: {address}"
        for pattern, rule in (("*.html", _LOADED), ("*.html", _IN_STYLE), ("*.css", _IN_STYLE))
        for file in site.rglob(pattern)
        for found in rule.findall(file.read_text(encoding="utf-8"))
        for address in found
        if OTHER_HOST.match(address)
    ]
    assert not loaded, "\n".join(loaded)
    for script in site.rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"""(?:fetch|import|importScripts)\(\s*["'](?:https?:)?//|\.src\s*=\s*["']https?:""", text)


def test_what_is_loaded_is_found() -> None:
    html = '<script defer src="https://a/x.js"></script><link href="//b/y.css" rel="stylesheet"><a href="https://c">'
    assert [one for found in _LOADED.findall(html) for one in found if one] == ["https://a/x.js", "//b/y.css"]
    html = '<link rel="stylesheet" href="//b/y.css" /><link rel="canonical" href="https://d"><img alt="" src="z.svg">'
    assert [one for found in _LOADED.findall(html) for one in found if one] == ["//b/y.css", "z.svg"]
    assert _IN_STYLE.findall('a { b: url("https://f") }')[0][0] == "https://f"


@pytest.mark.slow
def test_the_reference_has_every_command(site: Path) -> None:
    page = (site / "reference" / "command-line.html").read_text(encoding="utf-8")
    for name in _paths(cli, click.Context(cli, info_name="accord")):
        assert f'id="{name.replace(" ", "-")}"' in page, name
    assert len(re.findall(r"<dt><code", page)) > 20 * len(VERBS)


def _paths(command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            inner = click.Context(below, info_name=name, parent=context)
            yield inner.command_path
            yield from _paths(below, inner)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("reference/catalog", ["memory_pool", "chips", "risks"]),
        ("reference/metrics", ["usd_per_million_output_tokens", "request_per_s", "tok/s", "FLOP/s"]),
        ("reference/http", ["/api/v1"]),
        ("reference/changelog", ["Unreleased"]),
        ("reference/python", ["simulate_deployment", "UsageError"]),
        ("tutorials/engineer", ["simulate_deployment", "Launch files:"]),
        ("tutorials/buyer", ["compare", "USD per million"]),
        ("tutorials/analyst", ["classify_answer", "training compute"]),
    ],
)
def test_pages_have_what_they_are_for(site: Path, page: str, words: list[str]) -> None:
    text = re.sub(r"<[^>]+>", "", (site / f"{page}.html").read_text(encoding="utf-8"))
    assert [word for word in words if word not in text] == []
    assert "generated:" not in text


@pytest.mark.slow
def test_search_and_both_themes_work_without_a_network(site: Path) -> None:
    _need(importlib.util.find_spec("playwright") is not None, "Playwright is not installed; it comes with [dev]")
    chromium = os.environ.get("ACCORD_CHROMIUM") or shutil.which("chromium")
    _need(chromium is not None, "Chromium is not installed")
    sync = importlib.import_module("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    asked: list[str] = []
    wrong: list[str] = []
    with sync.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=flags)
        try:
            colours = []
            for scheme in ("light", "dark"):
                page = browser.new_page(color_scheme=scheme, offline=True)
                page.on("request", lambda request: asked.append(request.url))
                page.on("pageerror", lambda error: wrong.append(str(error)))
                page.goto(site.as_uri() + "/search.html?q=goodput")
                page.wait_for_selector("#search-results li a")
                colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert colours[0] != colours[1]
        finally:
            browser.close()
    assert wrong == []
    assert [one for one in asked if not one.startswith(("file:", "data:"))] == []
