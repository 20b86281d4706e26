"""The matrix of who joined what: well-formed, three states, within its sheet, the same every time."""

from __future__ import annotations

import datetime
import functools
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from accord.base.source import Source
from accord.catalog.governance import Governance, Member
from accord.catalog.load import load_catalog
from accord.policy.adoption import Adoption, adoption
from accord.report.adoption_svg import NO, RECALLED, SEEN, draw
from accord.report.adoption_view import adoption_tables, joined_count, shown_whos
from accord.report.svg import width_of
from accord.report.table_fit import fitted
from accord.report.tables import to_text

SPACE = "{http://www.w3.org/2000/svg}"
DAY = datetime.date(2026, 11, 1)
SOURCES = {"S": Source(title="t", publisher="p", date="2026")}


@functools.cache
def everything() -> Adoption:
    catalog = load_catalog()
    return adoption((catalog.governance(id) for id in catalog.ids("governance")), DAY)


def made(*members: Member, id: str = "i", **more: Any) -> Governance:
    return Governance(
        id=id, title=id, form="alliance", date="2026-01-01", sponsors=(), binding="voluntary", states=(),
        provisions=(), members=members, sources=SOURCES, **more,
    )  # fmt: skip


def member(who: str, **more: Any) -> Member:
    found: dict[str, Any] = {"kind": "state", "sure": "seen", **more}
    return Member(who=who, source="S", locator="l", **found)


def texts(raw: bytes) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(raw).iter(f"{SPACE}text"))


def words(raw: bytes) -> list[str]:
    return [str(text.text) for text in texts(raw)]


def test_it_is_well_formed_and_stays_in_its_sheet() -> None:
    raw = draw(everything(), asked=False)
    root = ElementTree.fromstring(raw)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for shape in root.iter(f"{SPACE}rect"):
        x, y = float(shape.attrib.get("x", 0)), float(shape.attrib.get("y", 0))
        assert -0.01 <= x <= x + float(shape.attrib["width"]) <= width + 0.01
        assert -0.01 <= y <= y + float(shape.attrib["height"]) <= height + 0.01
    for text in texts(raw):
        assert 0.0 < float(text.attrib["y"]) < height
        if "text-anchor" not in text.attrib:
            wide = 0.9 * width_of(str(text.text), float(text.attrib["font-size"]))
            assert float(text.attrib["x"]) + wide <= width + 1.0, text.text
    assert raw == draw(everything(), asked=False)
    assert len(raw) < 300_000


def test_everybody_in_two_instruments_has_a_column_or_a_row() -> None:
    found = everything()
    shown = shown_whos(found, asked=False)
    assert {who for who in found.whos if joined_count(found, who) >= 2} == set(shown)
    told = words(draw(found, asked=False))
    assert {"KZ", "CN", "US", "EU"} <= set(told)
    assert set(shown) <= set(told)
    assert any(re.match(r"In one instrument alone, left out above \(\d+\): ", line) for line in told)


def test_answers_look_different() -> None:
    one = made(
        member("AA"), member("BB", joined=False), member("CC", role="observer"), member("DD", sure="recalled"),
        member("FF", role="participant"), member("GG", sure="counted"),
    )  # fmt: skip
    raw = draw(adoption([one], DAY, ("AA", "BB", "CC", "DD", "EE", "FF", "GG")), asked=True).decode()
    body = raw[raw.index(">not recorded: nothing is said<") :]
    assert body.count("<circle") == 1  # who took part has not joined, as far as is recorded
    assert body.count(f'fill="{SEEN}"') == 1
    assert body.count(f'stroke="{NO}"') == 1
    assert body.count(f'stroke="{SEEN}"') == 1  # an observer, outlined
    assert body.count(f'fill="{RECALLED}"') == 2  # named from memory, and only counted


def test_names_longer_than_a_code_have_rows_of_their_own() -> None:
    one = made(member("Acme", kind="company", role="founder"), member("A" * 60, kind="company"), id="pledge")
    raw = draw(adoption([one], DAY, ("Acme", "A" * 60)), asked=True)
    told = words(raw)
    assert "Organisations and companies, by the numbers above" in told
    assert "Acme" in told
    assert f"{'A' * 35}…" in told
    assert b"<circle" in raw


def test_a_wide_matrix_is_told_in_tables_of_100_columns() -> None:
    many = [made(member("Acme " * 6, kind="company"), id=f"i{at}") for at in range(60)]
    found = adoption(many, DAY, ("Acme " * 6,))
    parts = [table for table in adoption_tables(found, ("Acme " * 6,)) if table.columns[0].name == "who"]
    assert [table.title.endswith(", continued") for table in parts] == [False, True, True, True]
    assert sum(len(table.columns) - 1 for table in parts) == 60
    assert all(len(line) <= 100 for table in parts for line in to_text(fitted(table)).splitlines())


@pytest.mark.parametrize("instruments", [(), (made(),), (made(id="later", bloc="UN"),)])
def test_nothing_to_show_is_still_a_picture(instruments: tuple[Governance, ...]) -> None:
    raw = draw(adoption(instruments, DAY), asked=False)
    assert ElementTree.fromstring(raw).tag == f"{SPACE}svg"
    assert draw(adoption(instruments, datetime.date(2020, 1, 1)), asked=False)
