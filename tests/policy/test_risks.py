"""The taxonomy of risks: which tests speak to which, and how each stands on a day."""

from __future__ import annotations

import datetime
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.catalog.conformance import Risk
from accord.catalog.load import load_catalog
from accord.policy.risks import Finished, coverage, risks_of

CATALOG = load_catalog()
TAXONOMY = tuple(CATALOG.risk(id) for id in CATALOG.ids("risks"))
DAY = datetime.date(2026, 11, 25)
DAYS = st.dates(datetime.date(2020, 1, 1), datetime.date(2030, 1, 1))


def states(*tested: Finished, day: datetime.date = DAY) -> dict[str, str]:
    return {one.risk.id: one.state for one in coverage(tested, TAXONOMY, day)}


def test_the_catalog_has_every_risk_that_a_test_definition_may_name() -> None:
    assert set(CATALOG.ids("risks")) == set(typing.get_args(Risk))


@pytest.mark.parametrize(
    ("name", "risks"),
    [
        ("inspect_evals/truthfulqa", ("hallucination",)),
        ("wmdp_bio", ("cbrn",)),
        ("cyse2_prompt_injection", ("cyber",)),
        ("BBQ", ("bias",)),
        ("enron-email", ("privacy",)),
        ("agentic_misalignment", ("loss_of_control",)),
        ("tamper_resistance", ("open_weight_misuse",)),
        ("gsm8k", ()),
        ("wmdp", ()),
        ("inspect_evals/agentharm", ("cyber",)),
        ("inspect_evals/agentharm_benign", ()),
        ("inspect_evals/strong_reject", ("cyber",)),
        ("inspect_evals/wmdp_cyber", ("cyber",)),
        ("inspect_evals/fortress_adversarial", ("cbrn",)),
        ("inspect_evals/fortress_benign", ()),
        ("inspect_evals/gdm_sp01_e2e", ("loss_of_control",)),
        ("inspect_evals/persistbench_cross_domain", ("privacy",)),
        ("inspect_evals/xstest", ()),
        ("inspect_evals/coconot", ()),
        ("hallucination", ("hallucination",)),
        ("fairness_metrics_toolbox_for_classification", ("bias",)),
        ("privacy_policy_summaries", ()),
        ("bias-variance-quiz", ()),
        ("hallucination_of_poets", ()),
        ("jailbreak_movie_trivia", ()),
        ("sad-songs", ()),
    ],
)
def test_tests_by_name(name: str, risks: tuple[str, ...]) -> None:
    assert risks_of((name,), TAXONOMY) == risks


def test_covered_expired_and_not_covered() -> None:
    found = {one.risk.id: one for one in coverage(
        [
            Finished("new", ("bbq",), DAY - datetime.timedelta(days=365)),
            Finished("older", ("bbq",), DAY - datetime.timedelta(days=366)),
            Finished("old", ("wmdp_bio",), DAY - datetime.timedelta(days=184)),
            Finished("undated", ("cybench",), None),
            Finished("later", ("truthfulqa",), DAY + datetime.timedelta(days=1)),
        ],
        TAXONOMY, DAY,
    )}  # fmt: skip
    assert (found["bias"].state, found["bias"].by, found["bias"].until) == ("covered", ("new",), DAY)
    assert found["cbrn"].state == "expired"
    assert found["cbrn"].by == ("old",)
    assert found["cbrn"].until == DAY - datetime.timedelta(days=1)
    assert "older than 183 days" in found["cbrn"].why
    assert (found["cyber"].state, found["cyber"].why) == ("not covered", "its tests have no day, or a later one")
    assert found["hallucination"].state == "not covered"
    assert (found["privacy"].state, found["privacy"].why) == ("not covered", "no test of it")


def test_nothing_covers_nothing() -> None:
    assert set(states().values()) == {"not covered"}


@given(days=st.lists(DAYS, max_size=4), day=DAYS, more=DAYS)
def test_another_test_never_uncovers(days: list[datetime.date], day: datetime.date, more: datetime.date) -> None:
    rank = ["not covered", "expired", "covered"]
    tested = [Finished(str(at), ("bbq",), when) for at, when in enumerate(days)]
    before, after = states(*tested, day=day), states(*tested, Finished("more", ("bbq",), more), day=day)
    assert all(rank.index(after[id]) >= rank.index(before[id]) for id in before)
    assert states(*reversed(tested), day=day) == before, "their order says nothing"


def test_the_last_days_of_the_calendar() -> None:
    last = datetime.date.max
    (found,) = coverage([Finished("a", ("bbq",), last)], [CATALOG.risk("bias")], last)
    assert (found.state, found.until) == ("covered", last)
