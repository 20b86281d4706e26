"""Adoption, systems and commitments over the packaged catalog: contracts of the JSON, sources, published facts."""

from __future__ import annotations

import datetime
import functools
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.api.policy_adoption import AdoptionAnswer, AdoptionAsk, adoption_answer, places_of, systems_answer
from accord.api.policy_commitments import CommitAnswer, CommitAsk, commitments_answer
from accord.base.errors import CatalogError, DataError, UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.report.to_json import to_bytes

DAY = datetime.date(2026, 11, 1)
BLOCS = ("waico", "pax-silica")
PLAN: dict[str, Any] = {
    "schema": "accord.plan/1",
    "inputs": {"problem": {"model": "deepseek-v3"}},
    "result": {
        "plans": [{
            "holdings": [{"system": "nvidia-hgx-h200-8"}],
            "pools": [{"engine": "sglang", "weights": "fp8", "kv": "bf16"}, {"engine": "vllm", "weights": "fp8"}],
            "metrics": {
                "chips": {"value": 64.0, "low": None, "high": None},
                "power_w": {"value": 80e3, "low": 40e3, "high": 100e3},
                "output_token_per_s_total": {"value": 40e3, "low": 20e3, "high": 80e3},
            },
        }],
        "terms": [{"system": "nvidia-hgx-h200-8", "kgco2_per_kwh": {"value": 0.36, "low": 0.3, "high": 0.4}}],
        "dependence": {"embargoes": [{"country": "US", "verdict": "stops"}, {"country": "KR", "verdict": "partly"}]},
        "law": {"from": "US", "to": "DE", "date": "2026-02-01"},
    },
}  # fmt: skip
TRAIN: dict[str, Any] = {
    "schema": "accord.train/1",
    "inputs": {"model": "llama-3.1-70b", "system": "nvidia-hgx-h100-8"},
    "result": {
        "metrics": {"energy_kwh": {"value": 3e5, "low": 2e5, "high": 5e5}, "co2_kg": {"value": 1e5}},
        "layout": {"chips": 256, "precision": "bf16"},
        "flop": {"total_flop": 4e23, "log10_low": 23.5, "log10_high": 23.8, "own_flop": 4e23, "base_flop": 0.0},
    },
}


def log(model: str = "deepseek/deepseek-v3", finished: str = "2026-06-01T10:00:00+00:00") -> bytes:
    """A log as Inspect AI writes it."""
    return json.dumps({
        "version": 2, "status": "success",
        "eval": {"created": finished, "task": "inspect_evals/wmdp_cyber", "model": model,
                 "dataset": {"name": "wmdp", "samples": 50}, "config": {}},
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {"total_samples": 50, "completed_samples": 50, "scores": [
            {"name": "choice", "scorer": "choice", "metrics": {"accuracy": {"name": "accuracy", "value": 0.25}}}]},
        "stats": {"started_at": finished, "completed_at": finished},
    }).encode()  # fmt: skip


@functools.cache
def catalog() -> Catalog:
    return load_catalog()


@functools.cache
def joined(*instruments: str, whos: tuple[str, ...] = (), day: datetime.date = DAY) -> AdoptionAnswer:
    return adoption_answer(AdoptionAsk(day=day, instruments=instruments, whos=whos), catalog(), drawn=True)


@functools.cache
def systems(system: str | None = None, day: datetime.date = DAY) -> AdoptionAnswer:
    return systems_answer(day, system, catalog())


def plain(answer: AdoptionAnswer | CommitAnswer) -> dict[str, Any]:
    """The result as JSON has it; only finite numbers pass."""
    return dict(json.loads(to_bytes(answer.result)))


def committed(body: object, **more: Any) -> dict[str, Any]:
    return plain(commitments_answer(CommitAsk(day=DAY, **more), json.dumps(body).encode(), "f.json", catalog()))


# Who joined what


def test_every_entry_names_a_source_that_is_listed() -> None:
    answer = joined()
    listed = {str(source["id"]) for source in answer.sources}
    found = plain(answer)
    for one in found["members"]:
        assert one["answer"] in ("joined", "not joined") or one["role"] in ("participant", "observer")
        assert one["source"] is None or (one["source"] in listed and one["locator"])
    for one in found["instruments"]:
        for part in (*one["provisions"], *one["tallies"], *([one["state"]] if one["state"] else [])):
            assert part["source"] in listed and part["locator"]


