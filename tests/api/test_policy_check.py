"""What is read out of an answer, a kept run and the catalog before the law is asked, and what comes back."""

from __future__ import annotations

import copy
import datetime
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from accord.api.policy_check import CheckAnswer, CheckAsk, check_answer, law_of_training
from accord.api.policy_facts import Subject, subject_of, subject_of_run
from accord.api.train import train_answer
from accord.api.train_request import StageAsk, TrainAsk
from accord.base.errors import DataError, UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.economics.scenario import Amount, Scenario, SystemTerms
from accord.policy.facts import Uncertain
from accord.report.to_json import to_bytes
from accord.store.record import Record, Run
from accord.training.request import TrainRequest

DAY = datetime.date(2025, 9, 1)
SYSTEM = "nvidia-hgx-h800-8"
RUN = TrainRequest(model="deepseek-v3", system=SYSTEM, chips=2048, tokens=14.8e12)
PLAN: dict[str, Any] = {
    "schema": "accord.plan/1",
    "inputs": {"problem": {"model": "deepseek-v3"}},
    "result": {
        "plans": [{"holdings": [{"system": SYSTEM}, {"system": SYSTEM}, {"system": "huawei-cloudmatrix-384"}]}],
        "law": {"from": "US", "to": "DE", "hq": None, "date": "2026-02-01"},
    },
}


@cache
def catalog() -> Catalog:
    return load_catalog()


@cache
def trained(*, base: float | None = None, start: datetime.date | None = None, level: float = 0.9) -> dict[str, Any]:
    """An envelope of ``accord train``, with what matters here."""
    scenario = Scenario(mode="rent", systems={SYSTEM: SystemTerms(rent=Amount(2.0, "USD/h"))})
    stages = (StageAsk(kind="sft", tokens=1e9, seq=None),) if base is not None else ()
    ask = TrainAsk(request=RUN, scenario=scenario, base_flop=base, start=start, level=level, stages=stages)
    found = train_answer(ask, catalog())
    body = {"schema": "accord.train/1", "inputs": found.inputs, "result": found.result}
    decoded: dict[str, Any] = json.loads(to_bytes(body))
    return decoded


def subject(body: object) -> Subject:
    return subject_of(json.dumps(body).encode(), "file.json", catalog())


def values(found: Subject) -> dict[str, object]:
    return {name: stated.value for name, stated in found.facts.items()}


def checked(found: Subject, *jurisdictions: str, day: datetime.date | None = DAY, **more: Any) -> CheckAnswer:
    return check_answer(CheckAsk(jurisdictions=jurisdictions, day=day, **more), found, catalog())


def answers(answer: CheckAnswer) -> dict[tuple[str, str], dict[str, Any]]:
    found: Any = answer.result["answers"]
    return {(one["instrument"], one["rule"]): one for one in found}


def test_a_training_run_gives_compute_cluster_cost_and_model() -> None:
    body = trained()
    found = subject(body)
    facts, flop = values(found), body["result"]["flop"]
    compute = facts["training_flop"]
    assert isinstance(compute, Uncertain)
    assert compute.value == flop["total_flop"]
    assert math.log10(compute.low) == pytest.approx(flop["log10_low"])
    assert math.log10(compute.high) == pytest.approx(flop["log10_high"])
    assert facts["cluster_op_per_s"] == pytest.approx(2048 * 1979e12, rel=1e-3)  # dense FP8 of an H800
    assert (facts.get("cluster_sites"), facts["cluster_network_b_per_s"]) == (1.0, 400e9)
    cost = facts["compute_cost_usd"]
    assert isinstance(cost, Uncertain)
    assert cost.value == body["result"]["metrics"]["cost_usd"]["value"]
    assert facts["role"] == "provider"
    assert not {"open_weights", "open_licence"} & set(facts)  # of the model of that shape, not of the one trained
    assert facts["output_modality"] == facts["input_modality"] == frozenset({"text"})
    assert "placed_on_market" not in facts  # the weights that were released are another run's
    assert (found.model, found.systems, found.day, found.said) == ("deepseek-v3", (SYSTEM,), None, ())


def test_an_interval_of_another_level_is_brought_to_nine_tenths() -> None:
    usual, wide = (values(subject(trained(level=level)))["training_flop"] for level in (0.9, 0.99))
    assert isinstance(usual, Uncertain) and isinstance(wide, Uncertain)
    assert math.log(wide.high / wide.value) == pytest.approx(math.log(usual.high / usual.value), rel=0.02)


