"""Terms answered by Accord's verbs: the same figures as the verbs give, refusals kept, mistakes placed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.api.answers import answer
from accord.api.claim_terms import Desk, cited, command_text, of_metric
from accord.api.claim_verbs import VERBS, Verbs
from accord.api.law import Law
from accord.api.train import train_answer
from accord.api.train_request import TrainAsk
from accord.base.errors import AccordError, CatalogError, Refusal
from accord.base.source import Source
from accord.catalog.claim import Claim, Part, Term, TermVerb
from accord.catalog.load import Catalog, load_catalog
from accord.claims.quantity import Quantity
from accord.inference.request import EstimateRequest
from accord.report.comparison import comparison_result
from accord.training.request import TrainRequest

H100, SITE = "nvidia-hgx-h100-8", "xai-colossus-1"
DEAL: dict[str, Any] = {"item": "nvidia-h100-sxm", "date": "2025-07-08", "from": "US", "to": "CN"}
PAIR: dict[str, Any] = {"a": "huawei-cloudmatrix-384", "b": "nvidia-gb200-nvl72"}
CLAIM = Claim(
    id="made-up", statement="It is so.", said_by="somebody", date="2025", source="S", locator="page 1", topic="law",
    parts=(Part(name="x", needs=("a look",)),),
    sources={"S": Source(title="A page", publisher="A paper", date="2025", locator="page 2")},
)  # fmt: skip


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def verbs(catalog: Catalog) -> Verbs:
    return Verbs(catalog)


def ask(verbs: Verbs, verb: str, take: str, **inputs: object) -> Quantity:
    return verbs.quantity(Term(verb=verb, take=take, inputs=inputs), CLAIM)  # type: ignore[arg-type]


def test_every_verb_of_the_record_has_an_answer() -> None:
    assert set(VERBS) == set(TermVerb.__args__)  # type: ignore[attr-defined]


def test_compare_gives_what_accord_compare_gives(verbs: Verbs, catalog: Catalog) -> None:
    wanted: dict[str, Any] = comparison_result(catalog, tuple(PAIR.values())).result
    for row in wanted["dimensions"]:
        for side in ("a", "b", "ratio"):
            take = f"{row['name']}.{side}"
            if row[side] is None:
                with pytest.raises(Refusal):
                    ask(verbs, "compare", take, **PAIR)
                continue
            found = ask(verbs, "compare", take, **PAIR)
            assert found.value == pytest.approx(row[side])
            assert found.unit == ("1" if side == "ratio" else row["unit"])
            assert found.how == f"accord compare {PAIR['a']} {PAIR['b']}: {take}"
            assert {str(one["id"]) for one in found.sources} <= {*row["sources"]} or side == "ratio"


def test_a_fact_of_a_system_is_one_draw_whoever_it_is_compared_with(verbs: Verbs) -> None:
    first = ask(verbs, "compare", "bf16_dense.a", **PAIR)
    other = ask(verbs, "compare", "bf16_dense.b", a="nvidia-hgx-h100-8", b=PAIR["a"])
    each = ask(verbs, "compare", "bf16_per_chip.a", **PAIR)
    assert first.identity == other.identity == each.identity


def test_a_question_is_asked_once(catalog: Catalog) -> None:
    verbs = Verbs(catalog)
    for take in ("bf16_dense.a", "power.b", "price.ratio"):
        ask(verbs, "compare", take, **PAIR)
    assert verbs.asked == 1
    for _ in range(2):
        with pytest.raises(Refusal, match="gpt-4o"):
            ask(verbs, "train", "flop", model="gpt-4o", tokens=1e13)
    assert verbs.asked == 2


def test_estimate(verbs: Verbs, catalog: Catalog) -> None:
    asked: dict[str, Any] = {"model": "qwen3-8b", "system": "nvidia-hgx-h20-8", "phase": "decode", "tp": 1,
                             "batch_per_device": 16, "kv_len": 2048}  # fmt: skip
    found = ask(verbs, "estimate", "tpot_s", **asked)
    metrics: Any = answer([EstimateRequest(**asked)], catalog, 0.9, False).result["metrics"]
    assert (found.value, found.low, found.high) == tuple(metrics["tpot_s"][key] for key in ("value", "low", "high"))
    assert found.unit == "s" and found.how.startswith("accord estimate --model qwen3-8b --system nvidia-hgx-h20-8")
    assert found.sources


def test_train(verbs: Verbs, catalog: Catalog) -> None:
    run: dict[str, Any] = {"model": "deepseek-v3", "system": "nvidia-hgx-h800-8", "chips": 2048, "tokens": 14.8e12}
    told: Any = train_answer(TrainAsk(request=TrainRequest(**run)), catalog).result
    days = ask(verbs, "train", "days", **run)
    assert days.value == told["metrics"]["days"]["value"] and days.unit == "d"
    flop = ask(verbs, "train", "flop", **run)
    assert flop.value == told["flop"]["total_flop"]
    assert flop.low is not None and flop.high is not None and flop.low < flop.value < flop.high
    with pytest.raises(Refusal, match="price_usd_per_chip_hour"):
        ask(verbs, "train", "cost_usd", **run)
    cost, hours = (ask(verbs, "train", name, **run, price_usd_per_chip_hour=2.0) for name in ("cost_usd", "chip_hours"))
    assert cost.value == pytest.approx(2.0 * hours.value)
    assert "--price 2USD/h" in cost.how


def test_train_in_a_place(verbs: Verbs) -> None:
    run: dict[str, Any] = {"model": "qwen3-8b", "system": "nvidia-hgx-h100-8", "chips": 64}
    assert ask(verbs, "train", "mfu", **run).value < 1.0
    with pytest.raises(CatalogError, match="take is 'days'"):
        ask(verbs, "train", "days", **run)  # of a run of no known length
    run["tokens"] = 1e11
    found = ask(verbs, "train", "energy_kwh", **run, place="CN", tariff_usd_per_kwh=0.05, pue=1.2)
    assert found.unit == "kWh" and "--tariff 0.05USD/kWh" in found.how


def test_compute_alone_needs_no_system(verbs: Verbs) -> None:
    six = ask(verbs, "train", "flop_6nd", model="kimi-k2-instruct", tokens=15.5e12)
    all_ = ask(verbs, "train", "flop", model="kimi-k2-instruct", tokens=15.5e12)
    assert six.exact and all_.low == six.value < all_.value == all_.high
    assert all_.value == pytest.approx(3.2e24, rel=0.02)


def test_size(verbs: Verbs) -> None:
    load: dict[str, Any] = {"model": "qwen3-8b", "system": "nvidia-hgx-h100-8", "isl": 2048, "osl": 512}
    wanted = {"goodput": 20.0, "tpot_s": 0.05, "ttft_s": 2.0}
    assert ask(verbs, "size", "chips", **load, **wanted).value >= 1.0
    assert ask(verbs, "size", "goodput", **load, **wanted).value >= 20.0
    with pytest.raises(Refusal, match="nvidia-hgx-h100-8"):
        ask(verbs, "size", "chips", **load, goodput=1.0, tpot_s=1e-5, weights="bf16")


def test_simulate(verbs: Verbs) -> None:
    load: dict[str, Any] = {"model": "qwen3-8b", "system": "nvidia-hgx-h20-8", "chips": 1, "tp": 1, "isl": 256}
    load |= {"osl": 32, "requests": 40}
    slow, fast = (ask(verbs, "simulate", "ttft_mean_s", **load, rate=rate) for rate in (50.0, 1.0))
    assert slow.value >= fast.value > 0.0
    assert ask(verbs, "simulate", "output_token_per_s_total", **load, rate=1.0).unit == "tok/s"
    assert ask(verbs, "simulate", "request_per_s", **load, rate=1.0).unit == "req/s"
    units = {"power_w": "W", "energy_j": "J", "output_token_per_j": "tok/J", "ttft_p99_s": "s", "utilization": "1"}
    assert {name: ask(verbs, "simulate", name, **load, rate=1.0).unit for name in units} == units
    assert ask(verbs, "simulate", "completed", **load, rate=1.0).value == 40.0


def test_fabric(verbs: Verbs) -> None:
    asked: dict[str, Any] = {"system": "huawei-cloudmatrix-384", "collective": "all-reduce", "size_bytes": 1e8}
    short, long = (ask(verbs, "fabric", "time_s", **asked, ranks=ranks) for ranks in (8, 256))
    assert short.value < long.value
    assert "--size 1e+08B" in long.how
    assert ask(verbs, "fabric", "busbw_byte_per_s", **asked).unit == "B/s"


@pytest.mark.parametrize(
    "length", [{"days": 54.0}, {"hours": 1296.0}, {"chip_hours": 1296.0 * 2048}], ids=["days", "hours", "chip-hours"]
)
def test_failures(verbs: Verbs, length: dict[str, float]) -> None:
    job: dict[str, Any] = {"chip": "nvidia-h800-sxm", "chips": 2048, **length}
    found = ask(verbs, "failures", "interruptions", **job)
    assert found.value == pytest.approx(90.5, rel=0.05)
    assert found.low is not None and found.high is not None and found.low < found.value < found.high
    none = ask(verbs, "failures", "none", **job)
    assert 0.0 < none.value < 1e-6
    assert ask(verbs, "failures", "hours_between", **job).unit == "h"
    lost, kept = (ask(verbs, "failures", name, **job) for name in ("lost_share", "effective_training_time"))
    assert lost.value + kept.value == pytest.approx(1.0)
    by_system = ask(verbs, "failures", "interruptions", system="nvidia-hgx-h800-8", chips=2048, **length)
    assert by_system.value == pytest.approx(found.value)


def test_spend_money(verbs: Verbs) -> None:
    asked: dict[str, Any] = {"amount": 84e9, "system": "nvidia-hgx-h100-8"}
    chips, each, systems = (ask(verbs, "spend", name, **asked) for name in ("chips", "usd_per_chip", "systems"))
    assert chips.value * each.value == pytest.approx(84e9)
    assert systems.value * 8 == pytest.approx(chips.value)
    power, own = (ask(verbs, "spend", name, **asked) for name in ("power_w", "power_w_per_chip"))
    assert power.value == pytest.approx(own.value * chips.value)
    assert ask(verbs, "spend", "bf16_flop_per_s", **asked).value == pytest.approx(989.4e12 * chips.value, rel=0.01)
    assert ask(verbs, "spend", "usd", **asked).value == 84e9
    yuan = ask(verbs, "spend", "usd", amount=84e9, currency="CNY", system="nvidia-hgx-h100-8")
    assert 84e9 / 8.0 < yuan.value < 84e9 / 6.0


def test_spend_chips(verbs: Verbs) -> None:
    asked: dict[str, Any] = {"chips": 115_000, "system": "huawei-cloudmatrix-384"}
    assert ask(verbs, "spend", "chips", **asked).value == 115_000
    assert ask(verbs, "spend", "power_w", **asked).value == pytest.approx(559e3 / 384 * 115_000)
    with pytest.raises(Refusal, match="price"):
        ask(verbs, "spend", "usd", chips=115_000, system="nvidia-hgx-h800-8")


def test_class_and_outcome(verbs: Verbs) -> None:
    deal = DEAL
    assert ask(verbs, "policy", "class.3A090.a", **deal).value == 1.0
    assert ask(verbs, "policy", "class.3A090.b", **deal).value == 0.0
    assert ask(verbs, "policy", "outcome.no_licence", **deal).value == 0.0
    assert ask(verbs, "policy", "outcome.licence", **deal).value == 1.0
    assert ask(verbs, "policy", "tpp", **deal).value == pytest.approx(15_832, rel=0.01)
    assert ask(verbs, "policy", "datacenter_marketed", **deal).value == 1.0
    with pytest.raises(Refusal, match="depends"):
        ask(verbs, "policy", "outcome.licence", item="nvidia-h100-sxm", date="2024-06-01")
    with pytest.raises(Refusal, match="no number"):
        ask(verbs, "policy", "destination", **deal)
    with pytest.raises(Refusal, match="does not say training_flop"):
        ask(verbs, "policy", "training_flop", **deal)


@pytest.mark.parametrize("word", ["no_licence", "licence", "licence:required", "prohibited", "exception"])
def test_words_of_outcomes_that_rules_have_are_answered(verbs: Verbs, word: str) -> None:
    assert ask(verbs, "policy", f"outcome.{word}", **DEAL).value in (0.0, 1.0)


@pytest.mark.parametrize("word", ["none", "not_3A090_yet", "3A090", "3A090.c", "4A090.a", "3A090(presumed)"])
def test_words_of_classes_that_rules_have_are_answered(verbs: Verbs, word: str) -> None:
    assert ask(verbs, "policy", f"class.{word}", **DEAL).value == 0.0


def test_a_plain_number_of_the_catalog_counts_what_the_term_says(verbs: Verbs) -> None:
    rate = Term(catalog="prices/exchange-cny-usd", take="facts.cny_per_usd_2025", unit="CNY/USD")
    plain = verbs.quantity(msgspec.structs.replace(rate, unit="1"), CLAIM)
    found = verbs.quantity(rate, CLAIM)
    assert (found.value, found.unit, plain.unit) == (plain.value, "CNY/USD", "1")
    assert found.identity == plain.identity
    power = Term(catalog="chips/nvidia-h20", take="board_power", unit="kW")
    assert verbs.quantity(power, CLAIM).unit == "W"


def test_duties(verbs: Verbs) -> None:
    asked: dict[str, Any] = {"date": "2025-10-01", "jurisdictions": ["eu"]}
    name = "duty.eu-aia-51.presumed-systemic"
    with pytest.raises(Refusal, match="depends"):
        ask(verbs, "policy", name, **asked, training_flop=3e25)
    assert ask(verbs, "policy", name, **asked, training_flop=3e24).value == 0.0
    assert ask(verbs, "policy", "duty.jp-promotion-act.promotion", date="2025-10-01", training_flop=1e25).value == 0.0
    with pytest.raises(CatalogError, match=r"facts\.placed"):
        ask(verbs, "policy", name, **asked, training_flop=1e25, facts={"placed": 1})


GOVERNANCE = """
id: made-up-pact
title: A pact
form: declaration
date: 2025-01-01
sponsors: [AA]
binding: voluntary
states: [{start: 2025-01-01, text: made, source: S, tier: primary, locator: page 1}]
provisions: [{id: p, text: Do good., themes: [safety-testing], source: S, tier: primary, locator: page 1}]
members:
  - {who: CN, kind: state, start: 2025-01-01, source: S, locator: page 1, sure: seen}
  - {who: FR, kind: state, start: 2025-06-01, source: S, locator: page 1, sure: seen}
  - {who: US, kind: state, joined: false, source: S, locator: page 1, sure: seen}
  - {who: A firm, kind: company, role: observer, source: S, locator: page 1, sure: seen}
