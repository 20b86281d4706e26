"""``accord policy check`` on the command line: files, stdin, kept runs, flags, and mistakes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.trained import DEEPSEEK, train

from accord.api.runs import keep_run
from accord.cli.main import main
from accord.store.record import Record

WIDTH = 80
FOUR = ("--jurisdictions", "eu,us-ca,cn,kr", "--date", "2025-09-01")


@pytest.fixture(scope="session")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("law") / "run.json"
    file.write_text(train(*DEEPSEEK, "--json").out, encoding="utf-8")
    return str(file)


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["policy", "check", *words]) == 0
    return capsys.readouterr().out


def body(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    found = json.loads(asked(capsys, *words, "--json"))
    assert isinstance(found, dict)
    return found


def outcomes(found: dict[str, Any]) -> dict[str, str]:
    return {f"{one['instrument']}/{one['rule']}": one["outcome"] for one in found["result"]["answers"]}


def test_a_training_run_of_deepseek_v3(capsys: pytest.CaptureFixture[str], run_file: str) -> None:
    found = body(capsys, run_file, *FOUR)
    assert found["schema"] == "accord.policy.check/1"
    assert [place["id"] for place in found["result"]["jurisdictions"]] == ["eu", "us-ca", "cn", "kr"]
    assert set(found["result"]) == {
        "date", "jurisdictions", "facts", "answers", "elsewhen", "licence", "export", "missing", "not_checked",
        "advice",
    }  # fmt: skip
    answer = found["result"]["answers"][0]
    assert set(answer) == {
        "instrument", "rule", "title", "jurisdiction", "binding", "standing", "verdict", "probability", "outcome",
        "text", "because", "duties", "lifted_by", "transition", "missing", "cites",
    }  # fmt: skip
    assert set(answer["because"][0]) == {
        "fact", "op", "threshold", "unit", "value", "low", "high", "result", "log10_distance", "probability", "pivotal",
    }  # fmt: skip
    assert outcomes(found)["eu-aia-51/presumed-systemic"] == "does_not_apply"
    assert any(source["id"].startswith("instruments/eu-aia-51") for source in found["sources"])


def test_the_text_reads_by_jurisdiction_and_keeps_its_width(
    capsys: pytest.CaptureFixture[str], run_file: str
) -> None:  # fmt: skip
    text = asked(capsys, run_file, *FOUR)
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= WIDTH  # addresses are not broken
    assert text.startswith("AI law on training of deepseek-v3, as of 2025-09-01\n")
    places = [line for line in text.splitlines() if line.startswith("Jurisdiction ")]
    assert places == ["Jurisdiction eu", "Jurisdiction us-ca", "Jurisdiction cn", "Jurisdiction kr"]
    joined = " ".join(text.split())
    for words in (
        "training_flop 3.86e24 FLOP > 1e25 FLOP: no, -0.41 in log10", "would decide: placed_on_market",
        "(primary, AIA-51)", "AIA-111 of eu-aia-transition: Regulation (EU) 2024/1689 (AI Act), Article 111",
        "https://overview.legal/laws/ai-act/art-111",
        "from 2025-08-02: Have a policy to keep Union copyright law", "vetoed, never law",
        "a commitment, no duty", "us-ca-sb53/frontier-developer: begins 2026-01-01", "data protection and transfer",
        "deepseek-v3 under deepseek-model-1.0: ok_if",
    ):  # fmt: skip
        assert words in joined, words
    assert text.rstrip().endswith("Not legal advice; as of 2025-09-01.")


def test_an_interval_across_a_threshold_has_a_probability(capsys: pytest.CaptureFixture[str], run_file: str) -> None:
    words = (run_file, "--jurisdictions", "eu", "--date", "2026-09-01", "--training-flop", "8e24..2e25",
             "--placed-on-market", "2026-08-01")  # fmt: skip
    found = body(capsys, *words)
    systemic = next(one for one in found["result"]["answers"] if one["rule"] == "presumed-systemic")
    assert systemic["outcome"] == "depends:training_flop"
    assert 0.7 < systemic["probability"] < 0.85
    assert main(["policy", "check", *words]) == 0
    said = capsys.readouterr()
    assert "applies with 80 % probability" in " ".join(said.out.split())
    assert "training_flop is what --training-flop says, in place of 3.86e24 FLOP" in said.err


def test_every_outcome_has_words(capsys: pytest.CaptureFixture[str]) -> None:
    facts = ("--training-flop", "3e26", "--role", "provider", "--modality", "text,image", "--input-modality", "text",
             "--closed", "--no-open-licence", "--revenue-usd", "900 million USD", "--public", "--opinion-capability",
             "--high-risk", "annex3", "--domain", "text", "--cluster-op-per-s", "1e21 OP/s", "--cluster-sites", "1",
             "--cluster-network-b-per-s", "400 Gb/s")  # fmt: skip
    old = ("--placed-on-market", "2025-01-01")
    text = "\n".join(asked(capsys, *facts, *more) for more in (
        (*old, "--date", "2026-09-01"), ("--date", "2027-02-01"), ("--date", "2024-01-01"), ("--date", "2024-10-01"),
    ))  # fmt: skip
    joined = " ".join(text.split())
    for words in ("its duties are lifted until 2027-08-02", "exempt", "suspended",
                  "proposed, no law; its condition holds", "asks nothing", "applies", "holds, to be kept from",
                  "ended 2025-01-20", "reported; no public text",
                  "AI law on facts stated by hand"):  # fmt: skip
        assert words in joined, words
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= WIDTH  # addresses are not broken


def test_stdin_a_kept_run_and_a_jurisdiction_without_rules_on_ai(
    capsys: pytest.CaptureFixture[str], run_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(run_file).read_bytes())))
    assert outcomes(body(capsys, "-", *FOUR)) == outcomes(body(capsys, run_file, *FOUR))
    store = tmp_path / "runs.sqlite"
    record = Record(verb="simulate", created="2026-01-01T00:00:00Z", inputs={}, metrics={}, catalog="0",
                    model="deepseek-v3", system="nvidia-hgx-h800-8")  # fmt: skip
    id = keep_run(record, store=store)
    found = body(capsys, id[:12], "--store", str(store), "--jurisdictions", "eu", "--date", "2026-01-01")
    assert found["inputs"]["subject"] == f"run {id[:12]} of accord simulate"


def test_a_file_may_bring_its_own_day(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(train(*DEEPSEEK, "--start", "2026-03-01", "--json").out, encoding="utf-8")
    assert body(capsys, str(file), "--jurisdictions", "eu")["result"]["date"] == "2026-03-01"


def test_licence_and_export_control(capsys: pytest.CaptureFixture[str], run_file: str) -> None:
    words = (run_file, "--jurisdictions", "eu", "--date", "2026-09-01", "--from", "us", "--to", "DE", "--users", "1e6",
             "--commercial")  # fmt: skip
    found = body(capsys, *words)["result"]
    assert found["licence"]["id"] == "deepseek-model-1.0"
    assert found["export"]["systems"][0]["system"] == "nvidia-hgx-h800-8"
    assert "--hq" in " ".join(found["export"]["assumed"])
    text = " ".join(asked(capsys, *words).split())
    assert "nvidia-hgx-h800-8: 4A090.a, " in text


@pytest.mark.parametrize(("words", "code", "message", "hint"), [
    ((), 2, "there is nothing to check", "state facts"),
    (("--training-flop", "1e25"), 2, "--date is missing", "--date 2026-01-31"),
    (("--training-flop", "1e25", "--date", "2026-01-01", "--jurisdictions", "us-cal"), 2, "'us-cal'", "'us-ca'"),
    (("no-such-file.json", "--date", "2026-01-01"), 3, "no-such-file.json: cannot be read", "accord train --json"),
    (("--training-flop", "5e25..3e25"), 2, "is no interval", "--help"),
    (("--training-flop", "3 USD"), 2, "is in USD; this takes FLOP", "--help"),
    (("--cluster-sites", "3 USD"), 2, "this takes a number", "--help"),
    (("--training-flop", "-1"), 2, "below 0", "--help"),
    (("--training-flop", "much"), 2, "write it as '3e24' or '3e24..5e24'", "--help"),
    (("--to", "Germany"), 2, "is no country", "--help"),
    (("--modality", "txt"), 2, "none of text, speech, image, video, other", "--help"),
    (("--role", "owner"), 2, "role", "--help"),
    (("feed" * 8, "--date", "2026-01-01", "--store", "no-such-store.sqlite"), 2, "feedfeed", "accord"),
])  # fmt: skip
def test_mistakes(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, message: str, hint: str
) -> None:  # fmt: skip
    assert main(["policy", "check", *words]) == code
    said = capsys.readouterr().err
    assert message in said
    assert hint in said
    assert "Traceback" not in said


def test_another_verbs_answer_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"schema": "accord.compare/1"}', encoding="utf-8")
    assert main(["policy", "check", str(file), "--date", "2026-01-01"]) == 3
    assert "not of a plan or a training run" in capsys.readouterr().err


def test_help_names_every_fact(capsys: pytest.CaptureFixture[str]) -> None:
    text = asked(capsys, "--help")
    assert "The question:" in text and "Facts:" in text
    for flag in (
        "--training-flop",
        "--open-weights / --closed",
        "--modality",
        "--public / --not-public",
        "--high-risk",
    ):
        assert flag in text
