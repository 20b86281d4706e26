"""Profiles of the catalog as traffic: the means they state, the limits they set, several at once."""

from __future__ import annotations

import math
import typing

import numpy as np
import pytest
from tests.traces import trace

from accord.api.workloads import mixed_slos, mixed_workload, parse_mix, profile_slos, profile_traffic, profile_workload
from accord.base.errors import CatalogError, UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.catalog.workload import ArrivalKind, LawKind
from accord.workloads import arrivals, lengths
from accord.workloads.trace import read_trace

CATALOG = load_catalog()
PROFILES = CATALOG.ids("workloads")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return CATALOG


def test_laws_of_the_catalog_can_be_drawn() -> None:
    assert set(typing.get_args(LawKind)) == set(lengths.KINDS) - {"zipf", "empirical"}
    assert set(typing.get_args(ArrivalKind)) == set(arrivals.KINDS) - {"closed"}


@pytest.mark.parametrize("id", PROFILES)
def test_a_profile_makes_traffic(catalog: Catalog, id: str) -> None:
    record = catalog.workload(id)
    work = profile_workload(catalog, id, 3.0, count=3_000, seed=5)
    assert len(work) == 3_000
    assert work.tenants == (id,)
    assert work.answer.mean() == pytest.approx(record.answer.mean.si, rel=0.15)
    if record.context is not None:
        assert np.max(work.prompt + work.answer) <= record.context.si
    turns = len(work) / np.count_nonzero(work.follows < 0)
    assert turns == pytest.approx(record.turns.mean.si if record.turns else 1.0, rel=0.15)
    fixed = sum(value.si for value in (record.system_prompt, record.image_tokens) if value)
    first = work.prompt[work.follows < 0]
    assert first.mean() - fixed == pytest.approx(record.prompt.mean.si, rel=0.15)
    again = profile_workload(catalog, id, 3.0, count=3_000, seed=5)
    assert np.array_equal(again.arrival_s, work.arrival_s)
    assert np.array_equal(again.hashes, work.hashes)
    assert (len(work.hashes) > 0) == (record.turns is not None or record.system_prompt is not None)


@pytest.mark.parametrize("id", PROFILES)
def test_a_profile_has_limits(catalog: Catalog, id: str) -> None:
    limits = profile_slos(catalog, id)
    assert set(limits) == {id}
    assert limits[id].tenant == id
    radio = catalog.workload(id).radio
    assert all(limit > (radio.si if radio else 0.0) for limit in limits[id].limits().values())
    assert limits[id].needed >= 0.9


def test_chat_is_like_the_trace_it_is_made_of(catalog: Catalog) -> None:
    real = read_trace(trace("azure_llm_2023_conv.csv")).workload
    made = profile_workload(catalog, "chat", 5.0, count=40_000)
    assert made.prompt.mean() == pytest.approx(real.prompt.mean(), rel=0.03)
    assert made.answer.mean() == pytest.approx(real.answer.mean(), rel=0.03)
    assert made.prompt.std() / made.prompt.mean() == pytest.approx(real.prompt.std() / real.prompt.mean(), rel=0.1)


@pytest.mark.parametrize(
    ("id", "name"),
    [("code-completion", "azure_llm_2023_code.csv"), ("summarisation", "vidur_arxiv_summarization_lengths.csv")],
)
def test_single_questions_are_like_their_trace(catalog: Catalog, id: str, name: str) -> None:
    real = read_trace(trace(name)).workload
    made = profile_workload(catalog, id, 5.0, count=40_000)
    assert made.prompt.mean() == pytest.approx(real.prompt.mean(), rel=0.05)
    assert made.answer.mean() == pytest.approx(real.answer.mean(), rel=0.05)
    assert made.prompt.max() <= real.prompt.max()


def test_an_agent_finds_most_of_its_context_again(catalog: Catalog) -> None:
    work = profile_workload(catalog, "coding-agent", 1.0, count=2_000)
    fresh = 1.0 - len(np.unique(work.hashes)) / len(work.hashes)
    assert fresh > 0.9


def test_a_voice_answer_has_a_second_in_all(catalog: Catalog) -> None:
    limit = profile_slos(catalog, "smart-glasses-voice")["smart-glasses-voice"]
    work = profile_workload(catalog, "smart-glasses-voice", 1.0, count=10)
    assert limit.e2e_s == 1.0
    assert 0.05 <= work.radio_s < 0.1


def test_a_closed_loop(catalog: Catalog) -> None:
    work = profile_workload(catalog, "reasoning", concurrency=16, count=50)
    assert work.concurrency == 16
    assert np.all(work.arrival_s == 0.0)


def test_what_is_no_profile(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="workload 'caht' is not in the catalog") as caught:
        profile_workload(catalog, "caht", 1.0, count=1)
    assert caught.value.hint == "did you mean 'chat'?"
    with pytest.raises(UsageError, match="neither a rate nor"):
        profile_traffic(catalog, "chat")
    with pytest.raises(UsageError, match="both a rate and"):
        profile_traffic(catalog, "chat", 1.0, 5)
    with pytest.raises(UsageError, match="at 0 a second"):
        profile_traffic(catalog, "chat", 0.0)


def test_several_profiles_are_tenants(catalog: Catalog) -> None:
    rates = parse_mix("chat=6, coding-agent=2 ,smart-glasses-voice=2")
    work, limits = mixed_workload(catalog, rates, duration=1_000.0, seed=3)
    assert work.tenants == ("chat", "coding-agent", "smart-glasses-voice")
    assert [one.tenant for one in limits] == list(work.tenants)
    assert np.bincount(work.tenant) / 1_000.0 == pytest.approx([6.0, 2.0, 2.0], rel=0.35)
    assert work.name == "chat=6,coding-agent=2,smart-glasses-voice=2"
    alone = profile_workload(catalog, "chat", 6.0, duration=1_000.0, seed=3)
    assert np.array_equal(np.sort(work.prompt[work.tenant == 0]), np.sort(alone.prompt)), "a tenant's draws are its own"
    assert work.radio_s == 0.0
    assert limits[2].e2e_s == pytest.approx(1.0 - 0.065), "its radio comes off its limit"
    assert math.isinf(limits[0].e2e_s)
    few, _ = mixed_workload(catalog, rates, count=1_000, seed=3)
    assert len(few) == 1_000
    assert np.array_equal(few.arrival_s, work.arrival_s[:1_000])
    assert len(mixed_workload(catalog, rates, count=1_000, duration=5.0)[0]) < 1_000
    assert limits == mixed_slos(catalog, rates)


def test_a_mix_of_one_is_that_one(catalog: Catalog) -> None:
    work, limits = mixed_workload(catalog, {"smart-glasses-voice": 2.0}, count=100, seed=4)
    alone = profile_workload(catalog, "smart-glasses-voice", 2.0, count=100, seed=4)
    assert np.array_equal(work.prompt, alone.prompt)
    assert (len(work), work.radio_s) == (100, alone.radio_s)
    assert {one.tenant: one for one in limits} == profile_slos(catalog, "smart-glasses-voice")


@pytest.mark.parametrize(
    "text", ["", "chat", "chat=", "=1", "chat=0", "chat=-1", "chat=nan", "chat=1,chat=2", "chat=x"]
)
def test_what_is_no_mix(text: str) -> None:
    with pytest.raises(UsageError):
        parse_mix(text)


def test_a_mix_needs_an_end(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="without an end"):
        mixed_workload(catalog, {"chat": 1.0})