def test_kazakhstan_is_in_both_rival_bodies() -> None:
    (one,) = plain(joined(*BLOCS))["overlaps"]
    assert (one["a"], one["b"]) == BLOCS
    assert "KZ" in one["both"]
    assert "US" in one["only_b"]["not_recorded"]


def test_before_both_were_signed_nobody_was_in_both() -> None:
    found = plain(joined(*BLOCS, day=datetime.date(2026, 1, 1)))
    assert not any("KZ" in one["both"] for one in found["overlaps"])
    kz = plain(joined(*BLOCS, whos=("KZ",), day=datetime.date(2026, 1, 1)))["who"]["KZ"]
    assert all(one["why"].startswith("joined later") for one in kz["not_joined"])


def test_a_state_that_did_not_sign_is_told_apart_from_one_nobody_speaks_of() -> None:
    found = plain(joined("paris-2025", whos=("US", "CN", "TO")))["who"]
    assert [one["instrument"] for one in found["US"]["not_joined"]] == ["paris-2025"]
    assert [one["instrument"] for one in found["CN"]["joined"]] == ["paris-2025"]
    assert found["TO"]["not_recorded"] == ["paris-2025"]


def test_who_only_took_part_is_not_recorded() -> None:
    asked = (("pax-silica", "TW"), ("unga-79-325", "TN"), ("gof-aicb", "US"))
    found = plain(joined(whos=("TW", "TN", "US", "KZ")))
    for instrument, who in asked:
        told = found["who"][who]
        assert instrument in told["not_recorded"]
        assert instrument in [one["instrument"] for one in told["took_part"]]
        assert instrument not in [one["instrument"] for one in (*told["joined"], *told["not_joined"])]
    rows = [one for one in found["members"] if (one["instrument"], one["who"]) in asked]
    assert all(one["answer"] == "not recorded" and one["note"] and one["source"] for one in rows) and len(rows) == 3
    pact = next(one for one in found["instruments"] if one["id"] == "pax-silica")
    assert pact["counts"]["took_part"] >= 1


def test_a_whole_list_does_not_speak_of_days_to_come() -> None:
    for day, answer in (("2024-05-21", "not_joined"), ("2024-05-22", "not_joined"), ("2099-01-01", "not_recorded")):
        told = plain(joined("seoul-decl-2024", whos=("BR",), day=datetime.date.fromisoformat(day)))["who"]["BR"]
        assert bool(told[answer]) and sum(map(bool, told.values())) == 2, (day, told)  # its kind, and one answer


def test_before_the_day_by_which_somebody_had_signed_at_the_latest_nothing_is_recorded() -> None:
    for day, place in (("2026-01-26", "not_recorded"), ("2026-01-27", "joined")):
        told = plain(joined("coe-225", whos=("CH",), day=datetime.date.fromisoformat(day)))["who"]["CH"]
        assert told[place], day


def test_a_tally_stands_beside_those_named_here() -> None:
    (one,) = plain(joined("bletchley-2023"))["instruments"]
    assert [(told["number"], told["named_here"]) for told in one["tallies"]] == [(28, 29)]  # the EU is the 29th
    assert one["counts"]["joined"] == 29


def test_names_are_found_in_any_case_and_slips_are_refused() -> None:
    assert joined("mceia", whos=("huawei", "stepfun")).inputs["who"] == ["Huawei", "StepFun"]
    assert joined(whos=("kz",)).inputs["who"] == ["KZ"]
    with pytest.raises(UsageError, match="'Kazakstan' is no country") as caught:
        joined(whos=("Kazakstan",))
    assert caught.value.hint == "write countries as two letters, such as KZ"
    with pytest.raises(UsageError) as caught:
        joined(whos=("StepFunn",))
    assert caught.value.hint == "did you mean 'StepFun'?"
    with pytest.raises(CatalogError, match="governance 'waicoo'"):
        joined("waicoo")


def test_who_is_asked_for_has_every_answer() -> None:
    found = plain(joined(whos=("CN", "BB")))
    number = len(found["instruments"])
    for who in ("CN", "BB"):
        told = found["who"][who]
        assert len(told["joined"]) + len(told["not_joined"]) + len(told["not_recorded"]) == number


