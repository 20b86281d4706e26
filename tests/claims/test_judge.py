"""Verdicts of parts and claims, from made-up answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import CatalogError, MissingFact
from accord.base.source import Source
from accord.catalog.claim import Claim, Part, Term
from accord.catalog.claim import Test as Check
from accord.claims.judge import ClaimVerdict, PartVerdict, judge, room_of
from accord.claims.quantity import Quantity

ASKED = Term(verb="compare", take="x")


class Known:
    """Answers by the name in ``take``; a text is a refusal, a CatalogError is raised."""

    def __init__(self, answers: Mapping[str, Quantity | str | CatalogError]) -> None:
        self.answers = answers

    def quantity(self, term: Term, claim: Claim) -> Quantity:
        found = self.answers[term.take or ""]
        if isinstance(found, CatalogError):
            raise found
        if isinstance(found, str):
            raise MissingFact(found)
        return found


def quantity(value: float, low: float | None = None, high: float | None = None, unit: str = "1",
             identity: str = "q") -> Quantity:  # fmt: skip
    return Quantity(value=value, low=low, high=high, unit=unit, basis="estimate", identity=identity, how="by hand")


def part(value: str = "x", op: str = ">", number: float | None = 1.0, *, aside: bool = False, unit: str = "1",
         terms: tuple[str, ...] = ("x",), against: str | None = None, tolerance: float | None = None,
         condition: str | None = None, name: str = "part") -> Part:  # fmt: skip
    test = Check(op=op, number=number if against is None else None, against=against, tolerance=tolerance)  # type: ignore[arg-type]
    return Part(
        name=name, terms={one: Term(verb="compare", take=one) for one in terms}, value=value, unit=unit, test=test,
        aside=aside, condition=condition, note="made up",
    )  # fmt: skip


def judged(*parts: Part, level: float = 0.9, **answers: Quantity | str | CatalogError) -> ClaimVerdict:
    claim = Claim(
        id="made-up", statement="It is so.", said_by="somebody", date="2025-07-26", source="S", locator="page 1",
        topic="hardware", parts=parts, sources={"S": Source(title="a", publisher="b", date="2025")},
    )  # fmt: skip
    return judge(claim, Known(answers), level)


def only(found: ClaimVerdict) -> PartVerdict:
    (one,) = found.parts
    return one


@pytest.mark.parametrize(
    ("op", "number", "tolerance", "value", "verdict"),
    [
        (">", 1.0, None, 2.0, "holds"), (">", 1.0, None, 1.0, "fails"), (">=", 1.0, None, 1.0, "holds"),
        ("<", 1.0, None, 1.0, "fails"), ("<", 1.0, None, 0.5, "holds"), ("<=", 1.0, None, 1.0, "holds"),
        ("<=", 1.0, None, 1.1, "fails"), ("within", 300.0, 0.05, 289.0, "holds"),
        ("within", 300.0, 0.03, 289.0, "fails"),
        ("within", 300.0, 0.05, 315.0, "holds"), (">=", 0.0, None, 0.0, "holds"), (">", -5.0, None, 0.0, "holds"),
    ],
)  # fmt: skip
def test_what_is_exact_holds_or_fails(
    op: str, number: float, tolerance: float | None, value: float, verdict: str
) -> None:
    found = judged(part(op=op, number=number, tolerance=tolerance), x=quantity(value))
    assert found.verdict == only(found).verdict == verdict
    assert found.probability == only(found).probability == (1.0 if verdict == "holds" else 0.0)
    assert only(found).low == only(found).high == pytest.approx(value)


@pytest.mark.parametrize(
    ("bar", "verdict"), [(1.0, "holds"), (1.02, "open"), (2.0, "open"), (3.96, "open"), (4.0, "fails"), (9.0, "fails")]
)
def test_the_share_of_draws_decides(bar: float, verdict: str) -> None:
    """With 5 % of the draws beyond 1 and 4, a bar a little inside them leaves it open only where 10 % are."""
    found = judged(part(number=bar), x=quantity(2.0, 1.0, 4.0))
    probability = only(found).probability
    assert probability is not None
    wanted = "holds" if probability >= 0.9 else "fails" if probability <= 0.1 else "open"
    assert only(found).verdict == wanted
    if verdict != "open" or bar == 2.0:
        assert wanted == verdict
    if wanted == "open":
        assert found.verdict == "cannot tell"
        assert "open, true in" in found.why[0]
        assert found.probability == probability


@given(st.floats(0.5, 20.0), st.floats(1.01, 3.0), st.floats(0.5, 20.0))
def test_a_higher_bar_is_never_more_probable(value: float, spread: float, bar: float) -> None:
    x = quantity(value, value / spread, value * spread)
    lower, higher = (only(judged(part(number=one), x=x)).probability for one in (bar, bar * 1.1))
    assert lower is not None and higher is not None and lower >= higher


def test_stated_parts_are_true_together() -> None:
    """The same quantity in two parts is one draw; the claim's probability is that of both."""
    x, y = quantity(2.0, 1.0, 4.0), quantity(2.0, 1.0, 4.0, identity="other")
    same = judged(part(number=2.0), part(number=2.0, name="again"), x=x)
    assert same.probability == only(judged(part(number=2.0), x=x)).probability
    apart = judged(part(number=2.0), part("y", number=2.0, terms=("y",)), x=x, y=y)
    assert apart.probability == pytest.approx(0.25, abs=0.03)


