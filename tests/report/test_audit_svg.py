"""The picture of claims: well-formed, every claim on it, nothing beyond the paper, the same every time."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from xml.etree import ElementTree

import pytest

from accord.base.errors import MissingFact
from accord.base.source import Source
from accord.catalog.claim import Claim, Part, Term
from accord.catalog.claim import Test as Check
from accord.claims.judge import ClaimVerdict, judge
from accord.claims.quantity import Quantity
from accord.report.audit_result import amount, calculation, claim_dict, margin_text, share
from accord.report.audit_result import test_text as told_test
from accord.report.audit_svg import draw
from accord.report.audit_view import claim_tables, claims_table
from accord.report.svg import width_of
from accord.report.tables import to_text

SPACE = "{http://www.w3.org/2000/svg}"


class Known:
    def __init__(self, values: Mapping[str, Quantity]) -> None:
        self.values = values

    def quantity(self, term: Term, claim: Claim) -> Quantity:
        found = self.values.get(term.take or "")
        if found is None:
            raise MissingFact("nobody says")
        return found


VALUES = {
    name: Quantity(value=value, low=low, high=high, unit="PFLOP/s", basis="estimate", identity=name, how=f"by {name}",
                   sources=({"id": f"chips/x:{name}", "title": "t", "publisher": "p", "date": "2025"},))
    for name, (value, low, high) in {
        "large": (3.0, 2.0, 5.0), "small": (0.4, 0.2, 0.5), "huge": (9e5, None, None), "tiny": (1e-6, None, None),
        "near": (1.02, 0.9, 1.1), "zero": (0.0, None, None),
    }.items()
}  # fmt: skip


def part(take: str, op: str = ">", *, number: float = 1.0, aside: bool = False, tolerance: float | None = None) -> Part:
    test = Check(op=op, number=number, tolerance=tolerance)  # type: ignore[arg-type]
    terms = {"x": Term(verb="compare", take=take)}
    return Part(name=f"{take} {op}", terms=terms, value="x", unit="PFLOP/s", test=test, aside=aside, note="a remark")


def claim(id: str, *parts: Part) -> ClaimVerdict:
    made = Claim(
        id=id, statement="It is <so> & more.", said_by="somebody", date="2025-07-26", source="S", locator="page 1",
        topic="hardware", parts=parts, sources={"S": Source(title="a", publisher="b", date="2025")}, note="a note",
    )  # fmt: skip
    return judge(made, Known(VALUES))


@functools.cache
def found() -> tuple[ClaimVerdict, ...]:
    return (
        claim("holds", part("large")), claim("holds-if", part("large"), part("small", aside=True)),
        claim("fails", part("small")), claim("open", part("near", number=1.0)),
        claim("far-above", part("huge")), claim("far-below", part("tiny")),
        claim("less", part("small", "<")), claim("within", part("near", "within", tolerance=0.2)),
        claim("nothing-above-zero", part("zero", "<=", number=0.0)), claim("missing", part("unknown")),
        claim("needs", Part(name="quality", needs=("results of both models on one definition, run by a third party",))),
        claim("a-claim-with-a-name-that-is-much-too-long-to-be-written-out-in-the-margin", part("large")),
    )  # fmt: skip


def texts(raw: bytes) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(raw).iter(f"{SPACE}text"))


def test_well_formed_and_whole() -> None:
    raw = draw(found())
    assert raw == draw(found())
    words = [str(text.text) for text in texts(raw)]
    for one in found()[:-1]:
        assert one.claim.id in words
    assert any(word.startswith("a-claim-with-a-name") and word.endswith("...") for word in words)
    assert {"holds (6)", "holds if (1)", "fails (2)", "cannot tell (3)"} <= set(words)
    assert {"holds", "holds if", "fails", "cannot tell"} <= set(words)  # the legend tells every shape


def test_nothing_is_beyond_the_paper() -> None:
    root = ElementTree.fromstring(draw(found()))
    wide, high = float(root.attrib["width"]), float(root.attrib["height"])
    for text in texts(draw(found())):
        x, y, size = (float(text.attrib[name]) for name in ("x", "y", "font-size"))
        room = 0.9 * width_of(str(text.text), size)
        anchor = text.attrib.get("text-anchor", "start")
        left = x - (room if anchor == "end" else room / 2 if anchor == "middle" else 0.0)
        assert left >= 0.0 and left + room <= wide and 0.0 < y < high, text.text
    for shape in root.iter(f"{SPACE}line"):
        assert all(-1.0 <= float(shape.attrib[name]) <= wide for name in ("x1", "x2"))


def test_no_claims_is_a_picture_too() -> None:
    assert ElementTree.fromstring(draw(())) is not None
    assert "The catalog has no claims." in to_text(claims_table(()))


@pytest.mark.parametrize("explain", [False, True])
def test_tables(explain: bool) -> None:
    for one in found():
        text = "\n".join(to_text(table) for table in claim_tables(one, explain=explain))
        assert one.verdict in text and "a note" in text and "Calculation" in text
    text = to_text(claims_table(found()))
    assert all(one.claim.id in text for one in found())


def test_calculations() -> None:
    lines = {one.claim.id: calculation(one.parts[0]) for one in found()}
    assert lines["holds"].startswith("large >: x = 3.000 PFLOP/s (")
    assert lines["missing"] == "unknown >: x cannot be told (x: nobody says)"
    assert "needs results of both" in lines["needs"]
    assert "within 20 % of" in lines["within"]
    assert "true in no draw" in lines["far-below"]
    refused = claim_dict(found()[9])["parts"]
    assert isinstance(refused, list) and refused[0]["terms"][0]["refused"] == "nobody says"


def test_words_of_numbers() -> None:
    assert margin_text(None) == "-"
    assert margin_text(0.0) == margin_text(-1e-15) == "0 %"
    assert margin_text(0.604) == "+60.4 %"
    assert margin_text(-0.5) == "-50 %"
    assert margin_text(99.0) == "x 100"
    assert share(None) == "-" and share(1.0) == "true in all draws" and share(0.25) == "true in 25 % of draws"
    assert amount(None, "s") == "-"
    assert amount(2.889e17, "FLOP/s") == "288.9 PFLOP/s"
    assert amount(5.17e11, "FLOP/s/W") == "5.170e+11 FLOP/s/W"
    assert told_test(found()[10].parts[0]) == ""