def test_a_picture_is_drawn_only_where_it_is_wanted() -> None:
    assert joined().picture
    assert adoption_answer(AdoptionAsk(day=DAY), catalog()).picture is None


# Where systems stand


def system(answer: AdoptionAnswer) -> dict[str, Any]:
    return dict(plain(answer)["systems"][0])


def test_cloudmatrix_outside_china_is_unknown_of_any_day() -> None:
    for day in ("2025-04-01", "2025-07-01", "2025-07-10", "2026-11-25"):
        one = system(systems("huawei-cloudmatrix-384", datetime.date.fromisoformat(day)))
        assert one["outside_makers_country"] == "unknown"
    found = system(systems("huawei-cloudmatrix-384"))
    assert found["outside_makers_country"] == "unknown"
    assert found["makers_country"] == "CN"
    assert found["said_nowhere_else"] == []
    assert any("in which country they stand is not told: cm384-" in line for line in found["because"])


def test_who_only_observes_has_not_joined() -> None:
    told = plain(joined(*BLOCS, whos=("CA", "BD")))["who"]
    assert (told["CA"]["joined"], told["CA"]["not_recorded"]) == ([], ["waico", "pax-silica"])
    assert [one["instrument"] for one in told["CA"]["observer"]] == ["pax-silica"]
    assert [one["instrument"] for one in told["BD"]["observer"]] == ["waico"]


def test_a_vote_on_the_panel_says_nothing_of_the_resolution() -> None:
    found = plain(joined("unga-79-325", whos=("US", "PY", "TN", "UA")))["members"]
    assert {one["answer"] for one in found} == {"not recorded"}
    assert all("on the slate" in one["note"] or "against the slate" in one["note"] for one in found)


def test_malaysia_announced_and_took_back() -> None:
    before, after = (system(systems("huawei-ascend-910b", datetime.date(2025, 5, day))) for day in (19, 20))
    assert (before["intended"], before["withdrawn"]) == (["MY"], [])
    assert (after["intended"], after["withdrawn"]) == ([], ["MY"])
    assert after["outside_makers_country"] == "unknown"


def test_gb200_works_in_malaysia_from_october_2025() -> None:
    assert system(systems("nvidia-gb200-nvl72", datetime.date(2025, 9, 30)))["outside_makers_country"] == "unknown"
    found = system(systems("nvidia-gb200-nvl72", datetime.date(2025, 11, 1)))
    assert (found["outside_makers_country"], found["abroad"]) == ("yes", ["MY"])
    chip = system(systems("nvidia-gb200", datetime.date(2025, 11, 1)))
    assert "MY" in chip["abroad"]  # the chip stands where the system does


def test_no_system_is_said_to_be_nowhere_else_without_a_source() -> None:
    for one in plain(systems())["systems"]:
        if one["outside_makers_country"] == "no":
            assert one["said_nowhere_else"]
        if one["outside_makers_country"] == "yes":
            away = [two for two in one["deployments"] if two["country"] not in (None, one["makers_country"])]
            assert any(two["state"] == "operating" for two in away)


def test_every_deployment_has_a_source_and_a_maker() -> None:
    answer = systems()
    listed = {str(source["id"]) for source in answer.sources}
    found = plain(answer)["systems"]
    assert len(found) >= 15
    assert sum(len(one["deployments"]) for one in found) >= 50
    for one in found:
        assert re.fullmatch("[A-Z]{2}", one["makers_country"])
        assert all(two["source"] in listed and two["locator"] for two in one["deployments"])


def test_a_system_nobody_deployed_is_unknown_and_a_slip_is_refused() -> None:
    found = system(systems("huawei-atlas-960-superpod"))
    assert (found["outside_makers_country"], found["deployments"]) == ("unknown", [])
    with pytest.raises(CatalogError, match="nvidia-gb200-nvl27"):
        systems("nvidia-gb200-nvl27")
    unknown = next(id for id in catalog().ids("systems") if catalog().system(id).vendor == "unknown")
    assert places_of(unknown, (), DAY, catalog()).home is None
    assert any("country is not in the catalog" in line for line in system(systems(unknown))["because"])