def test_parts_that_hold_one_by_one_and_not_together_leave_a_claim_open() -> None:
    bar = 1.05  # below each value in about 90.5 % of draws
    xs = {f"x{at}": quantity(1.2, 1.0143, 1.42, identity=f"q{at}") for at in range(4)}
    answers: dict[str, Any] = {**xs}
    found = judged(*(part(name, terms=(name,), number=bar, name=name) for name in xs), **answers)
    assert {one.verdict for one in found.parts} == {"holds"}
    assert found.probability is not None and 0.1 < found.probability < 0.9
    assert found.verdict == "cannot tell"
    assert "all of them together in" in found.why[0]


def test_open_parts_that_are_hardly_ever_true_together_fail() -> None:
    x = quantity(2.0, 1.0, 4.0)
    low, high = part(op="<", number=2.0, name="low"), part(op=">", number=1.9, name="high")
    found = judged(low, high, x=x)
    assert {one.verdict for one in found.parts} == {"open"}
    assert found.verdict == "fails" and found.probability is not None and found.probability <= 0.1


def cited(number: float, unit: str = "1", low: float | None = None, high: float | None = None,
          same_as: str | None = None) -> Term:  # fmt: skip
    return Term(number=number, unit=unit, low=low, high=high, basis="estimate", source="S", same_as=same_as)


class Sourced(Known):
    """Answers cited numbers as they are, and what is asked with ``n`` by doubling it."""

    def quantity(self, term: Term, claim: Claim) -> Quantity:
        if term.number is not None:
            return quantity(term.number, term.low, term.high, term.unit, identity="cited")
        if "n" in term.inputs:
            n = term.inputs["n"]
            assert isinstance(n, int | float)
            return quantity(float(n > 3) if term.verb == "policy" else 2.0 * n, identity=f"asked {n}")
        return super().quantity(term, claim)


def cited_claim(value: str, **terms: Term) -> ClaimVerdict:
    made = Part(name="p", terms=terms, value=value, test=Check(op=">", number=1.0))
    claim = Claim(
        id="made-up", statement="It is so.", said_by="somebody", date="2025-07-26", source="S", locator="page 1",
        topic="hardware", parts=(made,), sources={"S": Source(title="a", publisher="b", date="2025")},
    )  # fmt: skip
    return judge(claim, Sourced({}))


