"""The audit of all claims: what every claim carries, and that verdicts follow the catalog."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from accord.api.audit import AuditAnswer, _place, audit, audit_answer
from accord.api.claim_terms import Desk, Found, asked_text
from accord.api.claim_verbs import VERBS
from accord.base.errors import CatalogError
from accord.catalog.load import DATA, load_catalog
from accord.catalog.yaml_text import read_yaml
from accord.claims.judge import VERDICTS, ClaimVerdict
from accord.report.to_json import to_bytes

Ask = Callable[[Mapping[str, object], Desk], Found]
LEAST_CLAIMS, AIM_S = 24, 10.0
PARTS = {"holds", "fails", "open", "cannot tell"}
SAMPLE = """
id: sample
statement: One is more than the other.
said_by: somebody
date: 2025-07-28
source: S
locator: page 1
topic: hardware
parts:
  - name: dense BF16
    terms:
      ours: {verb: compare, take: bf16_dense.a, with: {a: huawei-cloudmatrix-384, b: nvidia-gb200-nvl72}}
      theirs: {verb: compare, take: bf16_dense.b, with: {a: huawei-cloudmatrix-384, b: nvidia-gb200-nvl72}}
    value: ours / theirs
    test: {op: ">", number: 1}
sources: {S: {title: A page, publisher: A paper, date: 2025}}
"""


@pytest.fixture(scope="module")
def timed() -> tuple[AuditAnswer, float]:
    """The audit of all claims, and the CPU seconds of it."""
    start = time.process_time()
    answer = audit_answer(load_catalog(), picture=True)
    return answer, time.process_time() - start


@pytest.fixture(scope="module")
def whole(timed: tuple[AuditAnswer, float]) -> AuditAnswer:
    return timed[0]


def test_all_claims_are_told_with_what_a_reader_needs(whole: AuditAnswer) -> None:
    claims: Any = whole.result["claims"]
    assert len(claims) >= LEAST_CLAIMS
    keys = {str(entry["id"]) for entry in whole.sources}
    for one in claims:
        assert one["verdict"] in VERDICTS
        assert one["source"] in keys and set(one["sources"]) <= keys
        assert one["locator"] and one["statement"] and one["said_by"] and one["date"]
        assert len(one["calculation"]) == len(one["parts"])
        assert (one["condition"] is not None) == (one["verdict"] == "holds if")
        assert bool(one["why"]) == (one["verdict"] == "cannot tell")
        for part in one["parts"]:
            assert part["verdict"] in PARTS
            assert part["value"] is not None or part["missing"] or part["needs"]
            for term in part["terms"]:
                assert term["value"] is None or (term["how"] and term["sources"]), (one["id"], term["name"])
    assert to_bytes(whole.result)
    assert sum(whole.result["verdicts"].values()) == len(claims)  # type: ignore[attr-defined]


def test_what_claims_state_asks_the_verbs_or_the_catalog(whole: AuditAnswer) -> None:
    """A verdict is recomputed: a stated part with a value takes a term from Accord itself."""
    asking = [
        one.claim.id
        for one in whole.found
        if any(
            term.verb or term.catalog
            for part in one.claim.parts if not part.aside and part.value is not None
            for term in part.terms.values()
        )
    ]  # fmt: skip
    assert len(asking) >= LEAST_CLAIMS


def test_the_picture_has_every_claim(whole: AuditAnswer) -> None:
    assert whole.picture is not None
    text = whole.picture.decode()
    assert all(one.claim.id in text for one in whole.found)


def test_an_audit_is_quick(timed: tuple[AuditAnswer, float]) -> None:
    assert timed[1] < AIM_S


def test_each_question_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    wrapped = {verb: _noting(verb, ask, asked) for verb, ask in VERBS.items()}
    monkeypatch.setattr("accord.api.claim_verbs.VERBS", wrapped)
    _, questions = audit(load_catalog(), ("cloudmatrix-beats-nvl72", "deepseek-no-downtime", "glm-45-below-1e25"))
    assert questions == len(asked) == len(set(asked)) > 3


def _noting(verb: str, ask: Ask, asked: list[tuple[str, str]]) -> Ask:
    def noted(values: Mapping[str, object], desk: Desk) -> Found:
        asked.append((verb, asked_text(values)))
        return ask(values, desk)

    return noted


def test_one_alone_is_judged_as_among_all(whole: AuditAnswer) -> None:
    for among in whole.found[:6]:
        alone = one(among.claim.id)
        assert (alone.verdict, alone.probability, alone.margin) == (among.verdict, among.probability, among.margin)


def one(id: str, *paths: Path) -> ClaimVerdict:
    (found,), _ = audit(load_catalog(paths), (id,))
    return found


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str, str, str], Path]:
    """A catalog of one entry that differs in one place from the packaged one."""

    def make(kind: str, id: str, old: str, new: str) -> Path:
        text = (DATA / kind / f"{id}.yaml").read_text(encoding="utf-8")
        assert old in text
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"{id}.yaml").write_text(text.replace(old, new), encoding="utf-8")
        return tmp_path

    return make


CHANGES = [
    ("cloudmatrix-beats-nvl72", "systems", "huawei-cloudmatrix-384", "chips: {value: 384,", "chips: {value: 96,"),
    ("kimi-k2-below-1e25", "models", "kimi-k2-instruct", "num_experts_per_tok: 8", "num_experts_per_tok: 64"),
    ("pangu-ultra-above-1e25", "models", "pangu-ultra-135b", "num_hidden_layers: 94", "num_hidden_layers: 47"),
    ("xinjiang-115000-chips", "systems", "xinjiang-desert-datacentres", "{value: 115000", "{value: 150000"),
    ("un-140-countries", "governance", "unga-78-311", "number: 140", "number: 120"),
    ("kimi-k2-below-1e25", "instruments", "eu-aia-51", "1e25", "1e24"),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "kind", "id", "old", "new"), CHANGES, ids=[f"{c[0]}-{c[1]}" for c in CHANGES])
def test_another_value_of_the_catalog_is_another_verdict(
    claim: str, kind: str, id: str, old: str, new: str, changed: Callable[[str, str, str, str], Path]
) -> None:
    before, after = one(claim), one(claim, changed(kind, id, old, new))
    assert before.verdict in ("holds", "holds if")
    assert after.verdict == "fails"


def test_a_claim_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "sample.yaml"
    file.write_text(SAMPLE, encoding="utf-8")
    answer = audit_answer(load_catalog(), file=file, explain=True)
    assert answer.inputs["file"] == str(file)
    (found,) = answer.found
    assert found.verdict == "holds" and found.margin == pytest.approx(0.604, abs=0.001)
    assert not answer.fails
    assert answer.picture is None


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("bf16_dense.a", "bf16_dens.a", 12, "parts[0].terms.ours.take is 'bf16_dens.a'"),
        ("b: nvidia-gb200-nvl72}}\n    value", "b: nvidia-nvl72}}\n    value", 13, "parts[0].terms.theirs.with"),
        ("compare, take: bf16_dense.a, with: {a: huawei-cloudmatrix-384, b: nvidia-gb200-nvl72}",
         "train, take: flop, with: {model: /dev/zero, tokens: 1.0e+12}", 12,
         "parts[0].terms.ours.with.model is '/dev/zero', no model of the catalog"),
        ("value: ours / theirs", "value: 3 * 1", 14, "parts[0].value is '3 * 1', which names no term"),
        ("value: ours / theirs", "value: ours / their", 14, "parts[0].value is 'ours / their'"),
        ("value: ours / theirs", "value: ours\n    unit: W", 15, "parts[0].unit is 'W'"),
        ("ours / theirs", "ours", 10, "parts[0].unit is '1', but the value is in FLOP/s"),
        ("topic: hardware", "topic: hardwear", 8, "topic is 'hardwear'"),
        ("op: \">\"", "op: \"=\"", 15, "parts[0].test.op"),
        ("number: 1}", "against: theirz}", 15, "parts[0].test.against is 'theirz'"),
        ("source: S", "source: T", 6, "source is 'T'"),
        ("id: sample", "id: simple", 2, "id is 'simple'"),
    ],
)  # fmt: skip
def test_a_bad_file_is_placed(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    file = tmp_path / "sample.yaml"
    assert old in SAMPLE
    file.write_text(SAMPLE.replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        audit(load_catalog(), file=file)
    assert message in caught.value.what
    assert caught.value.where == f"{file}:{line}"
    assert caught.value.hint


def test_a_complaint_about_no_key_is_placed_at_the_file() -> None:
    root = read_yaml(DATA / "claims" / "cloudmatrix-beats-nvl72.yaml", "claims/x.yaml")
    assert _place("?", root) == _place("nothing is right", root) == f"claims/x.yaml:{root.line}"
    assert _place("parts[0].terms.ours.low is 3", root).startswith("claims/x.yaml:")


def test_an_unknown_claim_names_the_closest() -> None:
    with pytest.raises(CatalogError, match="not in the catalog") as caught:
        audit(load_catalog(), ("cloudmatrix-beats-nvl27",))
    assert "cloudmatrix-beats-nvl72" in str(caught.value.hint)


def test_a_bad_entry_behind_a_term_keeps_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "systems").mkdir()
    (tmp_path / "systems" / "huawei-cloudmatrix-384.yaml").write_text("id: huawei-cloudmatrix-384\n", encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        audit(load_catalog((tmp_path,)), ("cloudmatrix-beats-nvl72",))
    assert "huawei-cloudmatrix-384.yaml" in str(caught.value.where)
    assert "parts" not in caught.value.what and "with" not in caught.value.what
