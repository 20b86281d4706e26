"""Evidence out of an answer of ``plan`` or ``train``, the catalog and files of others, by its name in provisions.

A name that cannot belong to the subject is absent; one that could and does not is :class:`Lacking`.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from accord.api.policy_facts import Subject
from accord.base.errors import UsageError
from accord.base.source import Basis
from accord.base.units import show
from accord.catalog.governance import EvidenceName, Theme
from accord.catalog.load import Catalog
from accord.policy.commitments import Finding, Lacking, Shown, countries_words, ratio_band, share_of
from accord.policy.evidence import Evidence
from accord.policy.facts import FactValue, Uncertain
from accord.policy.licences import licence_of
from accord.policy.risks import Covered, Finished, coverage

Band = tuple[float, float, float]
_J_PER_KWH = 3.6e6
_TOKENS = 1e6  # that emissions are told for
_NO_PLAN = "the answer has no plan that keeps its limits"
_OTHER_MODEL = ", which is not known to be the model of the plan"
_RUN_ONLY = "a run says nothing of how its model will be offered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A subject with the answer it was read from.

    inputs, result: of the envelope; best: the first plan, {} where there is none
    """

    subject: Subject
    inputs: Mapping[str, object]
    result: Mapping[str, object]
    best: Mapping[str, object]

    @property
    def trains(self) -> bool:
        """Whether it is a training run, not a deployment."""
        return self.subject.verb == "train"

    def metric(self, name: str) -> Band | None:
        """Value, low, high of a metric of the run or the best plan; its value three times without a band."""
        return band(mapping(mapping((self.result if self.trains else self.best).get("metrics")).get(name)))


def themes_of(read: Read, *, offered: float | None) -> dict[Theme, str]:
    """What a subject touches, each with why."""
    chips = _chips(read)
    many = f"{chips:,.0f} chips" if chips else "chips"
    found: dict[Theme, str] = {
        "energy": f"{many} draw power", "compute": f"{many} are used",
        "transparency": "who trains a model can tell how" if read.trains else "who offers a model can tell of it",
        "safety-testing": "a model comes out of it" if read.trains else "a model is put into service",
        "standards": "formats and interfaces are chosen", "supply-chain": "its parts come from several countries",
        "open-source": "its model's weights can be opened or kept" if read.trains else _openness(read),
    }  # fmt: skip
    if read.trains:
        found["data"] = "a model is trained on data"
        found["research"] = "a training run is research and development"
    else:
        found["privacy"] = "prompts of users are read"
    deal = read.subject.deal
    if deal.get("seller") and deal.get("buyer") and deal["seller"] != deal["buyer"]:
        found["export-control"] = f"systems go from {deal['seller']} to {deal['buyer']}"
        found["sovereignty"] = f"{deal['buyer']} depends on what {deal['seller']} delivers"
    if offered:
        found["capacity"] = f"{offered:,.0f} chips are offered to others"
    return found


def evidence_of(
    read: Read, catalog: Catalog, files: Sequence[Evidence], *, offered: float | None, day: datetime.date
) -> dict[EvidenceName, Finding]:
    """Everything that can be shown of a subject, and what is lacking.

    offered: chips that are offered to others, None = none told
    Raises UsageError where more chips are offered than the subject has.
    """
    found: dict[EvidenceName, Finding] = {
        "emissions": _emissions(read), "training_compute": _compute(read), "standards": _standards(read, files),
        "supply_dependence": _dependence(read), "shared_compute": _offered(read, offered),
        "safety_tests": _safety(read, files, catalog, day),
        "performance_tests": _listed(files, "performance", "result file of a performance test"),
        "bill_of_materials": _listed(files, "bom", "bill of materials"),
        "open_weights": _open(read), "licence": _licence(read, catalog),
    }  # fmt: skip
    found["energy_of_run" if read.trains else "energy_per_token"] = _energy(read)
    return {name: found[name] for name in get_args(EvidenceName) if name in found}


# Energy


def _energy(read: Read) -> Finding:
    if read.trains:
        for name, place in (("energy_at_meter_kwh", "at the meter"), ("energy_kwh", "at the racks")):
            if (kwh := read.metric(name)) is not None:
                return _figure(kwh, "kWh", f"energy of the run {place}", f"metrics.{name}", "estimate")
        return Lacking("the run states no power", "give its system a price or power in the scenario")
    told = per_token(read)
    if told is None:
        return Lacking(_NO_PLAN if not read.best else "the plan states no power")
    joules, where = told
    return _figure(joules, "J/tok", f"energy of an output token, {where[0]}", where[1], "derived")


