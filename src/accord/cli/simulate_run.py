"""A simulation on the command line: flags as a request, the run, what is printed, written and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from accord.api.instances import CatalogFailures
from accord.api.pools import EngineRules
from accord.api.records import machine_of, model_spec
from accord.api.simulate import SimulateRequest, Simulation, find_saturation, simulate_deployment
from accord.base.errors import UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.cli.deployment import read_deployment
from accord.cli.deployment_flags import MACHINE, RECIPE, given, request
from accord.cli.output import emit, say
from accord.cli.simulate_load import Load, load_of
from accord.cli.simulate_output import Outputs, keep, write_files
from accord.cli.simulate_text import autoscale_text, outage_text, pool_place, slos_of
from accord.cli.watching import Watching, begin, each, tell_kept
from accord.inference.request import EstimateRequest, PoolRequest
from accord.report.instances import taken_dict, taken_table
from accord.report.simulate_view import bounds_table, result_dict, tables
from accord.report.tables import Table
from accord.report.to_json import envelope
from accord.serving.slo import Slo
from accord.serving.spec import INFINITE

INTERRUPTED = 130
REPAIR_S = 600.0  # where neither the user nor the catalog is asked
LOADS = ("isl", "osl", "kv_len", "batch_per_device", "tokens_per_device", "concurrency", "request_rate", "reuse",
         "cache_plane")  # fmt: skip


def run_simulation(
    flags: Mapping[str, Any], words: Sequence[str], *, as_json: bool, catalog_paths: tuple[Path, ...]
) -> int:
    """Simulate, print, write and keep; returns the exit code.

    flags: of the verb by name; words: that it was called with
    """
    _check(flags)
    catalog = load_catalog(catalog_paths)
    load = load_of(catalog, flags)
    deployment, places, unused = _deployment(flags)
    outputs = Outputs.of(flags)
    asked = _request(flags, outputs, deployment, places)
    slos = (*slos_of(flags), *load.slos)
    _known(catalog, asked)
    begin()
    with outputs.places(), Watching() as watching:
        if flags["find_rate"]:
            at_rate = each(load.at_rate, "rates tried")
            done = find_saturation(asked, at_rate, slos, catalog=catalog, progress=watching.progress)
        else:
            make = each(load.make, "runs", asked.replications)
            done = simulate_deployment(asked, make, slos=slos, catalog=catalog, progress=watching.progress)
        files = write_files(done, outputs, deployment, load)
        watching.clear()
        body = _envelope(
            done, _inputs(asked, done, load, slos, words, catalog_paths), (*unused, *load.warnings), files, catalog
        )
        emit(body, *_tables(done, asked, load), as_json=as_json)
        for file in files:
            say(f"wrote {file}")
        kept = keep(done, body, outputs, deployment, files, catalog)
        tell_kept(kept)
    if kept:
        say(f"run {kept[:8]} is kept: accord runs show {kept[:8]}")
    if not done.combined.complete:
        say("interrupted: numbers are of what had happened until then")
        return INTERRUPTED
    return 0


def _check(flags: Mapping[str, Any]) -> None:
    """Refuse flags that say nothing without others, or contradict them. Raises UsageError."""
    if flags["cache_plane"] and flags["pooled_cache"] is None:
        raise UsageError("the way to a pooled cache without one", where="--cache-plane", hint="give --pooled-cache")
    if flags["no_spare"] and flags["mtbf"] != "catalog":
        raise UsageError("no spare nodes for failures that are stated", where="--no-spare",
                         hint="give --mtbf catalog, or --repair as long as a repair takes")  # fmt: skip
    if flags["duration"] is not None and flags["warm_up"] >= flags["duration"]:
        raise UsageError("nothing is left after the warm-up", where="--warm-up", hint="make it shorter than --duration")
    if (
        flags["find_rate"]
        and not (flags["workload"] or flags["slo_texts"])
        and not any(flags[name] is not None for name in ("ttft", "tpot", "e2e"))
    ):
        raise UsageError(
            "a search for the highest rate without a limit", where="--find-rate", hint="give --ttft, --tpot or --e2e"
        )


def _known(catalog: Catalog, asked: SimulateRequest) -> None:
    """Refuse a model or a system that nobody knows, before a load is made. Raises the errors of both look-ups."""
    model_spec(catalog, asked.deployment.model)
    for system in filter(None, (asked.deployment.system, *asked.places.values())):
        machine_of(catalog, system)


def _deployment(flags: Mapping[str, Any]) -> tuple[EstimateRequest, dict[str, str], tuple[str, ...]]:
    """The deployment, systems of its pools where they are named, and what of its file is of no account here."""
    names = {name for option in (*MACHINE, *RECIPE) for name in _names(option)}
    fields = read_deployment(flags["deployment"]) if flags["deployment"] else {}
    unused = [name for name in LOADS if name in fields]
    for name in unused:
        fields.pop(name)
    said = (f"not used of {flags['deployment']}, since the load is given by flags: {', '.join(unused)}",)
    own = {name: flags[name] for name in names if name in flags and name != "deployment"}
    places: dict[str, str] = {}
    for name in ("prefill", "decode"):
        own[name], place = pool_place(flags[name], name)
        places |= place
    fields |= given(own)
    fields.pop("phase", None)
    for name in places:
        fields.setdefault(name, PoolRequest())
    if "system" not in fields and places:
        fields["system"] = places.get("prefill") or places["decode"]
    return request(fields), places, said if unused else ()


def _request(
    flags: Mapping[str, Any], outputs: Outputs, deployment: EstimateRequest, places: dict[str, str]
) -> SimulateRequest:
    """The flags as a request."""
    engine = EngineRules(
        max_num_seqs=flags["max_num_seqs"], max_num_batched_tokens=flags["max_num_batched_tokens"],
        block_size=flags["block_size"], gpu_memory_utilization=flags["gpu_memory_utilization"],
        kv_blocks=flags["kv_blocks"], watermark=flags["watermark"], prefix_caching=flags["prefix_caching"],
        step_overhead_s=flags["step_overhead"], frontend_s=flags["frontend"], load_s=flags["load_time"],
        cold=flags["cold"],
    )  # fmt: skip
    rates = CatalogFailures(spare=not flags["no_spare"], repair_s=flags["repair"])
    of_catalog = flags["mtbf"] == "catalog"
    return SimulateRequest(
        deployment=deployment, engine_rules=engine, places=places, scheduler=flags["scheduler"],
        router=flags["router"], seed=flags["seed"], duration_s=flags["duration"] or INFINITE,
        warm_s=flags["warm_up"], replications=flags["replications"], level=flags["level"], bounds=flags["bounds"],
        cache_plane=flags["cache_plane"], pool_bytes=flags["pooled_cache"],
        outages=tuple(outage_text(text) for text in flags["fail"]),
        mtbf_s=INFINITE if of_catalog else flags["mtbf"] or INFINITE, failures=rates if of_catalog else None,
        repair_s=REPAIR_S if flags["repair"] is None else flags["repair"],
        autoscale=autoscale_text(flags["autoscale"]), spans=outputs.spans,
        usd_per_chip_hour=flags["usd_per_chip_hour"], match_rates=flags["match_rates"],
        rated=flags["rate"] is not None or flags["find_rate"] or "=" in (flags["workload"] or ""),
    )  # fmt: skip


def _names(option: Any) -> list[str]:
    """Names of the parameters that an option adds."""

    def probe() -> None:
        """Carry the option."""

    return [str(one.name) for one in option(probe).__click_params__]


def _inputs(
    asked: SimulateRequest, done: Simulation, load: Load, slos: Sequence[Slo], words: Sequence[str],
    paths: tuple[Path, ...],
) -> dict[str, object]:  # fmt: skip
    """Everything the answer depends on; ``command`` gives it again."""
    limits = [
        {"name": one.name, **one.limits(), "needed": one.needed, **({"tenant": one.tenant} if one.tenant else {})}
        for one in slos
    ]
    plain = _plain(asked)
    if asked.failures is not None:
        plain["failures"] = taken_dict(done.taken, asked.failures.spare)
        del plain["repair_s"]
    return {
        "command": ["accord", "simulate", *words], **plain, "workload": load.inputs, "slos": limits,
        "assumed": list(done.assumed), "scheduler": done.rules.scheduler, "catalog": [str(path) for path in paths],
    }  # fmt: skip


def _envelope(
    done: Simulation, inputs: Mapping[str, object], said: Sequence[str], files: list[str], catalog: Catalog
) -> dict[str, object]:
    result = result_dict(done.combined, done.saturation)
    result["files"] = files
    result["step_time_log_sd"] = done.scale_log_sd
    result["deployment"] = [_pool_dict(one) for one in done.built]
    return envelope(
        "simulate", inputs=inputs, result=result, sources=done.sources, warnings=(*said, *done.warnings),
        catalog_digest=catalog.digest,
    )  # fmt: skip


def _plain(asked: SimulateRequest) -> dict[str, object]:
    """The request without what was not given; an unlimited time is left out."""
    found = msgspec.to_builtins(asked)
    for name in ("deployment", "engine_rules"):
        found[name] = {key: value for key, value in found[name].items() if value is not None}
    return {name: value for name, value in found.items() if value is not None and value != INFINITE}


def _pool_dict(one: Any) -> dict[str, object]:
    pool, layout = one.pool, one.layout
    return {
        "name": pool.name, "system": one.system, "engine": one.engine, "instances": pool.instances,
        "chips_per_instance": pool.chips, "groups": pool.groups, "tp": layout.tp, "pp": layout.pp, "dp": layout.dp,
        "cp": layout.cp, "ep": layout.ep, "kv_tokens_per_group": pool.kv_tokens, "block_tokens": pool.block_tokens,
        "max_num_seqs": pool.max_seqs, "max_num_batched_tokens": pool.token_budget,
        "weights": one.setting.formats.experts, "kv": one.setting.formats.kv, "load_s": pool.load_s,
    }  # fmt: skip


def _tables(done: Simulation, asked: SimulateRequest, load: Load) -> list[Table]:
    chips = sum(one.pool.chips * one.pool.instances for one in done.built)
    where = " and ".join(dict.fromkeys(one.system for one in done.built))
    count = "1 chip" if chips == 1 else f"{chips:,.4g} chips" if chips < 1e3 else f"{chips:,.0f} chips"
    title = f"{asked.deployment.model} on {count} of {where}: {load.title}"
    bounds = [bounds_table(done.combined)] if done.bounded else []
    failing = [taken_table(done.taken, asked.failures.spare, asked.level)] if asked.failures is not None else []
    return [*tables(title, done.combined, done.saturation), *bounds, *failing]
