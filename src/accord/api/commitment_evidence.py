"""Evidence out of an answer of ``plan`` or ``train``, the catalog and files of others, by its name in provisions.

A name that cannot belong to the subject is absent; one that could and does not is :class:`Lacking`.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from accord.api.policy_evidence import covered_risks
from accord.api.policy_facts import Subject
from accord.base.errors import UsageError
from accord.base.source import Basis
from accord.base.units import show
from accord.catalog.governance import EvidenceName, Theme
from accord.catalog.load import Catalog
from accord.policy.commitments import Finding, Lacking, Shown, countries_words, ratio_band, share_of
from accord.policy.evidence import Evidence
from accord.policy.evidence_found import EvidenceKind
from accord.policy.facts import FactValue, Uncertain
from accord.policy.licences import licence_of
from accord.policy.model_names import is_model
from accord.policy.risks import Covered

Band = tuple[float, float, float]
_J_PER_KWH = 3.6e6
_TOKENS = 1e6  # that emissions are told for
_NO_PLAN = "the answer has no plan that keeps its limits"
_NO_RATE = "the plan states no power, or no rate of tokens above 0"
_TOLD = 3  # files that are passed over, by name
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

    files: those count that are of the subject's model, and of the day or before it
    offered: chips that are offered to others, None = none told
    Raises UsageError where more chips are offered than the subject has.
    """
    own = [one for one in files if _passed(read, one, day) is None]
    found: dict[EvidenceName, Finding] = {
        "emissions": _emissions(read), "training_compute": _compute(read), "standards": _standards(read, own),
        "supply_dependence": _dependence(read), "shared_compute": _offered(read, offered),
        "safety_tests": _safety(read, files, catalog, day),
        "performance_tests": _listed(read, files, "performance", day),
        "bill_of_materials": _listed(read, files, "bom", day),
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
        return Lacking(_NO_PLAN if not read.best else _NO_RATE)
    joules, where = told
    return _figure(joules, "J/tok", f"energy of an output token, {where[0]}", where[1], "derived")


def per_token(read: Read) -> tuple[Band, tuple[str, str]] | None:
    """Energy of an output token [J], where it is measured, and what it is from.

    None where no power is known, or where the rate of tokens may be 0.
    """
    direct = read.metric("energy_j_per_output_token")
    if direct is not None:
        return direct, ("at the meter", "metrics.energy_j_per_output_token")
    power, rate = read.metric("power_w"), read.metric("output_token_per_s_total")
    if power is None or rate is None or not min(rate) > 0.0:
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
        return Lacking(
            "no grid, no power or no rate of tokens is known", "say where it runs: --to, or a place in the scenario"
        )
    kg = [joules * _TOKENS / _J_PER_KWH * carbon for joules, carbon in zip(used[0], grid, strict=True)]
    return _figure(
        (kg[0], kg[1], kg[2]), "kgCO2e", f"{words}, {used[1][0]}",
        "energy_per_token x terms.kgco2_per_kwh", "derived",
    )  # fmt: skip


def _grid(read: Read) -> Band | None:
    """Carbon of the electricity [kg/kWh] of the plan's systems; None where one's is not known.

    The value is their mean by chips, the ends are the least and the most of any: how they share the power is not told.
    """
    chips: dict[str, float] = {}
    for one in map(mapping, sequence(read.best.get("holdings"))):
        system = str(one.get("system"))
        chips[system] = chips.get(system, 0.0) + (number(one.get("chips")) or 1.0)
    grids: dict[str, Band] = {}
    for one in map(mapping, sequence(read.result.get("terms"))):
        found = band(mapping(one.get("kgco2_per_kwh")))
        if found is not None:
            grids.setdefault(str(one.get("system")), found)
    if not chips or not chips.keys() <= grids.keys():
        return None
    whole = sum(chips.values())
    mean = sum(many / whole * grids[system][0] for system, many in chips.items())
    return mean, min(grids[system][1] for system in chips), max(grids[system][2] for system in chips)


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


def _passed(read: Read, one: Evidence, day: datetime.date) -> str | None:
    """Why a file shows nothing of the subject on the day, None where it does."""
    if one.model is None:
        return "names no model"
    model = (read.subject.model or "").removesuffix(".json").removesuffix(".yaml")
    if not is_model(one.model, model):
        return f"is of {one.model}, not of {model or 'a known model'}"
    if one.date is None:
        return "says no day"
    return f"is of {one.date}, after {day}" if one.date > day else None


def _of_kind(
    read: Read, files: Sequence[Evidence], kind: EvidenceKind, day: datetime.date
) -> tuple[list[Evidence], str]:
    """Files of a kind that count, and the others in words, empty where there are none."""
    own, passed = [], []
    for one in files:
        if one.kind == kind:
            why = _passed(read, one, day)
            if why is None:
                own.append(one)
            else:
                passed.append(f"{one.file} {why}")
    told = list(dict.fromkeys(passed))
    more = [f"{len(told) - _TOLD} more are passed over"] if len(told) > _TOLD else []
    return own, "; ".join([*told[:_TOLD], *more])


def _safety(read: Read, files: Sequence[Evidence], catalog: Catalog, day: datetime.date) -> Finding:
    own, passed = _of_kind(read, files, "safety", day)
    if not own:
        return _none(passed, "result file of a safety test")
    risks = covered_risks(own, catalog, day)
    models = ", ".join(dict.fromkeys(str(one.model) for one in own))
    words = f"{coverage_words(risks)}; tested: {models}"
    if not any(one.state == "covered" for one in risks):
        return Lacking(
            f"no risk is covered: {words}", "give a test that the taxonomy knows: 'accord catalog list risks'"
        )
    return Shown(_with(words, passed), _files(own), basis="measured")


def coverage_words(risks: Sequence[Covered]) -> str:
    """Risks by how they stand: ``covered: bias, cyber; expired: privacy; not covered: cbrn``."""
    by_state: dict[str, list[str]] = {"covered": [], "expired": [], "not covered": []}
    for one in risks:
        by_state[one.state].append(one.risk.id)
    return "; ".join(f"{state}: {', '.join(ids)}" for state, ids in by_state.items() if ids)


def _listed(read: Read, files: Sequence[Evidence], kind: Literal["performance", "bom"], day: datetime.date) -> Finding:
    own, passed = _of_kind(read, files, kind, day)
    if not own:
        return _none(passed, "result file of a performance test" if kind == "performance" else "bill of materials")
    told = "; ".join(f"{one.title} of {one.date}: {one.told}" for one in own)
    return Shown(_with(told, passed), _files(own), basis="measured")


def _none(passed: str, words: str) -> Lacking:
    hint = "--evidence FILE adds one"
    return Lacking(f"no {words} counts: {passed}" if passed else f"no {words} is given", hint)


def _with(words: str, passed: str) -> str:
    return f"{words}; passed over: {passed}" if passed else words


def _files(own: Sequence[Evidence]) -> str:
    return ", ".join(dict.fromkeys(one.file for one in own))


# Plain values


def _figure(told: Band, unit: str, words: str, origin: str, basis: Basis) -> Shown:
    value, low, high = told
    ends = f" ({show(low, unit)} to {show(high, unit)})" if low < high else ""
    return Shown(f"{words}: {show(value, unit)}{ends}", origin, value, unit, low, high, basis)


def band(metric: Mapping[str, object]) -> Band | None:
    """Value, low and high of a metric; None without a value above 0.

    An end that is missing, below 0 or on the wrong side of the value is the value itself.
    """
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