def per_token(read: Read) -> tuple[Band, tuple[str, str]] | None:
    """Energy of an output token [J], where it is measured, and what it is from; None where no power is known."""
    direct = read.metric("energy_j_per_output_token")
    if direct is not None:
        return direct, ("at the meter", "metrics.energy_j_per_output_token")
    power, rate = read.metric("power_w"), read.metric("output_token_per_s_total")
    if power is None or rate is None:
        return None
    return ratio_band(power, rate), ("at the racks", "metrics.power_w / metrics.output_token_per_s_total")


def _emissions(read: Read) -> Finding:
    if read.trains:
        told = read.metric("co2_kg")
        if told is None:
            return Lacking("no grid is known for the run", "give its place or kgco2_per_kwh in the scenario")
        return _figure(told, "kgCO2e", "emissions of the run", "metrics.co2_kg", "estimate")
    direct = read.metric("kgco2_per_million_output_tokens")
    words = "emissions of a million output tokens"
    if direct is not None:
        return _figure(direct, "kgCO2e", words, "metrics.kgco2_per_million_output_tokens", "derived")
    used, grid = per_token(read), _grid(read)
    if used is None or grid is None:
        return Lacking("no grid or no power is known", "say where it runs: --to, or a place in the scenario")
    kg = [joules * _TOKENS / _J_PER_KWH * carbon for joules, carbon in zip(used[0], grid, strict=True)]
    return _figure(
        (kg[0], kg[1], kg[2]), "kgCO2e", f"{words}, {used[1][0]}",
        "energy_per_token x terms.kgco2_per_kwh", "derived",
    )  # fmt: skip


def _grid(read: Read) -> Band | None:
    """Carbon of the electricity [kg/kWh] of the plan's first system."""
    held = [mapping(one).get("system") for one in sequence(read.best.get("holdings"))]
    for one in sequence(read.result.get("terms")):
        if mapping(one).get("system") in held:
            return band(mapping(mapping(one).get("kgco2_per_kwh")))
    return None


# The model


def _openness(read: Read) -> str:
    fact = read.subject.facts.get("open_weights")
    if fact is None:
        return "whether its model's weights are open is not known"
    return "its model's weights are open" if fact.value == "yes" else "its model's weights are closed"


def _open(read: Read) -> Finding:
    fact = read.subject.facts.get("open_weights")
    if read.trains:
        return Lacking(_RUN_ONLY)
    if fact is None:
        return Lacking("the model is not in the catalog", "--catalog FILE adds it")
    words = "weights are open" if fact.value == "yes" else "weights are not open"
    return Shown(words, fact.origin, basis="published", sources=(f"models/{read.subject.model}",))


def _licence(read: Read, catalog: Catalog) -> Finding:
    if read.trains:
        return Lacking(_RUN_ONLY)
    licence = licence_of((catalog.licence(id) for id in catalog.ids("licences")), read.subject.model or "")
    if licence is None:
        return Lacking("the catalog has no licence for the model", "--catalog FILE adds it")
    free = "free and open-source" if licence.free else "not free in the sense of the EU AI Act"
    return Shown(
        f"{licence.name}{f' ({licence.spdx})' if licence.spdx else ''}: {free}", f"licences/{licence.id}",
        basis="published", sources=(f"licences/{licence.id}",),
    )  # fmt: skip


def _compute(read: Read) -> Finding:
    fact = read.subject.facts.get("training_flop")
    value = fact.value if fact is not None else None
    told = _band_of(value)
    if fact is None or told is None:
        why = "the run has no tokens" if read.trains else "what the model's training took is not in the catalog"
        return Lacking(why, "accord train tells it")
    return _figure(told, "FLOP", "compute of the training", fact.origin, "derived")


def _band_of(value: FactValue | None) -> Band | None:
    if isinstance(value, Uncertain):
        return value.value, value.low, value.high
    return (value, value, value) if isinstance(value, float) else None


# The machines


def _chips(read: Read) -> float | None:
    """Chips of the run or of the best plan."""
    if read.trains:
        return number(mapping(read.result.get("layout")).get("chips"))
    told = read.metric("chips")
    return told[0] if told is not None else None


def _offered(read: Read, offered: float | None) -> Finding:
    if offered is None:
        return Lacking("no compute is offered to others", "--offered CHIPS tells how many")
    chips = _chips(read)
    if not chips:
        return Lacking(_NO_PLAN)
    if offered > chips:
        raise UsageError(f"{offered:,.0f} chips are offered, but there are {chips:,.0f}", where="--offered",
                         hint="offer no more chips than the plan has")  # fmt: skip
    share = share_of(offered, chips)
    return Shown(f"{offered:,.0f} of {chips:,.0f} chips, {100.0 * share:.3g} %", "--offered over the plan's chips",
                 value=share, unit="1", basis="derived")  # fmt: skip


