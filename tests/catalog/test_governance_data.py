"""The governance instruments of the catalog: whole against the shared tables, cited throughout, sane in their days."""

from __future__ import annotations

import pytest
from tests import measured

from accord.catalog.governance import Governance, Member, Provision, State, Tally
from accord.catalog.load import load_catalog

TODAY = "2026-11-25"
SAME = {
    "Huawei (Ascend)": "Huawei",
    "Zhipu.ai": "Zhipu AI",
}
"""Names of the shared table that the catalog writes as its other instruments do."""
APART = {("waico", "SG")}
"""Rows that the table has as no member: invited, not joined."""
VOTES = {"voted against panel slate": True, "abstained on panel slate": True, "declined": False}
DAYS = {("pax-silica", "NL"), ("pax-silica", "CA"), ("gof-aicb", "CN"), ("gof-aicb", "ZM")}
"""Rows whose day the catalog has from a better source than the table."""
NEEDED = {
    "ngaidp-2017",
    "oecd-ai-principles",
    "unesco-ai-2021",
    "g7-hiroshima-2023",
    "eu-gpai-code",
}


@pytest.fixture(scope="module")
def instruments() -> dict[str, Governance]:
    """Every instrument by its id."""
    catalog = load_catalog()
    return {id: catalog.governance(id) for id in catalog.ids("governance")}


def cited(instrument: Governance) -> list[Provision | Member | State | Tally]:
    """Everything of an instrument that names a source."""
    return [*instrument.states, *instrument.provisions, *instrument.members, *instrument.tallies]


def test_every_row_of_the_table_of_instruments_is_here(instruments: dict[str, Governance]) -> None:
    rows = measured.rows(measured.table("policy/instruments.csv"))
    assert len(rows) >= 26
    for row in rows:
        assert row["id"] in instruments, row["id"]
        if row["id"] != "gof-aicb":
            assert instruments[row["id"]].date.startswith(row["date"]), row["id"]


def test_every_row_of_the_table_of_adopters_is_here(instruments: dict[str, Governance]) -> None:
    rows = measured.rows(measured.table("policy/adopters.csv"))
    assert len(rows) >= 180
    for row in rows:
        key = (row["instrument_id"], row["adopter"])
        who = SAME.get(row["adopter"], row["adopter"])
        found = [one for one in instruments[key[0]].members if one.who == who]
        assert found, key
        assert {one.kind for one in found} == {row["adopter_type"]}
        joined = VOTES.get(row["role"], key not in APART)
        assert found[0].joined is joined, key
        if key not in DAYS and found[0].role != "participant":
            assert found[0].start is not None
            assert found[0].start.startswith(row["date"]), key


def test_who_only_took_part_has_not_joined(instruments: dict[str, Governance]) -> None:
    """Attendance and abstention are told by the role, so that nobody counts them as joining."""
    attended = {one.who for one in instruments["gof-aicb"].members if one.role == "participant"}
    assert {"RU", "FR", "BR", "ID", "PK", "ET"} <= attended
    voted = {one.who for one in instruments["unga-79-325"].members if one.role == "participant" and one.joined}
    assert voted == {"US", "PY", "TN", "UA"}  # on the slate of the panel, not on the resolution


def test_the_instruments_asked_for_are_here(instruments: dict[str, Governance]) -> None:
    assert len(instruments) >= 32
    assert set(instruments) >= NEEDED
    assert all(id == one.id for id, one in instruments.items())


def test_all_that_is_said_is_cited(instruments: dict[str, Governance]) -> None:
    for one in instruments.values():
        for said in cited(one):
            assert said.source in one.sources, (one.id, said)
            assert said.locator.strip(), (one.id, said)
        for key, source in one.sources.items():
            assert source.title, (one.id, key)
            assert source.publisher, (one.id, key)
            assert source.date <= TODAY, (one.id, key)


def test_every_instrument_has_states_and_provisions(instruments: dict[str, Governance]) -> None:
    for one in instruments.values():
        assert one.states, one.id
        assert 3 <= len(one.provisions) <= 13, one.id
        assert all(provision.themes for provision in one.provisions), one.id
        assert len({provision.id for provision in one.provisions}) == len(one.provisions)


