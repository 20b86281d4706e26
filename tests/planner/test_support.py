from __future__ import annotations

import datetime
import itertools
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.source import Source
from accord.catalog.days import last_day
from accord.catalog.load import load_catalog
from accord.catalog.support import Statement, Support
from accord.planner.support import (
    Answered,
    Index,
    covers,
    index,
    stated_conversions,
    support,
    version_key,
)

SOURCE = Source(title="A page", publisher="A maker", date="2026-01-01", locator="table 1")
CHIP, FAMILY, MODEL = "nvidia-h100-sxm", "nvidia-hopper", "qwen3-32b"


def said(answer: Any = "yes", **told: Any) -> Statement:
    told = {name: (value,) if name in PLURAL and isinstance(value, str) else value for name, value in told.items()}
    return Statement(answer=answer, source="S", **{"date": "2026-01-01", "note": "a limit", **told})


PLURAL = ("chips", "families", "models", "weights")


def made(*statements: Statement, engine: str = "e") -> Index:
    return index([Support(id=engine, name=engine, engine=engine, statements=statements, sources={"S": SOURCE})])


def asked(*statements: Statement, weights: str | None = "bf16", **told: Any) -> Answered:
    return support(made(*statements), "e", CHIP, FAMILY, MODEL, weights, **told)


def test_no_record_is_unknown() -> None:
    assert asked().answer == "unknown"
    assert support(made(), "another", CHIP, FAMILY, MODEL).why == "no record of another"
    assert asked(said(chips="nvidia-h200-sxm", models=MODEL)).answer == "unknown"
    assert asked(said(chips=CHIP, models="qwen3-8b")).answer == "unknown"


def test_statement_on_model_and_chip_answers_with_its_source() -> None:
    found = asked(said(chips=CHIP, models=MODEL))
    assert (found.answer, found.source) == ("yes", SOURCE)
    assert found.statement is not None and found.statement.chips == (CHIP,)


@pytest.mark.parametrize("weights", ["bf16", None, "fp8"])
def test_statement_on_the_chip_does_not_show_the_model(weights: str | None) -> None:
    found = asked(said(chips=CHIP), said(chips=CHIP, weights=("fp8", "bf16")), weights=weights)
    assert (found.answer, found.statement) == ("unknown", None)


def test_no_of_the_chip_holds_for_every_model_but_a_shown_one() -> None:
    against = said("no", chips=CHIP)
    assert asked(against).answer == "no"
    assert asked(against, said(chips=CHIP, models=MODEL)).answer == "yes"
    assert asked(said("no", chips=CHIP, weights="fp8"), weights="fp8").answer == "no"


def test_model_and_chip_stated_apart_are_partial() -> None:
    model, chip = said(models=MODEL), said(families=FAMILY)
    found = asked(model, chip)
    assert found.answer == "partial" and found.statements == (model, chip)
    assert asked(model).answer == "unknown"
    assert asked(model, said("no", families=FAMILY)).answer == "no"


def test_no_of_a_model_counts_where_the_engine_speaks_of_the_chip() -> None:
    against = said("no", models=MODEL)
    assert asked(against).answer == "unknown"
    assert asked(against, said(families=FAMILY)).answer == "no"


def test_no_in_one_format_denies_no_other() -> None:
    eight = said("no", chips=CHIP, weights="fp8")
    assert asked(eight, weights=None).answer == "unknown"
    assert asked(eight, said(models=MODEL), weights=None).answer == "unknown"
    assert asked(eight, said(chips=CHIP, models=MODEL), weights=None).answer == "yes"


@pytest.mark.parametrize(
    ("special", "general"),
    [
        ({"chips": CHIP}, {"families": FAMILY}),
        ({"chips": CHIP}, {"chips": "nvidia-h100*"}),
        ({"chips": "nvidia-h100*"}, {"families": FAMILY}),
        ({"families": FAMILY, "models": MODEL}, {"families": FAMILY, "models": "qwen3-*"}),
        ({"families": FAMILY, "models": "qwen3-3*"}, {"families": FAMILY, "models": "qwen3-*"}),
        ({"families": FAMILY, "weights": "bf16"}, {"families": FAMILY}),
        ({"families": FAMILY, "date": "2026-02"}, {"families": FAMILY, "date": "2026-01-31"}),
    ],
)
@pytest.mark.parametrize("answers", list(itertools.permutations(["yes", "no", "partial"], 2)))
def test_most_special_statement_decides(special: Any, general: Any, answers: tuple[Any, Any]) -> None:
    statements = [
        said(answers[0], **{"models": MODEL, **special}),
        said(answers[1], **{"models": MODEL, **general}),
    ]
    assert asked(*statements).answer == asked(*reversed(statements)).answer == answers[0]


