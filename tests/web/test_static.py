"""The built page as files: nothing of another host in it, nothing of the builder's machine, and small."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from tests.web.browser.harness import PAGES, ROOT, STATIC, need

from accord.web.routes import page

LOCK = ROOT / "frontend" / "package-lock.json"
SERVED = (".html", ".js", ".css", ".svg")
ADDRESS = re.compile(
    r"(?:\b(?:https?|wss?|ftp):(?:\\?/){2}|[\"'`(=]//(?=[a-z0-9-]+\.[a-z]))[^\s\"'`)<>\\]*", re.IGNORECASE
)
# Names, not addresses that are asked for anything: XML namespaces, errors of Svelte, licences in comments.
NAMES = (
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/2000/xmlns/",
    "http://www.w3.org/1998/Math/MathML",
    "http://www.w3.org/XML/1998/namespace",
    "https://svelte.dev/e/",
    "http://www.apache.org/licenses/LICENSE-2.0",
)
INITIAL_BYTES = 400_000  # gzip: page, its scripts and styles; tests/web/browser/test_budget.py adds the data
IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*["'](\./[\w.-]+\.js)["']""")


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    need((STATIC / "index.html").is_file(), "the page is not built: python3 do.py page")


def _served() -> list[Path]:
    return sorted(path for path in STATIC.rglob("*") if path.suffix in SERVED)


def test_what_is_served_names_no_other_host() -> None:
    found = [
        f"{path.relative_to(STATIC)}: {address}"
        for path in _served()
        for address in ADDRESS.findall(path.read_text(encoding="utf-8"))
        if not address.startswith(NAMES)
    ]
    assert not found, "\n".join(found)


def test_an_address_is_found_in_whatever_form() -> None:
    text = (
        """a="https://x.example/a" b='//cdn.example.com/y' c(wss:\\/\\/z.example) d=`HTTP://E.example` // a comment"""
    )
    assert len(ADDRESS.findall(text)) == 4


def test_what_begins_with_a_dot_is_no_file_of_the_page(tmp_path: Path) -> None:
    for name in (".stamp", "index.html", "assets/a.js", "assets/.b", ".c/d.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert page._files(tmp_path, 1) == {"index.html", "assets/a.js"}


def test_no_source_map_and_no_path_of_the_builder() -> None:
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert not [path.name for path in files if path.suffix == ".map"]
    home = [str(ROOT), str(Path.home()) + "/", "node_modules/"]
    found = [
        f"{path.relative_to(STATIC)}: {word}"
        for path in _served()
        for word in ("sourceMappingURL", *home)
        if word in path.read_text(encoding="utf-8")
    ]
    assert not found, "\n".join(found)


def test_the_page_has_nothing_inline() -> None:
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|data:", text)
    for address in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert address.startswith("/"), address
        assert (STATIC / address[1:]).is_file(), address


def test_names_of_assets_change_with_their_content() -> None:
    for path in (STATIC / "assets").iterdir():
        assert re.search(r"-[\w-]{8}\.\w+$", path.name), path.name


def test_scripts_and_styles_of_each_page_are_small() -> None:
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    first = {STATIC / address for address in re.findall(r'(?:src|href)="/([^"]+)"', text)} | {STATIC / "index.html"}
    entry = next(path for path in first if path.suffix == ".js")
    chunks = _pages(entry)
    assert len(chunks) >= len(PAGES)
    for name, files in chunks.items():
        total = sum(len(gzip.compress(path.read_bytes())) for path in _closure(first | files))
        assert total < INITIAL_BYTES, f"{name}: {total:,} bytes of gzip"


def test_the_lock_has_hashes_and_names_no_host() -> None:
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    lacking = [name for name, package in packages.items() if name and "integrity" not in package]
    placed = [name for name, package in packages.items() if "resolved" in package]
    scripts = [
        name for name, package in packages.items() if package.get("hasInstallScript") and not package.get("optional")
    ]
    assert (lacking, placed, scripts) == ([], [], [])
    versions = [package["version"] for package in packages.values()]
    assert not [version for version in versions if not re.fullmatch(r"\d+\.\d+\.\d+[\w.+-]*", version)]
    npmrc = (LOCK.parent / ".npmrc").read_text(encoding="utf-8").splitlines()
    assert "omit-lockfile-registry-resolved=true" in npmrc
    assert not [line for line in npmrc if "://" in line or "registry=" in line.replace(" ", "")]


def _pages(entry: Path) -> dict[str, set[Path]]:
    """Chunk of each page that the entry loads when it is asked for -> files that come with it."""
    text = entry.read_text(encoding="utf-8")
    listed = re.search(r"m\.f\|\|\(m\.f=(\[[^\]]*\])", text)
    names: list[str] = json.loads(listed.group(1)) if listed else []
    found = re.findall(r"""import\(["'`]\./([\w.-]+\.js)["'`]\),__vite__mapDeps\(\[([\d,]*)\]\)""", text)
    plain = re.findall(r"""import\(["'`]\./([\w.-]+\.js)["'`]\)""", text)
    chunks = {name: {entry.parent / name} for name in plain}
    for name, indices in found:
        chunks[name] |= {STATIC / names[int(index)] for index in indices.split(",") if index}
    return chunks


def _closure(files: set[Path]) -> set[Path]:
    """Files with all that they import at once."""
    known, left = set(files), list(files)
    while left:
        path = left.pop()
        if path.suffix == ".js":
            more = {path.parent / name for name in IMPORT.findall(path.read_text(encoding="utf-8"))} - known
            known |= more
            left.extend(more)
    return known
