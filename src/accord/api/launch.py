"""A printed plan back as a record, and what a launch file must know of its systems and its model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from accord.api.records import efficiency_of, machine_of, model_spec
from accord.base.errors import Refusal, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.load import Catalog
from accord.catalog.system import System
from accord.hardware.system import Machine
from accord.planner.plan import Plan, PoolPlan
from accord.report.launch import Bundle, Launch, Launcher, Served, Site

WIDEST_NODE = 16  # devices one operating system drives at most in the systems of the catalog
WIDEST = 1e9  # devices of a tier without an end


@dataclass(frozen=True, slots=True)
class Exported:
    """What one target made of a plan, or why it refused: exactly one of the two is there."""

    target: str
    bundle: Bundle | None
    refused: Refusal | None


def chosen(plans: Sequence[Plan], which: str | None) -> Plan:
    """One of the plans: by place from 1 on, or by the beginning of its id; the first by default. Raises UsageError."""
    if which is None:
        return plans[0]
    ids = [plan.id for plan in plans]
    if which in ids:
        return plans[ids.index(which)]
    if which.isascii() and which.isdigit() and 1 <= int(which[:9]) <= len(plans) and len(which) < min(map(len, ids)):
        return plans[int(which) - 1]
    found = [plan for plan in plans if plan.id.startswith(which)] if which else []
    if len(found) == 1:
        return found[0]
    said = f"{len(found)} plans begin with" if found else "there is no plan"
    raise UsageError(f"{said} {which!r}", where="--plan", hint=f"1 to {len(plans)}, or {did_you_mean(which, ids)}")


def launch_of(
    catalog: Catalog,
    plan: Plan,
    *,
    model_path: str | None = None,
    served_name: str | None = None,
    port: int = 8000,
    devices_per_node: int | None = None,
) -> tuple[Launch, tuple[str, ...]]:
    """What every target is told, and warnings.

    model_path: of the weights; served_name: as clients ask for it, the model's id by default
    port: clients connect to; devices_per_node: for systems whose nodes are of another size than the catalog says
    Raises CatalogError, MissingFact for systems or models the catalog does not know.
    """
    spec = model_spec(catalog, plan.model)
    name = served_name or _name(plan.model)
    warnings: list[str] = []
    sites = tuple(_site(catalog, pool, devices_per_node, warnings) for pool in plan.pools)
    mla = any(layer.attention.kind == "mla" for layer in spec.layers)
    experts = max(layer.ffn.experts for layer in spec.layers)
    served = Served(plan.model, model_path, name, experts, mla, spec.mtp_layers > 0, spec.weights)
    return Launch(plan, sites, served, port), tuple(dict.fromkeys(warnings))


def _name(model: str) -> str:
    """A model's name for clients: a catalog id, or the last part of a path that names it."""
    parts = [part for part in PurePath(model).parts if part not in ("/", ".", "..", "config.json")]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", parts[-1]).strip("-._") if parts else "model"


def _site(catalog: Catalog, pool: PoolPlan, devices_per_node: int | None, warnings: list[str]) -> Site:
    machine = machine_of(catalog, pool.system)
    chip = catalog.chip(machine.chip)
    width = devices_per_node
    if width is None:
        width, said = _node(catalog, pool.system, machine)
        warnings += said
    fraction = efficiency_of(catalog, machine.chip, pool.engine, pool.engine_version).scalar("engine.memory_fraction")
    return Site(pool.system, chip.vendor, chip.id, chip.family, machine.devices_per_chip, width, fraction)


def _node(catalog: Catalog, system: str, machine: Machine) -> tuple[int, list[str]]:
    """Devices under one operating system: by the number of nodes where it is known, else the innermost tier's."""
    _, record = catalog.find(system)
    if isinstance(record, System) and record.nodes is not None and machine.devices % record.nodes.si == 0:
        return int(machine.devices / record.nodes.si), []
    inner = int(machine.tiers[0].devices) if machine.tiers and machine.tiers[0].devices < WIDEST else machine.devices
    if inner <= WIDEST_NODE:
        return inner, []
    said = f"{system}: nobody says how many devices one node has; {inner} are taken, give --devices-per-node"
    return inner, [said]


def export(launch: Launch, targets: Mapping[str, Callable[[Launch], Bundle] | Launcher]) -> tuple[Exported, ...]:
    """The plan as files of each target, or why a target refuses it."""
    return tuple(_one(launch, name, write) for name, write in targets.items())


def takes(launches: Iterable[Launch], write: Callable[[Launch], Bundle]) -> int | None:
    """The place, from 1 on, of the first plan that a target can express; None where there is none."""
    return next((at for at, launch in enumerate(launches, 1) if _one(launch, "", write).bundle is not None), None)


def _one(launch: Launch, name: str, write: Callable[[Launch], Bundle]) -> Exported:
    try:
        return Exported(name, write(launch), None)
    except Refusal as refused:
        return Exported(name, None, refused)
