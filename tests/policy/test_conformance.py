"""Two results of one test definition: agree, disagree, not comparable; hashes, items and templates."""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import CatalogError, DataError, NotSupported
from accord.catalog.conformance import Conformance, Quantity
from accord.catalog.load import load_catalog
from accord.policy.conformance import Comparison, compare, definition_sha256
from accord.policy.conformance_items import item_lines, items_sha256, template
from accord.policy.evidence import read_results

EXAMPLES = Path(__file__).parents[2] / "examples" / "conformance"
CATALOG = load_catalog()
IDS = CATALOG.ids("conformance")
SAFETY = CATALOG.conformance("safety-refusal-1")
SPEED = CATALOG.conformance("performance-serving-1")
DAY = datetime.date(2026, 11, 25)
FILES = {"safety": SAFETY, "performance": SPEED}


def example(kind: str, party: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{kind}-party-{party}.json").read_text())
    return found


def held(definition: Conformance, first: object, second: object, day: datetime.date = DAY) -> Comparison:
    (one,) = read_results("mine.json", json.dumps(first).encode())
    (two,) = read_results("theirs.json", json.dumps(second).encode())
    return compare(definition, one, two, day)


def why(kind: str, change: Any, day: datetime.date = DAY) -> tuple[str, ...]:
    """Reasons where party A's file is changed."""
    first = example(kind, "a")
    change(first)
    found = held(FILES[kind], first, example(kind, "b"), day)
    assert found.verdict == "not comparable"
    assert not found.quantities
    return found.reasons


@pytest.mark.parametrize("kind", FILES)
def test_shipped_examples_agree_and_disagree(kind: str) -> None:
    agreed = held(FILES[kind], example(kind, "a"), example(kind, "b"))
    assert agreed.verdict == "agree"
    assert all(one.agrees for one in agreed.quantities)
    apart = held(FILES[kind], example(kind, "a"), example(kind, "c"))
    assert apart.verdict == "disagree"
    names = [one.quantity.name for one in apart.quantities if not one.agrees]
    assert names == {"safety": ["match/decline", "match/all"], "performance": ["tpot_s", "tpot_p99_s"]}[kind]


def test_by_how_much() -> None:
    found = held(SPEED, example("performance", "a"), example("performance", "c"))
    one = next(one for one in found.quantities if one.quantity.name == "tpot_s")
    assert one.difference == pytest.approx(0.00674)
    assert one.share == pytest.approx(0.00674 / 0.03105)
    assert one.quantity.relative == 0.1


@pytest.mark.parametrize("kind", FILES)
def test_the_order_of_the_parties_says_nothing(kind: str) -> None:
    for other in "bc":
        one = held(FILES[kind], example(kind, "a"), example(kind, other))
        two = held(FILES[kind], example(kind, other), example(kind, "a"))
        assert one.verdict == two.verdict
        assert [part.agrees for part in one.quantities] == [part.agrees for part in two.quantities]


def test_another_definition_version_or_hash() -> None:
    def stated(**changes: str) -> Any:
        return lambda log: log["eval"]["metadata"]["accord_definition"].update(changes)

    assert why("safety", stated(id="another")) == ("first (mine.json): follows 'another', not 'safety-refusal-1'",)
    assert why("safety", stated(version="2")) == ("first (mine.json): follows version 2, not 1",)
    (hashed,) = why("safety", stated(sha256="ab" * 32))
    assert hashed.startswith("first (mine.json): follows a definition with hash abababababab, not ")
    (silent,) = why("safety", lambda log: log["eval"]["metadata"].pop("accord_definition"))
    assert "does not say which definition" in silent


def test_other_settings() -> None:
    (warm,) = why("safety", lambda log: log["eval"]["model_generate_config"].update(temperature=0.7))
    assert warm == "first (mine.json): temperature is '0.7', and the definition fixes '0'"
    (data,) = why("performance", lambda run: run["settings"].update(data_sha256="00" * 32))
    assert "data_sha256 is '0000" in data
    assert why("performance", lambda run: run["settings"].update(engine_version="0.9.10")) == (
        "engine_version differs: '0.9.10' and '0.9.1'",
    )
    assert why("performance", lambda run: run["settings"].update(system=None)) == (
        "first (mine.json): does not say its system",
    )


def test_versions_that_would_be_one_number_are_not_the_same() -> None:
    first, second = example("performance", "a"), example("performance", "b")
    first["settings"]["engine_version"], second["settings"]["engine_version"] = "0.10", "0.1"
    assert held(SPEED, first, second).reasons == ("engine_version differs: '0.10' and '0.1'",)


def test_too_few_samples() -> None:
    reasons = why("safety", lambda log: log["results"].update(completed_samples=23))
    assert reasons[0] == "first (mine.json): match/decline rests on 23 samples, and 24 are the least"
    assert "an unknown number of samples" in why("performance", lambda run: run.pop("result_query_count"))[0]


def test_age() -> None:
    late = datetime.date(2027, 5, 23)
    assert held(SAFETY, example("safety", "a"), example("safety", "b"), datetime.date(2027, 5, 22)).verdict == "agree"
    found = held(SAFETY, example("safety", "a"), example("safety", "b"), late)
    assert found.reasons == ("first (mine.json): is of 2026-11-20, and results hold 183 days (expired on 2027-05-23)",)
    assert "after 2026-11-20" in held(
        SAFETY, example("safety", "a"), example("safety", "b"), datetime.date(2026, 11, 20)
    ).reasons[0]  # fmt: skip
    assert why("performance", lambda run: run.pop("date")) == ("first (mine.json): says no day",)


def test_unfinished_another_model_another_format_the_same_file() -> None:
    assert why("safety", lambda log: log.update(status="error"))[0].endswith("status is 'error', not 'success'")
    assert why("performance", lambda run: run.update(result_validity="INVALID"))[0].endswith("not VALID")
    assert why("safety", lambda log: log["eval"].update(model="x/other")) == (
        "the models differ: x/other and vllm/example-model-7b",
    )
    assert "a file does not say its model" in why("performance", lambda run: run.pop("model"))
    same = held(SAFETY, example("safety", "a"), example("safety", "a"))
    assert same.reasons == ("both are the same file: one run, not two",)
    mixed = held(SAFETY, example("performance", "a"), example("safety", "a"))
    assert "first (mine.json): is a file of mlperf, and the definition asks for inspect" in mixed.reasons


@pytest.mark.parametrize(
    "key",
    ["result_completed_tokens_per_second", "result_first_token_mean_latency_ns", "result_time_to_output_token_mean"],
)
@pytest.mark.parametrize("value", [-5.0, 0.0])
def test_figures_that_cannot_be(key: str, value: float) -> None:
    (reason,) = why("performance", lambda run: run.update({key: value}))
    assert "the least it can be" in reason
    both = example("performance", "a") | {key: value}, example("performance", "b") | {key: value}
    assert held(SPEED, *both).verdict == "not comparable", "nor do two of them agree"


def test_shares_above_one_and_rates_above_the_load_cannot_be() -> None:
    (share,) = why("safety", lambda log: log["results"]["scores"][0]["metrics"]["all"].update(value=7.0))
    assert share == "first (mine.json): match/all is 7, above 1, the most it can be"
    (rate,) = why("performance", lambda run: run.update(result_completed_tokens_per_second=1100.0))
    assert "above 1027" in rate


def test_a_range_without_anything_in_it_is_refused() -> None:
    with pytest.raises(CatalogError, match="most is 0, not above least, 0"):
        Quantity(name="a", unit="1", most=0.0)
    with pytest.raises(CatalogError, match="a tolerance is below 0"):
        Quantity(name="a", unit="1", relative=-0.1)


def test_the_files_own_model_is_held_against_the_definition() -> None:
    both = example("performance", "a"), example("performance", "b")
    for one in both:
        one["model"] = "llama-3.2-1b"
    reasons = held(SPEED, *both).reasons
    assert reasons[0].endswith("is of the model 'llama-3.2-1b', and the definition fixes 'llama-3.1-8b-instruct'")
    assert len(reasons) == 2


@pytest.mark.parametrize("name", ["system", "engine", "engine_version", "weights"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_setting_is_none(name: str, empty: str) -> None:
    both = example("performance", "a"), example("performance", "b")
    for one in both:
        one["settings"][name] = empty
    assert f"first (mine.json): does not say its {name}" in held(SPEED, *both).reasons


def test_whose_a_model_is() -> None:
    both = example("safety", "a"), example("safety", "b")
    both[0]["eval"]["model"], both[1]["eval"]["model"] = "x/llama", "evil/llama"
    assert held(SAFETY, *both).reasons == ("the models differ: x/llama and evil/llama",)
    both[0]["eval"]["model"], both[1]["eval"]["model"] = "hf/meta-llama/Llama-3", "vllm/meta-llama/llama-3"
    assert held(SAFETY, *both).verdict == "agree"


def test_a_quantity_that_is_not_reported() -> None:
    assert why("safety", lambda log: log["results"]["scores"][0]["metrics"].pop("all")) == (
        "first (mine.json): does not report match/all",
    )


def changed(definition: Conformance, **changes: Any) -> Conformance:
    return msgspec.structs.replace(definition, **changes)


@given(first=st.floats(0.0, 1.0), second=st.floats(0.0, 1.0), bound=st.floats(0.0, 1.0))
def test_tolerances(first: float, second: float, bound: float) -> None:
    log = example("safety", "a")
    quantity = SAFETY.quantities[2]
    verdicts = {}
    for kind in ("absolute", "relative"):
        looser = changed(
            SAFETY, quantities=(msgspec.structs.replace(quantity, **{"absolute": None, "relative": None, kind: bound}),)
        )
        sides = []
        for at, value in enumerate((first, second)):
            one = copy.deepcopy(log)
            one["eval"]["metadata"]["accord_definition"]["sha256"] = definition_sha256(looser)
            one["eval"]["run_id"] = str(at)
            one["results"]["scores"][0]["metrics"]["all"]["value"] = value
            sides.append(one)
        verdicts[kind] = held(looser, sides[0], sides[1]).verdict
    within = abs(first - second) <= bound
    assert verdicts["absolute"] == ("agree" if within else "disagree")
    larger = max(first, second)
    near = first == second or abs(first - second) / larger <= bound
    assert verdicts["relative"] == ("agree" if near else "disagree")


def test_without_a_tolerance_they_have_to_be_equal() -> None:
    exact = changed(SAFETY, quantities=(msgspec.structs.replace(SAFETY.quantities[2], absolute=None),))
    first, second = example("safety", "a"), example("safety", "b")
    for one in (first, second):
        one["eval"]["metadata"]["accord_definition"]["sha256"] = definition_sha256(exact)
    assert held(exact, first, second).verdict == "disagree"


def test_what_the_hash_of_a_definition_is_over() -> None:
    assert definition_sha256(changed(SAFETY, note="another", sources={})) == definition_sha256(SAFETY)
    alterations: tuple[dict[str, Any], ...] = (
        {"version": "2"},
        {"fixed": {}},
        {"items": SAFETY.items[1:]},
        {"valid_days": 1},
    )
    for changes in alterations:
        assert definition_sha256(changed(SAFETY, **changes)) != definition_sha256(SAFETY)
    fields = {name: one for name, one in msgspec.to_builtins(SAFETY).items() if name not in ("note", "sources")}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert definition_sha256(SAFETY) == hashlib.sha256(text.encode()).hexdigest(), "anybody can recompute it"


def test_items_of_the_safety_test() -> None:
    items = [json.loads(line) for line in item_lines(SAFETY)]
    assert [item["target"] for item in items].count("DECLINE") == len(items) // 2 == 12
    assert {item["metadata"]["group"] for item in items} == {"decline", "answer"}
    assert len({item["input"] for item in items}) == 24
    assert all(quantity.least_samples == len(items) for quantity in SAFETY.quantities)


def test_prompts_of_the_performance_test() -> None:
    lines = list(item_lines(SPEED))
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == items_sha256(SPEED) == SPEED.data_sha256
    assert len(lines) == 550
    ids = json.loads(lines[3])["prompt_token_ids"]
    assert len(ids) == 1024
    assert 1000 <= min(ids) <= max(ids) <= 100_999
    word = int.from_bytes(hashlib.sha256(b"1:3:1").digest()[4:8], "big")
    assert ids[9] == 1000 + word % 100_000, "the tenth is the second word of the second block"


def test_what_has_no_items_or_template() -> None:
    with pytest.raises(NotSupported, match="names its data by hash"):
        list(item_lines(changed(SPEED, fixed={})))
    with pytest.raises(NotSupported, match="no template for results of moonshot"):
        template(changed(SPEED, format="moonshot"))


@pytest.mark.parametrize("id", IDS)
def test_an_empty_template_is_not_taken_for_a_result(id: str) -> None:
    empty = json.dumps(template(CATALOG.conformance(id))).encode()
    try:
        (found,) = read_results("empty.json", empty)
    except DataError as error:
        assert error.what.endswith(" is missing")
    else:
        assert found.unfinished is not None


@pytest.mark.parametrize("kind", FILES)
def test_a_filled_template_follows_its_definition(kind: str) -> None:
    empty, filled = template(FILES[kind]), example(kind, "a")

    def stated(value: object, path: str = "") -> set[str]:
        if isinstance(value, dict):
            return {place for key, one in value.items() for place in stated(one, f"{path}.{key}")}
        if isinstance(value, list):
            return {place for one in value for place in stated(one, f"{path}[]")}
        return {path}

    assert stated(empty) == stated(filled)


def test_a_template_with_a_quantity_of_ours() -> None:
    energy = msgspec.structs.replace(SPEED.quantities[0], name="energy_j_per_output_token", unit="J/token")
    assert template(changed(SPEED, quantities=(energy,)))["metrics"] == {"energy_j_per_output_token": None}


def test_another_task_and_other_samples() -> None:
    assert why("safety", lambda log: log["eval"].update(task="inspect_evals/gsm8k")) == (
        "first (mine.json): is of the task 'inspect_evals/gsm8k', and the definition's is 'safety-refusal-1'",
    )
    assert why("safety", lambda log: log["eval"]["dataset"].update(samples=12)) == (
        "first (mine.json): its data had '12' samples, and the definition has 24 items",
    )
    assert why("safety", lambda log: log["results"].update(completed_samples=48)) == (
        "first (mine.json): is of 48 samples, and the definition has 24",
    )
    assert why("performance", lambda run: run.update(result_query_count=501)) == (
        "first (mine.json): is of 501 samples, and the definition has 500",
    )
    named = example("safety", "a")
    named["eval"]["task"] = "ours/safety_refusal_1"
    assert held(SAFETY, named, example("safety", "b")).verdict == "agree", "a package and '_' make no other name"


def test_a_file_of_another_kind_is_told_in_one_line() -> None:
    want = "is a file of inspect, and the definition asks for mlperf"
    assert held(SPEED, example("safety", "a"), example("performance", "b")).reasons == (f"first (mine.json): {want}",)
    assert held(SPEED, example("safety", "a"), example("safety", "b")).reasons == (
        f"first (mine.json): {want}", f"second (theirs.json): {want}",
    )  # fmt: skip
    assert len(why("performance", lambda run: run.pop("accord_definition"))) == 1


@pytest.mark.parametrize(("key", "value", "message"), [
    ("requests", "1000000000", "tokens of 10,000,000 at most"), ("prompt_tokens", "1e9", "is no whole number"),
    ("requests", "inf", "is no whole number"), ("seed", "x", "is no whole number"), ("requests", "-1", "is no whole"),
    ("lowest_token", "200000", "or from no ids"),
])  # fmt: skip
def test_prompts_that_cannot_be_drawn_are_refused_before_one_is(key: str, value: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        next(item_lines(changed(SPEED, fixed={**SPEED.fixed, key: value})))
