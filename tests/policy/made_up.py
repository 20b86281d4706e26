"""Rules that nobody wrote: every kind of comparison, any scope, groups that are whole and groups that are not."""

from __future__ import annotations

import datetime
from random import Random

from tests.policy.small import instrument, rule
from tests.policy.thresholds import Standing

from accord.base.source import Source
from accord.catalog.group import Group, Membership
from accord.catalog.instrument import Clause, Scope
from accord.catalog.legal_fact import FACTS

DAY = datetime.date(2025, 6, 1)
SOURCE = Source(title="none", publisher="nobody", date="2025-01-01")
PLACES = (("CN",), ("G:1",), ("G:2", "US"), ("G:1", "G:2"), ("G:2", "G:3"))
ASKED = (
    "tpp", "die_area", "performance_density", "training_flop", "modification_share", "memory_density",
    "datacenter_marketed", "item_type", "memory_kind", "exporter", "destination", "hq", "designer_hq", "item_names",
    "output_modality", "placed_on_market",
)  # fmt: skip
GROUPS = (
    Group(
        id="g1", code="G:1", name="complete", complete=True, sources={"s": SOURCE},
        members=(
            Membership(country="CN", source="s", basis="published"),
            Membership(country="VN", start="2025-06-02", source="s", basis="published"),
            Membership(country="AE", start="2024-01-01", until="2025-06-01", source="s", basis="published"),
            Membership(country="SA", start="2025-06-01", source="s", basis="published"),
        ),
    ),
    Group(
        id="g2", code="G:2", name="incomplete", complete=False, missing="most of it", sources={"s": SOURCE},
        members=(
            Membership(country="IL", source="s", basis="published"),
            Membership(country="CY", start="2024-01-01", until="2025-06-01", source="s", basis="published"),
        ),
        outside=(
            Membership(country="CN", source="s", basis="published"),
            Membership(country="SA", start="2025-06-02", source="s", basis="published"),
            Membership(country="MY", source="s", basis="published"),
        ),
    ),
    Group(
        id="g3", code="G:3", name="incomplete too", complete=False, missing="most of it", sources={"s": SOURCE},
        members=(Membership(country="VN", source="s", basis="published"),),
        outside=(
            Membership(country="MY", source="s", basis="published"),
            Membership(country="IL", source="s", basis="published"),
        ),
    ),
)  # fmt: skip


def made_up(random: Random) -> Standing:
    """A rule that nobody wrote, of every kind of comparison and any scope."""
    asked: set[str] = set()
    when = tree(random, 3, asked)
    scope = Scope(
        transactions=random.choice(((), ("export_from_us", "reexport"))),
        destinations=random.choice(((), ("G:1", "MO"), *PLACES)),
        except_destinations=random.choice(((), ("G:2",), ("IL",))),
        headquarters=random.choice(((), ("G:2",), ("CN", "G:1"))),
        addressees=random.choice(((), ("nvidia", "amd"))),
        items=random.choice(((), ("ic", "system"))),
    )
    params = {name: random.choice((0.5, 5.92, 1600.0, 4800.0, 1e25)) for name in sorted(asked)}
    one = instrument(rule("made-up", "licence", "none", when=when, scope=scope, params=params), id="made-up")
    return Standing(one, one.rules[0], one.rules[0].spans[0], DAY, GROUPS)


def tree(random: Random, depth: int, asked: set[str]) -> Clause:
    kind = random.choice(("all", "any", "not", "leaf")) if depth else "leaf"
    if kind == "leaf":
        return leaf(random, asked)
    if kind == "not":
        return Clause(not_=tree(random, depth - 1, asked))
    parts = tuple(tree(random, depth - 1, asked) for _ in range(random.randint(1, 4)))
    return Clause(all=parts) if kind == "all" else Clause(any=parts)


def leaf(random: Random, asked: set[str]) -> Clause:
    name = random.choice(ASKED)
    fact = FACTS[name]
    if fact.kind == "number":
        param = f"p{random.randrange(4)}"
        asked.add(param)
        return Clause(fact=name, op=random.choice((">=", ">", "<=", "<")), param=param)
    if fact.kind == "day":
        return Clause(fact=name, op=random.choice(("before", "from")), value="2025-08-02")
    if fact.kind == "country":
        return Clause(fact=name, op="in", among=random.choice(PLACES))
    if fact.kind == "set":
        return Clause(fact=name, op="meets", among=random.choice((("text",), ("h20", "mi308"))))
    words = fact.words or ("nvidia", "amd", "tsmc")
    if random.random() < 0.5:
        return Clause(fact=name, op="in", among=tuple(random.sample(words, random.randint(1, len(words)))))
    return (
        Clause(fact=name, op="in", among=(words[0],))
        if fact.kind == "party"
        else Clause(fact=name, op="is", value=words[0])
    )
