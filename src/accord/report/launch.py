"""A plan as files that start it: what every target is told, and the shell, JSON and YAML they are written in."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import yaml

from accord._version import VERSION
from accord.base.errors import NotSupported
from accord.planner.plan import Plan, PoolPlan

MODEL = "MODEL"  # environment variable that stands for the weights where the user named none
NAMES = re.compile(r"[^a-z0-9-]+")


class LaunchFile(NamedTuple):
    """One file: its name inside the target's folder, its text, and whether it is run."""

    name: str
    text: str
    run: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a target makes of a plan. departures: where the files do less or other than the plan, in words."""

    files: tuple[LaunchFile, ...]
    departures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """What a launch file must know of the system a pool runs on.

    vendor, chip, family: of its accelerator, as in the catalog; devices_per_chip: ranks of a package
    devices_per_node: ranks under one operating system; memory_fraction: of device memory, that the engine takes [1]
    """

    system: str
    vendor: str
    chip: str
    family: str
    devices_per_chip: int
    devices_per_node: int
    memory_fraction: float


@dataclass(frozen=True, slots=True)
class Served:
    """The model. path: of the weights, None where the user named none; name: as clients ask for it.

    experts: routed ones of its widest layer, 0 where it has none; mla: whether it has latent attention
    mtp: whether it has draft layers of its own; weights: format of the released checkpoint
    """

    id: str
    path: str | None
    name: str
    experts: int
    mla: bool
    mtp: bool
    weights: str

    @property
    def moe(self) -> bool:
        """Whether it has routed experts."""
        return self.experts > 0


@dataclass(frozen=True, slots=True)
class Launch:
    """A plan to be written, with the site of each of its pools in their order. port: clients connect to."""

    plan: Plan
    sites: tuple[Site, ...]
    model: Served
    port: int

    @property
    def pools(self) -> tuple[tuple[PoolPlan, Site], ...]:
        """Pools with their sites."""
        return tuple(zip(self.plan.pools, self.sites, strict=True))


class Launcher(Protocol):
    """Files of one target. Raises NotSupported for a plan that the target cannot express."""

    def __call__(self, launch: Launch) -> Bundle:
        """Write the plan."""
        ...


@dataclass(frozen=True, slots=True)
class About:
    """What a target is: named in the head of every file.

    title, version: of the software; source: of the flags; check: which check the flags passed, in words
    """

    title: str
    version: str
    source: str
    check: str

    @property
    def full(self) -> str:
        """Title and version."""
        return f"{self.title} {self.version}"


class Shell(str):
    """Shell text that is written as it is; any other string is quoted."""

    __slots__ = ()


Words = tuple[str, ...]


def refuse(about: About, reason: str, hint: str | None = None) -> NotSupported:
    """The error for a plan that a target cannot express."""
    return NotSupported(f"{about.full} cannot run this plan: {reason}", hint=hint)


def plain(text: object) -> str:
    """Text on one line without control characters."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def count(number: int, thing: str) -> str:
    """A number with what is counted."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def one_of(pool: PoolPlan) -> str:
    """What a file of a pool starts, for its head."""
    which = "the one instance" if pool.instances == 1 else f"one of {pool.instances} instances"
    return f"pool {pool.role}: {which}"


def each(pool: PoolPlan) -> str:
    """How a step is begun that every instance of a pool takes."""
    which = "the one instance" if pool.instances == 1 else f"each of the {pool.instances} instances"
    return f"for {which} of `{pool.role}`"


def on_nodes(nodes: int) -> str:
    """Where a step is taken for one instance."""
    return "on its node" if nodes == 1 else f"on each of its {nodes} nodes"


def dns_name(text: str) -> str:
    """A name for Kubernetes: small letters, digits and dashes, 1 to 40 of them, a letter first."""
    name = NAMES.sub("-", text.lower()).strip("-")[:40].strip("-")
    return name if name[:1].isalpha() else f"m-{name}".rstrip("-")


def word(text: str) -> str:
    """One word of a command, quoted where a shell would read more into it."""
    return str(text) if isinstance(text, Shell) else shlex.quote(text)


def command(lines: Iterable[Words]) -> str:
    """A command, one flag with its values a line."""
    return " \\\n  ".join(" ".join(word(part) for part in line) for line in lines)


def model_word(model: Served) -> str:
    """The weights as a word: the user's path, else a variable that must be set."""
    return model.path if model.path is not None else Shell(f'"${{{MODEL}:?path or hub name of the weights}}"')


def model_value(model: Served) -> str:
    """The weights inside JSON or YAML: the user's path, else what envsubst fills in."""
    return model.path if model.path is not None else f"${{{MODEL}}}"


def compact(value: Mapping[str, object]) -> str:
    """JSON on one line."""
    return json.dumps(value, separators=(",", ":"))


def head(about: About, launch: Launch, what: str) -> tuple[str, ...]:
    """Lines at the top of every file."""
    plan = launch.plan
    return (
        plain(f"{what}; plan {plan.id} of {plan.model}, written by accord {VERSION}"),
        plain(f"for {about.full}, flags as in {about.source}"),
        plain(f"check: {about.check}"),
    )


def commented(lines: Sequence[str]) -> str:
    """Lines as comments of a shell script or YAML."""
    return "".join(f"# {line}\n" for line in lines)


def script(lines: Sequence[str], needs: Mapping[str, str], before: Sequence[str], run: Iterable[Words]) -> str:
    """A shell script.

    lines: of its head; needs: variables that must be set, each with what it is; before: shell lines; run: command
    """
    asked = "".join(f': "${{{name}:?{plain(what)}}}"\n' for name, what in needs.items())
    body = "".join(f"{line}\n" for line in before)
    return f"#!/usr/bin/env bash\n{commented(lines)}set -euo pipefail\n{asked}{body}exec {command(run)}\n"


