"""Facts for AI law out of an answer of ``train`` or ``plan``, a kept run, and the catalog's records of its model."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from accord.api.answer_json import read_json
from accord.api.law import Law
from accord.base.errors import DataError
from accord.catalog.instrument import leaves
from accord.catalog.load import Catalog
from accord.policy.facts import FactValue, Uncertain
from accord.policy.licences import licence_of
from accord.report.duties_result import Stated
from accord.store.record import Run

TRAIN = "accord.train/1"
PLANS = ("accord.plan/1", "accord.size/1")
HINT = "give what 'accord train --json' or 'accord plan --json' printed"
_Z = NormalDist()
_LANGUAGE = ("ForCausalLM", "ForConditionalGeneration", "LMHeadModel")  # how a config names what writes text
_DEAL = {"seller": "from", "buyer": "to", "hq": "hq", "exporter": "exporter", "consignee": "consignee"}
_READS = {"vision_config": "image", "audio_config": "speech"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is asked about.

    title: in words; verb: that answered, "" for facts alone; model: id or path; systems: ids
    day, deal: as that answer was asked, the deal by seller, buyer, hq, exporter, consignee; said: remarks
    """

    title: str
    verb: str = ""
    model: str | None = None
    systems: tuple[str, ...] = ()
    facts: Mapping[str, Stated]
    day: datetime.date | None = None
    deal: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()


def subject_of(data: bytes, name: str, catalog: Catalog) -> Subject:
    """What an answer is about, and its facts.

    data: an envelope of ``train``, ``plan`` or ``size``; name: for messages
    Raises DataError for what is no such envelope.
    """
    body = read_json(data, name, HINT)
    schema = _dict(body).get("schema")
    if schema == TRAIN or schema in PLANS:
        inputs, result = _dict(_dict(body).get("inputs")), _dict(_dict(body).get("result"))
        if schema == TRAIN:
            return _of_training(inputs, result, catalog, name)
        return _of_plan(str(schema).split(".")[1].partition("/")[0], inputs, result, catalog, name)
    what = f"is an answer of '{schema}'" if isinstance(schema, str) else "is no answer of a verb"
    raise DataError(f"{what}, not of a plan or a training run", where=name, hint=HINT)


def subject_of_run(run: Run, catalog: Catalog) -> Subject:
    """What a kept run is about: its model; a run keeps no compute of training."""
    record = run.record
    return Subject(
        title=f"run {run.id[:12]} of accord {record.verb}", verb=record.verb, model=record.model or None,
        systems=(record.system,) if record.system else (), facts=_model_facts(catalog, record.model, offered=True),
    )  # fmt: skip


def training_facts(
    inputs: Mapping[str, object], result: Mapping[str, object], catalog: Catalog, name: str = "the run"
) -> dict[str, Stated]:
    """Facts of a training run, from the inputs and the result of ``accord train``.

    name: for messages. Raises DataError for a last day that is none.
    """
    flop, metrics, layout = (_dict(result.get(name)) for name in ("flop", "metrics", "layout"))
    facts = {name: one for name, one in _model_facts(catalog, str(inputs.get("model")), offered=False).items()}
    facts |= _flop_facts(flop, _number(inputs.get("level")) or 0.9)
    cluster = _peak(metrics, _number(layout.get("chips")))
    if cluster is not None:
        facts["cluster_op_per_s"] = Stated(cluster, "chips x dense peak of the fastest format used")
    if sites := _number(layout.get("sites")):
        facts["cluster_sites"] = Stated(sites, "sites of the run")
    network = _network(catalog, str(inputs.get("system")))
    if network is not None:
        facts["cluster_network_b_per_s"] = Stated(network, f"link of a chip, systems/{inputs.get('system')}")
    cost = _dict(metrics.get("cost_usd"))
    if (usd := _uncertain(cost)) is not None:
        facts["compute_cost_usd"] = Stated(usd, "cost of the run")
    end = _dict(result.get("dates")).get("end")
    if isinstance(end, str):
        last = _ordinal(end, f"{name}: result.dates.end")
        if last >= _last_asked(catalog, "placed_on_market"):  # a later day than the last changes nothing
            facts["placed_on_market"] = Stated(last, "not before the run ends, the last day is taken")
    return facts