def test_days_are_sane(instruments: dict[str, Governance]) -> None:
    for one in instruments.values():
        assert "2017-01-01" <= one.date <= TODAY, one.id
        starts = [state.start for state in one.states]
        assert starts == sorted(starts), one.id
        for member in one.members:
            assert member.start is not None, (one.id, member.who)
            assert one.date[:7] <= member.start[:7] <= TODAY, (one.id, member.who)
        for day in (*starts, *(tally.date for tally in one.tallies)):
            assert "2017" <= day <= TODAY, (one.id, day)


def test_a_member_is_named_once(instruments: dict[str, Governance]) -> None:
    for one in instruments.values():
        names = [member.who for member in one.members]
        assert len(names) == len(set(names)), one.id
        for member in one.members:
            assert (len(member.who) == 2 and member.who.isupper()) == (
                member.kind in ("state", "territory") or member.who == "EU"
            )


def test_what_is_recalled_says_so(instruments: dict[str, Governance]) -> None:
    for one in instruments.values():
        for provision in one.provisions:
            assert ("recalled" in provision.locator) >= (provision.tier == "recalled"), (one.id, provision.id)
        for member in one.members:
            assert ("recalled" in member.locator) >= (member.sure == "recalled"), (one.id, member.who)


def test_the_action_plan_has_its_thirteen_points(instruments: dict[str, Governance]) -> None:
    points = {provision.id: provision for provision in instruments["gaigap-2025"].provisions}
    assert list(points) == [f"p{at}" for at in range(1, 14)]
    assert "energy_per_token" in points["p7"].evidence
    assert {"open_weights", "licence"} <= set(points["p5"].evidence)
    assert "safety_tests" in points["p10"].evidence
    assert "standards" in points["p8"].evidence
    assert all(points[f"p{at}"].tier == "recalled" for at in range(3, 14))


def test_lists_that_are_whole_have_the_number_their_source_counts(instruments: dict[str, Governance]) -> None:
    assert len(instruments["intl-network-aisi"].members) == 10
    assert len(instruments["seoul-decl-2024"].members) == 11
    whole = {id for id, one in instruments.items() if one.complete}
    assert whole == {
        "intl-network-aisi",
        "seoul-decl-2024",
        "us-cn-channel-2026",
        "ngaidp-2017",
        "us-aiap-2025",
    }


def test_counts_of_members_agree_with_what_sources_count(instruments: dict[str, Governance]) -> None:
    def those(id: str, role: str = "signatory", day: str = TODAY) -> int:
        members = instruments[id].members
        return sum(one.joined and one.role == role and (one.start or "") <= day for one in members)

    assert those("waico", "founder") == 29
    assert those("waico") == 8
    assert those("bletchley-2023") == 28 + 1
    assert those("seoul-fais-2024", day="2024-05-21") == 16
    assert those("seoul-fais-2024") == 20
    assert those("coe-225", day="2025-02-12") == 13
    assert those("oecd-ai-principles", day="2019-12-31") == 42
    assert those("oecd-ai-principles") == 47
    assert those("pax-silica", "founder") == 7
    assert those("paris-2025", day="2025-02-11") == 58 + 2
    assert those("seoul-ministers-2024") == 27 + 1
    code = [one for one in instruments["eu-gpai-code"].members if one.joined and one.until is None]
    assert len(code) == 21 + 1


def test_the_paris_counts_rise_and_two_declined(instruments: dict[str, Governance]) -> None:
    paris = instruments["paris-2025"]
    assert {58, 61, 64} <= {tally.number for tally in paris.tallies}
    assert {one.who for one in paris.members if not one.joined} == {"US", "GB"}


def test_what_a_source_disputes_keeps_both_sides(instruments: dict[str, Governance]) -> None:
    coe = {state.start: state.source for state in instruments["coe-225"].states}
    assert coe["2025-11-01"] != coe["2026-05-15"]
    states = instruments["waico"].states
    assert [state.start for state in states][:3] == ["2025-07-26", "2025-11-01", "2026-07-16"]
    assert "not verified" in states[-1].text
