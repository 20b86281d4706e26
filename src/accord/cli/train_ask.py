"""The flags of ``accord train`` as its question."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from accord.api.train_request import FailureAsk, SitesAsk, StageAsk, TrainAsk
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.cli.scenario import read_scenario
from accord.economics.scenario import Amount, Scenario, SystemTerms
from accord.training.request import TrainRequest

_FAILURES: Mapping[str, str] = {
    "runs": "runs", "seed": "seed", "spares": "spares_chips", "checkpoint_interval": "interval_s",
    "checkpoint_bandwidth": "checkpoint_bytes_per_s", "on_loss": "on_loss", "detection": "detection_s",
    "restart": "restart_s", "repair": "repair_s",
}  # fmt: skip
_PLAYED = ("runs", "seed")
_SITES: Mapping[str, str] = {
    "sites": "sites", "wan": "wan_bytes_per_s", "rtt": "rtt_s", "local_steps": "local_steps", "bits": "bits",
    "overlap": "overlap",
}  # fmt: skip


def ask_of(flags: Mapping[str, Any], catalog: Catalog) -> TrainAsk:
    """The question. Raises UsageError for flags that contradict one another, ScenarioError for a bad file."""
    for name in ("model", "system"):
        if not flags[name]:
            raise UsageError(f"--{name} is missing", hint=f"name one: accord catalog list {name}s")
    return TrainAsk(
        request=_request(flags), flop=flags["flop"], auto=flags["auto"], scenario=_scenario(flags, catalog),
        start=flags["start"], power_w=flags["power"], failures=_failures(flags), sites=_sites(flags),
        stages=tuple(StageAsk(kind=kind, tokens=tokens, seq=seq) for kind, tokens, seq in flags["stages"]),
        base_flop=flags["base_flop"], level=flags["level"], explain=flags["explain"],
    )  # fmt: skip


def _request(flags: Mapping[str, Any]) -> TrainRequest:
    fields = {name: flags[name] for name in TrainRequest.__struct_fields__ if flags.get(name) is not None}
    sequences = flags["global_batch_seqs"]
    if sequences is not None:
        if flags["global_batch"] is not None:
            raise UsageError("the batch is given twice", where="--global-batch-seqs", hint="keep one of both flags")
        if flags["seq"] is None:
            raise UsageError("a batch in sequences needs their length", where="--global-batch-seqs",
                             hint="add --seq, such as --seq 4096")  # fmt: skip
        fields["global_batch"] = float(sequences * flags["seq"])
    return TrainRequest(**fields)


def _failures(flags: Mapping[str, Any]) -> FailureAsk:
    given = {field: flags[name] for name, field in _FAILURES.items() if flags[name] is not None}
    alone = [name for name in _PLAYED if flags[name] is not None]
    if alone and not flags["failures"]:
        raise UsageError("nothing is played at random", where=f"--{alone[0]}", hint="add --failures")
    return FailureAsk(details=flags["failures"], **given)


def _sites(flags: Mapping[str, Any]) -> SitesAsk | None:
    given = {field: flags[name] for name, field in _SITES.items() if flags[name] is not None}
    if flags["sites"] is None:
        if given:
            name = next(name for name in _SITES if flags[name] is not None)
            raise UsageError("there is one site", where=f"--{name.replace('_', '-')}", hint="add --sites N")
        return None
    for name in ("wan", "rtt"):
        if flags[name] is None:
            example = {"wan": "100GB/s", "rtt": "30ms"}[name]
            raise UsageError(f"--{name} is missing", where="--sites", hint=f"say it, such as --{name} {example}")
    return SitesAsk(**given)


def _scenario(flags: Mapping[str, Any], catalog: Catalog) -> Scenario:
    """Place and money: those of the file, with what the flags say instead."""
    found = Scenario()
    if flags["scenario"] is not None:
        from accord.cli.plan_flags import PLAN_KEYS

        found = read_scenario(flags["scenario"], PLAN_KEYS, catalog.ids("systems"))
    changes: dict[str, object] = {}
    if flags["place"] is not None:
        changes["country"], changes["region"] = flags["place"]
    if flags["tariff"] is not None:
        changes["tariff"] = Amount(*flags["tariff"])
    for name, field in (("pue", "pue"), ("carbon", "kgco2_per_kwh")):
        if flags[name] is not None:
            changes[field] = flags[name]
    if flags["price"] is not None:
        terms = msgspec.structs.replace(found.systems.get(flags["system"], SystemTerms()), rent=Amount(*flags["price"]))
        changes |= {"mode": "rent", "systems": {**found.systems, flags["system"]: terms}}
    return msgspec.structs.replace(found, **changes)


def check_picture(path: Path | None) -> None:
    """Refuse a picture of another kind than SVG. Raises UsageError."""
    if path is not None and path.suffix.lower() != ".svg":
        raise UsageError(
            f"'{path}' is no SVG file", where="--draw-schedule", hint=f"name it '{path.with_suffix('.svg')}'"
        )