def _standards(read: Read, files: Sequence[Evidence]) -> Finding:
    named = []
    if read.trains:
        precision = mapping(read.result.get("layout")).get("precision")
        named += [f"training in {precision}"] if precision else []
    pools = [mapping(one) for one in sequence(read.best.get("pools"))]
    for key, words in (("engine", "engine"), ("weights", "weights in"), ("kv", "cache in")):
        values = dict.fromkeys(str(one[key]) for one in pools if one.get(key))
        named += [f"{words} {', '.join(values)}"] if values else []
    formats = dict.fromkeys(one.format for one in files)
    named += [f"result files: {', '.join(formats)}"] if formats else []
    if not named:
        return Lacking(_NO_PLAN)
    return Shown(f"{'; '.join(named)}; no standard of a standards body is named", "pools and files", basis="derived")


def _dependence(read: Read) -> Finding:
    if read.trains:
        return Lacking("a run states no origins of its parts", "accord plan on the same system does")
    embargoes = [mapping(one) for one in sequence(mapping(read.result.get("dependence")).get("embargoes"))]
    if not embargoes:
        return Lacking("the answer has no part on origins")
    verdicts = [(str(one.get("country")), str(one.get("verdict"))) for one in embargoes]
    return Shown(f"new purchases: {countries_words(verdicts)}", "dependence.embargoes", basis="derived")


# Files of others


def _safety(read: Read, files: Sequence[Evidence], catalog: Catalog, day: datetime.date) -> Finding:
    tests = [one for one in files if one.kind == "safety"]
    if not tests:
        return Lacking("no result file of a safety test is given", "--evidence FILE adds one")
    taxonomy = [catalog.risk(id) for id in catalog.ids("risks")]
    risks = coverage([Finished(one.title, one.tests, one.date) for one in tests], taxonomy, day)
    models = dict.fromkeys(one.model or "no model named" for one in tests)
    other = "" if read.trains or any(names_model(name, read.subject.model) for name in models) else _OTHER_MODEL
    words = f"{coverage_words(risks)}; tested: {', '.join(models)}{other}"
    return Shown(words, ", ".join(dict.fromkeys(one.file for one in tests)), basis="measured")


def names_model(name: str, model: str | None) -> bool:
    """Whether a file's name of a model holds a model's id, whatever the case and the marks between."""
    plain = ["".join(letter for letter in text.lower() if letter.isalnum()) for text in (name, model or "")]
    return bool(plain[1]) and plain[1] in plain[0]


def coverage_words(risks: Sequence[Covered]) -> str:
    """Risks by how they stand: ``covered: bias, cyber; expired: privacy; not covered: cbrn``."""
    by_state: dict[str, list[str]] = {"covered": [], "expired": [], "not covered": []}
    for one in risks:
        by_state[one.state].append(one.risk.id)
    return "; ".join(f"{state}: {', '.join(ids)}" for state, ids in by_state.items() if ids)


def _listed(files: Sequence[Evidence], kind: str, words: str) -> Finding:
    found = [one for one in files if one.kind == kind]
    if not found:
        return Lacking(f"no {words} is given", "--evidence FILE adds one")
    told = "; ".join(f"{one.title}{f' of {one.date}' if one.date else ''}: {one.told}" for one in found)
    return Shown(told, ", ".join(dict.fromkeys(one.file for one in found)), basis="measured")


# Plain values


def _figure(told: Band, unit: str, words: str, origin: str, basis: Basis) -> Shown:
    value, low, high = told
    ends = f" ({show(low, unit)} to {show(high, unit)})" if low < high else ""
    return Shown(f"{words}: {show(value, unit)}{ends}", origin, value, unit, low, high, basis)


def band(metric: Mapping[str, object]) -> Band | None:
    """Value, low and high of a metric as JSON has it; None without a value above 0."""
    value, low, high = (number(metric.get(name)) for name in ("value", "low", "high"))
    if not value:
        return None
    return value, value if low is None else min(low, value), value if high is None else max(high, value)


def mapping(value: object) -> dict[str, object]:
    """A JSON object, {} for anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    """A JSON array, [] for anything else."""
    return value if isinstance(value, list) else []


def number(value: object) -> float | None:
    """A finite number of 0 or more, None for anything else."""
    found = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return found if found is not None and math.isfinite(found) and found >= 0.0 else None
