"""From a problem to branches of its search: systems, engines and formats as settings, and the tasks that price them."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from accord.api.lookup import residual_log_sd
from accord.api.plan_parts import support_of
from accord.api.records import efficiency_of, engine_id, machine_of, model_spec
from accord.base.array import Array
from accord.base.errors import Refusal
from accord.catalog.load import Catalog, load_catalog
from accord.hardware.derate import Efficiency
from accord.hardware.device import bytes_per_number
from accord.hardware.system import Machine
from accord.inference.complete import Assumed, formats_for, number
from accord.inference.estimate import transfer_tier
from accord.inference.request import EstimateRequest
from accord.models.params import count as count_params
from accord.models.spec import ModelSpec
from accord.parallel.collectives import send_s
from accord.parallel.plan import Setting
from accord.planner.compose import Option, Send
from accord.planner.offer import Offer, offer
from accord.planner.plan import Role
from accord.planner.pricing import Branch, price
from accord.planner.problem import Problem
from accord.planner.space import BATCHES, BUDGETS, PROMPTS, Layout, Rules, layouts, most_experts, redundant
from accord.planner.table import Table, Tally, joined, packed, unpacked
from accord.planner.terms import Terms

MOST_DEVICES = 1024  # of an instance
WIDEST_NODE, SLICE_CHIPS = 128, 8  # a domain that is wider is not rented as one
SLICE_ROWS = 60_000  # of a task, about
# Engines that are tried where none is named, by vendor of the chip: what its users run.
USUAL_ENGINES: Mapping[str, tuple[str, ...]] = {
    "nvidia": ("vllm", "sglang", "tensorrt-llm"),
    "huawei": ("cloudmatrix-infer", "vllm-ascend", "mindie"),
    "amd": ("vllm", "sglang"),
}
OTHER_ENGINES = ("vllm",)
_OF_SUPERNODES = ("cloudmatrix-infer",)  # written for one, and never told of on single nodes
_WORDS = {"power": "its power is", "capex": "its price is", "usd": "the cost of an hour is", "racks": "its racks are"}
_LIMITS = {
    "power": "power", "capex": "capital", "usd": "the cost of an hour", "racks": "racks", "chips": "chips"
}  # fmt: skip
_ROLES: Mapping[str, tuple[Role, ...]] = {"aggregated": ("serve",), "disaggregated": ("prefill", "decode")}


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One branch by name."""

    system: str
    engine: str
    weights: str | None
    kv: str | None
    role: Role


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Layouts ``start`` to ``stop`` of a branch, to be priced.

    devices: ranks that an instance may have; paths: of catalogs beside the packaged one
    """

    problem: Problem
    key: Key
    devices: int
    start: int
    stop: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A problem's branches and tasks.

    offers: of each system; keys, tasks: branches and the tasks of each, in order
    fell: by system, layouts that cannot be run, with every load they stand for
    refused: branches that cannot be, in words
    """

    offers: tuple[Offer, ...]
    keys: tuple[Key, ...]
    tasks: tuple[Task, ...]
    counted: int
    fell: Mapping[str, Counter[str]]
    refused: tuple[str, ...]


@functools.lru_cache(maxsize=4)
def catalog_of(paths: tuple[str, ...]) -> Catalog:
    """One catalog a process and set of extra paths."""
    return load_catalog(tuple(Path(path) for path in paths))


@functools.lru_cache(maxsize=16)
def spec_of(paths: tuple[str, ...], model: str) -> ModelSpec:
    """A model, read once a process."""
    return model_spec(catalog_of(paths), model)


def work(task: bytes) -> bytes:
    """Price the layouts of an encoded :class:`Task`; what comes back is :func:`accord.planner.table.packed`."""
    one = msgspec.msgpack.decode(task, type=Task)
    branch = branch_of(one.key, one.problem, one.devices, one.paths)
    found, _ = _layouts(branch, one.problem, one.devices)
    return packed(*price(branch, one.problem, found[one.start : one.stop]))


@functools.lru_cache(maxsize=64)
def branch_of(key: Key, problem: Problem, devices: int, paths: tuple[str, ...]) -> Branch:
    """The setting of a branch with what is not fitted. Raises MissingFact, CatalogError."""
    catalog = catalog_of(paths)
    spec, machine = spec_of(paths, problem.model), sized(machine_of(catalog, key.system), devices)
    efficiency = efficiency_of(catalog, machine.chip, key.engine, problem.space.engine_version)
    request = EstimateRequest(model=problem.model, system=key.system, weights=key.weights, kv=key.kv)
    formats = formats_for(spec, machine, request, efficiency, Assumed())
    defaults = catalog.defaults()
    accept = problem.space.mtp_accept
    return Branch(
        key.system, key.engine, key.role, Setting(spec, machine, formats, efficiency),
        _residuals(efficiency, key.role), number(defaults, "speculation", "mtp_accept") if accept is None else accept,
        number(defaults, "serving", "wide_ep"), number(defaults, "serving", "window"),
        _rules(catalog, key.engine),
    )  # fmt: skip


