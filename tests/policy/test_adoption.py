"""Three answers on who joined what, dated; overlaps; and where systems stand."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.source import Source
from accord.catalog.days import first_day, last_day
from accord.catalog.deployment import Deployment
from accord.catalog.governance import Governance, Member, State, Tally
from accord.policy.adoption import JOINED, NOT_JOINED, NOT_RECORDED, OTHERS, Cell, adoption, cell_of
from accord.policy.deployed import placed_on, system_places

DAY = datetime.date(2026, 7, 1)
SOURCES = {"S": Source(title="t", publisher="p", date="2026")}


def member(who: str, **more: Any) -> Member:
    found: dict[str, Any] = {"who": who, "kind": "state", "source": "S", "locator": "list", "sure": "seen", **more}
    return Member(**found)


def instrument(id: str, *members: Member, **more: Any) -> Governance:
    found: dict[str, Any] = {
        "id": id, "title": id, "form": "alliance", "date": "2026-01-01", "sponsors": ("AA",), "binding": "voluntary",
        "states": (), "provisions": (), "members": members, "sources": SOURCES, **more,
    }  # fmt: skip
    return Governance(**found)


def cell(one: Governance, who: str, day: datetime.date = DAY, kind: str = "state") -> Cell:
    return cell_of(one, who, kind, day)


def deployment(id: str, **more: Any) -> Deployment:
    found: dict[str, Any] = {
        "id": id, "system": "sys", "owner": "O", "country": "AA", "state": "operating", "start": "2026-01-01",
        "source": "S", "tier": "news", "locator": "l", "basis": "estimate", "sources": SOURCES, **more,
    }  # fmt: skip
    return Deployment(**found)


# Three answers


def test_an_absent_entry_is_not_recorded() -> None:
    assert cell(instrument("i", member("BB")), "CC").answer == NOT_RECORDED


@pytest.mark.parametrize(
    ("entry", "answer", "why"),
    [
        (member("BB"), JOINED, ""),
        (member("BB", start="2026-06-30"), JOINED, ""),
        (member("BB", start="2026-07-01"), JOINED, ""),
        (member("BB", start="2026-07-02"), NOT_JOINED, "joined later, on 2026-07-02"),
        (member("BB", start="2026"), NOT_RECORDED, "began in 2026, the day is not known"),
        (member("BB", start="2025"), JOINED, ""),
        (member("BB", start="2026-07"), NOT_RECORDED, "began in 2026-07, the day is not known"),
        (member("BB", start="2026-06"), JOINED, ""),
        (member("BB", start="2026-08"), NOT_JOINED, "joined later, on 2026-08"),
        (member("BB", start="2026-02-01", until="2026-07"), NOT_RECORDED, "ended by 2026-07, the day is not known"),
        (member("BB", start="2026-02-01", until="2026-06"), NOT_JOINED, "left on 2026-06"),
        (
            member("BB", start="2026-08-01", latest=("start",)),
            NOT_RECORDED,
            "began by 2026-08-01 at the latest, the day is not known",
        ),
        (member("BB", start="2026-07-01", latest=("start",)), JOINED, ""),
        (
            member("BB", start="2026-02-01", until="2026-08-01", latest=("until",)),
            NOT_RECORDED,
            "ended by 2026-08-01 at the latest, the day is not known",
        ),
        (member("BB", start="2026-07-01", until="2026-08-01", latest=("until",)), JOINED, ""),
        (member("BB", role="participant"), NOT_RECORDED, "no word on joining"),
        (member("BB", role="participant", joined=False), NOT_JOINED, "said so"),
        (member("BB", role="participant", start="2026-08-01"), NOT_RECORDED, ""),
        (member("BB", role="participant", until="2026-06-01"), NOT_RECORDED, ""),
        (member("BB", start="2026-02-01", until="2026-07-02"), JOINED, ""),
        (member("BB", start="2026-02-01", until="2026-07-01"), NOT_JOINED, "left on 2026-07-01"),
        (member("BB", joined=False), NOT_JOINED, "said so"),
        (member("BB", joined=False, start="2026-08-01"), NOT_RECORDED, ""),
        (member("BB", joined=False, until="2026-06-01"), NOT_RECORDED, ""),
    ],
)
def test_entries_are_dated(entry: Member, answer: str, why: str) -> None:
    found = cell(instrument("i", entry), "BB")
    assert (found.answer, found.why) == (answer, why)
    if answer != NOT_RECORDED or why:
        assert (found.source, found.locator, found.sure) == ("S", "list", "seen")


def test_a_whole_list_says_that_others_have_not_joined() -> None:
    one = instrument("i", member("BB"), member("CC"), complete=True, complete_on="2026-07-01")
    assert cell(one, "DD").answer == NOT_JOINED
    assert cell(one, "Acme", kind="company").answer == NOT_RECORDED  # a list of states says nothing of companies
    assert cell(one, "DD").source is None


@pytest.mark.parametrize(
    ("more", "first", "last"),
    [
        ({"complete_on": "2026-07-01"}, "2026-01-01", "2026-07-01"),
        ({"complete_on": "2026-07"}, "2026-01-01", "2026-07-01"),
        ({"date": "2026-03", "complete_on": "2026-07-01"}, "2026-03-31", "2026-07-01"),
        ({"sources": {"S": Source(title="t", publisher="p", date="2026-05-02")}}, "2026-01-01", "2026-05-02"),
        ({"sources": {"S": Source(title="t", publisher="p", date="2026-05")}}, "2026-01-01", "2026-05-01"),
        ({"sources": {"S": Source(title="t", publisher="p", date="2025")}}, "2026-01-01", "2026-01-01"),
    ],
)
def test_a_whole_list_speaks_of_the_days_it_is_known_of(more: dict[str, Any], first: str, last: str) -> None:
    one = instrument("i", member("BB"), member("CC"), complete=True, **more)
    ends = [datetime.date.fromisoformat(day) for day in (first, last)]
    step = datetime.timedelta(days=1)
    assert [cell(one, "DD", day).answer for day in ends] == [NOT_JOINED, NOT_JOINED]
    assert [cell(one, "DD", day).answer for day in (ends[0] - step, ends[1] + step)] == [NOT_RECORDED, NOT_RECORDED]
    assert cell(one, "DD", datetime.date(2099, 1, 1)).answer == NOT_RECORDED


def test_the_plan_of_one_state_is_no_list() -> None:
    one = instrument("i", member("BB"), complete=True, complete_on="2026-07-01")
    assert cell(one, "CC").answer == NOT_RECORDED


def test_of_an_observer_joining_is_not_recorded() -> None:
    found = adoption([instrument("i", member("BB", role="observer"), member("CC"))], DAY).standings[0]
    assert (found.named, found.aside, found.not_joined) == (("CC",), ("BB",), ())
    assert found.cells["BB"].answer == NOT_RECORDED and found.cells["BB"].role == "observer"
    assert cell(instrument("i", member("BB", role="observer", joined=False)), "BB").answer == NOT_JOINED


def test_who_took_part_is_counted_apart() -> None:
    found = adoption([instrument("i", member("BB", role="participant"), member("CC"))], DAY)
    one = found.standings[0]
    assert (one.named, one.aside, one.not_joined) == (("CC",), (), ())
    assert (one.counts.joined, one.counts.aside, one.counts.took_part) == (1, 0, 1)
    assert one.cells["BB"].took_part and not one.cells["CC"].took_part
    assert found.blocs[0].members == ("CC",)


@given(st.integers(2000, 2100), st.sampled_from(["", "-Q1", "-Q4", "-H2", "-02", "-12", "-02-28"]))
def test_a_date_has_a_first_and_a_last_day(year: int, rest: str) -> None:
    first, last = first_day(f"{year}{rest}"), last_day(f"{year}{rest}")
    days = (datetime.date.fromisoformat(last) - datetime.date.fromisoformat(first)).days + 1
    leap = year % 4 == 0 and year != 2100
    assert days == {"": 365 + leap, "-Q1": 90 + leap, "-Q4": 92, "-H2": 184, "-02": 28 + leap, "-12": 31}.get(rest, 1)
    assert first_day("soon") == "0001-01-01" and last_day("soon") == "9999-12-31"


# The answer of a day


def test_instruments_of_later_days_are_told_apart() -> None:
    found = adoption([instrument("late", member("BB"), date="2026-07-02"), instrument("early")], DAY)
    assert [one.instrument.id for one in found.standings] == ["early"]
    assert [one.id for one in found.later] == ["late"]
    assert not found.whos  # only later instruments name them


def test_states_and_counts_are_those_of_the_day() -> None:
    states = tuple(
        State(start=start, text=start, source="S", tier="news", locator="l")
        for start in ("2026-06-01", "2026-01-01", "2026-08-01")
    )
    tallies = tuple(
        Tally(date=day, number=n, what="states", source="S", locator="l")
        for day, n in (("2026-08-01", 30), ("2026-06-01", 29))
    )
    one = instrument("i", member("BB"), member("CC", role="observer"), states=states, tallies=tallies)
    found = adoption([one], DAY).standings[0]
    assert found.state is not None and found.state.start == "2026-06-01"
    assert [(told.tally.number, told.named) for told in found.told] == [(29, 1)]
    assert adoption([instrument("j")], DAY).standings[0].state is None


def test_overlaps_split_who_is_in_one_alone() -> None:
    a = instrument("a", member("AA"), member("BB"), member("CC"), member("DD"), bloc="AA")
    b = instrument("b", member("BB"), member("CC", joined=False), member("DD", role="observer"), bloc="BB")
    found = adoption([a, b], DAY)
    (one,) = found.overlaps
    assert (one.both, one.aside) == (("BB",), ("DD",))
    assert one.only_a == (("CC",), ("AA", "DD"))  # known not to be in b, and not recorded there
    assert one.only_b == ((), ())
    assert found.common == {("AA", "BB"): ("BB",)}
    assert found.through("BB", ("AA", "BB")) == (("a",), ("b",))


def test_a_bloc_holds_who_joined_any_of_its_instruments() -> None:
    found = adoption(
        [
            instrument("a", member("BB"), bloc="UN"),
            instrument("b", member("CC"), bloc="UN"),
            instrument("c", member("BB")),
        ],
        DAY,
    )
    assert [(one.name, one.instruments, one.members) for one in found.blocs] == [
        ("UN", ("a", "b"), ("BB", "CC")), (OTHERS, ("c",), ("BB",)),
    ]  # fmt: skip


def test_whoever_is_asked_for_is_answered_in_that_order() -> None:
    found = adoption([instrument("i", member("Acme", kind="company"), member("BB"))], DAY, ("ZZ", "Acme"))
    assert dict(found.whos) == {"ZZ": "state", "Acme": "company"}
    assert list(found.standings[0].cells) == ["ZZ", "Acme"]
    assert list(adoption([instrument("i", member("Acme", kind="company"), member("BB"))], DAY).whos) == ["BB", "Acme"]


def test_counts_are_of_everybody_whoever_is_asked_about() -> None:
    one = instrument("i", member("BB"), member("CC"), member("DD", joined=False), member("EE", role="observer"))
    for whos in ((), ("BB",), ("ZZ",)):
        counts = adoption([one], DAY, whos).standings[0].counts
        assert (counts.joined, counts.aside, counts.not_joined) == (2, 1, 1)


WHO = st.sampled_from(["AA", "BB", "CC", "DD"])
DATES = st.one_of(st.none(), st.dates(datetime.date(2025, 1, 1), datetime.date(2027, 1, 1)).map(str))


@st.composite
def instruments(draw: st.DrawFn) -> list[Governance]:
    made = []
    for at in range(draw(st.integers(1, 4))):
        entries = draw(st.lists(st.tuples(WHO, DATES, st.booleans()), max_size=4, unique_by=lambda entry: entry[0]))
        members = (member(who, start=start, joined=joined) for who, start, joined in entries)
        bloc = draw(st.sampled_from([None, "AA", "BB"]))
        made.append(instrument(f"i{at}", *members, bloc=bloc, complete=draw(st.booleans()), date="2024-01-01"))
    return made


@given(instruments(), st.dates(datetime.date(2025, 1, 1), datetime.date(2027, 1, 1)))
def test_every_overlap_is_an_intersection_and_every_cell_one_answer(made: list[Governance], day: datetime.date) -> None:
    found = adoption(made, day)
    named = {one.instrument.id: set(one.named) for one in found.standings}
    for overlap in found.overlaps:
        assert set(overlap.both) == named[overlap.a] & named[overlap.b]
        assert set(itertools.chain(*overlap.only_a)) == named[overlap.a] - named[overlap.b] - set(overlap.aside)
    for bloc in found.blocs:
        assert set(bloc.members) == set().union(*(named[id] for id in bloc.instruments))
    for one in found.standings:
        assert set(one.cells) == set(found.whos)
        for who, place in one.cells.items():
            entries = [entry for entry in one.instrument.members if entry.who == who]
            if place.answer == JOINED:
                assert any(entry.joined and entry.holds(day) for entry in entries)
            if not entries and not one.instrument.complete:
                assert place.answer == NOT_RECORDED


@given(instruments(), st.dates(datetime.date(2025, 1, 1), datetime.date(2026, 6, 1)), st.integers(0, 400))
def test_who_has_joined_stays_joined_without_an_end(made: list[Governance], day: datetime.date, more: int) -> None:
    before = adoption(made, day).standings
    after = adoption(made, day + datetime.timedelta(days=more)).standings
    for one, other in zip(before, after, strict=True):
        assert set(one.named) <= set(other.named)


# Where systems stand


def places(*deployments: Deployment, day: datetime.date = DAY, home: str | None = "AA", **more: Any) -> Any:
    return system_places("sys", deployments, day, maker="M", home=home, **more)


def test_outside_is_unknown_without_evidence() -> None:
    assert places().outside == "unknown"
    assert places(deployment("a")).outside == "unknown"
    assert places(deployment("a", country="BB", state="announced")).outside == "unknown"
    assert places(deployment("a", country="BB", state="planned")).intended == ("BB",)
    assert places(deployment("a", country="BB", start="2026-08-01")).outside == "unknown"


def test_outside_is_yes_by_a_deployment_that_works() -> None:
    found = places(deployment("a"), deployment("b", country="BB"))
    assert (found.outside, found.abroad) == ("yes", ("BB",))


def test_outside_is_no_only_where_a_source_of_the_day_or_later_says_so() -> None:
    said = deployment("a", start="2026-07-10", nowhere_else=True)
    assert places(said).outside == "no"
    assert places(said, day=datetime.date(2026, 7, 10)).outside == "no"
    later = places(said, day=datetime.date(2026, 7, 11))
    assert (later.outside, [one.id for one in later.said_no]) == ("unknown", ["a"])
    assert places(said, deployment("b", country="BB")).outside == "yes"


def test_who_says_that_it_stands_nowhere_but_abroad_does_not_say_that_it_is_not_outside() -> None:
    said = deployment("a", start="2026-07-10", country="BB", nowhere_else=True)
    assert places(said).outside == "unknown"
    assert places(said, home="BB").outside == "no"
    assert places(said, day=datetime.date(2026, 7, 10)).outside == "yes"


def test_what_is_said_of_a_system_is_not_said_of_its_chip() -> None:
    of_system = deployment("a", start="2026-07-10", nowhere_else=True)
    found = system_places("chip", [of_system], DAY, maker="M", home="AA", parts=("sys",))
    assert (found.outside, found.said_no) == ("unknown", ())
    of_chip = deployment("a", system="chip", start="2026-07-10", nowhere_else=True)
    assert places(of_chip, chip="chip").outside == "no"


def test_a_deployment_of_a_month_works_when_the_month_is_over() -> None:
    said = deployment("a", country="BB", start="2026-06")
    assert places(said, day=datetime.date(2026, 6, 29)).outside == "unknown"
    assert places(said, day=datetime.date(2026, 6, 30)).outside == "yes"


def test_without_a_country_of_the_maker_nothing_is_outside() -> None:
    assert places(deployment("b", country="BB"), home=None).outside == "unknown"


def test_the_newest_entry_of_a_place_counts() -> None:
    said = deployment("a", country="BB", state="announced", start="2026-05-19")
    taken_back = deployment("b", country="BB", state="withdrawn", start="2026-05-20")
    found = places(said, taken_back)
    assert (found.outside, found.intended, found.withdrawn) == ("unknown", (), ("BB",))
    assert [one.id for one in found.placed[0].before] == ["a"]
    assert places(said, taken_back, day=datetime.date(2026, 5, 19)).intended == ("BB",)
    assert len(placed_on([said, taken_back, deployment("c", country="BB", site="other")], DAY)) == 2


def test_a_chip_stands_where_systems_of_it_stand_and_a_system_not_where_its_chip_does() -> None:
    system, chip = deployment("a", country="BB"), deployment("b", system="chip", country="CC")
    found = system_places("chip", [system, chip], DAY, maker="M", home="AA", parts=("sys",))
    assert found.abroad == ("BB", "CC")
    found = places(system, chip, chip="chip")
    assert found.abroad == ("BB",)
    assert [one.deployment.id for one in found.kin] == ["b"]