# Commitments


def test_a_plan_shows_energy_with_the_widest_band() -> None:
    found = committed(PLAN)["evidence"]["energy_per_token"]
    assert (found["value"], found["low"], found["high"]) == (2.0, 0.5, 5.0)
    assert found["unit"] == "J/tok"
    assert "at the racks" in found["text"]
    direct = json.loads(json.dumps(PLAN))
    direct["result"]["plans"][0]["metrics"]["energy_j_per_output_token"] = {"value": 3.0, "low": 2.0, "high": 4.0}
    assert committed(direct)["evidence"]["energy_per_token"]["value"] == 3.0


def test_emissions_follow_from_energy_and_grid() -> None:
    found = committed(PLAN)["evidence"]["emissions"]
    assert found["value"] == pytest.approx(2.0 / 3.6 * 0.36)
    assert (found["low"], found["high"]) == (pytest.approx(0.5 / 3.6 * 0.3), pytest.approx(5.0 / 3.6 * 0.4))
    without = {**PLAN, "result": {**PLAN["result"], "terms": []}}
    assert committed(without)["evidence"]["emissions"]["shown"] is False


def test_a_plan_shows_weights_licence_formats_and_dependence() -> None:
    found = committed(PLAN, offered=8.0)["evidence"]
    assert found["open_weights"]["text"] == "weights are open"
    assert found["licence"]["from"] == "licences/deepseek-model-1.0"
    assert "engine sglang, vllm; weights in fp8" in found["standards"]["text"]
    assert found["supply_dependence"]["text"] == "new purchases: stops without US; partly without KR"
    assert found["shared_compute"]["value"] == 0.125
    assert "energy_of_run" not in found
    assert found["safety_tests"]["hint"] == "--evidence FILE adds one"


def test_a_run_shows_its_compute_and_energy_and_says_what_it_cannot() -> None:
    told = committed(TRAIN)
    found = told["evidence"]
    assert found["training_compute"]["value"] == 4e23
    assert (found["energy_of_run"]["value"], found["energy_of_run"]["unit"]) == (3e5, "kWh")
    assert found["emissions"]["value"] == 1e5
    assert "energy_per_token" not in found
    assert not any(found[name]["shown"] for name in ("open_weights", "licence", "supply_dependence"))
    assert {"data", "research"} <= {one["theme"] for one in told["themes"]}


def test_provisions_follow_themes_and_say_what_they_lack() -> None:
    told = committed(PLAN)
    themes = {one["theme"] for one in told["themes"]}
    assert {"export-control", "sovereignty"} <= themes and "capacity" not in themes
    for one in told["provisions"]:
        assert set(one["touched"]) == set(one["themes"]) & themes
        assert set(one["shown"]) | set(one["cannot"]) <= set(one["evidence"])
        assert one["computable"] is bool(one["shown"] or one["cannot"])
    counts = told["counts"]
    assert counts["touched"] == len(told["provisions"])
    assert counts["touched"] == counts["with_evidence"] + counts["lacking"] + counts["not_computable"]
    seven = next(one for one in told["provisions"] if (one["instrument"], one["id"]) == ("gaigap-2025", "p7"))
    assert {"energy_per_token", "emissions", "standards"} <= set(seven["shown"])


def test_provisions_are_those_made_by_the_day() -> None:
    early = plain(
        commitments_answer(CommitAsk(day=datetime.date(2024, 1, 1)), json.dumps(PLAN).encode(), "f.json", catalog())
    )
    assert {one["instrument"] for one in early["provisions"]} <= {
        id for id in catalog().ids("governance") if catalog().governance(id).date <= "2024-01-01"
    }
    only = committed(PLAN, instruments=("paris-2025",))
    assert {one["instrument"] for one in only["provisions"]} == {"paris-2025"}


def test_without_a_plan_nothing_of_it_is_shown() -> None:
    none = {**PLAN, "result": {"plans": []}}
    found = committed(none, offered=3.0)["evidence"]
    for name in ("energy_per_token", "emissions", "standards", "supply_dependence", "shared_compute"):
        assert found[name]["shown"] is False
    assert found["open_weights"]["shown"] is True


