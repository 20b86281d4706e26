"""The law in ``accord plan``: dated deals, which systems stay, what is said of those that go and of what is unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.planned import Capture, envelope, named_sources, plans, refused

from accord.cli.main import main

H20, H800, A100, H200 = (f"nvidia-hgx-{name}-8" for name in ("h20", "h800", "a100", "h200"))
CM = "huawei-cloudmatrix-384"
FIVE = (H20, H800, A100, H200, CM)
SMALL = ("--isl", "500", "--osl", "50", "--batch", "8", "--tp", "8", "--pp", "1", "--dp", "1", "--ep", "1",
         "--mode", "aggregated", "--no-intervals", "--tpot", "100ms")  # fmt: skip
LLAMA = ("--model", "llama-3.1-8b", *SMALL)
ALL = (*LLAMA, "--system", ",".join(FIVE))
TO_CN = ("--from", "US", "--to", "CN")
DENIED, GP10, FREE = "licence:presumption_of_denial", "prohibited:GP10_presumption", "no_licence"
CASE, LETTER, SHARE = "licence:case_by_case", "licence:is_informed", "licence:granted_with_15pct_share"
DATED = {
    # sent by NVIDIA from the US to China; classes and licences by the text of the day, letters as NVIDIA filed them
    "2022-12-01": {H20: FREE, H800: FREE, A100: DENIED, H200: DENIED, CM: DENIED},
    "2023-12-01": {H20: FREE, H800: DENIED, A100: DENIED, H200: DENIED, CM: DENIED},
    "2024-06-01": {H20: FREE, H800: DENIED, A100: DENIED, H200: DENIED, CM: DENIED},
    "2025-04-20": {H20: LETTER, H800: DENIED, A100: DENIED, H200: DENIED, CM: DENIED},
    "2026-02-01": {H20: SHARE, H800: CASE, A100: CASE, H200: CASE, CM: GP10},
}
LICENSABLE = (FREE, CASE, SHARE)


def asked(capsys: Capture, *words: str, verb: str = "plan", code: int = 0) -> dict[str, Any]:
    return dict(envelope(capsys, *words, verb=verb, code=code)["result"])


def held(found: dict[str, Any]) -> set[str]:
    """Systems that a plan, the front or the best of each system is on."""
    every = [*found["plans"], *found["front"], *found["by_system"]]
    return {one["system"] for plan in every for one in plan["holdings"]}


# Dated deals


@pytest.mark.parametrize("day", DATED)
@pytest.mark.parametrize("mode", ["strict", "licensable"])
def test_what_goes_to_china_by_day(day: str, mode: str, capsys: Capture) -> None:
    expected = DATED[day]
    # in 2026 China's own guidance restricts foreign chips, so that strict keeps none
    kept = {
        system for system, outcome in expected.items()
        if (outcome == FREE and day < "2025-11-05") or (mode == "licensable" and outcome in LICENSABLE)
    }  # fmt: skip
    words = (*ALL, *TO_CN, "--date", day, "--exporter", "nvidia", "--law", mode)
    body = envelope(capsys, *words, code=0 if kept else 1)
    found, law = body["result"], body["result"]["law"]
    assert {one["system"]: one["outcome"] for one in law["systems"]} == expected
    assert {one["system"] for one in law["systems"] if one["passes"]} == kept == held(found)
    assert found["feasible"] is bool(kept) and (law["answer"], law["mode"], law["date"]) == ("checked", mode, day)
    stopped = {why: many for why, many in found["rejected"].items() if why.startswith("law: ")}
    assert sum(stopped.values()) == len(FIVE) - len(kept)
    for one in law["systems"]:
        if not one["passes"]:
            assert f"law: {one['reason']}" in stopped and one["conditions"] == []
            assert any(gone["system"] == one["system"] and one["reason"] in gone["reason"] for gone in found["without"])
        elif one["outcome"] != FREE:
            assert one["conditions"][0].startswith(one["outcome"])
    for plan in plans(body):
        outcome = expected[plan.holdings[0].system]
        assert plan.law.startswith(f"{outcome} (as of {day})") and "not checked" not in plan.law
    assert {one["system"] for one in found["terms"]} == kept  # nothing else was priced
    if not kept:
        assert found["why_none"] and found["relaxations"] == []


def test_case_by_case_prints_what_is_certified(capsys: Capture) -> None:
    words = (*LLAMA, "--system", H200, *TO_CN, "--date", "2026-02-01", "--exporter", "nvidia", "--law", "licensable")
    assert main(["plan", *words]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "at most 50 % of the volume shipped to customers in the United States" in told
    assert "law of CN: depends:state_funded" in told and "state funded no: restricted:only_when_necessary" in told
    assert "law licence:case_by_case" in told


@pytest.mark.parametrize(("day", "outcome", "code"), [("2025-05-01", FREE, 0), ("2025-06-01", GP10, 1)])
def test_a_cloudmatrix_from_china_to_malaysia(day: str, outcome: str, code: int, capsys: Capture) -> None:
    for mode in ("strict", "licensable"):
        words = (*LLAMA, "--system", CM, "--from", "CN", "--to", "MY", "--date", day, "--law", mode)
        found = asked(capsys, *words, code=code)
        (one,) = found["law"]["systems"]
        assert (one["outcome"], one["passes"]) == (outcome, code == 0)
        if code:
            assert found["rejected"] == {f"law: {GP10}": 1} and GP10 in found["why_none"][0]
            assert one["sources"] and not found["plans"]
        else:
            assert one["conditions"] == ["no rule of MY in the catalog"]


# What is not known


def test_without_an_exporter_the_letter_depends_on_one(capsys: Capture) -> None:
    words = (*LLAMA, "--system", H20, *TO_CN, "--date", "2025-04-20")
    for mode in ("strict", "licensable"):
        found = asked(capsys, *words, "--law", mode, code=1)
        (one,) = found["law"]["systems"]
        assert (one["outcome"], one["deciding"]) == ("depends:exporter", ["exporter"])
        assert any("nvidia" in text and LETTER in text for text in one["branches"])
        assert any("anybody else" in text and FREE in text for text in one["branches"])
        assert "what would decide: exporter" in found["why_none"][0]
        assert any("(--exporter)" in text for text in found["law"]["assumed"])
    assert main(["plan", *words]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "would decide nvidia-hgx-h20-8: exporter (exporter" in shown and "Not legal advice" in shown
    assert asked(capsys, *words, "--exporter", "other")["law"]["systems"][0]["outcome"] == FREE


def test_a_stated_fact_decides(capsys: Capture) -> None:
    words = (*LLAMA, "--system", H20, *TO_CN, "--date", "2026-02-01", "--exporter", "nvidia", "--law", "licensable")
    for facts, importer in (
        (("--set", "state_funded=no", "--set", "large_platform=no"), "no_rule"),
        (("--set", "state_funded=no", "--set", "large_platform=yes"), "restricted:"),
    ):
        (one,) = asked(capsys, *words, *facts)["law"]["systems"]
        assert one["importer"].startswith(importer)
        assert one["deciding"] == []


def test_a_restriction_that_lets_no_buyer_in_stops(capsys: Capture) -> None:
    words = (*LLAMA, "--system", H200, *TO_CN, "--date", "2026-02-01", "--exporter", "nvidia", "--law", "licensable")
    facts = ("--set", "state_funded=yes", "--set", "built_share=0")
    (one,) = asked(capsys, *words, *facts, code=1)["law"]["systems"]
    assert one["importer"] == "restricted:only_when_necessary|restricted:domestic_only"
    assert (one["passes"], one["no_way"]) == (False, ["restricted:domestic_only"])


def test_without_the_law_a_deal_says_nothing(capsys: Capture) -> None:
    words = (*LLAMA, "--system", H20, *TO_CN, "--date", "2024-06-01")
    off = envelope_of_either(capsys, *words, "--law", "off")
    assert off["law"]["systems"] == [] and off["plans"]
    assert main(["plan", *words, "--law", "off"]) == 0
    assert "the law is not checked (--law off): --from says nothing" in capsys.readouterr().err


def test_a_country_without_figures_of_energy_has_law_all_the_same(capsys: Capture) -> None:
    found = asked(capsys, *LLAMA, "--system", H20, "--from", "US", "--to", "IR", "--date", "2024-06-01", code=1)
    assert found["law"]["systems"][0]["reason"] == DENIED
    assert main(["plan", *LLAMA, "--system", H20, "--from", "US", "--to", "IR", "--date", "2024-06-01"]) == 1
    assert "no price of energy, PUE and emissions of IR are in the catalog" in capsys.readouterr().err


def test_a_chip_of_a_later_day_and_a_recalled_membership_are_said(capsys: Capture) -> None:
    early = envelope_of_either(capsys, *LLAMA, "--system", H20, "--from", "US", "--to", "DE", "--date", "2022-12-01")
    assert any("there was none to trade" in text for text in early["law"]["systems"][0]["said"])
    words = (*LLAMA, "--system", H200, "--from", "US", "--to", "KZ", "--date", "2024-12-01")
    found = envelope_of_either(capsys, *words)
    assert any("that KZ is in D:1 is recalled" in text for text in found["law"]["systems"][0]["said"])
    words = (*LLAMA, "--system", H200, "--from", "US", "--to", "ET", "--date", "2024-12-01")
    (one,) = envelope_of_either(capsys, *words)["law"]["systems"]
    assert not one["passes"] and any("whether ET is in D:5 is not known" in text for text in one["said"])


def test_what_is_assumed_and_not_covered_is_said(capsys: Capture) -> None:
    law = asked(capsys, *LLAMA, "--system", H200, "--from", "US", "--to", "DE", "--date", "2024-06-01")["law"]
    assert law["hq"] == "DE" and any("headquarters are taken to be in DE" in text for text in law["assumed"])
    for words in ("data protection", "sanctions", "tax", "contracts", "law of DE", "the consignee"):
        assert any(words in text for text in law["not_covered"]), words
    assert "as of 2024-06-01" in law["disclaimer"]
    named = asked(capsys, *LLAMA, "--system", H200, "--from", "US", "--to", "DE", "--date", "2024-06-01", "--hq", "CN",
                  code=1)["law"]  # fmt: skip
    assert named["systems"][0]["reason"] == DENIED and named["hq"] == "CN"


def test_a_party_that_receives(capsys: Capture) -> None:
    words = (*LLAMA, "--system", H200, "--from", "US", "--to", "DE", "--date", "2024-06-01", "--consignee")
    known = asked(capsys, *words, "Huawei", code=1)["law"]
    assert (known["consignee"], known["hq"]) == ("huawei", "CN")
    assert any("entity-list" in text for text in known["assumed"])
    law = envelope_of_either(capsys, *words, "Nobody Ltd")["law"]
    assert any("not screened" in text for text in law["assumed"]) and law["hq"] == "DE"


def envelope_of_either(capsys: Capture, *words: str) -> dict[str, Any]:
    """The result, whether or not there is a plan."""
    assert main(["plan", *words, "--json"]) in (0, 1)
    return dict(json.loads(capsys.readouterr().out)["result"])


# Licences of models


def test_a_model_without_rights_in_the_country_is_no_plan(capsys: Capture) -> None:
    words = ("--model", "hunyuan-large", *SMALL, "--system", H200, "--date", "2025-06-01")
    found = asked(capsys, *words, "--to", "DE", code=1)
    model = found["law"]["model"]
    assert (model["licence"], model["answer"], model["passes"]) == ("tencent-hunyuan", "not_licensed", False)
    assert "European Union" in found["why_none"][0] and "European Union" in next(iter(found["rejected"]))
    there = asked(capsys, *words, "--to", "SG")["law"]["model"]
    assert there["passes"] and any("100 million" in text for text in there["conditions"])
    assert asked(capsys, *words, "--to", "DE", "--law", "off")["law"]["model"] is None


def test_a_licence_is_told_though_export_is_not_asked(capsys: Capture) -> None:
    words = (*LLAMA, "--system", H200, "--to", "DE", "--date", "2025-06-01")
    body = envelope(capsys, *words)
    law = body["result"]["law"]
    assert law["answer"].startswith("not checked") and law["model"]["licence"] == "llama-3.1"
    known = {one["id"] for one in body["sources"]}
    assert set(law["model"]["sources"]) <= known
    assert main(["plan", *words]) == 0
    assert "\nLicence of llama-3.1-8b in DE\n" in capsys.readouterr().out


def test_an_unknown_licence_is_a_condition(tmp_path: Path, capsys: Capture) -> None:
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 2048, "intermediate_size": 8192,
        "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
        "torch_dtype": "bfloat16", "head_dim": 64, "tie_word_embeddings": True,
    }  # fmt: skip
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    words = ("--model", str(file), *SMALL, "--system", H200, "--from", "US", "--to", "DE", "--date", "2025-06-01")
    found = asked(capsys, *words)
    model = found["law"]["model"]
    assert (model["answer"], model["passes"]) == ("check", True) and "check" in model["conditions"][0]
    assert model["conditions"][0] in found["plans"][0]["law"]


# Other verbs and forms


def test_size_and_the_matrix_keep_the_same(capsys: Capture) -> None:
    deal = (*TO_CN, "--date", "2024-06-01", "--exporter", "nvidia")
    pair = ("--system", f"{H20},{H200}")
    sized = asked(capsys, *LLAMA, *pair, *deal, "--goodput", "5", verb="size")
    assert held(sized) == {H20} and sized["rejected"][f"law: {DENIED}"] == 1
    matrix = envelope(capsys, "--matrix", "--model", "llama-3.1-8b", *pair, *deal)
    assert {one["system"] for one in matrix["result"]["cells"]} == {H20}
    assert matrix["result"]["rejected"] == {f"law: {DENIED}": 1} and len(matrix["result"]["law"]["systems"]) == 2
    none = asked(capsys, "--matrix", "--model", "llama-3.1-8b", "--system", H200, *deal, code=1)
    assert none["cells"] == [] and none["law"]["systems"][0]["reason"] == DENIED
    assert main(["plan", "--matrix", "--model", "llama-3.1-8b", *pair, *deal]) == 0
    assert "\nLaw, from US to CN on 2024-06-01\n" in capsys.readouterr().out


def test_chips_of_a_matrix_are_asked_one_by_one(capsys: Capture) -> None:
    words = ("--matrix", "--model", "llama-3.1-8b", *TO_CN, "--date", "2024-06-01", "--exporter", "nvidia")
    found = asked(capsys, *words)
    kept = {one["system"] for one in found["law"]["systems"] if one["passes"]}
    assert {one["chip"] for one in found["cells"]} == kept
    assert "nvidia-h20" in kept and "nvidia-h200-sxm" not in kept


def test_a_pair_of_systems_needs_both(capsys: Capture) -> None:
    words = ("--model", "llama-3.1-8b", "--isl", "500", "--osl", "50", "--batch", "8", "--tp", "4", "--pp", "1", "--dp",
             "1", "--mode", "disaggregated", "--mixed", "--no-intervals", "--weights", "bf16", "--engine",
             "vllm")  # fmt: skip
    deal = (*TO_CN, "--exporter", "nvidia", "--top", "50")
    early = asked(capsys, *words, "--system", f"{H20},{H800},{A100}", *deal, "--date", "2022-12-01")
    pairs = {frozenset(one["system"] for one in plan["holdings"]) for plan in early["plans"]}
    assert frozenset((H20, H800)) in pairs and held(early) == {H20, H800}
    assert all(plan["law"].startswith("no_licence (as of 2022-12-01)") for plan in early["plans"])
    both = (*deal, "--date", "2026-02-01", "--law", "licensable")
    late = asked(capsys, *words, "--system", f"{H20},{H800},{CM}", *both)
    mixed = [plan for plan in late["plans"] if len(plan["holdings"]) == 2]
    assert CM not in held(late)
    assert mixed and all(f"{H20} {SHARE}" in one["law"] and f"{H800} {CASE}" in one["law"] for one in mixed)


def test_why_tells_the_law_of_both(tmp_path: Path, capsys: Capture) -> None:
    words = (*ALL, *TO_CN, "--date", "2026-02-01", "--exporter", "nvidia", "--law", "licensable")
    assert main(["plan", *words, "--json"]) == 0
    file = tmp_path / "plan.json"
    file.write_text(capsys.readouterr().out)
    printed = json.loads(file.read_text())["result"]
    ids = {one["holdings"][0]["system"]: one["id"] for one in printed["by_system"]}
    found = asked(capsys, str(file), ids[H20], ids[H200], "--no-prices", verb="why")["rests_on"]
    assert any(text.startswith(f"law: {SHARE} (as of 2026-02-01)") for text in found["a"])
    assert any(text.startswith(f"law: {CASE} (as of 2026-02-01)") for text in found["b"])


def test_sources_of_verdicts_are_there(capsys: Capture) -> None:
    body = envelope(capsys, *ALL, *TO_CN, "--date", "2024-06-01", "--exporter", "nvidia")
    known = {one["id"] for one in body["sources"]}
    assert {name for name, _ in named_sources(body["result"]["law"])} <= known
    assert any(name.startswith("instruments/us-ear-3a090-2024:") for name in known)


def test_a_scenario_states_the_deal(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(
        '[place]\ncountry = "CN"\n[plan]\nfrom = "US"\ndate = "2024-06-01"\nlaw = "licensable"\nexporter = "NVIDIA"\n'
    )
    law = asked(capsys, *LLAMA, "--system", H20, "--scenario", str(file))["law"]
    assert (law["mode"], law["from"], law["to"], law["exporter"]) == ("licensable", "US", "CN", "nvidia")


# Mistakes

BASE = (*LLAMA, "--system", H20)
DEAL = (*TO_CN, "--date", "2024-06-01")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--law", "strict"), "error: --law: --from and --to and --date are missing: the law cannot be checked\n"),
        (("--law", "strict", *TO_CN), "error: --law: --date is missing: the law cannot be checked\nhint: give --from"),
        (("--law", "loose"), "error: Invalid value for '--law': 'loose' is not one of"),
        (("--law", "strict", "--no-law"), "error: --no-law: --law and --no-law at once: two answers\n"),
        (
            ("--exporter", "nvidia"),
            "error: --exporter: --from and --to and --date are missing: the law is not checked\n",
        ),
        (("--set", "state_funded=no", *TO_CN), "error: --set: --date is missing: the law is not checked\n"),
        ((*DEAL, "--exporter", "nvida"), "error: --exporter: the catalog knows no party 'nvida'\nhint: did you mean"),
        ((*DEAL, "--exporter", "zzzz"), "error: --exporter: the catalog knows no party 'zzzz'\nhint: 'other' is "),
        ((*DEAL, "--hq", "China"), "error: --hq: 'CHINA' is no country\n"),
        ((*DEAL, "--hq", "XX"), "error: --hq: 'XX' is no country code"),
        ((*DEAL, "--set", "tpp"), "error: --set: 'tpp' is no FACT=VALUE\nhint: such as state_funded=no\n"),
        ((*DEAL, "--set", "tpp=5"), "error: --set: 'tpp' is no fact of a deal that can be stated\n"),
        ((*DEAL, "--set", "state_funded=maybe"), "error: --set state_funded: 'maybe' is no value of it\n"),
    ],
)
def test_mistakes(words: tuple[str, ...], message: str, capsys: Capture) -> None:
    code, said = refused(capsys, *BASE, *words)
    assert code == 2 and said.startswith(message), said


def test_a_country_that_sells_without_a_day_is_warned_of(capsys: Capture) -> None:
    body = envelope(capsys, *BASE, *TO_CN)
    assert "the law is not checked: give --from, --to and --date" in body["warnings"]
    assert body["result"]["law"]["systems"] == [] and plans(body)[0].law == "not checked"