def test_weakest_of_two_alike_decides() -> None:
    assert asked(said(chips=CHIP, models=MODEL), said("partial", chips=CHIP, models=MODEL)).answer == "partial"


def test_narrow_format_needs_its_own_statement() -> None:
    model = said(chips=CHIP, models=MODEL)
    assert asked(model, weights="fp8").answer == "unknown"
    assert asked(model, said(families=FAMILY, weights="fp8"), weights="fp8").answer == "yes"
    assert asked(model, said("partial", families=FAMILY, weights="fp8"), weights="fp8").answer == "partial"
    assert asked(model, said("no", families=FAMILY, weights="fp8"), weights="fp8").answer == "no"


def test_wide_formats_need_none() -> None:
    model = said(chips=CHIP, models=MODEL)
    assert {asked(model, weights=weights).answer for weights in ("bf16", "fp16", "fp32", None)} == {"yes"}


def test_no_about_another_format_says_nothing() -> None:
    assert asked(said("no", chips=CHIP, models=MODEL, weights="fp4")).answer == "unknown"
    eight = said(families=FAMILY, models=MODEL, weights="fp8")
    assert asked(said("no", chips=CHIP, models=MODEL, weights="fp4"), eight, weights="fp8").answer == "yes"


def test_statement_on_the_format_is_heard_before_one_on_the_chip() -> None:
    general = said(families=FAMILY, models=MODEL, weights="fp8")
    assert asked(general, said(chips=CHIP, models=MODEL), weights="fp8").statements == (general,)


def test_only_what_was_known_on_the_day_counts() -> None:
    old, new = said("no", chips=CHIP, models=MODEL, date="2025"), said(chips=CHIP, models=MODEL, date="2026-03")
    answers = [asked(old, new, day=day).answer for day in ("2025-12-30", "2025-12-31", "2026-03-30", "2026-03-31")]
    assert answers == ["unknown", "no", "no", "yes"]
    assert asked(old, new).answer == "yes"


def test_only_statements_on_the_version_count() -> None:
    ranged = said(chips=CHIP, models=MODEL, since="0.9.1rc3", until="0.12.0")
    versions = ["0.9.1rc2", "0.9.1rc3", "0.9.1", "v0.12.0", "0.12.0.post1", "0.13", "0.9.0"]
    answers = [asked(ranged, version=version).answer for version in versions]
    assert answers == ["unknown", "yes", "yes", "yes", "yes", "unknown", "unknown"]


def test_versions_sort_as_releases_do() -> None:
    order = ["0.9", "0.9.1rc1", "0.9.1rc2", "0.9.1", "0.9.2.dev1", "0.9.2", "0.10.0", "1.0.RC1", "1.0"]
    keys = [version_key(version) for version in order]
    assert all(version_key(version) == version_key(f"v{version}") for version in order)
    assert keys == sorted(keys, key=lambda key: key or ()) and len(set(keys)) == len(keys)
    assert version_key(None) is None and version_key("nightly") is None


@pytest.mark.parametrize(
    ("date", "day"),
    [("2024", "2024-12-31"), ("2024-02", "2024-02-29"), ("2024-Q3", "2024-09-30"), ("2024-H1", "2024-06-30"),
     ("2024-12", "2024-12-31"), ("2024-Q4", "2024-12-31"), ("2024-02-03", "2024-02-03"), ("", "9999-12-31")],
)  # fmt: skip
def test_last_day_of_a_date(date: str, day: str) -> None:
    assert last_day(date) == day


