"""Evidence files as an answer: what each shows, and the risks of each model."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from accord.api.policy_evidence import covered_risks, evidence_answer, read_files, taxonomy_of
from accord.base.errors import DataError, UsageError
from accord.catalog.load import load_catalog
from accord.policy.evidence_json import parse
from accord.report.evidence_view import one_dict, one_read

EXAMPLES = Path(__file__).parents[2] / "examples" / "conformance"
FILES = [(file.name, file.read_bytes()) for file in sorted(EXAMPLES.glob("*.json"))]
CATALOG = load_catalog()
DAY = datetime.date(2026, 11, 25)


def named(*tasks: str) -> list[tuple[str, bytes]]:
    """The first safety log under names of other tests."""
    log = json.loads(dict(FILES)["safety-party-a.json"])
    return [(f"{task}.json", json.dumps({**log, "eval": {**log["eval"], "task": task}}).encode()) for task in tasks]


PROBES = named("inspect_evals/wmdp_cyber", "inspect_evals/persistbench_cross_domain")


def test_risks_are_told_by_model() -> None:
    answer = evidence_answer([*PROBES, *FILES], DAY, CATALOG)
    models = answer.result["models"]
    assert isinstance(models, list)
    assert [one["model"] for one in models] == ["hf/example-model-7b", "vllm/example-model-7b"]
    states = {risk["id"]: risk["state"] for risk in models[0]["risks"]}
    assert states["cyber"] == states["privacy"] == "covered"
    assert sorted(states.values()).count("not covered") == 5
    assert {one.kind for one in answer.evidence} == {"safety", "performance"}


def test_they_expire_one_after_another() -> None:
    def states(day: datetime.date) -> dict[str, str]:
        return {one.risk.id: one.state for one in covered_risks(read_files(PROBES, CATALOG), CATALOG, day)}

    assert states(datetime.date(2026, 11, 19))["cyber"] == "not covered", "before the first test"
    assert states(datetime.date(2027, 6, 1))["cyber"] == "expired"
    assert states(datetime.date(2027, 6, 1))["privacy"] == "covered"
    assert states(datetime.date(2028, 6, 1))["privacy"] == "expired"


def test_the_few_mild_items_of_our_own_test_cover_no_risk() -> None:
    own = read_files([one for one in FILES if one[0].startswith("safety")], CATALOG)
    assert {one.risks for one in own} == {()}
    assert {one.state for one in covered_risks(own, CATALOG, DAY)} == {"not covered"}
    assert CATALOG.conformance("safety-refusal-1").risks == ()


def test_performance_alone_covers_no_risk() -> None:
    answer = evidence_answer([one for one in FILES if one[0].startswith("performance")], DAY, CATALOG)
    models = answer.result["models"]
    assert isinstance(models, list)
    assert {risk["state"] for risk in models[0]["risks"]} == {"not covered"}


def test_a_run_that_did_not_finish_covers_nothing_and_is_shown() -> None:
    log = json.loads(dict(FILES)["safety-party-a.json"]) | {"status": "error"}
    answer = evidence_answer([("a.json", json.dumps(log).encode())], DAY, CATALOG)
    files = answer.result["files"]
    assert isinstance(files, list)
    assert (files[0]["evidence"], files[0]["why_not"]) == (False, "status is 'error', not 'success'")
    assert {one.state for one in covered_risks(answer.evidence, CATALOG, DAY)} == {"not covered"}
    assert "no evidence: status is 'error'" in answer.tables[0].rows[0][-1]


def test_every_risk_is_cited() -> None:
    answer = evidence_answer(FILES, DAY, CATALOG)
    cited = {str(one["id"]).partition(":")[0] for one in answer.sources}
    assert cited == {f"risks/{risk.id}" for risk in taxonomy_of(CATALOG)}


def test_evidence_is_the_same_after_it_was_told() -> None:
    for one in read_files(FILES, CATALOG):
        told = parse(json.dumps(one_dict(one)), one.file)
        assert one_read(told) == one


def test_what_was_told_is_checked_too() -> None:
    told = one_dict(read_files(FILES[:1], CATALOG)[0])
    with pytest.raises(DataError, match="kind is 'rumour', none of safety, performance, bom"):
        one_read(parse(json.dumps(told | {"kind": "rumour"}), "a"))
    with pytest.raises(DataError, match=r"metrics\.ttft_s is text, not a number"):
        one_read(parse(json.dumps(told | {"metrics": {"ttft_s": "1"}}), "a"))


def test_no_file() -> None:
    with pytest.raises(UsageError, match="there is no file to read"):
        evidence_answer([], DAY, CATALOG)
