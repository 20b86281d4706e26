"""Dated cases: rows as facts, answers that hang on facts alone, and how the shared table comes out."""

from __future__ import annotations

import functools
import itertools

import pytest
from tests import measured
from tests.policy import case_table

from accord.api.law import Law
from accord.api.policy_cases import read_cases, score
from accord.base.errors import TableError
from accord.catalog.load import load_catalog
from accord.policy.cases import ASKED, Scored, case_facts, designer_of, item_words, read_case, same, summary
from accord.policy.screen import UNNAMED

FEWEST_RIGHT = 39
PROVENANCE = ("case_id", "rule_id", "spec_basis", "source", "note")


@functools.cache
def law() -> Law:
    return Law(load_catalog())


def facts(**cells: str) -> dict[str, object]:
    row = {name: value for name, value in {**case_table.ROWS[0], **cells}.items() if value}
    chips = [law().catalog.chip(id) for id in law().catalog.ids("chips")]
    return dict(case_facts(read_case(row, "here"), chips, law().parties))


def test_numbers_are_in_the_units_of_the_facts() -> None:
    found = facts(io_bandwidth_gbs="600", dram_bandwidth_gbs="2039", package_area_mm2="110")
    assert found["tpp"] == 3000.0
    assert found["die_area"] == 1000.0
    assert found["io_bandwidth"] == 600e9
    assert found["dram_bandwidth"] == 2039e9
    assert found["package_area"] == 110.0
    assert (found["destination"], found["hq"], found["transaction"]) == ("CN", "CN", "export_from_us")
    assert found["datacenter_marketed"] == "yes"


def test_a_density_that_follows_goes_before_a_stated_one() -> None:
    assert "performance_density" not in facts(performance_density="9.9")
    assert facts(performance_density="9.9", applicable_die_area_mm2="")["performance_density"] == 9.9


@pytest.mark.parametrize("column", ["destination", "consignee_hq", "transaction", "exporter", "item_type", "tpp"])
def test_an_empty_cell_is_unknown(column: str) -> None:
    names = {"consignee_hq": "hq"}
    assert names.get(column, column) not in facts(**{column: ""})


@pytest.mark.parametrize("word", ["unknown", ""])
def test_unknown_words_are_unknown(word: str) -> None:
    found = facts(datacenter_marketed=word, destination="unknown", consignee_hq="unknown", transaction="unknown")
    assert not {"datacenter_marketed", "destination", "hq", "transaction"} & set(found)


def test_the_exporter_is_found_by_name_or_alias() -> None:
    assert facts(exporter="NVIDIA")["exporter"] == facts(exporter="nvidia corporation")["exporter"] == "nvidia"
    assert facts(exporter="Some Shop ")["exporter"] == "some shop"


@pytest.mark.parametrize(
    ("name", "country"),
    [("Ascend 910B", "CN"), ("Ascend910C", "CN"), ("H800 SXM", "US"), ("RTX 4090D", "US"), ("Gaudi2", "US"),
     ("Some Chip", None), ("SXM", None)],
)  # fmt: skip
def test_the_designer_follows_from_the_items_own_name(name: str, country: str | None) -> None:
    assert facts(chip=name, exporter="").get("designer_hq") == country


def test_a_seller_of_own_chips_designs_what_the_catalog_has_not() -> None:
    assert facts(exporter="AMD")["designer_hq"] == "US"
    assert facts(exporter="Huawei")["designer_hq"] == "CN"
    assert "designer_hq" not in facts(exporter="Dell")


def test_a_name_of_several_designers_says_nothing() -> None:
    chips = [law().catalog.chip(id) for id in ("nvidia-h20", "huawei-ascend-910c")]
    assert designer_of("(H20)", chips, law().parties) is not None
    assert designer_of("", chips, law().parties) is None


@pytest.mark.parametrize(
    ("name", "kind"), [("HBM3E stack", "hbm"), ("GDDR6 64 GB/s device", "gddr"), ("LPDDR5X", "lpddr"), ("stack", None)]
)
def test_the_kind_of_a_memory_is_in_its_name(name: str, kind: str | None) -> None:
    assert facts(chip=name, item_type="memory").get("memory_kind") == kind
    assert "memory_kind" not in facts(chip=name, item_type="ic")