def _rules(catalog: Catalog, engine: str) -> Rules:
    """Which ranks an engine can be started with; any where nobody says."""
    if engine not in catalog.ids("support"):
        return Rules()
    said = catalog.support(engine)
    return Rules(*(one is not None for one in (said.expert_ranks, said.attention_ranks, said.stages)))


def _residuals(efficiency: Efficiency, role: Role) -> dict[str, float]:
    phase = "serve" if role == "serve" else "split"
    names = {"rate": "request_per_s", "tpot": "tpot_s", "first": "ttft_s"}
    return {short: residual_log_sd(efficiency, metric, phase) for short, metric in names.items()}


def sized(machine: Machine, devices: int) -> Machine:
    """The same machine with as many chips as hold ``devices`` ranks: a part of it, or several joined."""
    return replace(machine, chips=max(math.ceil(devices / machine.devices_per_chip), 1))


def prepare(
    catalog: Catalog, problem: Problem, terms: Sequence[Terms], paths: tuple[str, ...], day: str | None = None,
    offers: tuple[Offer, ...] | None = None,
) -> Prepared:  # fmt: skip
    """Offers of the systems, branches, and tasks of about equal size.

    terms: of each system of the problem, in its order; day: statements on engines that are younger do not count
    offers: of each system, where they are known already
    """
    offers = offers_of(catalog, problem, terms, paths) if offers is None else offers
    keys: list[Key] = []
    tasks: list[Task] = []
    fell: dict[str, Counter[str]] = {}
    refused: list[str] = []
    counted = 0
    for own in offers:
        if own.most == 0:
            refused.append(f"{own.terms.system}: {_none(own)}")
            continue
        devices = most_devices(own)
        for key in _keys(catalog, own.terms.system, problem):
            try:
                branch = branch_of(key, problem, devices, paths)
                _priced(branch.setting)
            except Refusal as error:
                refused.append(f"{key.system}, {key.engine}: {error.what}")
                continue
            made, dropped, loads = _tasks(branch, key, problem, devices, paths)
            answered = support_of(
                catalog, key.engine, own.terms.chip, problem.model, branch.setting.formats.experts, day
            )
            if answered.answer == "no":
                refused.append(f"{key.system}: {key.engine} does not run {problem.model}: {answered.why}")
                dropped["engine does not support the model on the chip"] += sum(one.stop - one.start for one in made)
                made = []
            else:
                keys.append(key)
            tasks += made
            counted += loads * sum(dropped.values())
            of_system = fell.setdefault(own.terms.system, Counter())
            of_system.update({why: loads * many for why, many in dropped.items()})
    return Prepared(offers, tuple(keys), tuple(tasks), counted, fell, tuple(dict.fromkeys(refused)))


def offers_of(catalog: Catalog, problem: Problem, terms: Sequence[Terms], paths: tuple[str, ...]) -> tuple[Offer, ...]:
    """How much of each system may be held under the problem's limits."""
    return tuple(_offer(catalog, one, problem, paths) for one in terms)


def most_devices(own: Offer) -> int:
    """Ranks that an instance on an offer may have."""
    return min(own.most * own.unit_devices, max(own.unit_devices, MOST_DEVICES))


def _priced(setting: Setting) -> None:
    """Raise MissingFact where the chip states no rate for one of the formats."""
    for fmt in ("bf16", setting.formats.attention, setting.formats.dense, setting.formats.experts):
        setting.machine.device.compute(fmt)


def _none(own: Offer) -> str:
    if own.why.endswith("unknown"):
        return f"{_WORDS[own.why.removesuffix(' unknown')]} unknown, so a limit cannot be kept"
    return f"the limit on {_LIMITS[own.why]} holds none of it" if own.why else "none of it is offered"


