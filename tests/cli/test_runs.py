"""``accord runs``."""

from __future__ import annotations

import json
import os
import pwd
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest

from accord.api.runs import home_folder, keep_run, store_path
from accord.cli.main import main
from accord.report.to_json import to_bytes
from accord.store.record import Record
from accord.store.runs import RunStore

Capture = pytest.CaptureFixture[str]
Golden = Callable[[str, str], None]
A, B, C = "0123456789abcdef" * 2, "0123ffff89abcdef" * 2, "fedcba9876543210" * 2


def record(**changes: Any) -> Record:
    facts: dict[str, Any] = {
        "verb": "simulate",
        "created": "2026-01-02T03:04:05Z",
        "model": "deepseek-r1",
        "system": "huawei-cloudmatrix-384",
        "inputs": {"model": "deepseek-r1", "chips": 384, "slo": {"ttft_s": 1.0}, "routers": ["least-loaded"]},
        "metrics": {"completed": 12031.0, "ttft_mean_s": 0.43, "ttft_p99_s": 1.9, "request_per_s": 3.4, "failed": 0.0},
        "catalog": "ab" * 32,
        "accord": "0.0.1",
        **changes,
    }
    return Record(**facts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store = RunStore(tmp_path / "runs.sqlite")
    store.add(record(label="base", files=("out/requests.csv", "out/trace.json")), id=A)
    store.add(
        record(
            created="2026-01-03T00:00:00Z",
            inputs={"model": "deepseek-r1", "chips": 192, "slo": {"ttft_s": 1.0}, "routers": ["round-robin"]},
            metrics={"completed": 500.0, "ttft_mean_s": 1.29, "request_per_s": 1.7, "failed": 3.0, "e2e_mean_s": 21.5},
            complete=False,
        ),
        id=B,
    )
    store.add(
        record(created="2025-12-31T23:00:00+00:00", verb="estimate", metrics={"tpot_s": 0.0213}, catalog="cd" * 32),
        id=C,
    )
    return store.path


def said(capsys: Capture, path: Path, *words: str, code: int = 0) -> str:
    assert main(["runs", *words, "--store", str(path)]) == code
    shown = capsys.readouterr()
    assert not (shown.out and shown.err)
    return (shown.out or shown.err).replace(str(path), "STORE")


def answer(capsys: Capture, path: Path, *words: str) -> dict[str, Any]:
    envelope = json.loads(said(capsys, path, *words, "--json"))
    assert envelope["schema"] == f"accord.runs.{words[0]}/1"
    assert len(envelope["catalog"]) == 64
    assert envelope["inputs"]["store"] == "STORE"
    result = envelope["result"]
    assert isinstance(result, dict)
    return result


def test_golden(capsys: Capture, golden: Golden, path: Path) -> None:
    golden("runs-list.txt", said(capsys, path, "list"))
    golden("runs-show.txt", said(capsys, path, "show", "01234"))
    golden("runs-compare.txt", said(capsys, path, "compare", A, "0123f"))
    golden("runs-compare-three.txt", said(capsys, path, "compare", A, B, C))
    golden("runs-compare.json", to_bytes(answer(capsys, path, "compare", A, B)).decode())


def test_list_as_json_has_what_the_table_has(capsys: Capture, path: Path) -> None:
    result = answer(capsys, path, "list", "--model", "deepseek-r1")
    assert [run["id"] for run in result["runs"]] == [B, A, C]
    assert result["runs"][0]["complete"] is False
    only = answer(capsys, path, "list", "--verb", "estimate", "--limit", "5")
    assert [run["id"] for run in only["runs"]] == [C]


def test_show_as_json_has_everything(capsys: Capture, path: Path) -> None:
    result = answer(capsys, path, "show", A)
    assert result["metrics"]["completed"] == 12031.0
    assert result["inputs"]["slo"] == {"ttft_s": 1.0}
    assert result["files"] == ["out/requests.csv", "out/trace.json"]


def test_delete(capsys: Capture, path: Path) -> None:
    assert answer(capsys, path, "delete", "fed") == {"deleted": [C]}
    assert said(capsys, path, "delete", A, B) == f"Forgot 2 runs\n{A}\n{B}\n"
    assert said(capsys, path, "list").startswith("0 runs\n")


def test_nothing_kept_yet(capsys: Capture, tmp_path: Path) -> None:
    nowhere = tmp_path / "none" / "runs.sqlite"
    assert answer(capsys, nowhere, "list") == {"runs": []}
    assert said(capsys, nowhere, "list").endswith("no run is kept that fits\n")
    assert not nowhere.parent.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "fedcab98"], "error: STORE: there is no run 'fedcab98'\nhint: did you mean 'fedcba98'?\n"),
        (["show", "0123"], "error: several runs begin with '0123'\nhint: write more of it: "),
        (["compare", A], "error: one run is compared with nothing\nhint: name a second run\n"),
        (["delete", "zz"], "error: STORE: there is no run 'zz'\nhint: 'accord runs list' shows which there are\n"),
        (["compare"], "error: Missing argument"),
        (["list", "--limit", "0"], "error: Invalid value for '--limit'"),
        (["forget", A], "error: No such command 'forget'"),
    ],
)
def test_a_malformed_call(words: list[str], message: str, capsys: Capture, path: Path) -> None:
    assert said(capsys, path, *words, code=2).startswith(message)


