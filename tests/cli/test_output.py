from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from accord.cli import output
from accord.report.tables import Table, number_column, text_column
from accord.report.to_json import envelope

TABLE = Table(title="speed", columns=(text_column("part"), number_column("time", "s")), rows=(("[red]x", "1.5"),))
ANSWER = envelope("estimate", inputs={}, result={"a": 1}, warnings=["take care"], catalog_digest="0" * 64)


def test_tables_go_to_stdout_and_warnings_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit(ANSWER, TABLE, TABLE, as_json=False)
    shown = capsys.readouterr()
    assert shown.out.count("speed\n") == 2
    assert "\x1b" not in shown.out
    assert shown.err == "warning: take care\n"


def test_json_is_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit(ANSWER, TABLE, as_json=True)
    shown = capsys.readouterr()
    assert json.loads(shown.out) == ANSWER
    assert shown.err == ""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("colour", [True, False])
def test_terminal(colour: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    if colour:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", "1")
    output.show(TABLE)
    assert "[red]x" in terminal.getvalue()  # a cell is text, never markup
    assert ("\x1b[1m" in terminal.getvalue()) or not colour
    assert "\x1b[3" not in terminal.getvalue()


def test_plain_output_never_loads_rich() -> None:
    code = (
        "import sys; from accord.cli import output; from accord.report.tables import Table, text_column;"
        "output.show(Table(title='t', columns=(text_column('a'),), rows=()));"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0