tallies:
  - {date: 2025-02-01, number: 58, what: signatories, source: S, locator: page 1}
  - {date: 2025-03-01, number: 64, what: signatories, source: S, locator: page 1}
sources: {S: {title: A page, publisher: A paper, date: 2025}}
"""
DEPLOYMENT = """
id: made-up-site-%s
system: sugon-scalex640
owner: A firm
country: %s
state: operating
start: %s
%s
source: S
tier: news
locator: page 1
basis: estimate
sources: {S: {title: A page, publisher: A paper, date: 2025}}
"""


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Verbs:
    folder = tmp_path_factory.mktemp("governed")
    (folder / "governance").mkdir()
    (folder / "deployments").mkdir()
    (folder / "governance" / "made-up-pact.yaml").write_text(GOVERNANCE, encoding="utf-8")
    other = GOVERNANCE.replace("made-up-pact", "made-up-other").replace(
        "binding: voluntary", "binding: voluntary\ncomplete: true"
    )
    (folder / "governance" / "made-up-other.yaml").write_text(other.replace("who: FR", "who: DE"), encoding="utf-8")
    sites = (
        ("a", "CN", "2025-04-01", "chips: {value: 384, basis: estimate, source: S}"),
        ("b", "MY", "2026-01-01", ""),
    )
    for name, *rest in sites:
        (folder / "deployments" / f"made-up-site-{name}.yaml").write_text(DEPLOYMENT % (name, *rest), encoding="utf-8")
    return Verbs(load_catalog((folder,)))


def test_members_of_a_day(governed: Verbs) -> None:
    pact = {"instrument": "made-up-pact"}
    assert ask(governed, "adoption", "members", **pact).value == 2.0  # who only watches is left out
    assert ask(governed, "adoption", "members", **pact, date="2025-03-31", kind="state").value == 1.0
    assert ask(governed, "adoption", "members", **pact, role="observer").value == 1.0
    assert ask(governed, "adoption", "not_joined", **pact).value == 1.0
    assert ask(governed, "adoption", "provisions", **pact).value == 1.0
    assert ask(governed, "adoption", "tally.signatories", **pact, date="2025-02-15").value == 58.0
    assert ask(governed, "adoption", "tally.signatories", **pact).value == 64.0
    with pytest.raises(Refusal, match="counts votes"):
        ask(governed, "adoption", "tally.votes", **pact)


def test_joined_has_three_states(governed: Verbs) -> None:
    assert ask(governed, "adoption", "joined.CN", instrument="made-up-pact").value == 1.0
    assert ask(governed, "adoption", "joined.US", instrument="made-up-pact").value == 0.0
    with pytest.raises(Refusal, match="whether DE joined"):
        ask(governed, "adoption", "joined.DE", instrument="made-up-pact")
    assert ask(governed, "adoption", "joined.FR", instrument="made-up-other").value == 0.0  # its list is whole
    with pytest.raises(CatalogError, match="take is 'joint'"):
        ask(governed, "adoption", "joint", instrument="made-up-pact")


def test_members_of_both(governed: Verbs) -> None:
    both = {"instruments": ["made-up-pact", "made-up-other"]}
    found = ask(governed, "adoption", "overlap", **both, date="2025-12-31")
    assert found.value == 1.0
    assert {str(one["id"]) for one in found.sources} == {"governance/made-up-pact:S", "governance/made-up-other:S"}


def test_where_a_system_stands(governed: Verbs) -> None:
    system = {"system": "sugon-scalex640"}
    early = {**system, "date": "2025-12-31"}
    assert ask(governed, "adoption", "chips", **early).value == 384.0
    assert ask(governed, "adoption", "deployments", **early).value == 1.0
    with pytest.raises(Refusal, match="tells of systems of"):
        ask(governed, "adoption", "systems", **early)
    with pytest.raises(Refusal, match="outside"):  # nobody says that there is none
        ask(governed, "adoption", "deployments_outside.CN", **early)
    assert ask(governed, "adoption", "deployments_outside.CN", **system).value == 1.0
    with pytest.raises(Refusal, match="chips"):
        ask(governed, "adoption", "chips_outside.CN", **system)
    with pytest.raises(CatalogError, match="take is 'sites'"):
        ask(governed, "adoption", "sites", **system)


def test_nowhere_else_is_said_by_a_source(tmp_path: Path) -> None:
    (tmp_path / "deployments").mkdir()
    entry = DEPLOYMENT % ("a", "CN", "2025-04-01", "nowhere_else: true")
    (tmp_path / "deployments" / "made-up-site-a.yaml").write_text(entry, encoding="utf-8")
    verbs = Verbs(load_catalog((tmp_path,)))
    found = ask(verbs, "adoption", "deployments_outside.CN", system="sugon-scalex640", date="2025-03-01")
    assert found.value == 0.0
    assert [one["id"] for one in found.sources] == ["deployments/made-up-site-a:S"]


def test_values_of_the_catalog(verbs: Verbs, catalog: Catalog) -> None:
    found = verbs.quantity(Term(catalog="chips/huawei-ascend-910c", take="peak.bf16"), CLAIM)
    assert found.value == 752e12 and len(found.points) == 4
    assert found.how == "accord catalog show chips/huawei-ascend-910c: peak.bf16"
    count = verbs.quantity(Term(catalog="chips", take="count"), CLAIM)
    assert count.value == len(catalog.ids("chips"))
    dies = verbs.quantity(Term(catalog="chips/huawei-ascend-910c", take="devices_per_chip"), CLAIM)
    assert dies.value == 2.0 and dies.exact
    with pytest.raises(Refusal, match="states no peak.fp2"):
        verbs.quantity(Term(catalog="chips/huawei-ascend-910c", take="peak.fp2"), CLAIM)
    with pytest.raises(Refusal, match="no number"):
        verbs.quantity(Term(catalog="chips/huawei-ascend-910c", take="memory.kind"), CLAIM)


def test_cited_numbers(verbs: Verbs) -> None:
    found = verbs.quantity(
        Term(number=2.0, low=1.0, high=4.0, unit="USD/h", basis="estimate", source="S", locator="table 3"), CLAIM
    )
    assert (found.value, found.low, found.high, found.unit) == (2.0, 1.0, 4.0, "USD/h")
    assert found.how == "A paper, A page (2025), table 3"
    assert [one["id"] for one in found.sources] == ["claims/made-up:S"]
    plain = verbs.quantity(Term(number=2.0, basis="estimate", source="S"), CLAIM)
    assert plain.exact and plain.how.endswith(", page 2")


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (Term(verb="compare", take="bf16", inputs=PAIR), "take is 'bf16'"),
        (Term(verb="compare", take="power.a", inputs={"a": H100}), "with: object missing required field `b`"),
        (Term(verb="compare", take="power.a", inputs={**PAIR, "c": 1}), "with.c is no input"),
        (Term(verb="compare", take="power.a", inputs={**PAIR, "a": 3}), "with.a: expected `str`"),
        (Term(verb="compare", take="power.a", inputs={**PAIR, "a": "huawei"}), "with.a is 'huawei', no system"),
        (Term(verb="train", take="flop", inputs={"model": "/dev/zero", "tokens": 1e12}), "is '/dev/zero', no model"),
        (Term(verb="estimate", take="x", inputs={"model": "../a.json", "system": H100}), "is '../a.json', no model"),
        (Term(verb="simulate", take="x", inputs={"model": "m/" * 999, "rate": 1.0}), "with.model is 'm/m/"),
        (Term(verb="size", take="chips", inputs={"model": "/etc/passwd", "system": H100}), "no model of the catalog"),
        (Term(verb="fabric", take="time_s", inputs={"system": "/dev/zero"}), "is '/dev/zero', no system or"),
        (Term(verb="failures", take="none", inputs={"chips": 8.0, "days": 1.0, "chip": "/x"}), "is '/x', no chip of"),
        (Term(verb="policy", take="tpp", inputs={"date": "2025-01-01", "item": "/x"}), "is '/x', no system or"),
        (Term(verb="spend", take="chips", inputs={"system": H100}), "with: amount or chips"),
        (Term(verb="spend", take="chips", inputs={"system": H100, "amount": 1.0, "currency": "XYZ"}), "XYZ"),
        (Term(verb="failures", take="none", inputs={"chips": 8.0}), "with: one of days"),
        (Term(verb="failures", take="none", inputs={"chips": 8.0, "days": 1.0, "system": SITE}), "names no chip"),
        (Term(verb="adoption", take="members", inputs={}), "with: one of instrument"),
        (Term(verb="policy", take="tpp", inputs={"date": "2025-01-01"}), "with.item is missing"),
        (Term(verb="policy", take="tpp", inputs={"date": "soon", "item": "nvidia-h20"}), "with.date is 'soon'"),
        (Term(verb="policy", take="x", inputs={"date": "2025-01-01", "item": "nvidia-h20"}), "take is 'x'"),
        (Term(verb="policy", take="tpp", inputs={"date": "2025-01-01", "item": "nvidia-h20", "to": "XX"}), "--to: "),
        (Term(verb="train", take="flop", inputs={"model": "qwen3-8b"}), "with.tokens is missing"),
        (Term(catalog="chip/nvidia-h20", take="tpp"), "catalog is 'chip/nvidia-h20', no kind"),
        (Term(catalog="chips/nvidia-h2O", take="tpp"), "which there is not"),
        (Term(catalog="chips", take="tpp"), "take is 'tpp'"),
        (Term(catalog="chips/nvidia-h20", take="pek.bf16"), "take is 'pek.bf16', which chips have not"),
        (Term(number=1.0, basis="estimate", source="T"), "source is 'T'"),
        (Term(number=1.0, basis="estimate", source="S", unit="parsec"), "unit: "),
        (Term(verb="failures", take="none", inputs={"chips": 0, "days": 9.0, "chip": "nvidia-h20"}), "with.chips is 0"),
        (Term(verb="failures", take="none", inputs={"chips": 8, "days": 1e9, "chip": "nvidia-h20"}), "with.days is"),
        (Term(verb="spend", take="chips", inputs={"system": H100, "amount": -1.0}), "with.amount is -1"),
        (Term(verb="spend", take="chips", inputs={"system": H100, "amount": float("inf")}), "with.amount is a number"),
        (Term(verb="estimate", take="x", inputs={"tp": [1, float("nan")]}), "with.tp is a number beyond"),
        (Term(verb="policy", take="x", inputs={"what_if": {"a": 1e40}}), "with.what_if.a is a number beyond"),
        (Term(catalog="prices/exchange-cny-usd", take="facts.cny_per_usd", unit="parsec"), "unit: "),
        (Term(catalog="chips/nvidia-h20", take="board_power", unit="USD"), "unit is 'USD', but the value is in W"),
        (Term(verb="policy", take="class.nonsense", inputs=DEAL), "take is 'class.nonsense', which no rule answers"),
        (Term(verb="policy", take="outcome.licnece", inputs=DEAL), "take is 'outcome.licnece', which no rule"),
        (Term(verb="policy", take="outcome.licence:no", inputs=DEAL), "which no rule answers"),
        (Term(verb="policy", take="importer.prohibit", inputs=DEAL), "which no rule answers"),
    ],
)  # fmt: skip
def test_what_is_wrong_begins_with_its_key(verbs: Verbs, term: Term, message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        verbs.quantity(term, CLAIM)
    assert message in caught.value.what


def test_what_is_no_number_and_no_source_is_left_out(verbs: Verbs, catalog: Catalog) -> None:
    desk = Desk(catalog, (), Law(catalog))
    found = cited(desk, ("chips/nvidia-h20:NOBODY", "chips/huawei-ascend-910c:CM384-PAPER"))
    assert [one["id"] for one in found] == ["chips/huawei-ascend-910c:CM384-PAPER"]
    assert of_metric({"value": None}, "x", "by hand", ()) == "the answer gives no number"
    open_ = of_metric({"value": 1.0, "low": 0.5, "high": float("inf")}, "x", "by hand", ())
    assert open_ == "the answer's interval has no upper end"
    text = command_text("estimate", {"prefill": {"instances": 2}, "tp": [1, 2], "balanced": True, "graph": False})
    assert text == "accord estimate --prefill instances=2 --tp 1,2 --balanced"


ODD: tuple[object, ...] = (
    0,
    -1,
    1e-9,
    1e300,
    float("nan"),
    True,
    None,
    "",
    "..",
    [],
    [1, 2],
    {},
    10**40,
    "qwen3-8b",
    2.5,
)
ASKED: tuple[tuple[str, dict[str, object]], ...] = (
    ("compare", PAIR),
    ("estimate", {"model": "qwen3-8b", "system": "nvidia-hgx-h20-8", "phase": "decode", "tp": 1, "kv_len": 2048}),
    ("train", {"model": "glm-4.5", "tokens": 1e13, "seq": 4096}),
    ("fabric", {"system": "huawei-cloudmatrix-384", "collective": "all-reduce", "size_bytes": 1e8, "ranks": 8}),
    ("failures", {"chip": "nvidia-h800-sxm", "chips": 2048, "chip_hours": 1e6}),
    ("policy", {"item": "nvidia-h100-sxm", "date": "2025-07-08", "from": "US", "to": "CN", "hq": "CN"}),
    ("policy", {"training_flop": 1e25, "date": "2025-10-01", "jurisdictions": ["eu"], "facts": {"role": "provider"}}),
    ("adoption", {"system": "huawei-cloudmatrix-384", "date": "2026-01-01", "state": "operating"}),
    ("spend", {"amount": 84e9, "currency": "CNY", "system": "nvidia-hgx-h100-8"}),
)


@given(st.sampled_from(ASKED), st.integers(0, 9), st.sampled_from(ODD))
@settings(max_examples=60)
def test_odd_inputs_are_answered_or_refused(
    verbs: Verbs, asked: tuple[str, dict[str, object]], at: int, odd: object
) -> None:
    verb, inputs = asked
    name = sorted(inputs)[at % len(inputs)]
    with contextlib.suppress(AccordError):
        ask(verbs, verb, "x", **{**inputs, name: odd})


def test_facts_of_a_run_in_words_and_lists(verbs: Verbs) -> None:
    asked: dict[str, Any] = {"date": "2026-10-01", "jurisdictions": ["cn"], "facts": {"public_service": False}}
    found = ask(verbs, "policy", "duty.cn-genai.filing", **asked)
    assert found.value == 0.0
    for value in ("yes", ["text"], 3):
        with pytest.raises((Refusal, CatalogError)):
            ask(verbs, "policy", "duty.cn-genai.filings", **{**asked, "facts": {"output_modality": value}})
    with pytest.raises(CatalogError, match="is a mapping"):
        ask(verbs, "policy", "x", **{**asked, "facts": {"output_modality": {"a": 1}}})