@given(st.dates(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))
def test_a_day_lies_in_its_month_quarter_half_and_year(day: datetime.date) -> None:
    iso = day.isoformat()
    parts = [f"{iso[:4]}-Q{(day.month + 2) // 3}", f"{iso[:4]}-H{(day.month + 5) // 6}", iso[:7], iso[:4]]
    assert last_day(iso) == iso and all(last_day(part) >= iso and last_day(part)[:4] == iso[:4] for part in parts)


def test_one_engine_in_two_records_is_read_as_one() -> None:
    records = [
        Support(id=id, name=id, engine="e", statements=(statement,), sources={"S": SOURCE})
        for id, statement in [("one", said(models=MODEL)), ("two", said(families=FAMILY))]
    ]
    assert support(index(records), "e", CHIP, FAMILY, MODEL).answer == "partial"


def test_stated_conversions_by_kind_model_and_day() -> None:
    common = said(families=FAMILY, weights="fp8", conversion="weight-only")
    newer = said(families=FAMILY, weights="fp8", conversion="weight-only", date="2026-06-01")
    own = said(chips=CHIP, weights="fp8", conversion="weight-only", models=MODEL, date="2025-01-01")
    refused = said("no", chips=CHIP, weights="fp8", conversion="widen")
    made_of = made(common, newer, own, refused)

    def found(**told: Any) -> list[Statement]:
        return [statement for statement, _ in stated_conversions(made_of, "e", CHIP, FAMILY, "fp8", **told).values()]

    assert found() == [newer] == found(model="another")
    assert found(day="2026-05-31") == [common] and found(day="2024-12-31") == []
    assert found(model=MODEL) == [own]
    assert stated_conversions(made_of, "e", CHIP, FAMILY, "fp4") == {}
    assert stated_conversions(made_of, "another", CHIP, FAMILY, "fp8") == {}


def test_a_word_covers_an_id_or_its_beginning() -> None:
    assert covers("qwen3-*", "qwen3-8b") and covers("qwen3-8b", "qwen3-8b")
    assert not covers("qwen3", "qwen3-8b") and not covers("qwen3-*", "qwen3.5-397b-a17b")


STATEMENTS = st.builds(
    said,
    st.sampled_from(["yes", "no", "partial"]),
    date=st.sampled_from(["2025", "2025-06-01", "2026-02-03"]),
    chips=st.sampled_from([(), (CHIP,), ("nvidia-*",), ("other",)]),
    families=st.sampled_from([(), (FAMILY,), ("metax",)]),
    models=st.sampled_from([(MODEL,), ("qwen3-*",), ("llama-*",)]),
    weights=st.sampled_from([(), ("fp8",), ("bf16", "fp8"), ("int4",)]),
)


@given(st.lists(STATEMENTS, max_size=6), st.sampled_from(["bf16", "fp8", "int4", None]))
def test_answers_rest_on_statements_alone(statements: list[Statement], weights: str | None) -> None:
    found = asked(*statements, weights=weights)
    assert found.answer == asked(*reversed(statements), weights=weights).answer
    assert all(statement in statements for statement in found.statements)
    assert len(found.sources) == len(found.statements)
    if found.answer != "unknown":
        assert found.statements
        weakest = {"no": 0, "partial": 2, "yes": 3}
        assert weakest[found.answer] <= min(weakest[one.answer] for one in found.statements)
    later = asked(*statements, said(chips="other", models=MODEL), weights=weights)
    assert later.answer == found.answer


@given(st.lists(STATEMENTS, max_size=6), st.sampled_from(["2024-06-01", "2025-06-01", "2025-12-31", "2026-12-31"]))
def test_day_is_the_same_as_leaving_out_what_came_later(statements: list[Statement], day: str) -> None:
    known = [one for one in statements if last_day(one.date) <= day]
    assert asked(*statements, day=day) == asked(*known)


def test_whole_matrix_is_quick() -> None:
    catalog = load_catalog()
    chips = [catalog.chip(id) for id in catalog.ids("chips")]
    models = [catalog.model(id) for id in catalog.ids("models")]
    records = [catalog.support(id) for id in catalog.ids("support")]
    start = time.process_time()
    made_of = index(records)
    for chip, model, engine in itertools.product(chips, models, made_of.engines):
        support(made_of, engine, chip.id, chip.family, model.id, "fp8")
    assert time.process_time() - start < 3.0  # half a second on a quiet machine
