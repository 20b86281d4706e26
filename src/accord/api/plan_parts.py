"""What the catalog adds to plans: engine support, where things come from, and the sources of every figure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from weakref import WeakKeyDictionary

from accord.api.records import calibration_chain
from accord.base import units
from accord.catalog.load import Catalog
from accord.catalog.origin import Origin
from accord.hardware.device import bytes_per_number
from accord.models.spec import ModelSpec
from accord.planner.conversion import conversions_of
from accord.planner.dependence import Dependence, Exclusion, dependence, excludes
from accord.planner.origin_parts import Held, Weights, held
from accord.planner.plan import Plan
from accord.planner.problem import Problem
from accord.planner.support import Answered, Index, index, support
from accord.planner.terms import Terms
from accord.report.catalog_view import entry_sources
from accord.report.to_json import source_entry

_SUPPORT: WeakKeyDictionary[Catalog, dict[str, Index]] = WeakKeyDictionary()


def support_of(catalog: Catalog, engine: str, chip: str, model: str, weights: str | None, day: str | None) -> Answered:
    """Whether an engine runs a model's weights on a chip, by statements known on ``day``."""
    return support(_statements(catalog, engine), engine, chip, catalog.chip(chip).family, model, weights, day=day)


def _statements(catalog: Catalog, engine: str) -> Index:
    """Statements on one engine, whose entry has its name; read once."""
    read = _SUPPORT.setdefault(catalog, {})
    if engine not in read:
        read[engine] = index([catalog.support(engine)] if engine in catalog.ids("support") else [])
    return read[engine]


def conversion_words(catalog: Catalog, spec: ModelSpec, chip: str, engine: str, weights: str, day: str | None) -> str:
    """How weights that were released in another format are held and multiplied, and who says that it is done."""
    if bytes_per_number(weights) < bytes_per_number(spec.weights):
        effect = "narrower than released, its effect on answers is not modelled"
    else:
        effect = "converted from it"
    words = f"weights in {weights}, released in {spec.weights}: {effect}"
    ways = conversions_of(
        catalog.chip(chip), spec.weights, _statements(catalog, engine), engine, model=spec.id, day=day
    )  # fmt: skip
    way = next((one for one in ways if one.weights == weights), None) if isinstance(ways, tuple) else None
    if way is None:
        return words
    rate = units.show(way.compute_flop_per_s, "FLOP/s")
    stated = f"{engine} states it" if way.stated else f"no source states that {engine} does it"
    held = f"{way.bytes_per_weight:.3g} B a weight"
    return f"{words}, {held}, multiplied in {way.compute_format} at {rate} a device; {stated}"


def unknowns(
    catalog: Catalog, problem: Problem, spec: ModelSpec, chips: Mapping[str, str], day: str | None
) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """What is not known of a branch, or was substituted in it, by system, engine and format; filled when asked."""
    return _Unknowns(catalog, problem, spec, chips, day)


class _Unknowns(dict[tuple[str, str, str], tuple[str, ...]]):
    def __init__(
        self, catalog: Catalog, problem: Problem, spec: ModelSpec, chips: Mapping[str, str], day: str | None
    ) -> None:
        super().__init__()
        self._catalog, self._problem, self._spec, self._chips, self._day = catalog, problem, spec, chips, day

    def __missing__(self, key: tuple[str, str, str]) -> tuple[str, ...]:
        self[key] = found = tuple(self._words(*key))
        return found

    def _words(self, system: str, engine: str, weights: str) -> Iterable[str]:
        spec, chip = self._spec, self._chips[system]
        found = support_of(self._catalog, engine, chip, self._problem.model, weights, self._day)
        if found.answer != "yes":
            yield f"support of {engine} for {self._problem.model} in {weights} on {chip}: {found.answer}, {found.why}"
        if weights != spec.weights:
            yield conversion_words(self._catalog, spec, chip, engine, weights, self._day)
        if len(calibration_chain(self._catalog, chip)) == 1:
            yield f"no chip like {chip} was measured: times rest on what chips have in common"


