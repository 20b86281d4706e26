"""``accord estimate``: one deployment, or a list of them, in steady state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from accord import api
from accord.api.instances import failure_sources, instances_up
from accord.catalog.load import load_catalog
from accord.cli.deployment import read_deployment, sweep_text
from accord.cli.deployment_flags import FLOATS, MACHINE, RECIPE, add, given, request
from accord.cli.flags import Decorated, WordList, common_options, level_option
from accord.cli.output import emit
from accord.report import estimate_view as view
from accord.report.instances import up_dict, up_tables
from accord.report.tables import Table
from accord.report.to_json import envelope

_HEAD = (
    "tpot_s", "ttft_s", "decode_token_per_s_per_chip", "prefill_token_per_s_per_chip",
    "output_token_per_s_per_user", "request_per_s",
)  # fmt: skip
_PHASES = WordList("prefill", "decode", "serve", "offline")


def _flags(function: Decorated) -> Decorated:
    """The deployment's flags, in the order of the help."""
    load = (
        click.option("--phase", type=_PHASES, help="prefill,decode (pools), serve or offline (flood)."),
        click.option("--batch-per-device", type=FLOATS, help="Decode requests in flight per device."),
        click.option("--tokens-per-device", type=FLOATS, help="Prompt tokens per device and prefill step."),
        click.option("--concurrency", type=FLOATS, help="Requests in flight, whole deployment."),
        click.option("--request-rate", type=FLOATS, help="Requests arriving a second (Poisson), whole deployment."),
        click.option("--isl", type=FLOATS, help="Prompt tokens."),
        click.option("--osl", type=FLOATS, help="Answer tokens."),
        click.option("--kv-len", type=FLOATS, help="Context in decode; left out: prompt and half the answer."),
        click.option("--reuse", type=FLOATS, help="Share of the prompt found in the cache pool."),
        click.option("--cache-plane", metavar="PLANE", help="Plane that reaches the cache pool, such as UB or VPC."),
    )
    last = (
        click.option("--sweep", "sweeps", multiple=True, metavar="FIELD=A:B:N", help="N values from A to B."),
        level_option,
        click.option("--failures", is_flag=True, help="How many instances are up, at the rates of the catalog."),
        click.option("--explain", is_flag=True, help="Operators, memory, parts, and the constants with sources."),
    )
    return add(function, (*MACHINE, *load, *RECIPE, *last))


@click.command("estimate")
@_flags
@common_options
def command(
    as_json: bool, catalog_paths: tuple[Path, ...], level: float, explain: bool, failures: bool,
    deployment: Path | None,
    sweeps: tuple[str, ...], phase: tuple[str, ...] | None, **flags: object,
) -> None:  # fmt: skip
    """How fast one deployment runs in steady state, and with what error bar.

    Lists (4,12,48) are combined and give a table. Batches are per device: an Ascend 910C chip is two.
    """
    catalog = load_catalog(catalog_paths)
    fields = {**(read_deployment(deployment) if deployment else {}), **given(flags)}
    for text in sweeps:
        name, values = sweep_text(text)
        fields[name] = values
    phases = phase or _phases(fields.pop("phase", None)) or _default_phases(fields)
    requests = [request({**fields, "phase": name}) for name in phases]
    answer = api.estimate_answer(requests, catalog=catalog, level=level, explain=explain)
    inputs = {"request": answer.inputs, "level": level, "catalog": [str(path) for path in catalog_paths]}
    tables = _tables(answer, level, explain)
    result, sources, warnings = answer.result, answer.sources, answer.warnings
    if failures:
        up, said = instances_up(catalog, answer.estimates, level)
        inputs["failures"] = True
        result, warnings = {**result, "availability": up_dict(up)}, [*warnings, *said]
        sources = [*sources, *failure_sources(catalog)]
        tables += up_tables(up, level)
    body = envelope(
        "estimate", inputs=inputs, result=result, sources=sources, warnings=warnings, catalog_digest=catalog.digest
    )
    emit(body, *tables, as_json=as_json)


def _phases(value: object) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(value).split(",")) if value else ()


def _default_phases(fields: Mapping[str, object]) -> tuple[str, ...]:
    """Pools when only pool quantities are given, else serving."""
    pools = any(name in fields for name in ("batch_per_device", "kv_len"))
    loaded = "concurrency" in fields or "request_rate" in fields
    return ("decode",) if pools and not loaded else ("serve",)


def _tables(answer: api.Answer, level: float, explain: bool) -> list[Table]:
    tables: list[Table] = []
    for phase, one in answer.estimates.items():
        chips = "1 chip" if one.chips == 1 else f"{one.chips:,.0f} chips"
        where = f"{one.setting.spec.id} on {chips} of {one.setting.machine.id}, {phase}"
        if len(one.points) > 1:
            names = [name for name in _HEAD if name in one.metrics]
            tables.append(view.points_table(where, one, names))
        else:
            tables.append(view.metrics_table(where, one, answer.factors[phase], level))
        if explain:
            tables += [view.step_table(pool, step) for pool, step in one.steps.items()]
            tables += [view.memory_table(pool, memory) for pool, memory in one.memories.items()]
            tables.append(view.operators_table(phase, answer.explained[phase]))
    if explain:
        tables += [view.causes_table(phase, by) for phase, by in answer.causes.items()]
        tables.append(view.constants_table(answer.constants))
    return tables