def test_a_run_that_starts_from_a_model_leaves_open_whose_it_is() -> None:
    asked = subject(trained(base=6e24))
    found = values(asked)
    own = found["modification_flop"]
    assert ("role" in found, found["original_flop"]) == (False, 6e24)
    assert "--role" in asked.said[0]
    own_flop = trained(base=6e24)["result"]["flop"]["own_flop"]
    assert (own.value if isinstance(own, Uncertain) else own) == own_flop
    total = found["training_flop"]
    assert (total.value if isinstance(total, Uncertain) else total) == pytest.approx(6e24 + own_flop)
    rules = answers(checked(asked, "eu", facts={"role": "modifier"}))
    share = [because for because in rules["eu-gpai-modifier", "art-53-cd"]["because"]
             if because["fact"] == "modification_share"]  # fmt: skip
    assert share[0]["value"] == pytest.approx(own_flop / 6e24)


def test_a_developer_who_goes_on_with_its_own_model_is_still_its_provider() -> None:
    body = copy.deepcopy(trained(base=6e24))
    flop = body["result"]["flop"]
    flop |= {"total_flop": 2e25, "base_flop": 1.9e25, "own_flop": 1e24, "log10_low": 25.2, "log10_high": 25.4}
    later = {"placed_on_market": float(datetime.date(2025, 8, 15).toordinal())}
    found = answers(checked(subject(body), "eu", facts=later))
    assert found["eu-aia-51", "presumed-systemic"]["outcome"] == "depends:role"
    found = answers(checked(subject(body), "eu", facts={**later, "role": "provider"}))
    assert found["eu-aia-51", "presumed-systemic"]["outcome"] == "applies"


@pytest.mark.parametrize(("end", "known"), [("2025-07-15", False), ("2025-08-01", False), ("2025-08-02", True)])
def test_the_end_of_a_run_tells_when_a_model_is_offered_only_where_later_changes_nothing(end: str, known: bool) -> None:
    body = copy.deepcopy(trained(start=datetime.date(2025, 1, 1)))
    body["result"]["dates"]["end"] = end
    assert ("placed_on_market" in values(subject(body))) == known
    found = answers(checked(subject(body), "eu", day=datetime.date(2026, 4, 1)))
    lifted = found["eu-gpai-guidelines", "art-53-cd"]["outcome"]
    assert not lifted.startswith("lifted:")
    assert ("depends:placed_on_market" in lifted) != known


def test_a_run_whose_last_day_is_none_is_refused() -> None:
    body = copy.deepcopy(trained(start=datetime.date(2025, 1, 1)))
    body["result"]["dates"]["end"] = "soon"
    with pytest.raises(DataError, match="no day") as raised:
        subject(body)
    assert str(raised.value.where) == "file.json: result.dates.end"


def test_sites_that_nobody_states_are_not_one() -> None:
    body = copy.deepcopy(trained())
    body["result"]["layout"].pop("sites", None)
    assert "cluster_sites" not in values(subject(body))


def test_a_first_day_is_the_day_and_the_model_is_offered_after_the_run() -> None:
    found = subject(trained(start=datetime.date(2026, 1, 1)))
    assert found.day == datetime.date(2026, 1, 1)
    placed = values(found)["placed_on_market"]
    assert isinstance(placed, float)
    assert datetime.date.fromordinal(int(placed)).isoformat() == trained(start=found.day)["result"]["dates"]["end"]


def test_a_run_without_tokens_has_no_compute() -> None:
    body = copy.deepcopy(trained())
    body["result"]["flop"] = None
    body["result"]["metrics"] = {"mfu": {"value": None}}
    found = subject(body)
    assert not {"training_flop", "cluster_op_per_s", "compute_cost_usd", "role"} & set(found.facts)
    assert "no tokens" in found.said[0]


def test_compute_without_an_interval_is_a_number() -> None:
    body = copy.deepcopy(trained())
    body["result"]["flop"] |= {"log10_low": None, "log10_high": None}
    assert values(subject(body))["training_flop"] == body["result"]["flop"]["total_flop"]


def test_a_plan_gives_the_model_and_the_deal_but_no_compute() -> None:
    found = subject(PLAN)
    assert found.systems == (SYSTEM, "huawei-cloudmatrix-384")
    assert (found.day, found.deal) == (datetime.date(2026, 2, 1), {"seller": "US", "buyer": "DE"})
    assert "training_flop" not in found.facts
    placed = values(found)["placed_on_market"]
    assert placed == float(datetime.date(2024, 12, 24).toordinal())
    assert "what its training took is not in it" in found.said[0]
    rules = answers(checked(found, "eu", day=None))
    assert rules["eu-aia-transition", "before-2025-08-02"]["outcome"] == "exempt"
    systemic = rules["eu-aia-51", "presumed-systemic"]
    assert "depends:training_flop" in systemic["outcome"].split("|") or systemic["outcome"].startswith("lifted:")


