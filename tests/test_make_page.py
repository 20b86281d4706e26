"""How the page is built: when it is fresh, what Node must be, what a failure leaves, in a project of a few files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from tests.loaded import ROOT, loaded

NPM = """#!/bin/sh
echo "$@" >> {log}
case "$1" in
    ci) mkdir -p node_modules ;;
    run) [ "$2" = check ] && exit 0
         [ -e fail ] && exit 1
         while [ "$1" != --outDir ]; do shift; done
         mkdir -p "$2" && cp index.html "$2/" ;;
esac
"""


@pytest.fixture
def make_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module in a project of its own, with a Node and an npm that only note what they are asked."""
    frontend, bin = tmp_path / "frontend", tmp_path / "bin"
    (frontend / "src").mkdir(parents=True)
    (tmp_path / "src/accord/web").mkdir(parents=True)
    bin.mkdir()
    shutil.copy(ROOT / "frontend" / "make_page.py", frontend)
    for name in ("package.json", "package-lock.json", "index.html", "src/main.ts"):
        (frontend / name).write_text(f"first {name}")
    _program(bin / "node", "#!/bin/sh\necho v20.20.2\n")
    _program(bin / "npm", NPM.format(log=tmp_path / "asked"))
    for name in ("sh", "mkdir", "cp"):
        (bin / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(bin))
    monkeypatch.delenv("ACCORD_CI", raising=False)
    return loaded(frontend / "make_page.py")


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _asked(tmp_path: Path) -> list[str]:
    file = tmp_path / "asked"
    return file.read_text().splitlines() if file.exists() else []