def _of_training(inputs: Mapping[str, object], result: Mapping[str, object], catalog: Catalog, name: str) -> Subject:
    model = inputs.get("model")
    if not isinstance(model, str):
        raise DataError("names no model", where=f"{name}: inputs.model", hint=HINT)
    _check_result(result, name)
    said = [] if _flop(result, name) else ["the run has no tokens, so its compute is not known"]
    said += _unknown_model(model, catalog)
    facts = training_facts(inputs, result, catalog, name)
    if "original_flop" in facts:
        said.append("whether the developer of the base goes on with it or another modifies it is not known: --role")
    system = inputs.get("system")
    return Subject(
        title=f"training of {model}", verb="train", model=model, systems=(system,) if isinstance(system, str) else (),
        facts=facts, day=_day(inputs.get("start")), said=tuple(said),
    )  # fmt: skip


def _of_plan(
    verb: str, inputs: Mapping[str, object], result: Mapping[str, object], catalog: Catalog, name: str
) -> Subject:
    model = _dict(inputs.get("problem")).get("model")
    if not isinstance(model, str):
        raise DataError("names no model", where=f"{name}: inputs.problem.model", hint=HINT)
    _check_result(result, name)
    law, plans = _dict(result.get("law")), result.get("plans")
    best = _dict(plans[0]) if isinstance(plans, list) and plans else {}
    held = best.get("holdings")
    systems = [_dict(one).get("system") for one in held] if isinstance(held, list) else []
    return Subject(
        title=f"a deployment of {model}", verb=verb, model=model,
        systems=tuple(one for one in dict.fromkeys(systems) if isinstance(one, str)),
        facts=_model_facts(catalog, model, offered=True), day=_day(law.get("date")),
        deal={name: one for name, key in _DEAL.items() if isinstance(one := law.get(key), str) and one},
        said=("a plan serves a model; what its training took is not in it", *_unknown_model(model, catalog)),
    )  # fmt: skip


def _check_result(result: Mapping[str, object], name: str) -> None:
    """Raise DataError for a result that holds nothing."""
    if all(one is None for one in result.values()):
        raise DataError("holds nothing", where=f"{name}: result", hint=HINT)


def _flop(result: Mapping[str, object], name: str) -> dict[str, object]:
    """Counts of compute, none where the run has no tokens. Raises DataError for what is no count."""
    flop = result.get("flop")
    if flop is None:
        return {}
    counts = _dict(flop)
    for key in ("total_flop", "own_flop", "base_flop", "log10_low", "log10_high"):
        if (counts.get(key) is not None or key == "total_flop") and _number(counts.get(key)) is None:
            hint = "a number of operations, 0 or more"
            raise DataError(f"is {counts.get(key)!r}, no number", where=f"{name}: result.flop.{key}", hint=hint)
    return counts


def _unknown_model(model: str, catalog: Catalog) -> list[str]:
    if model in catalog.ids("models"):
        return []
    return [
        f"{model} is not in the catalog: its licence, whether its weights are open and what it writes are not known"
    ]


# The model


def _model_facts(catalog: Catalog, model: str, *, offered: bool) -> dict[str, Stated]:
    """What the catalog knows of a model.

    offered: whether it is this model that is offered, not another trained in its shape
    """
    if model not in catalog.ids("models"):
        return {}
    record, where = catalog.model(model), f"models/{model}"
    facts = _modalities(record.config or {}, where)
    if not offered:
        return facts
    facts["open_weights"] = Stated("yes" if record.status == "open" else "no", f"status, {where}")
    licence = licence_of((catalog.licence(id) for id in catalog.ids("licences")), model)
    if record.status == "open" and licence is not None:
        facts["open_licence"] = Stated("yes" if licence.free else "no", f"licences/{licence.id}")
    elif record.status != "open":
        facts["open_licence"] = Stated("no", f"status, {where}")
    if record.status == "open" and len(record.released or "") == len("2025-01-31"):
        facts["placed_on_market"] = Stated(_ordinal(str(record.released), where), f"release of the weights, {where}")
    active, tokens = (record.published.get(name) for name in ("active_params", "training_tokens"))
    if active is not None and tokens is not None and active.number and tokens.number:
        facts["training_flop"] = Stated(6.0 * active.number * tokens.number, f"6 x weights x tokens, {where}")
    return facts


