"""Questions of claims about runs: an estimate, a training run, the smallest system for a load, a simulation."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from accord.api.answers import answer
from accord.api.claim_terms import Desk, Entries, Found, asked_text, command_text, exact, inputs_of, of_metric, within
from accord.api.plan import plan
from accord.api.records import model_spec
from accord.api.simulate import SimulateRequest, simulate_deployment
from accord.api.train import train_answer
from accord.api.train_request import TrainAsk
from accord.base.errors import CatalogError, DoesNotFit
from accord.claims.quantity import LEVEL, Quantity
from accord.economics.scenario import Amount, Scenario, SystemTerms
from accord.inference.request import EstimateRequest
from accord.models.params import count
from accord.planner.problem import Limit, Limits, Problem, Space
from accord.report.catalog_view import entry_sources
from accord.report.simulate_view import unit_of
from accord.training.flop import train_flop_per_token
from accord.training.request import TrainRequest
from accord.workloads.arrivals import Arrivals
from accord.workloads.lengths import Law as Lengths
from accord.workloads.sessions import Sessions, Talk
from accord.workloads.synthetic import Traffic, generate

MOST_TOKENS, MOST_REQUESTS = 1e7, 2000  # of a request, and of a simulation
_USUAL_SEQ = 4096
_NO_COST = "the catalog prices no hour of the chip; give price_usd_per_chip_hour"
_SIX = 6.0  # FLOP of a weight and token, forward and backward


class TrainInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A training run, or without a system its compute alone; fields as of ``accord train``."""

    model: str
    system: str | None = None
    chips: int | None = None
    tokens: float | None = None
    seq: int | None = None
    global_batch: float | None = None
    precision: str | None = None
    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    ep: int | None = None
    auto: bool = False
    price_usd_per_chip_hour: float | None = None
    place: str | None = None
    tariff_usd_per_kwh: float | None = None
    pue: float | None = None


class SizeInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A load to be served by the fewest chips of a system; goodput: requests a second [1/s]."""

    model: str
    system: str
    goodput: float
    isl: float
    osl: float
    tpot_s: float | None = None
    ttft_s: float | None = None
    weights: str | None = None


class SimulateInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Synthetic traffic on a deployment; rate: requests a second [1/s]; isl, osl: tokens of each."""

    deployment: EstimateRequest
    rate: float
    isl: float
    osl: float
    requests: int = 200
    arrivals: str = "poisson"
    seed: int = 0


def ask_estimate(values: Mapping[str, object], desk: Desk) -> Found:
    """Metrics of one deployment."""
    request = inputs_of(EstimateRequest, values)
    told = answer([request], desk.catalog, LEVEL, False)
    metrics = told.result["metrics"]
    assert isinstance(metrics, Mapping), "as documented"
    return _metrics("estimate", values, metrics, tuple(told.sources))


def ask_train(values: Mapping[str, object], desk: Desk) -> Found:
    """Metrics of a training run; without a system, its compute alone."""
    asked = inputs_of(TrainInputs, values)
    if asked.system is None:
        return _compute(asked, values, desk)
    fields = {name: getattr(asked, name) for name in TrainRequest.__struct_fields__ if hasattr(asked, name)}
    ask = TrainAsk(request=TrainRequest(**fields), auto=asked.auto, scenario=_scenario(asked), level=LEVEL)
    told = train_answer(ask, desk.catalog)
    metrics = dict(_mapping(told.result["metrics"]))
    flop = told.result["flop"]
    if isinstance(flop, Mapping):
        low, high = (10.0 ** flop[f"log10_{end}"] for end in ("low", "high"))
        metrics["flop"] = {"value": flop["total_flop"], "unit": "FLOP", "low": low, "high": high}
        six = next(one for one in flop["methods"] if one["name"] == "6nd")
        metrics["flop_6nd"] = {"value": six["flop"], "unit": "FLOP"}
    found = _metrics("train", values, metrics, tuple(told.sources))
    missing = {"cost_usd": _NO_COST} if "cost_usd" not in found.figures else {}
    return Found({**found.figures, **missing})