def test_a_safety_test_is_shown_by_risk_and_by_model() -> None:
    found = committed(PLAN, files=(("safety.json", log()),))
    shown = found["evidence"]["safety_tests"]
    assert "covered: cyber" in shown["text"] and "not covered: " in shown["text"]
    assert shown["text"].endswith("tested: deepseek/deepseek-v3")
    assert shown["from"] == "safety.json"
    assert any("safety_tests" in one["shown"] for one in found["provisions"])
    other = committed(PLAN, files=(("safety.json", log("openai/example-1")),))["evidence"]["safety_tests"]
    assert other["why"].endswith("counts: safety.json is of openai/example-1, not of deepseek-v3")
    run = committed(TRAIN, files=(("safety.json", log("openai/example-1")),))["evidence"]["safety_tests"]
    assert not run["shown"]


def test_an_old_safety_test_has_expired() -> None:
    found = committed(PLAN, files=(("safety.json", log(finished="2020-06-01T10:00:00+00:00")),))
    assert "no risk is covered: expired: cyber" in found["evidence"]["safety_tests"]["why"]
    assert not any("safety_tests" in one["shown"] for one in found["provisions"])


def changed(body: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """An answer whose result has other parts."""
    return {**body, "result": {**body["result"], **parts}}


def with_metrics(**metrics: Any) -> dict[str, Any]:
    plan = {**PLAN["result"]["plans"][0], "metrics": metrics}
    return changed(PLAN, plans=[plan])


def test_what_an_answer_lacks_is_said() -> None:
    found = committed(with_metrics(chips={"value": 64.0}))["evidence"]
    assert found["energy_per_token"]["why"] == "the plan states no power, or no rate of tokens above 0"
    assert found["emissions"]["why"] == "no grid, no power or no rate of tokens is known"
    direct = with_metrics(kgco2_per_million_output_tokens={"value": 0.5, "low": 0.4, "high": 0.6})
    assert committed(direct)["evidence"]["emissions"]["value"] == 0.5
    run = committed(changed(TRAIN, metrics={}, flop=None))["evidence"]
    assert run["energy_of_run"]["why"] == "the run states no power"
    assert run["emissions"]["why"] == "no grid is known for the run"
    assert run["training_compute"]["why"] == "the run has no tokens"


def test_a_model_that_the_catalog_has_not() -> None:
    found = committed({**PLAN, "inputs": {"problem": {"model": "mine/config.json"}}})
    assert not any(found["evidence"][name]["shown"] for name in ("open_weights", "licence", "training_compute"))
    assert {"theme": "open-source", "because": "whether its model's weights are open is not known"} in found["themes"]
    closed = committed({**PLAN, "inputs": {"problem": {"model": "gpt-4o"}}})
    assert closed["evidence"]["open_weights"]["text"] == "weights are not open"


def test_other_files_are_listed() -> None:
    bom = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"timestamp": "2026-06-01T00:00:00Z"},
        "components": [{"type": "machine-learning-model", "name": "deepseek-v3", "version": "1"}],
    }  # fmt: skip
    found = committed(PLAN, files=(("bom.json", json.dumps(bom).encode()),))
    assert found["evidence"]["bill_of_materials"]["from"] == "bom.json"
    assert "result files: cyclonedx" in found["evidence"]["standards"]["text"]


NESTED = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["metrics", "chips", "value", "low", "high", "power_w", "pools", "system", "country", "flop"]),
        inner, max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["plans", "terms", "dependence", "metrics", "layout", "law"]), NESTED, st.booleans())
def test_a_damaged_answer_is_answered_or_refused(key: str, value: object, trains: bool) -> None:
    body = changed(TRAIN if trains else PLAN, **{key: value})
    try:
        committed(body, offered=1.0, instruments=("gaigap-2025",))
    except (DataError, UsageError) as error:
        assert str(error)


def test_bad_input_is_refused() -> None:
    with pytest.raises(UsageError, match="65 chips are offered, but there are 64"):
        committed(PLAN, offered=65.0)
    with pytest.raises(UsageError, match="nothing is offered"):
        committed(PLAN, offered=0.0)
    with pytest.raises(DataError, match="is an answer of 'accord.why/1'"):
        committed({"schema": "accord.why/1"})
    with pytest.raises(DataError):
        committed(PLAN, files=(("e.json", b"{}"),))