def test_two_numbers_of_one_table_are_two_draws_unless_they_are_said_to_be_one() -> None:
    band: dict[str, Any] = {"low": 1.0, "high": 4.0}
    apart = only(cited_claim("x / y", x=cited(2.0, **band), y=cited(2.0, **band)))
    assert apart.low is not None and apart.high is not None
    assert apart.low < 0.5 and apart.high > 2.0
    one = only(cited_claim("x / y", x=cited(2.0, **band), y=cited(2.0, **band, same_as="x")))
    assert (one.low, one.high) == pytest.approx((1.0, 1.0))
    minutes, hour = cited(60.0, "min", 30.0, 120.0), cited(1.0, "h", 0.5, 2.0, same_as="x")
    same = only(cited_claim("x / y", x=minutes, y=hour))
    assert (same.low, same.high) == pytest.approx((1.0, 1.0))
    with pytest.raises(CatalogError, match="same_as is 'z'"):
        cited_claim("x / y", x=cited(2.0, **band), y=cited(2.0, **band, same_as="z"))


def asked(n: object, verb: str = "compare") -> Term:
    return Term(verb=verb, take="x", inputs={"n": n})  # type: ignore[arg-type]


def test_an_input_that_refers_to_a_term_is_its_value() -> None:
    exact = only(cited_claim("y", x=cited(4.0), y=asked({"term": "x"})))
    assert (exact.value, exact.low, exact.high) == (8.0, 8.0, 8.0)
    wide = only(cited_claim("y", x=cited(4.0, low=2.0, high=6.0), y=asked({"term": "x"})))
    assert wide.value == 8.0
    told = next(one.quantity for one in wide.terms if one.name == "y")
    assert told is not None and (told.low, told.high) == (4.0, 12.0)
    chain = only(cited_claim("z", x=cited(4.0), y=asked({"term": "x"}), z=asked({"term": "y"})))
    assert chain.value == 16.0
    with pytest.raises(CatalogError, match="no other term of the part"):
        cited_claim("y", y=asked({"term": "z"}), z=asked({"term": "y"}))
    for inputs in ({"term": "z"}, {"term": "y"}):
        with pytest.raises(CatalogError, match=r"terms\.y\.with\.n\.term is"):
            cited_claim("y", x=cited(4.0), y=asked(inputs))


def test_yes_or_no_that_depends_on_where_a_term_lies_is_not_told() -> None:
    found = cited_claim("y", x=cited(4.0, low=2.0, high=6.0), y=asked({"term": "x"}, "policy"))
    assert found.verdict == "cannot tell" and "depends on x within its interval" in found.why[0]
    assert only(cited_claim("y * 2", x=cited(5.0, low=4.0, high=6.0), y=asked({"term": "x"}, "policy"))).value == 2.0


def test_a_claim_fails_with_any_stated_part() -> None:
    found = judged(part(), part("y", terms=("y",), name="other"), part("z", terms=("z",)),
                   x=quantity(5.0), y=quantity(0.5), z="nobody says")  # fmt: skip
    assert found.verdict == "fails"
    assert found.deciding is found.parts[1]
    assert found.margin == pytest.approx(-0.5)
    assert found.probability == 0.0
    assert found.condition is None and not found.why


def test_an_aside_part_makes_a_condition() -> None:
    aside = part("y", terms=("y",), aside=True, condition="compute is dense BF16", name="FP4")
    unsure = part("z", terms=("z",), aside=True, name="per dollar")
    told = part("w", terms=("w",), aside=True, name="per rack")
    found = judged(part(), aside, unsure, told, part("v", terms=("v",), aside=True),
                   x=quantity(5.0), y=quantity(0.5), z=quantity(1.0, 0.5, 2.0), w="unknown",
                   v=quantity(2.0))  # fmt: skip
    assert found.verdict == "holds if"
    assert found.conditions == ("compute is dense BF16", "not asked of per dollar (open: 50%)")
    assert found.condition == "; ".join(found.conditions)
    assert judged(part(), part("v", terms=("v",), aside=True), x=quantity(5.0), v=quantity(2.0)).verdict == "holds"


