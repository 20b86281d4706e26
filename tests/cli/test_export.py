"""``accord export``."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.report.exports.launches import aggregated, disaggregated

from accord.api.launch import launch_of
from accord.catalog.load import load_catalog
from accord.cli.main import main
from accord.planner.plan import Plan

Capture = pytest.CaptureFixture[str]


def envelope(*plans: Plan, **extra: object) -> bytes:
    """As ``accord plan --json`` prints it, with keys a plan has not."""
    built = [{**msgspec.to_builtins(one), **extra} for one in plans]
    return json.dumps({"schema": "accord.plan/1", "accord": "0", "result": {"plans": built, "counts": {}}}).encode()


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    """Two plans in a file."""
    path = tmp_path / "plan.json"
    second = msgspec.structs.replace(disaggregated().plan, id="0affffffff")
    path.write_bytes(envelope(aggregated().plan, second, rank=1))
    return path


def test_files_with_their_text_on_stdout(answer: Path, capsys: Capture) -> None:
    assert main(["export", str(answer), "--to", "vllm"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("==> vllm/serve.sh <==\n#!/usr/bin/env bash\n")
    assert "==> vllm/README.md <==" in out


def test_scripts_on_disk_may_be_run(answer: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "new" / "launch"
    assert main(["export", str(answer), "--to", "vllm,sglang", "--out", str(out)]) == 0
    listed = capsys.readouterr().out.split()
    assert [Path(one) for one in listed] and all(Path(one).is_file() for one in listed)
    scripts = [Path(one) for one in listed if one.endswith(".sh")]
    assert {one.parent.name for one in scripts} == {"vllm", "sglang"}
    for one in scripts:
        assert one.stat().st_mode & 0o111 == 0o111
        subprocess.run(["bash", "-n", str(one)], check=True)


def test_json_has_the_files_as_text(answer: Path, capsys: Capture) -> None:
    words = ["export", str(answer), "--to", "sglang", "--json", "--model-path", "org/model", "--port", "9000"]
    assert main([*words, "--served-model-name", "mine"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["schema"] == "accord.export/1" and body["inputs"]["served_model_name"] == "mine"
    (target,) = body["result"]["targets"]
    assert (target["title"], target["version"], target["refused"]) == ("SGLang", "0.5.23", None)
    texts = {file["name"]: file["text"] for file in target["files"]}
    assert "--model-path org/model" in texts["sglang/serve.sh"] and "PORT:-9000" in texts["sglang/router.sh"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(envelope(aggregated().plan)))
    monkeypatch.setattr("sys.stdin", stdin)
    assert main(["export", "-", "--to", "vllm"]) == 0
    assert "plan 0a1b2c3d4e of deepseek-v3" in capsys.readouterr().out


def test_a_refusal_leaves_the_others(answer: Path, tmp_path: Path, capsys: Capture) -> None:
    words = ["export", str(answer), "--plan", "2", "--to", "vllm,sglang", "--out", str(tmp_path / "out")]
    assert main(words) == 1
    shown = capsys.readouterr()
    assert "error: vllm: vLLM 0.33.0 cannot run this plan: the prefill pool is on huawei-ascend-910c" in shown.err
    assert "hint: --plan 1 can be written\n" in shown.err
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["sglang"]
    assert "decode.sh" in shown.out


def test_all_targets(answer: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["export", str(answer), "--to", "all", "--out", str(tmp_path / "out"), "--json"]) == 1
    targets = json.loads(capsys.readouterr().out)["result"]["targets"]
    refused = {one["target"] for one in targets if one["refused"]}
    assert refused == {"vllm-ascend", "mindie"} and len(targets) == 6
    assert {one.name for one in (tmp_path / "out").iterdir()} == {one["target"] for one in targets} - refused


@pytest.mark.parametrize("which", ["2", "0af", "0affffffff"])
def test_a_plan_by_place_or_id(answer: Path, which: str, capsys: Capture) -> None:
    assert main(["export", str(answer), "--plan", which, "--to", "sglang", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["plan"] == "0affffffff"


MISTAKES = [
    (["--to", "vlm"], 2, "target 'vlm' is not known", "did you mean 'vllm'?"),
    (["--to", ","], 2, "--to: names no target", "one or more of vllm"),
    (["--to", "vllm", "--plan", "3"], 2, "--plan: there is no plan '3'", "1 to 2, or"),
    (["--to", "vllm", "--plan", "0a"], 2, "--plan: 2 plans begin with '0a'", "1 to 2, or"),
    (["--to", "vllm", "--port", "80"], 2, "80 is not in the range", "accord export --help"),
    (["--to", "vllm", "--model-path=--x"], 2, "--model-path: '--x' would be read as a flag", "another character"),
    (["--to", "vllm", "--model-path", "a\nb"], 2, "--model-path: is empty or has control characters", "one line"),
]


@pytest.mark.parametrize(("words", "code", "what", "hint"), MISTAKES)
def test_usage(answer: Path, words: list[str], code: int, what: str, hint: str, capsys: Capture) -> None:
    assert main(["export", str(answer), *words]) == code
    err = capsys.readouterr().err
    assert what in err and hint in err


def broken(change: str, value: Any) -> bytes:
    body = json.loads(envelope(aggregated().plan))
    place = body
    *path, last = change.split(".")
    for step in path:
        place = place[int(step) if step.isdigit() else step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(body).encode()


BAD = [
    (b"{", "is not JSON"),
    (b"[]", "is no answer of a verb"),
    (b"\xff\xfe", "is not JSON"),
    (broken("schema", "accord.estimate/1"), "is an answer of 'accord.estimate/1', not a file of plans"),
    (broken("result.plans", []), "holds no plan"),
    (broken("result.plans", [7]), "result.plans[0]: is no plan"),
    (
        broken("result.plans.0.pools.0.tp", "two"),
        "result.plans[0]: is no plan: Expected `int`, got `str` - at `$.pools[0].tp`",
    ),
    (broken("result.plans.0.id", ...), "result.plans[0]: is no plan: Object missing required field `id`"),
    (broken("result.plans.0.pools.0.system", "nvidia-hgx-h200"), "nvidia-hgx-h200"),
    (broken("result.plans.0.model", "deepseek-v33"), "deepseek-v33"),
]


@pytest.mark.parametrize(("data", "what"), BAD)
def test_a_file_that_is_no_plan(data: bytes, what: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    assert main(["export", str(path), "--to", "vllm"]) == 3
    err = capsys.readouterr().err
    assert what in err and "hint: " in err


def test_a_file_that_is_not_there(capsys: Capture) -> None:
    assert main(["export", "nowhere.json", "--to", "vllm"]) == 74
    assert "nowhere.json: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(("system", "width", "said"), [
    ("huawei-cloudmatrix-384", 16, False), ("nvidia-hgx-h200-8", 8, False), ("huawei-ascend-910b-1", 1, False),
    ("nvidia-gb200-nvl72", 4, False), ("nvidia-gb300-nvl72", 4, False), ("aws-trn2-ultraserver", 64, True),
])  # fmt: skip
def test_devices_of_a_node(system: str, width: int, said: bool) -> None:
    plan = aggregated().plan
    plan = msgspec.structs.replace(plan, pools=(msgspec.structs.replace(plan.pools[0], system=system),))
    launch, warnings = launch_of(load_catalog(), plan)
    assert launch.sites[0].devices_per_node == width and bool(warnings) == said
    assert launch_of(load_catalog(), plan, devices_per_node=4)[0].sites[0].devices_per_node == 4
    assert launch.model.moe and launch.model.mla and launch.model.weights == "fp8"


def test_drafts_of_a_model_without_draft_layers_are_refused(tmp_path: Path, capsys: Capture) -> None:
    """Old files may hold such plans: Kimi K2's configuration has no layers of multi-token prediction."""
    plan = aggregated().plan
    drafting = msgspec.structs.replace(plan.pools[0], mtp_tokens=1, mtp_accept=0.7, weights="fp8", ep=8)
    path = tmp_path / "plan.json"
    path.write_bytes(envelope(msgspec.structs.replace(plan, model="kimi-k2-instruct", pools=(drafting,))))
    assert main(["export", str(path), "--to", "vllm,sglang,dynamo,llm-d", "--json"]) == 1
    refused = [one["refused"] for one in json.loads(capsys.readouterr().out)["result"]["targets"]]
    assert all("kimi-k2-instruct has no draft layers of its own" in one for one in refused)


def test_a_plan_of_before_copies_were_named_has_none(tmp_path: Path, capsys: Capture) -> None:
    body = json.loads(envelope(aggregated().plan))
    del body["result"]["plans"][0]["pools"][0]["redundant_experts"]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(body))
    assert main(["export", str(path), "--to", "vllm"]) == 0
    shown = capsys.readouterr()
    assert "--enable-eplb" not in shown.out and "redundant" not in shown.err


def test_an_instance_over_trays_of_four(tmp_path: Path, capsys: Capture) -> None:
    plan = aggregated().plan
    wide = msgspec.structs.replace(plan.pools[0], system="nvidia-gb200-nvl72", dp=64, ep=64, devices=64, instances=1)
    path = tmp_path / "plan.json"
    path.write_bytes(envelope(msgspec.structs.replace(plan, pools=(wide,))))
    assert main(["export", str(path), "--to", "vllm,sglang"]) == 0
    shown = capsys.readouterr()
    assert "NODE_RANK 1 to 15 on the others" in shown.out and "--nnodes 16" in shown.out
    assert "--data-parallel-size-local 4" in shown.out and "nobody says how many devices" not in shown.err