def test_words_of_a_name() -> None:
    assert item_words("Ascend 910B") == {"ascend", "910b"}
    assert item_words("Ascend910C") == {"ascend910c", "ascend", "910c"}
    assert item_words("H800 SXM") == {"h800", "sxm"}
    assert item_words("MI308X") == {"mi308x"}


def test_a_consignee_nobody_names_is_on_no_list() -> None:
    assert UNNAMED.items() <= facts().items()


def test_answers_are_compared_as_sets() -> None:
    assert same("a|b", "b|a")
    assert not same("a|b", "a")


def test_cells_that_are_wrong_are_named() -> None:
    row = {name: value for name, value in case_table.ROWS[0].items() if value}
    for column, value in (
        ("tpp", "nan"),
        ("tpp", "inf"),
        ("tpp", "many"),
        ("date", "2025"),
        ("date", "2025-02-30"),
        ("consignee_hq", "cn"),
        ("item_type", "chip"),
        ("transaction", "smuggled"),
    ):
        with pytest.raises(TableError, match=column):
            read_case({**row, column: value}, "here")


def test_counts_by_basis_add_up() -> None:
    scored = score(read_cases(case_table.write(), "t.csv"), law())
    counts = summary(scored)
    by_basis = counts["by_basis"]
    assert isinstance(by_basis, dict)
    for key in ("cases", "eccn_correct", "outcome_correct", "both_correct"):
        assert counts[key] == sum(one[key] for one in by_basis.values())
    assert counts["both_correct"] == 2


def shared() -> list[dict[str, str]]:
    """Rows of the shared table; skips the test where it is absent."""
    return measured.rows(measured.table("policy/export_cases.csv"))


def answers(rows: list[dict[str, str]]) -> tuple[Scored, ...]:
    return score(read_cases(case_table.write(rows), "cases.csv"), law())


def test_the_shared_cases_come_out_right() -> None:
    scored = answers(shared())
    wrong = [one for one in scored if not (one.eccn_is_right and one.outcome_is_right)]
    told = "\n".join(
        f"{one.case.id} {one.case.chip}: {one.case.expected_eccn}/{one.case.expected_outcome}, "
        f"got {one.eccn}/{one.outcome} ({one.reason})"
        for one in wrong
    )
    assert len(scored) - len(wrong) >= FEWEST_RIGHT, told


def test_where_a_case_is_from_never_moves_its_answer() -> None:
    rows = shared()
    plain = answers(rows)
    turned = [dict(row) for row in rows]
    for column in PROVENANCE:
        values = [row[column] for row in rows]
        for row, value in zip(turned, itertools.chain(values[7:], values[:7]), strict=True):
            row[column] = value
    blank = [{**row, **dict.fromkeys(("rule_id", "spec_basis", "source", "note"), "")} for row in rows]
    renamed = [{**row, "case_id": f"other-{at}"} for at, row in enumerate(rows)]
    for other in (turned, blank, renamed):
        found = answers(other)
        assert [(one.eccn, one.outcome, one.reason) for one in found] == [
            (one.eccn, one.outcome, one.reason) for one in plain
        ]
    expected = [{**row, "expected_eccn": "none", "expected_outcome": "no_licence", "basis": "x"} for row in rows]
    assert [(one.eccn, one.outcome) for one in answers(expected)] == [(one.eccn, one.outcome) for one in plain]


def test_order_never_moves_an_answer() -> None:
    rows = shared()
    forwards = {one.case.id: (one.eccn, one.outcome) for one in answers(rows)}
    assert {one.case.id: (one.eccn, one.outcome) for one in answers(rows[::-1])} == forwards


def test_columns_that_are_asked_hold_nothing_of_where_a_case_is_from() -> None:
    assert not set(ASKED) & {*PROVENANCE, "basis", "expected_eccn", "expected_outcome"}
