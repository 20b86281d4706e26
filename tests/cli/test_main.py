from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from accord import __version__
from accord.base.errors import CatalogError, DoesNotFit, UsageError
from accord.cli import lazy
from accord.cli.main import VERBS, main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException]:
    """A verb ``estimate`` that raises what the test puts under ``error``."""
    box: dict[str, BaseException] = {}

    @click.command("estimate")
    def command() -> None:
        raise box["error"]

    module = type(lazy)("accord_failing")
    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setattr(lazy, "import_module", lambda name: module)
    return box


def test_help_lists_every_verb(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for verb in VERBS:
        assert f"  {verb.name} " in shown
        assert verb.summary in shown


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_verbs_explain_themselves(flag: str, capsys: Capture) -> None:
    assert main(["catalog", flag]) == 0
    assert "Usage: accord catalog" in capsys.readouterr().out


def test_version(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"accord {__version__}\n"


def test_no_words_is_a_usage_error_that_shows_help(capsys: Capture) -> None:
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Verbs:" in shown.err


def test_unknown_verb_names_the_closest(capsys: Capture) -> None:
    assert main(["catlog"]) == 2
    assert capsys.readouterr().err == "error: there is no verb 'catlog'\nhint: did you mean 'catalog'?\n"


def test_unknown_verb_far_from_all_lists_them(capsys: Capture) -> None:
    assert main(["zzzzzz"]) == 2
    assert "hint: known: demo, " in capsys.readouterr().err


def test_unknown_option(capsys: Capture) -> None:
    assert main(["catalog", "list", "--no-such-flag"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: No such option")
    assert "hint: 'accord catalog list --help'" in shown


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError("u"), 2), (CatalogError("c"), 3), (DoesNotFit("d"), 1)], ids=str
)
def test_errors_of_ours_have_their_exit_code(
    error: Exception, code: int, failing: dict[str, BaseException], capsys: Capture
) -> None:
    failing["error"] = error
    assert main(["estimate"]) == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_an_error_says_what_where_and_how_to_mend(failing: dict[str, BaseException], capsys: Capture) -> None:
    failing["error"] = CatalogError("power is 'x'", where="chips/a.yaml:8", hint="write '600 W'")
    assert main(["estimate"]) == 3
    assert capsys.readouterr().err == "error: chips/a.yaml:8: power is 'x'\nhint: write '600 W'\n"


def test_interrupt(failing: dict[str, BaseException]) -> None:
    failing["error"] = KeyboardInterrupt()
    assert main(["estimate"]) == 130


def test_a_fault_of_ours_is_not_taken_for_an_answer(failing: dict[str, BaseException], capsys: Capture) -> None:
    failing["error"] = RuntimeError("boom")
    assert main(["estimate"]) == 70
    shown = capsys.readouterr().err
    assert "RuntimeError: boom" in shown
    assert "error: this is a fault of Accord" in shown


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m accord catalog list --json | head -c 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, 141)  # 0 where all of it fitted into the pipe


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_said() -> None:
    command = f"{sys.executable} -m accord catalog list > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == "error: standard output: No space left on device\n"
    assert done.returncode == 74


def test_a_file_that_cannot_be_read_is_said(failing: dict[str, BaseException], capsys: Capture) -> None:
    failing["error"] = PermissionError(13, "Permission denied", "a.yaml")
    assert main(["estimate"]) == 74
    assert capsys.readouterr().err == "error: a.yaml: Permission denied\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str, capsys: Capture) -> None:
    assert main(["completion", shell]) == 0
    shown = capsys.readouterr().out
    assert "_ACCORD_COMPLETE" in shown
    assert shown.startswith("# ")


def test_completion_completes_verbs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from accord.cli.main import main; main()"],
        env={"_ACCORD_COMPLETE": "bash_complete", "COMP_WORDS": "accord cat", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "plain,catalog\n"
    assert done.stderr == ""