def _tasks(
    branch: Branch, key: Key, problem: Problem, devices: int, paths: tuple[str, ...]
) -> tuple[list[Task], Counter[str], int]:
    """Tasks of a branch, layouts that fell, and loads of a layout."""
    found, fell = _layouts(branch, problem, devices)
    loads = _loads(branch, problem)
    each = max(SLICE_ROWS // loads, 1)
    parts = [
        Task(problem=problem, key=key, devices=devices, start=start, stop=min(start + each, len(found)), paths=paths)
        for start in range(0, len(found), each)
    ]
    return parts, fell, loads


def _layouts(branch: Branch, problem: Problem, devices: int) -> tuple[tuple[Layout, ...], Counter[str]]:
    """Layouts that the branch's engine can run, and why others fell."""
    return layouts(branch.setting, devices, problem.space, branch.role, branch.redundant_from, branch.rules)


def _loads(branch: Branch, problem: Problem) -> int:
    """Loads, budgets, drafts and shares of reuse that each layout is tried with."""
    space, role = problem.space, branch.role
    drafts = 1 if role == "prefill" else len(space.mtp_tokens) or (2 if branch.setting.spec.mtp is not None else 1)
    reuse = 1 if role == "decode" else len(space.reuse)
    if role == "prefill":
        return len(PROMPTS) * reuse
    budgets = len(space.budgets or BUDGETS) if role == "serve" else 1
    micro = max(len(space.microbatches), 1) if branch.setting.efficiency.has("microbatch_overlap") else 1
    return len(space.batches or BATCHES) * budgets * drafts * reuse * micro


def _keys(catalog: Catalog, system: str, problem: Problem) -> list[Key]:
    """Branches of a system: engines x formats x roles."""
    space = problem.space
    vendor = catalog.chip(machine_of(catalog, system).chip).vendor
    named = [engine_id(catalog, engine) for engine in space.engines]
    bound = {id: catalog.engine(id).vendors for id in named}
    engines = (
        [id for id in named if not bound[id] or vendor in bound[id]]
        if named
        else usual_engines(catalog, system, vendor)
    )
    return [
        Key(system=system, engine=engine, weights=weights, kv=kv, role=role)
        for engine in engines
        for weights in space.weights or (None,)
        for kv in space.kv or (None,)
        for mode in space.modes
        for role in _ROLES[mode]
    ]


def usual_engines(catalog: Catalog, system: str, vendor: str) -> tuple[str, ...]:
    """Engines tried on a system with chips of a vendor."""
    found = USUAL_ENGINES.get(vendor, OTHER_ENGINES)
    if catalog.system(system).kind == "supernode":
        return found
    return tuple(engine for engine in found if engine not in _OF_SUPERNODES)


def _offer(catalog: Catalog, terms: Terms, problem: Problem, paths: tuple[str, ...]) -> Offer:
    """How much of a system may be held; without a limit or a load one system, or what holds the model twice."""
    machine = machine_of(catalog, terms.system)
    unit = unit_chips(machine, terms, problem.limits.chips)
    default = 0
    if problem.limits.request_per_s is None:
        spec = spec_of(paths, problem.model)
        weights = float(count_params(spec).total) * bytes_per_number(spec.weights)
        chip = float(machine.device.memory_bytes) * machine.devices_per_chip
        default = 2 ** math.ceil(math.log2(max(2.0 * weights / (chip * unit), 1.0)))
    confidence = problem.confidence if problem.intervals else 0.5
    return offer(terms, machine.devices_per_chip, unit, problem.limits, confidence, default)


def unit_chips(machine: Machine, terms: Terms, chips: int | None) -> int:
    """Chips that are added at a time: a whole system; with stated chips a node of it, or what divides both.

    A pod that is not sold whole is rented in slices of :data:`SLICE_CHIPS`.
    """
    if terms.whole and chips is None:
        return terms.chips
    node = int(machine.tiers[0].devices) // machine.devices_per_chip if machine.tiers else 1
    node = min(max(node, 1), terms.chips)
    if not terms.whole and node > WIDEST_NODE:
        node = SLICE_CHIPS
    return node if chips is None or chips % node == 0 else math.gcd(node, chips)


def sender(settings: Sequence[Setting]) -> Send | None:
    """How a prompt's cache gets from pool to pool: over the plane of its system, or the slower of two systems'.

    None where one of them has no plane.
    """
    planes = [(transfer_tier(one.machine), one.efficiency) for one in settings]
    known = [(tier, efficiency) for tier, efficiency in planes if tier is not None]
    if len(known) < len(planes):
        return None

    def seconds(payload: Array) -> Array:
        each = [send_s(payload, tier, efficiency) for tier, efficiency in known]
        return np.asarray(np.max(each, axis=0), dtype=np.float64)

    return seconds


def option_of(key: Key, branch: Branch, offer: int, tables: Sequence[Table]) -> Option:
    """Priced rows of a branch as the search takes them. offer: index of the system's; tables: at least one row."""
    setting = branch.setting
    copies = redundant(setting, branch.redundant_from, branch.redundant_from) if most_experts(setting.spec) else 0.0
    return Option(
        key.system, key.engine, setting.formats.experts, setting.formats.kv, offer, joined(tables), round(copies),
        branch.redundant_from,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """Priced rows of each branch, in order of the tasks; what became of all of them, and of those of each system."""

    tables: tuple[tuple[Key, tuple[Table, ...]], ...]
    tally: Tally
    fell: Mapping[str, Counter[str]]


def tables_of(prepared: Prepared, answers: Sequence[bytes]) -> Rows:
    """What tasks answered, put together. answers: of all tasks, in their order."""
    fell = {system: Counter(counts) for system, counts in prepared.fell.items()}
    total = Tally(prepared.counted, 0, sum(fell.values(), Counter[str]()))
    found: dict[Key, list[Table]] = {key: [] for key in prepared.keys}
    for task, answer in zip(prepared.tasks, answers, strict=True):
        table, tally = unpacked(answer)
        total = total + tally
        fell.setdefault(task.key.system, Counter()).update(tally.rejected)
        found[task.key].append(table)
    return Rows(tuple((key, tuple(tables)) for key, tables in found.items()), total, fell)