def test_a_file_of_something_else_is_bad_data(capsys: Capture, tmp_path: Path) -> None:
    text, songs = tmp_path / "text", tmp_path / "songs"
    text.write_text("no database " * 100)
    with closing(sqlite3.connect(songs)) as database:
        database.execute("CREATE TABLE songs (name TEXT)")
    assert said(capsys, text, "list", code=3).startswith("error: STORE: the file is no database of runs, or is damaged")
    shown = said(capsys, songs, "show", A, code=3)
    assert shown == (
        "error: STORE: the file is a database, but holds no runs of Accord\nhint: give --store another path\n"
    )


def test_a_damaged_run_is_bad_data(capsys: Capture, path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE runs SET metrics = '{' WHERE id = ?", (C,))
    assert "hint: 'accord runs delete fedcba987654' forgets it" in said(capsys, path, "list", code=3)


def test_where_runs_are_kept() -> None:
    home = Path("/home/someone")
    assert store_path({}, home) == home / ".local/share/accord/runs.sqlite"
    assert store_path({"XDG_DATA_HOME": "/data"}, home) == Path("/data/accord/runs.sqlite")
    assert store_path({"XDG_DATA_HOME": "relative"}, home) == home / ".local/share/accord/runs.sqlite"
    assert store_path({"XDG_DATA_HOME": ""}, home) == home / ".local/share/accord/runs.sqlite"
    assert store_path({"ACCORD_HOME": "/mine", "XDG_DATA_HOME": "/data"}, home) == Path("/mine/runs.sqlite")


def test_an_empty_home_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    users = Path(pwd.getpwuid(os.getuid()).pw_dir)
    for home, found in (("/home/someone", Path("/home/someone")), ("", users)):
        monkeypatch.setenv("HOME", home)
        assert home_folder() == found
    monkeypatch.delenv("HOME")
    assert home_folder() == users


def test_without_a_home_the_place_has_to_be_said(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(number: int) -> NoReturn:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setenv("HOME", "")
    for name in ("ACCORD_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert home_folder() is None
    assert main(["runs", "list"]) == 2
    assert "give --store a path, or set ACCORD_HOME" in capsys.readouterr().err
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path))
    assert main(["runs", "list"]) == 0


def test_the_place_of_the_store_can_be_set(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path / "mine"))
    id = keep_run(record())
    assert (tmp_path / "mine" / "runs.sqlite").is_file()
    assert main(["runs", "show", id[:12]]) == 0
    assert capsys.readouterr().out.startswith(f"simulate {id}\n")