def _modalities(config: Mapping[str, object], where: str) -> dict[str, Stated]:
    """What a model of texts reads and writes, by its config; nothing where it is no such model."""
    named = config.get("architectures")
    names = [str(one) for one in named] if isinstance(named, list | tuple) else []
    if not any(name.endswith(_LANGUAGE) for name in names):
        return {}
    reads = frozenset({"text", *(word for key, word in _READS.items() if config.get(key))})
    origin = f"config, {where}"
    return {"output_modality": Stated(frozenset({"text"}), origin), "input_modality": Stated(reads, origin)}


# The run


def _flop_facts(flop: Mapping[str, object], level: float) -> dict[str, Stated]:
    """Cumulative compute; where the run starts from a model also its own part and the original's.

    Whose that model is, is not in the answer: its own developer goes on as provider, anybody else modifies it.
    """
    total, base, own = (_number(flop.get(name)) for name in ("total_flop", "base_flop", "own_flop"))
    if not total:
        return {}
    low, high = (_number(flop.get(f"log10_{end}")) for end in ("low", "high"))
    middle, times = math.log10(total), _Z.inv_cdf(0.95) / _Z.inv_cdf(0.5 + level / 2.0)
    ends = [total * 10.0 ** (times * ((end if end is not None else middle) - middle)) for end in (low, high)]
    facts = {"training_flop": Stated(_between(ends[0], total, ends[1]), "all stages and the base, by three counts")}
    if not base or own is None:
        return {**facts, "role": Stated("provider", "trains the model from its start")}
    spread = _between(max(ends[0] - base, own / 100.0), own, ends[1] - base)
    return {
        **facts,
        "modification_flop": Stated(spread, "own stages of the run"),
        "original_flop": Stated(base, "--base-flop of the run"),
    }  # fmt: skip


def _peak(metrics: Mapping[str, object], chips: float | None) -> float | None:
    """Peak of the cluster in the fastest format the run uses [OP/s]."""
    rate = _number(_dict(metrics.get("model_flop_per_s_per_chip")).get("value"))
    uses = [_number(_dict(metrics.get(name)).get("value")) for name in ("mfu", "mfu_own_peak")]
    least = min((use for use in uses if use), default=None)
    return chips * rate / least if chips and rate and least else None


def _network(catalog: Catalog, system: str) -> float | None:
    """Rate of one chip's link between machines [b/s], where the system states it."""
    if system not in catalog.ids("systems"):
        return None
    for plane in catalog.system(system).fabric.planes:
        rates = [tier.link_rate for tier in plane.tiers if plane.kind == "scale-out" and tier.link_rate is not None]
        if rates:
            return rates[0].si
    return None


# Plain values


def _between(low: float, value: float, high: float) -> FactValue:
    low, high = min(low, value), max(high, value)
    return Uncertain(value, low, high) if low < high else value


def _uncertain(metric: Mapping[str, object]) -> FactValue | None:
    value, low, high = (_number(metric.get(name)) for name in ("value", "low", "high"))
    if not value:
        return None
    return _between(low or value, value, high or value)


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    found = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return found if found is not None and math.isfinite(found) and found >= 0.0 else None


def _day(value: object) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _ordinal(day: str, where: str) -> float:
    """A day as a number. Raises DataError, naming ``where``, for what is none."""
    found = _day(day)
    if found is None:
        raise DataError(f"is {day!r}, no day", where=where, hint="a day such as 2026-01-31")
    return float(found.toordinal())


def _last_asked(catalog: Catalog, fact: str) -> float:
    """The last day with which any rule compares a fact; from it on a later day answers as it does."""
    rules = (rule for one in Law(catalog).instruments for rule in one.rules)
    days = [leaf.value for rule in rules for leaf in leaves(rule.when) if leaf.fact == fact and leaf.value]
    return max((_ordinal(day, fact) for day in days), default=0.0)