def test_evidence_that_is_missing_is_named() -> None:
    needed = Part(name="quality", needs=("results of both", "one definition"))
    found = judged(part(), needed, x=quantity(5.0))
    assert found.verdict == "cannot tell"
    assert found.why == ("quality: needs results of both", "quality: needs one definition")
    assert found.probability is None and found.margin == 4.0
    assert math.isinf(found.parts[1].slack)


def test_a_refused_term_is_quoted() -> None:
    found = judged(part("x / y", terms=("x", "y")), x=quantity(1.0), y="no source at hand states a price")
    assert found.verdict == "cannot tell"
    assert found.why == ("y: no source at hand states a price",)
    assert [told.refused for told in only(found).terms] == [None, "no source at hand states a price"]


def test_what_is_not_used_is_refused() -> None:
    """Numbers cannot decide alone, nor dress up as a calculation of terms."""
    with pytest.raises(CatalogError, match=r"parts\[0\].terms.z is used nowhere"):
        judged(part("x", terms=("x", "z")), x=quantity(1.0), z=quantity(1.0))
    with pytest.raises(CatalogError, match=r"value is '3 \* 1', which names no term"):
        judged(part("3 * 1"), x=quantity(1.0))


def test_a_long_expression_is_not_echoed_whole() -> None:
    with pytest.raises(CatalogError) as caught:
        judged(part("+".join(["x"] * 3000)), x=quantity(1.0))
    assert len(caught.value.what) < 200 and "characters are no expression" in caught.value.what


def test_what_is_too_large_says_so() -> None:
    found = only(judged(part(" * ".join(["x"] * 20)), x=quantity(1e30)))
    assert found.verdict == "cannot tell" and "too large" in found.missing[0]


def test_a_claim_without_a_stated_part_cannot_be_told() -> None:
    found = judged(part(aside=True), x=quantity(5.0))
    assert (found.verdict, found.why, found.deciding, found.probability) == (
        "cannot tell",
        ("no part is stated",),
        None,
        None,
    )


def test_division_by_zero_cannot_be_told() -> None:
    found = judged(part("x / y", terms=("x", "y")), x=quantity(1.0), y=quantity(0.0))
    assert found.verdict == "cannot tell"
    assert "division by zero" in found.why[0]


def test_against_an_expression_in_the_units_of_the_part() -> None:
    found = judged(part("x * y", ">", against="z", terms=("x", "y", "z"), unit="kWh"),
                   x=quantity(2.0, unit="kW"), y=quantity(3.0, unit="h"), z=quantity(3.6e6, unit="J"))  # fmt: skip
    one = only(found)
    assert one.value == pytest.approx(6.0)
    assert one.against == pytest.approx(1.0)
    assert one.margin == pytest.approx(5.0)
    assert one.written({"x": "2 kW", "y": "3 h"}) == "2 kW * 3 h"


def test_nothing_to_compare_with_leaves_no_margin() -> None:
    one = only(judged(part(number=0.0), x=quantity(3.0)))
    assert one.verdict == "holds" and one.margin is None and math.isinf(one.slack)


def test_the_deciding_part_is_the_least_sure_then_the_nearest() -> None:
    near, far = part("x", number=1.9, name="near"), part("x", number=1.0, name="far")
    assert judged(far, near, x=quantity(2.0)).deciding.part.name == "near"  # type: ignore[union-attr]
    sure, unsure = part("x", number=1.0, name="sure"), part("y", number=1.0, terms=("y",), name="unsure")
    found = judged(sure, unsure, x=quantity(1.1), y=quantity(2.0, 1.05, 4.0))
    assert found.deciding is not None and found.deciding.part.name in ("sure", "unsure")


def test_a_wider_level_gives_wider_intervals() -> None:
    x = quantity(2.0, 1.0, 4.0)
    narrow, wide = (only(judged(part(), level=level, x=x)) for level in (0.5, 0.9))
    assert narrow.low is not None and wide.low is not None and narrow.low > wide.low
    assert wide.high == pytest.approx(4.0, rel=0.02)
    assert wide.margin_high == pytest.approx(3.0, rel=0.03)


