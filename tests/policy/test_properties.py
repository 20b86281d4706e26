"""What must hold of any rule and any facts: order, information, intervals, thresholds, days, digests, traces."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Callable, Sequence
from random import Random

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.policy.made_up import made_up
from tests.policy.thresholds import Standing, around, cases, catalog_law, standings, values

from accord.catalog.instrument import Clause, Instrument, Span
from accord.policy.classify import INSUFFICIENT, UNKNOWN_CLASS, Verdict, classify
from accord.policy.facts import FactValue, Uncertain, completed
from accord.policy.logic import FALSE, TRUE, UNKNOWN, CompiledRule
from accord.policy.rulebook import Rulebook, parameters, rulebook

LAW = catalog_law()
EVERY = tuple(standings(LAW))
SEEDS = st.integers(0, 10**9)
FIRST, LAST = datetime.date(2022, 1, 1), datetime.date(2027, 12, 31)


def drawn(seed: int) -> tuple[Random, Standing]:
    """A rule of the catalog, or one that nobody wrote."""
    random = Random(seed)
    return random, random.choice(EVERY) if random.random() < 0.5 else made_up(random)


# Order


def shuffled(clause: Clause, random: Random) -> Clause:
    """The same condition with its parts in another order."""
    if clause.fact is not None:
        return clause
    if clause.not_ is not None:
        return Clause(not_=shuffled(clause.not_, random))
    parts = [shuffled(part, random) for part in (*clause.all, *clause.any)]
    random.shuffle(parts)
    return Clause(all=tuple(parts)) if clause.all else Clause(any=tuple(parts))


@given(SEEDS)
def test_the_order_of_clauses_does_not_matter(seed: int) -> None:
    random, standing = drawn(seed)
    assume(standing.rule.when is not None)
    assert standing.rule.when is not None
    scope = standing.rule.scope
    other = msgspec.structs.replace(
        standing.rule,
        when=shuffled(standing.rule.when, random),
        scope=msgspec.structs.replace(
            scope, destinations=scope.destinations[::-1], headquarters=scope.headquarters[::-1],
            transactions=scope.transactions[::-1],
        ),
    )  # fmt: skip
    first = standing.compiled()
    second = Standing(standing.instrument, other, standing.span, standing.day, standing.groups).compiled()
    for facts in cases(standing, 10, random):
        full = completed(facts)
        assert first.evaluate(full)[0] == second.evaluate(full)[0]


# Information


@given(SEEDS)
def test_another_fact_never_turns_a_known_verdict(seed: int) -> None:
    random, standing = drawn(seed)
    rule = standing.compiled()
    for full in cases(standing, 10, random):
        some = {name: value for name, value in full.items() if random.random() < 0.6}
        less, more = rule.evaluate(some), rule.evaluate(full)
        for before, after in ((less[0], more[0]), *zip(less[1], more[1], strict=True)):
            assert before in (UNKNOWN, after)


@given(SEEDS)
def test_a_narrower_interval_never_turns_a_known_verdict(seed: int) -> None:
    random, standing = drawn(seed)
    rule = standing.compiled()
    for facts in cases(standing, 5, random):
        wide, narrow = dict(facts), dict(facts)
        for name, value in facts.items():
            if isinstance(value, float) and value > 0.0:
                factor = random.choice((1.0, 1.2, 4.0))
                wide[name] = Uncertain(value, value / factor, value * factor)
                narrow[name] = Uncertain(value, value / factor**0.5, value * factor**0.5)
        verdicts = [rule.evaluate(each)[0] for each in (wide, narrow, facts)]
        assert verdicts[0] in (UNKNOWN, verdicts[1])
        assert verdicts[1] in (UNKNOWN, verdicts[2])


def drawn_deal(random: Random, rules: Sequence[CompiledRule], by_id: dict[str, Standing]) -> dict[str, FactValue]:
    """Every fact of an item and a deal that the rules ask for, at their thresholds."""
    options: dict[str, list[FactValue]] = {}
    for rule in rules:
        for name, known in values(by_id[rule.id]).items():
            options.setdefault(name, []).extend(known)
    options["item_type"] = [*["ic"] * 6, "system", "memory"]
    options["datacenter_marketed"] = ["yes", "no"]
    options["tpp"] = around(random.choice((1600.0, 2400.0, 4800.0)))
    options["performance_density"] = [1.0, 1.6, 2.0, 3.2, 4.0, 5.92, 7.0]
    options.pop("class", None)
    return {name: random.choice(known) for name, known in options.items()}


def days_of_change() -> list[datetime.date]:
    """First days of spans of export and import rules, without repetition."""
    found = {
        span.start
        for one in LAW.instruments
        if one.topic != "ai"
        for rule in one.rules
        for span in rule.spans
    }  # fmt: skip
    return sorted(datetime.date.fromisoformat(day) for day in found)


def by_default(found: Verdict) -> bool:
    """Whether a presumption holds that stands until it is overcome: what is told later may end it."""
    return any(
        verdict == TRUE and rule.rule.stage == "fallback" and rule.rule.consequence.kind == "presumed"
        for rule, verdict, _ in found.trace
    )


BARS = ("prohibited:GP10_presumption", "prohibited:CN_ban", "licence:presumption_of_denial", "licence:is_informed")


def is_bar(found: Verdict) -> bool:
    """Whether what is known already bars a deal, and what is missing could only make it stricter."""
    return found.outcome in BARS and bool(found.deciding)


def as_strict(outcome: str, bar: str) -> bool:
    return outcome.partition("|exception:")[0] in BARS[: BARS.index(bar) + 1]


def stands(outcome: str, others: set[str]) -> bool:
    """Whether every other outcome is the same, or a bar that is stricter than the bar already told."""
    bars = ("licence:is_informed", "licence:presumption_of_denial", "prohibited:")
    rank = {word: at for word in {outcome, *others} for at, bar in enumerate(bars) if word.startswith(bar)}
    return others == {outcome} or outcome in rank and all(rank.get(other, -1) >= rank[outcome] for other in others)


def test_another_fact_never_turns_a_known_class_or_outcome() -> None:
    random, definite = Random(20250513), 0
    for day in days_of_change():
        book = rulebook(LAW.instruments, LAW.groups, day)
        by_id = {one.id: Standing(one.instrument, one.rule, one.span, day, LAW.groups) for one in book.rules}
        rules = [one for one in book.rules if one.instrument.topic != "ai"]
        for _ in range(5):
            full = drawn_deal(random, rules, by_id)
            gone = random.sample(list(full), min(2, len(full)))
            less = classify(book, {name: value for name, value in full.items() if name not in gone})
            if by_default(less):
                continue
            more = classify(book, full)
            if less.eccn != UNKNOWN_CLASS:  # a text that is not in force yet only changes how "none" is called
                known, then = (found.eccn.rpartition(":")[2] for found in (less, more))
                assert known == then, f"{day} {full} without {gone}"
            for before, after in ((less.outcome, more.outcome), (less.importer, more.importer)):
                if before == less.outcome and is_bar(less):
                    assert as_strict(after, before), f"{day} {full} without {gone}"
                elif "depends:" not in before and before != INSUFFICIENT:
                    definite += 1
                    assert stands(before, {after}), f"{day} {full} without {gone}"
    assert definite > 100


def test_what_one_missing_fact_decides_is_what_trying_its_values_shows() -> None:
    random, kinds = Random(20250116), set[bool]()
    for day in days_of_change():
        book = rulebook(LAW.instruments, LAW.groups, day)
        by_id = {one.id: Standing(one.instrument, one.rule, one.span, day, LAW.groups) for one in book.rules}
        rules = [one for one in book.rules if one.instrument.topic != "ai"]
        for _ in range(6):
            full = drawn_deal(random, rules, by_id)
            name = random.choice(list(full))
            less = classify(book, {key: value for key, value in full.items() if key != name})
            if by_default(less):
                continue
            tried = dict.fromkeys(value for one in rules for value in values(by_id[one.id]).get(name, ()))
            ways = [classify(book, {**full, name: value}) for value in (*tried, full[name])]
            if any("depends:" in way.outcome or way.outcome == INSUFFICIENT for way in ways):
                continue  # something else is open as well: a country of whose groups nobody knows
            pairs = [] if is_bar(less) else [(less.outcome, {way.outcome for way in ways})]
            assert not is_bar(less) or all(as_strict(way.outcome, less.outcome) for way in ways)
            if name != "destination":  # without it there is no importer whose law could be asked
                pairs.append((less.importer, {way.importer for way in ways}))
            for outcome, outcomes in pairs:
                open_ = "depends:" in outcome or outcome == INSUFFICIENT
                told = f"{day} {full} without {name}: {outcome}, {outcomes}"
                assert len(outcomes) > 1 if open_ else stands(outcome, outcomes), told
                kinds.add(open_)
    assert kinds == {False, True}


# Thresholds of the texts of 2023 and later


def class_of(tpp: float, density: float) -> str:
    """Class of a circuit for data centres, as 3A090 has it since November 2023, written out by hand."""
    if tpp >= 4800.0 or (tpp >= 1600.0 and density >= 5.92):
        return "3A090.a"
    if 2400.0 <= tpp < 4800.0 and 1.6 <= density < 5.92:
        return "3A090.b"
    return "3A090.b" if tpp >= 1600.0 and 3.2 <= density < 5.92 else "none"


def beside(numbers: Sequence[float]) -> list[float]:
    return [
        near for one in numbers for near in (math.nextafter(one, 0.0), one, math.nextafter(one, math.inf))
    ]  # fmt: skip


@pytest.mark.parametrize("day", ["2023-12-01", "2024-06-01", "2025-06-01", "2026-02-01"])
def test_the_class_changes_exactly_at_the_thresholds(day: str) -> None:
    book = rulebook(LAW.instruments, LAW.groups, datetime.date.fromisoformat(day))
    seen = set()
    deal: dict[str, FactValue] = {
        "item_type": "ic", "datacenter_marketed": "yes", "transaction": "export_from_us", "origin": "US",
        "designer_hq": "US", "destination": "CN", "hq": "CN", "exporter": "nvidia", "exporter_role": "designer",
        "item_names": frozenset(("made-up",)), "dram_bandwidth": 1e12, "io_bandwidth": 1e11, "process_nm": 5.0,
        "has_hbm": "yes", "transistors": 5e10, "designer_approved": "yes",
    }  # fmt: skip
    for tpp, density in itertools.product(beside((1600.0, 2400.0, 4800.0)), beside((1.6, 3.2, 5.92))):
        found = classify(book, {**deal, "tpp": tpp, "performance_density": density})
        assert found.eccn == class_of(tpp, density), (tpp, density)
        seen.add(found.eccn)
    assert seen == {"3A090.a", "3A090.b", "none"}


# Days


def test_no_day_has_two_versions_of_a_rule() -> None:
    versions: dict[tuple[str, str], list[tuple[str, Span]]] = {}
    for one in LAW.instruments:
        for rule in one.rules:
            for owner in {one.id, one.line or one.id}:
                versions.setdefault((owner, rule.name), []).extend((one.id, span) for span in rule.spans)
    for at in range((LAST - FIRST).days + 1):
        day = FIRST + datetime.timedelta(days=at)
        for key, spans in versions.items():
            holding = [name for name, span in spans if span.holds(day)]
            assert len(holding) <= 1, f"{key} on {day}: {holding}"


def test_a_day_has_each_rule_once_and_only_spans_that_hold() -> None:
    for day in days_of_change():
        book = rulebook(LAW.instruments, LAW.groups, day)
        every = (*book.rules, *book.listed)
        assert all(one.span.holds(day) for one in every)
        assert len({one.id for one in every}) == len(every)


# Intervals


TESTS: dict[str, Callable[[float, float], bool]] = {
    ">=": float.__ge__, ">": float.__gt__, "<=": float.__le__, "<": float.__lt__
}  # fmt: skip


def numeric(seed: int) -> tuple[CompiledRule, int]:
    random = Random(seed)
    rule = made_up(random).compiled()
    numbers = [at for at, leaf in enumerate(rule.leaves) if leaf.op in TESTS and leaf.param is not None]
    assume(numbers)
    return rule, random.choice(numbers)


@given(SEEDS, st.sampled_from((0.0, 0.3, 1.0)), st.sampled_from((0.0, 0.2, 1.0)), st.floats(-1.2, 1.2))
def test_an_interval_is_unknown_exactly_where_it_is_divided(seed: int, down: float, up: float, at: float) -> None:
    rule, no = numeric(seed)
    leaf = rule.leaves[no]
    assert leaf.threshold is not None
    shift = at * up if at > 0.0 else at * down
    value = leaf.threshold * math.exp(-shift)
    one = Uncertain(value, value * math.exp(-down), value * math.exp(up))
    ends = {TESTS[leaf.op](end, leaf.threshold) for end in (one.low, one.value, one.high)}
    expected = UNKNOWN if len(ends) == 2 else TRUE if ends == {True} else FALSE
    facts = {leaf.fact: one}
    _, results = rule.evaluate(facts)
    assert results[no] == expected
    chance = rule.explain(facts, results)[no].probability
    assert chance is not None
    if value == leaf.threshold:
        assert chance in (0.0, 0.5, 1.0)
    elif expected == TRUE:
        assert chance >= 0.949
    elif expected == FALSE:
        assert chance <= 0.051


@given(st.floats(0.01, 2.0), st.floats(0.01, 2.0), st.lists(st.floats(-3.0, 3.0), min_size=2, max_size=6))
def test_the_chance_rises_with_the_value_from_none_to_all(down: float, up: float, shifts: list[float]) -> None:
    def chance(value: float) -> float:
        return Uncertain(value, value * math.exp(-down), value * math.exp(up)).chance_above(1e25)

    chances = [chance(1e25 * math.exp(shift)) for shift in sorted(shifts)]
    assert chances == sorted(chances)
    assert all(0.0 <= one <= 1.0 for one in chances)
    assert chance(1e25) == pytest.approx(0.5)
    assert chance(1e25 * math.exp(8.0 * max(down, up))) == pytest.approx(1.0, abs=1e-9)
    assert chance(1e25 * math.exp(-8.0 * max(down, up))) == pytest.approx(0.0, abs=1e-9)


# What if


def test_what_if_changes_the_named_parameter_alone() -> None:
    checked = 0
    for day in days_of_change():
        plain = rulebook(LAW.instruments, LAW.groups, day)
        names = [f"{one.id}.{name}" for one in plain.rules for name in one.rule.params]
        for name in names[:: max(1, len(names) // 3)]:
            changed = rulebook(LAW.instruments, LAW.groups, day, {name: 123.0})
            assert changed.digest != plain.digest
            checked += compared(plain, changed, name)
    assert checked > 0


def compared(plain: Rulebook, changed: Rulebook, name: str) -> int:
    """Number of comparisons that ask for another number; all others are the same."""
    moved = 0
    assert [one.id for one in plain.rules] == [one.id for one in changed.rules]
    for before, after in zip(plain.rules, changed.rules, strict=True):
        for old, new in zip(before.leaves, after.leaves, strict=True):
            assert (old.fact, old.op, old.param, old.words, old.inside) == (
                new.fact,
                new.op,
                new.param,
                new.words,
                new.inside,
            )
            if f"{before.id}.{old.param}" == name:
                assert new.threshold == 123.0
                moved += 1
            else:
                assert old.threshold == new.threshold
    return moved


def test_a_short_name_changes_the_rule_of_that_name_in_every_text() -> None:
    by_short: dict[str, list[str]] = {}
    for name in parameters(LAW.instruments):
        by_short.setdefault(name.partition("/")[2], []).append(name)
    for short, full in by_short.items():
        every = rulebook(LAW.instruments, LAW.groups, datetime.date(2024, 1, 1), {short: 7.0})
        one = rulebook(LAW.instruments, LAW.groups, datetime.date(2024, 1, 1), dict.fromkeys(full, 7.0))
        assert [[leaf.threshold for leaf in rule.leaves] for rule in every.rules] == [
            [leaf.threshold for leaf in rule.leaves] for rule in one.rules
        ]


# Digest


def mutations(one: Instrument) -> list[Instrument]:
    """The instrument with one thing changed."""
    rule = one.rules[0]
    span = msgspec.structs.replace(rule.spans[0], note="changed")
    cite = msgspec.structs.replace(rule.cites[0], locator="changed")
    consequence = msgspec.structs.replace(rule.consequence, text="changed")
    scope = msgspec.structs.replace(rule.scope, destinations=("QQ",))
    changed = [
        msgspec.structs.replace(rule, spans=(span, *rule.spans[1:])),
        msgspec.structs.replace(rule, cites=(cite, *rule.cites[1:])),
        msgspec.structs.replace(rule, consequence=consequence),
        msgspec.structs.replace(rule, scope=scope),
        msgspec.structs.replace(rule, note="changed"),
    ]
    for name, value in rule.params.items():
        if value.number is not None:
            other = msgspec.structs.replace(value, number=value.number + 1.0, low=None, high=None)
            changed.append(msgspec.structs.replace(rule, params={**rule.params, name: other}))
    return [msgspec.structs.replace(one, rules=(other, *one.rules[1:])) for other in changed]


def test_the_digest_moves_with_any_change_and_not_with_order() -> None:
    random, day = Random(1), datetime.date(2025, 6, 1)
    plain = rulebook(LAW.instruments, LAW.groups, day).digest
    for _ in range(3):
        instruments, groups = list(LAW.instruments), list(LAW.groups)
        random.shuffle(instruments)
        random.shuffle(groups)
        assert rulebook(instruments, groups, day).digest == plain
    seen = {plain}
    for at, one in enumerate(LAW.instruments[:: max(1, len(LAW.instruments) // 4)]):
        for other in mutations(one):
            rest = [each for each in LAW.instruments if each.id != one.id]
            seen.add(rulebook([*rest, other], LAW.groups, day).digest)
        assert len(seen) > at + 5
    for group in LAW.groups:
        rest_groups = [each for each in LAW.groups if each.id != group.id]
        fewer = msgspec.structs.replace(group, members=group.members[1:])
        assert rulebook(LAW.instruments, [*rest_groups, fewer], day).digest not in seen


# Trace


def folded(clause: Clause, results: list[int]) -> int:
    """Verdict of a condition from the results of its comparisons, taken off the list in order."""
    if clause.fact is not None:
        return results.pop(0)
    if clause.not_ is not None:
        return 2 - folded(clause.not_, results)
    parts = [folded(part, results) for part in (*clause.all, *clause.any)]
    return min(parts) if clause.all else max(parts)


@given(SEEDS)
def test_the_results_of_the_leaves_make_the_verdict(seed: int) -> None:
    random, standing = drawn(seed)
    rule, tree = standing.compiled(), standing.tree()
    for facts in cases(standing, 5, random):
        full = completed(facts)
        verdict, results = rule.evaluate(full)
        assert [each.result for each in rule.explain(full, results)] == results
        left = list(results)
        assert verdict == (folded(tree, left) if tree is not None else TRUE)
        assert not left


def test_the_trace_of_a_classification_holds_every_rule_asked() -> None:
    random = Random(3)
    for day in days_of_change():
        book = rulebook(LAW.instruments, LAW.groups, day)
        by_id = {one.id: Standing(one.instrument, one.rule, one.span, day, LAW.groups) for one in book.rules}
        rules = [one for one in book.rules if one.instrument.topic != "ai"]
        found = classify(book, drawn_deal(random, rules, by_id)) if rules else None
        if found is None:
            continue
        asked = {one.id for one in book.rules if one.rule.stage not in ("obligation", "exemption")}
        assert {one.rule.id for one in found.explained()} == asked
        for one in found.explained():
            left = [leaf.result for leaf in one.leaves]
            tree = by_id[one.rule.id].tree()
            assert one.verdict == (folded(tree, left) if tree is not None else TRUE)
