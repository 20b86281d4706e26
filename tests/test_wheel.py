"""What a wheel and an sdist carry, built here from a copy of the project, and what they say where there is no Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.loaded import ROOT, loaded
from tests.web.browser.harness import STATIC, need

PAGE = "accord/web/static"
TOP = ("pyproject.toml", "hatch_build.py", "do.py", "README.md", "LICENSE", ".gitignore", "src", "frontend")
LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", "*.pyc", "static")


@pytest.fixture(scope="module", autouse=True)
def _can_build() -> None:
    need(shutil.which("npm"), "Node and npm are not installed")
    page = loaded(ROOT / "frontend" / "make_page.py")
    need(page.fresh(), "the page is not built from these sources: python3 do.py page")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the build needs, with the page that is built and no node_modules."""
    copy = tmp_path_factory.mktemp("project")
    for name in TOP:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=LEFT_OUT)
        else:
            shutil.copy(ROOT / name, copy / name)
    shutil.copytree(STATIC, copy / "src" / PAGE)
    return copy


@pytest.fixture(scope="module")
def sdist(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    out = tmp_path_factory.mktemp("sdist")
    done = _build(project, "sdist", out)
    assert done.returncode == 0, done.stderr
    (packed,) = out.glob("*.tar.gz")
    with tarfile.open(packed) as tar:
        tar.extractall(out, filter="data")
    return packed.with_name(packed.name.removesuffix(".tar.gz"))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A search path without Node."""
    return str(tmp_path_factory.mktemp("bin"))


def _build(
    project: Path, target: str, out: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Build with the hatchling of this environment, so that nothing is fetched."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    kept = {name: value for name, value in os.environ.items() if name != "ACCORD_PAGE"}
    return subprocess.run(
        command, cwd=project, env=kept | dict(environ or {}), capture_output=True, text=True, check=False
    )


def _wheel(out: Path) -> zipfile.ZipFile:
    (packed,) = out.glob("*.whl")
    return zipfile.ZipFile(packed)


def test_a_wheel_from_the_sdist_has_the_page_and_needs_no_node(sdist: Path, bare: str, tmp_path: Path) -> None:
    done = _build(sdist, "wheel", tmp_path, {"PATH": bare, "ACCORD_PAGE": "require"})
    assert done.returncode == 0, done.stderr
    with _wheel(tmp_path) as wheel:
        packed = {name: wheel.read(name) for name in wheel.namelist() if name.startswith(PAGE)}
        names = wheel.namelist()
    files = [path for path in STATIC.rglob("*") if path.is_file() and not path.name.startswith(".")]
    want = {f"{PAGE}/{path.relative_to(STATIC)}": path.read_bytes() for path in files}
    assert packed == want
    assert f"{PAGE}/index.html" in packed
    assert not [name for name in names if "node_modules" in name or name.endswith((".svelte", ".ts", ".map"))]


def test_an_sdist_has_the_sources_of_the_page(sdist: Path) -> None:
    for name in ("package.json", "package-lock.json", ".npmrc", "make_page.py", "index.html", "src/App.svelte"):
        assert (sdist / "frontend" / name).is_file(), name
    assert (sdist / "hatch_build.py").is_file()
    assert not (sdist / "frontend" / "node_modules").exists()


def test_without_node_a_wheel_goes_without_the_page(project: Path, bare: str, tmp_path: Path) -> None:
    without = _without_page(project, tmp_path)
    done = _build(without, "wheel", tmp_path / "out", {"PATH": bare})
    assert done.returncode == 0, done.stderr
    assert (
        "goes without the page of 'accord web': Node 20.19, 22.12 or newer is not installed"
        in done.stderr + done.stdout
    )
    with _wheel(tmp_path / "out") as wheel:
        assert not [name for name in wheel.namelist() if name.startswith(PAGE)]
        assert "accord/web/__init__.py" in wheel.namelist()


def test_a_wheel_goes_without_the_page_where_npm_reaches_no_registry(project: Path, tmp_path: Path) -> None:
    without, bin = _without_page(project, tmp_path), tmp_path / "bin"
    bin.mkdir()
    for name, text in (("node", "echo v20.19.0"), ("npm", "exit 1")):
        (bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin / name).chmod(0o755)
    (bin / "sh").symlink_to(shutil.which("sh") or "sh")
    done = _build(without, "wheel", tmp_path / "out", {"PATH": str(bin)})
    assert done.returncode == 0, done.stderr
    assert "goes without the page of 'accord web': npm ci --ignore-scripts failed (1)" in done.stderr + done.stdout
    needed = _build(without, "wheel", tmp_path / "needed", {"PATH": str(bin), "ACCORD_PAGE": "require"})
    assert needed.returncode != 0 and "was not built: npm ci" in needed.stderr


@pytest.mark.parametrize(
    ("target", "mode", "why"),
    [
        ("sdist", "", "the page of 'accord web' was not built: Node 20.19, 22.12 or newer is not installed"),
        ("wheel", "require", "hint: set ACCORD_PAGE=skip to go without the page; the rest of Accord needs no Node"),
        ("wheel", "yes", "ACCORD_PAGE is 'yes'; give require, skip or nothing"),
    ],
)
def test_without_node_the_page_may_not_be_missing(
    project: Path, bare: str, tmp_path: Path, target: str, mode: str, why: str
) -> None:
    done = _build(_without_page(project, tmp_path), target, tmp_path / "out", {"PATH": bare, "ACCORD_PAGE": mode})
    assert done.returncode != 0
    assert why in done.stderr


def test_a_page_that_is_not_wanted_is_left_out(project: Path, tmp_path: Path) -> None:
    done = _build(project, "wheel", tmp_path, {"ACCORD_PAGE": "skip"})
    assert done.returncode == 0, done.stderr
    with _wheel(tmp_path) as wheel:
        assert not [name for name in wheel.namelist() if name.startswith(PAGE)]


def _without_page(project: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "without"
    shutil.copytree(project, copy, ignore=LEFT_OUT)
    return copy
