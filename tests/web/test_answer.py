"""One question in a process: the bytes of the command line, errors in one form, and nothing outside is touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from accord.cli import main as cli
from accord.cli.main import main
from accord.web.answer import File, Question, Reply, run
from accord.web.guard import Guard
from accord.web.verbs import VERBS

ESTIMATE = ("--model=deepseek-r1", "--system=huawei-cloudmatrix-384", "--chips=16", "--isl=2000", "--osl=500")


def ask(folder: Path, verb: str, *words: str, files: Sequence[File] = (), **more: Any) -> Reply:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    return run(Question(verb, words, tuple(files)), work, store=folder / "runs.sqlite", **more)


def error(reply: Reply) -> dict[str, Any]:
    found = json.loads(reply.body)
    assert set(found) == {"error"}
    assert set(found["error"]) == {"what", "where", "hint", "exit_code"}
    return dict(found["error"])


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("estimate", (*ESTIMATE, "--concurrency=64")),
        ("catalog show", ("--", "huawei-cloudmatrix-384")),
        ("compare", ("--", "huawei-cloudmatrix-384", "nvidia-gb200-nvl72")),
        ("policy party", ("--date=2025-05-01", "--", "huawei")),
        ("runs list", ()),
    ],
)
def test_an_answer_is_what_the_command_prints(
    verb: str, words: tuple[str, ...], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path))
    code = main([*verb.split(), "--json", *words])
    printed = capsysbinary.readouterr().out
    reply = ask(tmp_path, verb, "--json", *words)
    assert (reply.status, reply.exit_code) == (200, code)
    assert reply.body == printed


def test_an_answer_that_is_no_has_the_exit_code_of_the_command(tmp_path: Path) -> None:
    reply = ask(tmp_path, "policy party", "--date=2025-05-01", "--json", "--", "nobody at all")
    assert (reply.status, reply.exit_code) == (200, 1)
    assert json.loads(reply.body)["schema"] == "accord.policy.party/1"


@pytest.mark.parametrize(
    ("verb", "words", "code", "what"),
    [
        ("estimate", ("--json",), 2, "--model"),
        ("estimate", ("--chips=0", "--json"), 2, "0 is not in the range"),
        ("estimate", ("--model=nope", "--system=nvidia-gb200-nvl72", "--json"), 3, "not in the catalog"),
        ("estimate", ("--model=claude", "--system=nvidia-gb200-nvl72", "--json"), 1, "unpublished"),
        ("nothing", (), 2, "there is no verb"),
        ("runs show", ("--json", "--", "abcd1234"), 2, "there is no run"),
    ],
)
def test_what_cannot_be_answered_says_so_in_one_form(
    verb: str, words: tuple[str, ...], code: int, what: str, tmp_path: Path
) -> None:
    reply = ask(tmp_path, verb, *words)
    assert reply.status == 422
    assert reply.exit_code == error(reply)["exit_code"] == code
    assert what in error(reply)["what"]


@pytest.mark.parametrize(
    ("verb", "words", "where"),
    [
        ("plan", ("--ttft=abc", "--json"), "--ttft"),
        ("estimate", ("--isl=-1", "--json"), "--isl"),
        ("catalog show", ("--json",), "ID"),
    ],
)
def test_what_is_wrong_with_a_flag_names_it_and_says_what_it_takes(
    verb: str, words: tuple[str, ...], where: str, tmp_path: Path
) -> None:
    said = error(ask(tmp_path, verb, *words))
    assert said["where"] == where
    assert where not in said["what"]
    assert said["hint"] or verb == "catalog show"


def test_the_place_of_the_store_is_taken_from_nothing_else(tmp_path: Path) -> None:
    words = ("--json", "--", "nvidia-h100-pcie")
    work = tmp_path / "work"
    work.mkdir()
    bodies = {
        run(Question("catalog show", words), work, store=Path(place) / "runs.sqlite").body
        for place in ("/data", "/en", "/docs", "/abs", "/", str(tmp_path))
    }
    assert len(bodies) == 1
    assert b"https://epoch.ai/data/" in bodies.pop()


def test_a_store_that_is_a_symbolic_link_is_refused_and_not_named(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").symlink_to(tmp_path / "target.sqlite")
    (tmp_path / "target.sqlite").touch()
    said = ask(tmp_path, "runs list", "--json")
    assert said.status == 422
    assert error(said)["where"] == "runs.sqlite"
    assert "symbolic link" in error(said)["what"]
    assert str(tmp_path).encode() not in said.body


MACHINE = ("--model=qwen3-32b", "--system=nvidia-hgx-h100-8")
SOUND: dict[str, tuple[str, ...]] = {
    "plan": MACHINE, "size": (*MACHINE, "--goodput=1"), "train": (*MACHINE, "--chips=8", "--tokens=1e12"),
    "simulate": (*MACHINE, "--isl=100", "--osl=10", "--rate=1"),
}  # fmt: skip


@pytest.mark.parametrize("verb", [one.name for one in VERBS if one.may_be_long])
def test_a_long_verb_that_is_only_checked_ends_before_its_work_begins(verb: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    module = {"plan": "plan_run", "size": "plan_run", "simulate": "simulate_run"}.get(verb, f"verbs.{verb}")
    assert "begin()" in Path(str(import_module(f"accord.cli.{module}").__file__)).read_text(), "it says when it begins"
    if verb in SOUND:
        reply = run(Question(verb, (*SOUND[verb], "--json"), only_checked=True), work, store=tmp_path / "runs.sqlite")
        assert (reply.status, reply.body) == (200, b""), reply
    wrong = run(Question(verb, ("--json",), only_checked=True), work, store=tmp_path / "runs.sqlite")
    assert wrong.status == 422
    assert list(tmp_path.iterdir()) == [work]


def test_a_fault_says_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for raised, status in ((ValueError("secret"), 500), (MemoryError(), 413), (KeyboardInterrupt(), 503)):

        def fail(*args: object, raised: BaseException = raised, **named: object) -> int:
            raise raised

        monkeypatch.setattr("accord.web.answer.cli.main", fail)
        reply = ask(tmp_path, "estimate")
        assert reply.status == status
        assert b"secret" not in reply.body
        assert b"Traceback" not in reply.body


def test_files_are_read_in_a_private_folder_that_is_never_named(tmp_path: Path) -> None:
    csv = b"case,item,from,to,date,expected,source,locator\n"
    reply = ask(tmp_path, "policy cases", "--json", "--", "cases.csv", files=[File("cases.csv", csv)])
    assert str(tmp_path).encode() not in reply.body
    assert b"cases.csv" in reply.body
    missing = ask(tmp_path, "policy cases", "--json", "--", "other.csv")
    assert missing.status == 422
    assert str(tmp_path).encode() not in missing.body


LONG = b"x" * 200_000  # more than a cell of a table may hold


@pytest.mark.parametrize("content", [LONG, b"a,b\n" + LONG, b'{"a": "' + LONG + b'"}\n'])
@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("policy cases", ("--", "t.csv")),
        ("validate", ("--", "t.csv")),
        ("fabric", ("--transfers=t.csv", "--", "huawei-cloudmatrix-384")),
        ("simulate", ("--trace=t.csv", "--model=qwen3-32b", "--system=nvidia-hgx-h100-8")),
    ],
)
def test_a_table_with_a_cell_that_is_too_long_is_bad_data(
    verb: str, words: tuple[str, ...], content: bytes, tmp_path: Path
) -> None:
    reply = ask(tmp_path, verb, "--json", *words, files=[File("t.csv", content)])
    assert (reply.status, reply.exit_code) == (422, 3)
    assert error(reply)["where"].startswith("t.csv")


def test_standard_input_is_empty_and_the_process_is_as_before(tmp_path: Path) -> None:
    before = os.getcwd(), sys.stdin, sys.stdout, os.environ.get("ACCORD_HOME")
    reply = ask(tmp_path, "policy check", "--date=2025-09-01", "--json", "--", "-")
    assert reply.status == 422
    assert (os.getcwd(), sys.stdin, sys.stdout, os.environ.get("ACCORD_HOME")) == before


def test_a_store_of_another_name_is_used_and_its_place_is_not_named(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    reply = run(Question("runs list", ("--json",)), work, store=tmp_path / "other.sqlite")
    assert json.loads(reply.body)["inputs"]["store"] == "other.sqlite"


SCENARIO = b'[plan]\nmodel = "%s"\nsystem = "huawei-cloudmatrix-384"\n'
NASTY = (
    Question("estimate", ("--model=/etc/passwd.json", "--system=nvidia-gb200-nvl72", "--json")),
    Question("estimate", ("--model=/etc/ssl", "--system=nvidia-gb200-nvl72", "--json")),
    Question("estimate", ("--deployment=d.yaml", "--json"), (File("d.yaml", b"model: /etc/passwd\nsystem: x\n"),)),
    Question("plan", ("--scenario=s.toml", "--json"), (File("s.toml", SCENARIO % b"/etc/passwd"),)),
    Question("plan", ("--scenario=s.toml", "--json"), (File("s.toml", SCENARIO % b"x" + b'trace = "/etc/passwd"'),)),
    *(
        Question(verb, (f"--deployment={name}", "--json"), (File(name, text % place),))
        for verb, name, text in (
            ("estimate", "d.yaml", b"model: %s\nsystem: huawei-cloudmatrix-384\nphase: decode\n"),
            ("simulate", "d.yaml", b"model: %s\nsystem: huawei-cloudmatrix-384\n"),
        )
        for place in (b"PLACE/beside.json", b"PLACE", b"/root", b"/usr/share", b"/proc/self/status", b"../beside.json")
    ),
    *(
        Question("plan", ("--scenario=s.toml", "--json"), (File("s.toml", SCENARIO % b"x" + b"trace = '%s'" % place),))
        for place in (b"PLACE/beside.json", b"/usr/lib/os-release", b"/proc/self/status", b"../beside.json")
    ),
    Question("plan", ("--model=deepseek-r1", "--checkpoint=/tmp/x.sqlite", "--system=nvidia-gb200-nvl72", "--json")),
    Question("simulate", ("--trace=/etc/passwd", "--model=qwen3-32b", "--system=nvidia-h100-sxm-1", "--json")),
    Question("fabric", ("--transfers=/etc/passwd", "--json", "--", "huawei-cloudmatrix-384")),
    Question("policy check", ("--json", "--date=2025-01-01", "--", "/etc/passwd")),
    Question("policy evidence", ("--json", "--", "/etc/passwd")),
    Question("audit", ("--json", "--", "/etc/passwd.yaml")),
    Question("audit", ("--json", "--plot=/tmp/never.svg")),
    Question("why", ("--json", "--", "/etc/passwd")),
    Question("export", ("--json", "--to=vllm", "--", "/etc/passwd")),
    Question("validate", ("--json", "--", "/etc/passwd")),
    Question("catalog list", ("--catalog=/etc", "--json")),
    Question("runs list", ("--store=/tmp/other.sqlite", "--json")),
)  # fmt: skip


def _opened_outside(folder: str) -> tuple[list[str], list[tuple[int, str]]]:
    """In a process of its own: what was opened outside although it is guarded, and the replies."""
    home = Path(folder)
    ask(home, "estimate", *ESTIMATE, "--json")  # everything is loaded
    work, package = home / "work", str(Path(cli.__file__).resolve().parents[1])
    (home / "beside.json").write_text('{"architectures": ["beside"]}')
    Guard(work, home / "runs.sqlite").install()
    mine = (str(work), str(home / "runs.sqlite"), package, *{sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)})
    opened: list[str] = []

    def seen(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and isinstance(args[0], str | os.PathLike):
            place = os.path.abspath(args[0])
            if not place.startswith(mine) or "beside" in place:
                opened.append(place)

    sys.addaudithook(seen)  # after the guard's, so that it sees what that lets pass
    replies = []
    for one in NASTY:
        files = [File(file.name, file.data.replace(b"PLACE", str(home).encode())) for file in one.files]
        replies.append(ask(home, one.verb, *one.words, files=files))
    (work / "tree" / "branch").mkdir(parents=True)
    (work / "tree" / "branch" / "leaf").write_text("")
    shutil.rmtree(work / "tree")
    return opened, [(one.status, one.body.decode()) for one in replies]


def test_no_question_makes_a_guarded_process_open_a_file_outside(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, __file__, str(tmp_path)], capture_output=True, check=True, timeout=120)
    opened, replies = json.loads(ran.stdout)
    assert opened == []
    for question, (status, body) in zip(NASTY, replies, strict=True):
        assert status in (200, 422), (question, body)
        assert "root:" not in body
        assert not question.files or not re.search("JSON|No such|denied|Permission|cannot be read|directory", body), (
            question,
            body,
        )
        assert question.verb in ("catalog list", "audit", "runs list") or status == 422, (question, body)


def test_the_guard_tells_its_places_from_others(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "own-not"
    own.mkdir()
    other.mkdir()
    (own / "link").symlink_to(other / "file")
    kept = tmp_path / "runs.sqlite"
    guard = Guard(own, kept)
    passed: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("open", (str(own / "file"), "w", 0)), ("open", (str(Path(os.__file__)), "r", 0)), ("open", (3, "w", 0)),
        ("open", (b"/dev/null", "w", 0)), ("sqlite3.connect", (f"file:{own}/a%20b?mode=ro",)), ("import", ("x",)),
        ("os.remove", (own / "file", -1)), ("sqlite3.connect", (":memory:",)),
        ("sqlite3.connect", (str(kept),)),
    )  # fmt: skip
    for event, args in passed:
        guard.seen(event, args)
    stopped: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("open", (str(tmp_path / "beside"), "r", 0)), ("open", (f"{kept}-beside", "w", 0)), ("os.mkdir", (tmp_path, 0)),
        ("open", (str(other / "file"), "r", 0)), ("open", (str(own / "link"), "r", 0)),
        ("open", (str(own / ".." / "x"), "r", 0)), ("open", (str(Path(os.__file__)), "a", 0)),
        ("open", (str(Path(os.__file__)), None, os.O_WRONLY)), ("sqlite3.connect", (f"file:{other}/a",)),
        ("os.rename", (str(own / "a"), str(other / "a"), -1, -1)), ("subprocess.Popen", ("x",)),
        ("socket.connect", ()), ("os.system", ("x",)),
    )  # fmt: skip
    for event, args in stopped:
        with pytest.raises(PermissionError):
            guard.seen(event, args)
    assert str(other / "file") in guard.refused


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_opened_outside(sys.argv[1])))