def test_a_plan_without_plans_still_has_a_model() -> None:
    body = {**PLAN, "schema": "accord.size/1", "result": {"plans": [], "law": {"date": "soon"}}}
    found = subject(body)
    assert (found.verb, found.model, found.systems, found.day) == ("size", "deepseek-v3", (), None)


def test_models_of_images_and_unknown_models() -> None:
    seen = {**PLAN, "inputs": {"problem": {"model": "gemma-3-27b-it"}}}
    assert values(subject(seen))["input_modality"] == frozenset({"text", "image"})
    closed = values(subject({**PLAN, "inputs": {"problem": {"model": "gpt-4o"}}}))
    assert closed == {"open_weights": "no", "open_licence": "no"}
    assert values(subject({**PLAN, "inputs": {"problem": {"model": "my/config.json"}}})) == {}


def test_a_kept_run_gives_its_model() -> None:
    record = Record(verb="simulate", created="2026-01-01T00:00:00Z", inputs={}, metrics={}, catalog="0",
                    model="deepseek-v3", system=SYSTEM)  # fmt: skip
    found = subject_of_run(Run(id="ab" * 16, record=record), catalog())
    assert (found.title, found.model, found.systems) == (
        "run abababababab of accord simulate",
        "deepseek-v3",
        (SYSTEM,),
    )
    assert found.facts["open_weights"].value == "yes"


@pytest.mark.parametrize(("data", "message"), [
    (b"{", "is not JSON"), (b"\xff", "is not JSON"), (b"[]", "is no answer of a verb"),
    (b'{"schema": "accord.compare/1"}', "is an answer of 'accord.compare/1'"),
    (b'{"schema": "accord.train/1"}', "names no model"), (b'{"schema": "accord.plan/1"}', "names no model"),
])  # fmt: skip
def test_other_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        subject_of(data, "file.json", catalog())
    assert str(raised.value.where).startswith("file.json")


# What comes back


def test_deepseek_v3_in_four_jurisdictions() -> None:
    found = checked(subject(trained()), "eu", "us-ca", "cn", "kr")
    rules = answers(found)
    systemic = rules["eu-aia-51", "presumed-systemic"]
    assert (systemic["verdict"], systemic["outcome"]) == ("false", "does_not_apply")
    compute = next(one for one in systemic["because"] if one["fact"] == "training_flop")
    assert -0.5 < compute["log10_distance"] < -0.38
    assert compute["threshold"] == 1e25 and compute["low"] < compute["value"] < compute["high"] < 1e25
    assert rules["eu-gpai-guidelines", "art-53-cd"]["verdict"] == "true"
    assert rules["us-ca-sb1047", "covered-model"]["outcome"] == "vetoed"
    assert rules["cn-label", "labels"]["outcome"] == "depends:public_service"
    assert rules["eu-gpai-code", "transparency-and-copyright"]["outcome"] == "voluntary"
    assert not any(one["jurisdiction"] in ("us", "us-ny") for one in rules.values())
    for one in rules.values():
        assert one["cites"] and all(cite["locator"] and cite["tier"] for cite in one["cites"])
    begins = {(one["instrument"], one["starts"]) for one in found.result["elsewhen"]}  # type: ignore[attr-defined]
    assert {("us-ca-sb53", "2026-01-01"), ("kr-aiba", "2026-01-22")} <= begins
    missing: Any = found.result["missing"]
    assert {"placed_on_market", "public_service"} <= {one["fact"] for one in missing}
    assert "us-ca-sb1047" not in json.dumps(missing)
    not_checked: Any = found.result["not_checked"]
    assert any("data protection" in text for text in not_checked)
    assert any("rules here that were not asked for" in text and "us-ny" in text for text in not_checked)
    assert found.result["advice"] == "not legal advice, as of 2025-09-01"
    ids = {str(source["id"]).partition(":")[0] for source in found.sources}
    assert {"models/deepseek-v3", "instruments/eu-aia-51", "licences/deepseek-model-1.0"} <= ids


def test_all_jurisdictions_with_rules_are_the_default() -> None:
    found = checked(subject(trained()))
    places: Any = found.result["jurisdictions"]
    assert {"eu", "us", "us-ca", "us-ny", "cn", "kr"} <= {one["id"] for one in places}
    assert all(one["answer"] == "checked" for one in places)