def test_the_page_is_built_once(make_page: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    static = tmp_path / "src/accord/web/static"
    assert not make_page.built()
    assert make_page.main([]) == 0
    assert (static / "index.html").read_text() == "first index.html"
    assert make_page.fresh()
    first = _asked(tmp_path)
    assert first[0].startswith("ci --ignore-scripts")
    assert first[1].startswith("run build -- --outDir ")
    assert make_page.main([]) == 0
    assert _asked(tmp_path) == first
    assert capfd.readouterr().err.splitlines()[-1] == "the page is up to date"


def test_a_source_that_changes_makes_the_page_old(make_page: ModuleType, tmp_path: Path) -> None:
    frontend = tmp_path / "frontend"
    make_page.build()
    for name in ("src/main.ts", "package-lock.json", "index.html"):
        (frontend / name).write_text("second")
        assert not make_page.fresh(), name
        make_page.build()
        assert make_page.fresh()
    (frontend / "src/more.ts").write_text("")
    assert not make_page.fresh()
    assert [line.split()[0] for line in _asked(tmp_path)] == ["ci", "run", "run", "ci", "run", "run"]


def test_what_is_no_source_does_not_make_it_old(make_page: ModuleType, tmp_path: Path) -> None:
    frontend = tmp_path / "frontend"
    make_page.build()
    os.utime(frontend / "src/main.ts", (1, 1))
    for name in ("node_modules/x.js", "tests/a.test.ts", ".cache", "coverage/x.html"):
        (frontend / name).parent.mkdir(exist_ok=True)
        (frontend / name).write_text("x")
    assert make_page.fresh()


def test_a_build_that_fails_leaves_the_old_page(
    make_page: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_page.build()
    (tmp_path / "frontend/index.html").write_text("second")
    (tmp_path / "frontend/fail").write_text("")
    assert make_page.main([]) == 1
    assert (tmp_path / "src/accord/web/static/index.html").read_text() == "first index.html"
    assert not make_page.fresh()
    assert "error: npm run build failed (1)" in capfd.readouterr().err
    assert sorted(path.name for path in (tmp_path / "src/accord/web").iterdir()) == ["static"]
    assert not list((tmp_path / "frontend/node_modules").glob(".accord-page-*"))


def test_a_page_that_cannot_be_put_in_place_leaves_the_old_one(
    make_page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_page.build()
    (tmp_path / "frontend/index.html").write_text("second")
    static, rename = tmp_path / "src/accord/web/static", os.rename

    def denied(source: str, target: str) -> None:
        if target == str(static) and "-new-" in source:
            raise PermissionError(13, "denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", denied)
    with pytest.raises(make_page.PageError, match="cannot put the page into"):
        make_page.build()
    assert (static / "index.html").read_text() == "first index.html"
    assert not list((tmp_path / "frontend/node_modules").glob(".accord-page-*"))


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("v18.19.0", "Node 20.19, 22.12 or newer is needed; {node} is v18.19.0"),
        ("v20.18.3", "Node 20.19, 22.12 or newer is needed; {node} is v20.18.3"),
        ("nonsense", "Node 20.19, 22.12 or newer is needed; {node} is nonsense"),
        ("v21.7.3", "Node 20.19, 22.12 or newer is needed; {node} is v21.7.3"),
        ("v22.11.0", "Node 20.19, 22.12 or newer is needed; {node} is v22.11.0"),
        ("v20.19.0", ""),
        ("v22.12.0", ""),
        ("v23.0.0", ""),
        ("v25.0.1", ""),
    ],
)
def test_node_must_be_new_enough(make_page: ModuleType, tmp_path: Path, version: str, why: str) -> None:
    _program(tmp_path / "bin/node", f"#!/bin/sh\necho {version}\n")
    assert make_page.node_lacking() == why.format(node=tmp_path / "bin/node")


def test_what_is_taken_is_what_the_package_and_vite_name() -> None:
    locked = json.loads((ROOT / "frontend/package-lock.json").read_text())["packages"]
    package = json.loads((ROOT / "frontend/package.json").read_text())
    lines = loaded(ROOT / "frontend/make_page.py").NODES
    text = f"^{lines[0][0]}.{lines[0][1]}.0 || >={lines[1][0]}.{lines[1][1]}.0"
    named = [one["engines"]["node"] for one in (package, locked[""], locked["node_modules/vite"])]
    assert named == [text] * 3


def test_npm_is_needed_too(make_page: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "bin/npm").unlink()
    assert make_page.node_lacking() == "npm is not installed (Node is)"


def test_a_node_that_does_not_run_is_none(make_page: ModuleType, tmp_path: Path) -> None:
    _program(tmp_path / "bin/node", "#!/bin/sh\nexit 1\n")
    assert make_page.node_lacking() == f"{tmp_path / 'bin/node'} does not run"


def test_without_node_a_check_is_skipped_but_not_in_ci(
    make_page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bin/node").unlink()
    assert make_page.main(["--check"]) == make_page.SKIPPED
    assert capfd.readouterr().err == "skipped: Node 20.19, 22.12 or newer is not installed\n"
    monkeypatch.setenv("ACCORD_CI", "1")
    assert make_page.main(["--check"]) == 1
    assert capfd.readouterr().err.splitlines()[0] == "error: Node 20.19, 22.12 or newer is not installed"


def test_without_node_a_page_that_is_asked_for_is_an_error(
    make_page: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_page.build()
    (tmp_path / "bin/node").unlink()
    assert make_page.main([]) == 0
    (tmp_path / "frontend/index.html").write_text("second")
    assert make_page.main([]) == 1
    assert capfd.readouterr().err.splitlines()[-2:] == [
        "error: Node 20.19, 22.12 or newer is not installed",
        "hint: Node and its npm build the page; everything else of Accord works without",
    ]


def test_a_check_builds_and_runs_both_checks(make_page: ModuleType, tmp_path: Path) -> None:
    assert make_page.main(["--check"]) == 0
    assert [" ".join(line.split()[:2]) for line in _asked(tmp_path)] == [
        "ci --ignore-scripts", "run build", "run check", "test",
    ]  # fmt: skip


def test_an_unknown_word_is_refused(make_page: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    assert make_page.main(["--chekc"]) == 2
    assert "unknown word --chekc" in capfd.readouterr().err