def ask_size(values: Mapping[str, object], desk: Desk) -> Found:
    """The fewest chips of a system that serve a load."""
    asked = inputs_of(SizeInputs, values)
    limits = [Limit(latency="ttft", limit_s=asked.ttft_s)] if asked.ttft_s is not None else []
    limits += [Limit(latency="tpot", limit_s=asked.tpot_s)] if asked.tpot_s is not None else []
    problem = Problem(
        model=asked.model, systems=(asked.system,), isl=asked.isl, osl=asked.osl,
        limits=Limits(latencies=tuple(limits), request_per_s=asked.goodput),
        space=Space(weights=(asked.weights,) if asked.weights else ()), objectives=("chips",), level=LEVEL,
    )  # fmt: skip
    told = plan(problem, paths=desk.paths, count=1)
    if not told.plans:
        reasons = [f"{system}: {why}" for system, why in told.without] or list(told.refused)
        raise DoesNotFit(f"no deployment of {asked.system} serves it: {'; '.join(reasons) or 'none was found'}")
    metrics = {name: msgspec.to_builtins(one) for name, one in told.plans[0].metrics.items()}
    named = {"goodput": "request_per_s"}
    metrics |= {name: metrics[of] for name, of in named.items() if of in metrics}
    sources = tuple(
        entry
        for kind, id in (("systems", asked.system), ("models", asked.model))
        for entry in entry_sources(desk.catalog.entry(kind, id), f"{kind}/{id}")
    )
    return _metrics("size", values, metrics, sources)


def ask_simulate(values: Mapping[str, object], desk: Desk) -> Found:
    """What requests feel of a deployment under synthetic traffic."""
    own = ("rate", "requests", "arrivals", "seed")
    nested = {name: value for name, value in values.items() if name not in own}
    asked = inputs_of(SimulateInputs, {
        **{name: values[name] for name in (*own, "isl", "osl") if name in values}, "deployment": nested,
    })  # fmt: skip
    for name in ("isl", "osl"):
        within(name, getattr(asked, name), MOST_TOKENS)
    within("requests", asked.requests, MOST_REQUESTS)
    law = Arrivals(asked.arrivals, asked.rate)
    talk = Talk(Lengths("constant", asked.isl), Lengths("constant", asked.osl), Sessions())
    workload = generate(Traffic("synthetic", talk, law), asked.seed, count=asked.requests)
    request = SimulateRequest(deployment=asked.deployment, seed=asked.seed, level=LEVEL)
    done = simulate_deployment(request, workload, catalog=desk.catalog)
    metrics = {
        name: {"value": one.mean, "low": one.low, "high": one.high, "unit": unit_of(name)}
        for name, one in done.combined.metrics.items()
    }
    return _metrics("simulate", values, metrics, tuple(done.sources))


def _metrics(verb: str, values: Mapping[str, object], metrics: Mapping[str, object], sources: Entries) -> Found:
    """Metrics of a result as figures."""
    text, how = asked_text(values), command_text(verb, values)
    found: dict[str, Quantity | str] = {}
    for name, one in metrics.items():
        found[name] = of_metric(_mapping(one), f"{verb} {text} {name}", f"{how}: {name}", sources)
    return Found(found)


def _compute(asked: TrainInputs, values: Mapping[str, object], desk: Desk) -> Found:
    """FLOP of a run by the products its model asks for, the interval spanning that and six times weights and tokens."""
    if asked.tokens is None:
        raise CatalogError("with.tokens is missing", hint="compute alone needs the tokens of the run")
    spec = model_spec(desk.catalog, asked.model)
    seq = float(asked.seq or min(_USUAL_SEQ, spec.context or _USUAL_SEQ))
    counted = float(train_flop_per_token(spec, seq)) * asked.tokens
    six = _SIX * float(count(spec).active) * asked.tokens
    sources = tuple(entry_sources(desk.catalog.model(asked.model), f"models/{asked.model}"))
    text = asked_text(values)
    how = f"FLOP of {asked.tokens:.4g} tokens of {asked.model}, as accord train counts them"
    return Found({
        "flop": Quantity(value=counted, low=min(counted, six), high=max(counted, six), unit="FLOP", basis="derived",
                         identity=f"train {text} flop", how=how, sources=sources),
        "flop_6nd": exact(six, "FLOP", f"train {text} flop_6nd", how, sources=sources),
    })  # fmt: skip


def _scenario(asked: TrainInputs) -> Scenario:
    """Place and money."""
    changes: dict[str, object] = {}
    if asked.place is not None:
        country, _, region = asked.place.partition("/")
        changes |= {"country": country, "region": region or None}
    if asked.tariff_usd_per_kwh is not None:
        changes["tariff"] = Amount(asked.tariff_usd_per_kwh, "USD/kWh")
    if asked.pue is not None:
        changes["pue"] = asked.pue
    if asked.price_usd_per_chip_hour is not None:
        terms = SystemTerms(rent=Amount(asked.price_usd_per_chip_hour, "USD/h"))
        changes |= {"mode": "rent", "systems": {asked.system: terms}}
    return msgspec.structs.replace(Scenario(), **changes)


def _mapping(value: object) -> Mapping[str, object]:
    assert isinstance(value, Mapping), "as documented"
    return value