def test_an_unknown_jurisdiction_and_no_day_are_refused() -> None:
    with pytest.raises(UsageError, match="jurisdiction 'us-cal'"):
        checked(subject(trained()), "us-cal")
    with pytest.raises(UsageError, match="--date is missing"):
        checked(subject(trained()), day=None)


def test_facts_by_hand_take_the_place_of_the_files() -> None:
    stated = {"training_flop": Uncertain(1.2e25, 8e24, 2e25), "role": "provider"}
    found = checked(subject(trained()), "eu", facts=stated, flags={"training_flop": "--training-flop"})
    facts: Any = found.result["facts"]
    compute = next(one for one in facts if one["fact"] == "training_flop")
    assert (compute["value"], compute["low"], compute["from"]) == (1.2e25, 8e24, "--training-flop")
    assert compute["instead_of"] == trained()["result"]["flop"]["total_flop"]
    assert len([text for text in found.warnings if "--training-flop" in text]) == 1
    assert found.inputs["facts"] == {
        "training_flop": {"value": 1.2e25, "low": 8e24, "high": 2e25}, "role": "provider",
    }  # fmt: skip
    old = {"placed_on_market": float(datetime.date(2026, 1, 1).toordinal())}
    later = checked(subject(trained()), "eu", facts={"training_flop": Uncertain(1.2e25, 8e24, 2e25), **old})
    systemic = answers(later)["eu-aia-51", "presumed-systemic"]
    assert systemic["outcome"] == "depends:training_flop"
    assert 0.5 < systemic["probability"] < 0.95


@pytest.mark.parametrize(("deal", "answer"), [
    ({"buyer": "SG"}, "ok_if"), ({"buyer": "SG", "hq": "DE"}, "not_licensed"), ({"hq": "DE"}, "not_licensed"),
    ({"buyer": "SG", "consignee": "huawei"}, "ok_if"), ({"buyer": "SG", "consignee": "nobody at all"}, "ok_if"),
])  # fmt: skip
def test_a_licence_asks_where_the_buyer_has_its_headquarters(deal: dict[str, str], answer: str) -> None:
    llama = subject({**PLAN, "inputs": {"problem": {"model": "llama-4-scout"}}, "result": {"plans": [], "law": {}}})
    found = checked(llama, "eu", deal=deal, users=1e6, uses=frozenset({"commercial"}))
    licence: Any = found.result["licence"]
    assert licence["answer"] == answer


def test_licences_and_export_control_are_asked_with_the_deal() -> None:
    deal = {"seller": "US", "buyer": "DE", "hq": "DE"}
    found = checked(subject(trained()), "eu", deal=deal)
    licence: Any = found.result["licence"]
    assert (licence["id"], licence["answer"]) == ("deepseek-model-1.0", "ok_if")
    assert licence["terms"]
    export: Any = found.result["export"]
    assert [one["system"] for one in export["systems"]] == [SYSTEM]
    assert export["answer"] == "checked"
    alone = checked(subject(trained()), "eu")
    assert alone.result["export"]["answer"] == f"{SYSTEM}: not checked without --from and --to"  # type: ignore[index]
    nothing = checked(Subject(title="facts", facts={}), "eu", facts={"training_flop": 2e25})
    assert nothing.result["licence"] is None
    assert nothing.result["export"]["answer"] == "no system is named: not checked"  # type: ignore[index]
    strange = checked(Subject(title="x", facts={}, model="mine", systems=("theirs",)), "eu", users=1e6,
                      uses=frozenset({"commercial"}), facts={"revenue_usd": Uncertain(1e8, 5e7, 2e8)})  # fmt: skip
    assert strange.result["licence"]["answer"] == "check"  # type: ignore[index]
    assert strange.result["export"]["answer"] == "theirs: not in the catalog, not checked"  # type: ignore[index]


def test_llama_asks_for_users() -> None:
    llama = Subject(title="x", facts={}, model="llama-3.1-70b")
    few, many = (checked(llama, "eu", users=users).result["licence"] for users in (1e6, 1e9))
    assert few["answer"] == "ok_if"  # type: ignore[index]
    assert many["answer"] == "not_licensed"  # type: ignore[index]