# Origins


def dependence_of(catalog: Catalog, plan: Plan, day: str | None = None) -> Dependence:
    """The countries that a plan depends on."""
    holdings = [_held(catalog, one.system, one.chips, one.capex_usd) for one in plan.holdings]
    known = plan.model in catalog.ids("models")
    weights = Weights(id=plan.model, vendor=catalog.model(plan.model).vendor) if known else None
    engines = list(dict.fromkeys(pool.engine for pool in plan.pools))
    named = [word for one in holdings for word in _words(one)] + engines
    named += [weights.id, weights.vendor] if weights is not None else []
    return dependence(holdings, _origins(catalog, named), weights, engines)


def _words(one: Held) -> list[str]:
    return [word for word in (one.chip, one.family, one.vendor, one.system, one.system_vendor) if word]


def _origins(catalog: Catalog, named: Sequence[str]) -> list[Origin]:
    """Origins whose files have one of the words; looked up in the text, so that few are parsed."""
    words = "|".join(re.escape(word) for word in dict.fromkeys(named))
    wanted = re.compile(rb"(?<![a-z0-9.-])(?:" + words.encode() + rb")(?![a-z0-9.-])")
    ids = catalog.ids("origins")
    return [catalog.origin(id) for id in ids if wanted.search(catalog.path("origins", id).read_bytes())]


def _held(catalog: Catalog, system: str, chips: int, capex_usd: float | None) -> Held:
    entry = catalog.system(system)
    return held(catalog.chip(entry.chip or ""), entry, chips, capex_usd)


def excluded(catalog: Catalog, systems: Sequence[str], countries: Sequence[str], scope: str) -> dict[str, Exclusion]:
    """Systems that a wish to do without countries rules out, or may rule out: unknown is never free of them."""
    found: dict[str, Exclusion] = {}
    for system in systems:
        one = _held(catalog, system, 1, None)
        made = dependence([one], _origins(catalog, _words(one)))
        for country in countries:
            answer = excludes(made, country, "any" if scope == "any" else "design")
            if answer.answer != "no":
                found.setdefault(system, answer)
    return found


# Sources


def sources_of(catalog: Catalog, model: str, plans: Sequence[Plan], terms: Sequence[Terms]) -> list[dict[str, object]]:
    """Sources of every entry that plans and their costs rest on."""
    found: list[dict[str, object]] = []
    if model in catalog.ids("models"):
        found += entry_sources(catalog.model(model), f"models/{model}")
    systems = dict.fromkeys(one.system for plan in plans for one in plan.holdings)
    for system in systems:
        found += entry_sources(catalog.system(system), f"systems/{system}")
        chip = catalog.system(system).chip or ""
        found += entry_sources(catalog.chip(chip), f"chips/{chip}")
        for entry in calibration_chain(catalog, chip):
            found += entry_sources(entry, f"calibration/{entry.id}")
    for engine in dict.fromkeys(pool.engine for plan in plans for pool in plan.pools):
        found += entry_sources(catalog.engine(engine), f"engines/{engine}")
    for one in terms:
        found += _cited(catalog, one)
    return found


def _cited(catalog: Catalog, terms: Terms) -> list[dict[str, object]]:
    """Sources of a system's money and power."""
    figures = (
        terms.power_w, terms.capex_usd, terms.usd_per_hour, terms.racks, terms.kgco2_per_kwh, terms.pue,
        *terms.parts.values(),
    )  # fmt: skip
    names = dict.fromkeys(name for figure in figures if figure is not None for name in figure.sources)
    found = []
    for name in names:
        kind, _, rest = name.partition("/")
        id, _, key = rest.rpartition(":")
        if id and id in catalog.ids(kind):
            found.append(source_entry(name, catalog.source(kind, id, key)))
    return found