X, HOURS, BYTES, Y = quantity(1.0), quantity(1.0, unit="h"), quantity(1.0, unit="B"), ("x", "y")


@pytest.mark.parametrize(
    ("made", "answers", "message"),
    [
        (part("x / yy", terms=Y), {"x": X, "y": X}, "parts[0].value is 'x / yy': 'yy'"),
        (part("x +"), {"x": X}, "parts[0].value is 'x +'"),
        (part("x", against="q"), {"x": X}, "parts[0].test.against is 'q'"),
        (part("x + y", terms=Y), {"x": HOURS, "y": BYTES}, "joins s and B"),
        (part(), {"x": HOURS}, "parts[0].unit is '1', but the value is in s"),
        (part(unit="parsec"), {"x": X}, "parts[0].unit: "),
        (part(), {"x": quantity(1.0, unit="parsec")}, "parts[0].terms.x.unit: "),
        (part("x", against="y", terms=Y), {"x": X, "y": BYTES}, "test.against is in B"),
        (part("x", against="y + x", terms=Y), {"x": X, "y": BYTES}, "test.against is 'y + x'"),
        (part(), {"x": CatalogError("take is 'z'", hint="did you mean 'x'?")}, "parts[0].terms.x.take is 'z'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_placed(made: Part, answers: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        judged(made, **answers)
    assert message in caught.value.what
    assert caught.value.hint


def test_where_an_answer_says_where_it_is_kept() -> None:
    with pytest.raises(CatalogError) as caught:
        judged(part(), x=CatalogError("a bad entry", where="chips/a.yaml:3"))
    assert (caught.value.what, caught.value.where) == ("a bad entry", "chips/a.yaml:3")


@pytest.mark.parametrize(
    ("op", "tolerance", "margin", "room"),
    [
        (">", None, 0.6, 1.6), ("<", None, -0.5, 2.0), ("<=", None, 1.0, 0.5), (">=", None, -1.0, None),
        ("within", 0.1, 0.0, 1.1), ("within", 0.1, -0.1, 1.0), ("within", 0.1, 0.1, 1.0), ("within", 0.1, 1.2, 0.5),
        (">", None, None, None),
    ],
)  # fmt: skip
def test_room_is_above_one_where_the_test_is_true(
    op: str, tolerance: float | None, margin: float | None, room: float | None
) -> None:
    test = Check(op=op, number=1.0, tolerance=tolerance)  # type: ignore[arg-type]
    found = room_of(test, margin)
    assert found == (None if room is None else pytest.approx(room))
    assert room_of(None, margin) is None


@given(st.sampled_from([">", ">=", "<", "<=", "within"]), st.floats(0.01, 100.0), st.floats(0.01, 0.9))
def test_room_agrees_with_the_verdict(op: str, value: float, tolerance: float) -> None:
    test = part(op=op, tolerance=tolerance if op == "within" else None)
    one = only(judged(test, x=quantity(value)))
    room = room_of(one.part.test, one.margin)
    assert room is not None
    if not np.isclose(room, 1.0, rtol=1e-6):
        assert (room > 1.0) == (one.verdict == "holds")


def test_draws_that_are_not_finite_are_not_true() -> None:
    """A quotient whose divisor may be zero is true only in the draws that have a value."""
    y = Quantity(
        value=1.0, unit="1", points=(1.0, 0.0), low=0.0, high=1.0, basis="estimate", identity="y", how="two claims"
    )
    found = only(judged(part("x / y", terms=("x", "y"), number=0.5), x=quantity(1.0), y=y))
    assert found.probability == pytest.approx(0.5)
    assert found.value == 1.0 and found.high == 1.0


def test_no_finite_draw_gives_no_interval() -> None:
    y = Quantity(value=1.0, unit="1", points=(0.0, 0.0), basis="estimate", identity="y", how="odd")
    found = only(judged(part("x / y", terms=("x", "y")), x=quantity(1.0), y=y))
    assert (found.low, found.high, found.verdict) == (None, None, "fails")