def test_entries_of_ones_own_count(tmp_path: Path) -> None:
    """A jurisdiction with other rules than on AI, a model with published tokens and a system without a network."""
    sources = {"S": {"title": "A note", "publisher": "Somebody", "date": "2025-01-01"}}
    value = {"basis": "published", "source": "S"}
    model = {
        "id": "mine", "name": "Mine", "vendor": "me", "status": "open", "released": "2025", "note": "no shape",
        "published": {"active_params": {"value": 1e9, **value}, "training_tokens": {"value": "1e13 tok", **value}},
        "sources": sources,
    }  # fmt: skip
    system = {"id": "box", "name": "Box", "vendor": "me", "kind": "node", "chip": "nvidia-h800-sxm",
              "chips": {"value": 8, **value}, "sources": sources}  # fmt: skip
    tariff = {
        "id": "nl-items", "title": "Items", "jurisdiction": "nl", "authority": "A ministry", "topic": "export",
        "binding": "binding", "last_checked": "2025-01-01", "sources": sources,
        "rules": [{"name": "all", "stage": "licence", "spans": [{"start": "2024-01-01"}],
                   "consequence": {"kind": "licence", "value": "required"},
                   "cites": [{"source": "S", "tier": "primary", "locator": "p. 1"}]}],
    }  # fmt: skip
    for kind, entry in (("models", model), ("systems", system), ("instruments", tariff)):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"{entry['id']}.yaml").write_text(json.dumps(entry), encoding="utf-8")
    own = load_catalog((tmp_path,))
    body = {**PLAN, "inputs": {"problem": {"model": "mine"}}}
    found = subject_of(json.dumps(body).encode(), "plan.json", own)
    assert values(found) == {"open_weights": "yes", "training_flop": 6e22}
    answer = check_answer(CheckAsk(jurisdictions=("nl", "eu"), day=DAY), found, own)
    places: Any = answer.result["jurisdictions"]
    assert places[0] == {"id": "nl", "rules": 0, "answer": "no rule here: not checked"}
    assert "nl: no rule on AI here" in answer.result["not_checked"]  # type: ignore[operator]
    assert (
        "No rule here: not checked." in next(table for table in answer.tables if table.title == "Jurisdiction nl").notes
    )
    run = copy.deepcopy(trained())
    for name in ("box", "nowhere"):
        run["inputs"]["system"] = name
        assert "cluster_network_b_per_s" not in values(subject_of(json.dumps(run).encode(), "run.json", own))


# The law in the answer of a training run


def test_a_training_run_names_the_rules_its_compute_is_measured_by() -> None:
    body = trained()
    found: Any = law_of_training(body["inputs"], body["result"], catalog(), datetime.date(2026, 2, 1))
    rules = {(one["instrument"], one["rule"]): one for one in found["rules"]}
    assert rules["kr-aiba", "art-32-safety"]["log10_distance"] == pytest.approx(-1.41, abs=0.05)
    assert rules["us-ca-sb53", "frontier-developer"]["reached"] == "no"
    assert rules["eu-gpai-guidelines", "art-53-cd"]["reached"] == "yes"
    assert ("eu-aia-open-source", "free-and-open-source") not in rules  # an exemption
    assert law_of_training(body["inputs"], body["result"], catalog(), None)["why"] == "no day given"
    assert law_of_training(body["inputs"], {"flop": None}, catalog(), DAY)["answer"] == "not checked"


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({}, "result: holds nothing"),
        ({"flop": None, "metrics": None}, "result: holds nothing"),
        ({"flop": {"total_flop": "abc"}}, "result.flop.total_flop: is 'abc', no number"),
        ({"flop": {"total_flop": None}}, "result.flop.total_flop: is None, no number"),
        ({"flop": {"total_flop": 1e24, "base_flop": -1.0}}, "result.flop.base_flop: is -1.0, no number"),
    ],
)  # fmt: skip
def test_a_result_without_counts_is_refused(result: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        subject({"schema": "accord.train/1", "inputs": {"model": "deepseek-v3"}, "result": result})


def test_a_model_that_the_catalog_has_not_is_said() -> None:
    body = trained()
    found = subject({**body, "inputs": {**body["inputs"], "model": "./mine/config.json"}})
    assert any("./mine/config.json is not in the catalog" in text for text in found.said)
    assert not any("not in the catalog" in text for text in subject(body).said)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_nested_too_deeply_is_one_line(data: bytes) -> None:
    with pytest.raises(DataError, match="nested too deeply"):
        subject_of(data, "file.json", catalog())


def test_a_mark_of_the_byte_order_is_passed_over() -> None:
    data = b"\xef\xbb\xbf" + json.dumps(PLAN).encode()
    assert subject_of(data, "file.json", catalog()).model == "deepseek-v3"
