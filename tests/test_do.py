"""What ``do.py`` does with the page, and how it counts gates; its environment is not made here."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from tests.loaded import ROOT, loaded

PAGE, SKIPPED, FAILED = "make_page.py", 77, 1


@pytest.fixture
def do(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, which takes its environment for ready and hands nothing over."""
    do = loaded(ROOT / "do.py")
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setattr(do, "prepare", lambda developer: True)
    monkeypatch.setattr(do, "hand_over", lambda command: 0)
    return do


def _gates(do: ModuleType, monkeypatch: pytest.MonkeyPatch, code: Callable[[str], int]) -> list[str]:
    """Let each gate end with the code that its words get; the words are returned as they come."""
    asked: list[str] = []

    def run(command: list[str]) -> int:
        words = " ".join(command)
        asked.append(words)
        return code(words)

    monkeypatch.setattr(do, "run", run)
    return asked


def test_every_gate_runs_and_is_in_the_table(
    do: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = _gates(do, monkeypatch, lambda words: 0)
    assert do.main(["test"]) == 0
    table = capsys.readouterr().err.rpartition("gate ")[2].splitlines()[1:]
    names = ["format", "lint", "types", "imports", "catalog", "page", "tests", "timing"]
    assert [line.split()[:2] for line in table] == [[name, "ok"] for name in names]
    assert asked[5].endswith("make_page.py --check")
    assert asked[6].endswith("-m not timing")
    assert asked[7].endswith("-m timing")
    assert "-n" not in asked[7].split()


def test_a_caller_who_chooses_tests_gets_those_alone(do: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _gates(do, monkeypatch, lambda words: 0)
    assert do.main(["test", "-k", "cache"]) == 0
    assert asked[-1].endswith("-k cache")
    assert not [words for words in asked if "timing" in words]


@pytest.mark.parametrize(("code", "word", "end"), [(SKIPPED, "skipped", 0), (FAILED, "FAILED", 1)])
def test_a_gate_that_is_not_possible_here_is_no_failure(
    do: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int, word: str, end: int
) -> None:
    _gates(do, monkeypatch, lambda words: code if PAGE in words else 0)
    assert do.main(["test"]) == end
    table = capsys.readouterr().err.rpartition("gate ")[2].splitlines()[1:]
    assert [line.split()[1] for line in table if line.split()[0] == "page"] == [word]


def test_only_web_looks_after_the_page(do: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed: list[str] = []
    monkeypatch.setattr(do, "renew_page", lambda: renewed.append("page"))
    for words in (["demo"], ["estimate", "web"], ["web", "--help"], ["--version"]):
        assert do.main(words) == 0
    assert renewed == []
    assert do.main(["web", "--port", "0"]) == 0
    assert renewed == ["page"]


def test_page_needs_no_environment(do: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(do, "prepare", lambda developer: pytest.fail("no environment is needed to build the page"))
    asked = _gates(do, monkeypatch, lambda words: 0)
    assert do.main(["page"]) == 0
    assert asked[0].endswith(PAGE)


@pytest.mark.parametrize("built", [True, False])
def test_web_says_in_a_line_why_the_page_is_not_new(
    do: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], built: bool
) -> None:
    from frontend import make_page

    monkeypatch.setattr(make_page, "fresh", lambda: False)
    monkeypatch.setattr(make_page, "built", lambda: built)
    monkeypatch.setattr(make_page, "node_lacking", lambda: "Node 20.19 or newer is not installed")
    monkeypatch.setattr(make_page, "build", lambda: pytest.fail("cannot be built"))
    assert do.main(["web"]) == 0
    what = "the page is older than its sources and was not built anew" if built else "the page was not built"
    assert capsys.readouterr().err == f"warning: {what}: Node 20.19 or newer is not installed\n"


def test_web_goes_on_where_the_build_fails(
    do: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from frontend import make_page

    def fail() -> None:
        raise make_page.PageError("npm ci failed (1)")

    monkeypatch.setattr(make_page, "fresh", lambda: False)
    monkeypatch.setattr(make_page, "built", lambda: False)
    monkeypatch.setattr(make_page, "node_lacking", lambda: "")
    monkeypatch.setattr(make_page, "build", fail)
    assert do.main(["web"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "building the page (frontend/ -> src/accord/web/static/)",
        "warning: the page was not built: npm ci failed (1)",
    ]


def test_web_is_quiet_where_the_page_is_fresh(
    do: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from frontend import make_page

    monkeypatch.setattr(make_page, "fresh", lambda: True)
    assert do.main(["web"]) == 0
    assert capsys.readouterr().err == ""