class _Readable(yaml.SafeDumper):
    """Text of several lines is written as it is, below a bar."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _text)


def as_yaml(lines: Sequence[str], document: object) -> str:
    """A YAML document under a head."""
    return commented(lines) + yaml.dump(document, Dumper=_Readable, sort_keys=False, width=1000)


def as_json(value: object) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Nodes:
    """One instance on its nodes. nodes: their number; local: ranks on each; slots: instances that share a node."""

    nodes: int
    local: int
    slots: int


def nodes_of(about: About, pool: PoolPlan, site: Site) -> Nodes:
    """Nodes of one instance. Raises NotSupported where it neither shares a node evenly nor fills whole ones."""
    width = site.devices_per_node
    if pool.devices <= width:
        return Nodes(1, pool.devices, width // pool.devices)
    if pool.devices % width:
        reason = f"{pool.devices} ranks of the {pool.role} pool do not fill whole nodes of {width}"
        raise refuse(about, reason, "give --devices-per-node if the nodes of this system are of another size")
    return Nodes(pool.devices // width, width, 1)


def need_vendor(about: About, launch: Launch, *vendors: str) -> None:
    """Refuse a plan on chips of a vendor that the target does not run on."""
    for pool, site in launch.pools:
        if site.vendor not in vendors:
            named = " or ".join(vendors)
            raise refuse(about, f"the {pool.role} pool is on {site.chip} ({site.vendor}), not on chips of {named}")


def need_whole(about: About, launch: Launch) -> None:
    """Refuse a plan whose pools contradict themselves or one another."""
    roles = sorted(pool.role for pool in launch.plan.pools)
    if roles not in (["serve"], ["decode", "prefill"]):
        raise refuse(about, f"its pools are {', '.join(roles) or 'none'}, not one that serves, or prefill and decode")
    for pool in launch.plan.pools:
        sizes = (pool.tp, pool.pp, pool.dp, pool.cp, pool.ep, pool.devices, pool.instances)
        if min(sizes) < 1 or pool.redundant_experts < 0:
            raise refuse(about, f"a size of the {pool.role} pool is below 1")
        if pool.tp * pool.pp * pool.dp * pool.cp != pool.devices:
            product = f"tp {pool.tp} x pp {pool.pp} x dp {pool.dp} x cp {pool.cp}"
            raise refuse(about, f"{product} of the {pool.role} pool are not its {pool.devices} devices")
        if pool.mtp_tokens and not launch.model.mtp:
            reason = f"the {pool.role} pool drafts, and {plain(launch.model.id)} has no draft layers of its own"
            raise refuse(about, reason, "plan again without drafts")
    if len(roles) == 2 and launch.sites[0].vendor != launch.sites[1].vendor:
        raise refuse(about, "no documented connector carries the cache between chips of two vendors")


def need_even(about: About, model: Served, pool: PoolPlan, always: bool = False) -> None:
    """Refuse copies of experts that no ranks share, and experts that do not fill all ranks alike.

    always: ranks must hold as many experts as one another without copies too
    """
    copies, role = pool.redundant_experts, pool.role
    if copies and pool.ep == 1:
        raise refuse(about, f"{count(copies, 'redundant expert')} of the {role} pool; no ranks share its experts")
    if (copies or (always and pool.ep > 1)) and (model.experts + copies) % pool.ep:
        reason = f"{model.experts} experts and {copies} redundant ones do not divide by the {pool.ep} ranks of the"
        raise refuse(about, f"{reason} {role} pool that hold them")


def departures(launch: Launch, engines: Sequence[str]) -> tuple[str, ...]:
    """What every target leaves out or changes. engines: catalog ids whose estimate describes the target."""
    found = []
    for pool in launch.plan.pools:
        if pool.engine not in engines:
            version = f" {pool.engine_version}" if pool.engine_version else ""
            found.append(f"the {pool.role} pool was estimated as {plain(pool.engine)}{version}, another engine")
        if pool.weights != launch.model.weights:
            found.append(
                f"the {pool.role} pool needs weights in {plain(pool.weights)}; the released checkpoint is in"
                f" {launch.model.weights}: name one that is converted"
            )
    return tuple(dict.fromkeys(found))


def readme(about: About, launch: Launch, steps: Sequence[str], departed: Sequence[str]) -> LaunchFile:
    """How to start the files. steps: in their order."""
    plan = launch.plan
    lines = [f"# Plan {plain(plan.id)}: {plain(plan.model)} on {about.full}", ""]
    lines += [f"Written by accord {VERSION}. Flags as in {about.source}.", f"Check: {about.check}.", ""]
    for pool, site in launch.pools:
        copies = f", {count(pool.redundant_experts, 'redundant expert')}" if pool.redundant_experts else ""
        lines.append(
            f"- pool `{pool.role}`: {count(pool.instances, 'instance')} of {count(pool.devices, 'device')} on"
            f" {plain(pool.system)} (tp {pool.tp}, pp {pool.pp}, dp {pool.dp}, cp {pool.cp}, ep {pool.ep}{copies}),"
            f" {count(site.devices_per_node, 'device')} a node, {site.devices_per_chip} a chip"
        )
    lines += ["", "## Order of starting", "", *(f"{at}. {step}" for at, step in enumerate(steps, 1)), ""]
    lines += ["## Where the files differ from the plan", ""]
    lines += [f"- {one}" for one in departed] or ["Nowhere that is known."]
    return LaunchFile("README.md", "\n".join(lines) + "\n")
