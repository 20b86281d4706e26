"""``accord estimate``: one deployment, or a list of them, in steady state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from accord import api
from accord.base.errors import UsageError
from accord.catalog.load import load_catalog
from accord.cli.deployment import pool_text, read_deployment, sweep_text
from accord.cli.flags import CatalogId, NumberList, WordList, common_options, level_option
from accord.cli.output import emit
from accord.inference.job import LIST_FIELDS
from accord.inference.request import EstimateRequest
from accord.report import estimate_view as view
from accord.report.tables import Table
from accord.report.to_json import envelope

INTS = NumberList(int, minimum=0)
FLOATS = NumberList(float, minimum=0.0)
_HEAD = (
    "tpot_s", "ttft_s", "decode_token_per_s_per_chip", "prefill_token_per_s_per_chip",
    "output_token_per_s_per_user", "request_per_s",
)  # fmt: skip
_PHASES = WordList("prefill", "decode", "serve", "offline")
_FILE = click.Path(dir_okay=False, path_type=Path)


def _flags(function: Callable[..., None]) -> Callable[..., None]:
    """The deployment's flags, in the order of the help."""
    options = (
        click.option("--model", metavar="ID_OR_PATH", help="A catalog model, or the path of a config.json."),
        click.option("--system", type=CatalogId("systems", "chips"), help="A catalog system (or a single chip)."),
        click.option("--phase", type=_PHASES, help="prefill,decode (pools), serve or offline (flood)."),
        click.option("--chips", type=click.IntRange(min=1), help="Packages in use."),
        click.option("--devices", type=click.IntRange(min=1), help="Ranks in use, instead of --chips."),
        click.option("--tp", type=INTS, help="Tensor-parallel ranks."),
        click.option("--pp", type=INTS, help="Pipeline stages."),
        click.option("--dp", type=INTS, help="Attention data-parallel groups of one instance."),
        click.option("--cp", type=INTS, help="Ranks that share the tokens and cache of a request (context parallel)."),
        click.option("--ep", type=INTS, help="Expert-parallel ranks."),
        click.option("--batch-per-device", type=FLOATS, help="Decode requests in flight per device."),
        click.option("--tokens-per-device", type=FLOATS, help="Prompt tokens per device and prefill step."),
        click.option("--concurrency", type=FLOATS, help="Requests in flight, whole deployment."),
        click.option("--request-rate", type=FLOATS, help="Requests arriving a second (Poisson), whole deployment."),
        click.option("--isl", type=FLOATS, help="Prompt tokens."),
        click.option("--osl", type=FLOATS, help="Answer tokens."),
        click.option("--kv-len", type=FLOATS, help="Context in decode; left out: prompt and half the answer."),
        click.option("--weights", metavar="FORMAT", help="bf16, fp8, int8, fp4, mxfp4 or int4."),
        click.option("--kv", metavar="FORMAT", help="Cache format: bf16, fp8 or int8."),
        click.option("--mtp-tokens", type=INTS, help="Draft tokens an iteration."),
        click.option("--mtp-accept", type=FLOATS, help="Chance that a draft is accepted."),
        click.option("--microbatches", type=INTS, help="1 or 2; 0 picks the faster."),
        click.option("--engine", metavar="ID", help="vllm, sglang, tensorrt-llm, cloudmatrix-infer, ..."),
        click.option("--reuse", type=FLOATS, help="Share of the prompt found in the cache pool."),
        click.option("--cache-plane", metavar="PLANE", help="Plane that reaches the cache pool, such as UB or VPC."),
        click.option("--balanced", is_flag=True, help="Tokens fall evenly on experts."),
        click.option("--graph/--eager", "graph", default=None, help="Decode replays captured graphs, or not."),
        click.option("--prefill", "prefill", metavar="POOL", help="Prefill pool: 'instances=6,devices=32,ep=32'."),
        click.option("--decode", "decode", metavar="POOL", help="Decode pool: 'instances=1,devices=320,ep=320'."),
        click.option("--deployment", type=_FILE, metavar="FILE", help="Fields from a YAML file; flags win."),
        click.option("--sweep", "sweeps", multiple=True, metavar="FIELD=A:B:N", help="N values from A to B."),
        level_option,
        click.option("--explain", is_flag=True, help="Operators, memory, parts, and the constants with sources."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@click.command("estimate")
@_flags
@common_options
def command(
    as_json: bool, catalog_paths: tuple[Path, ...], level: float, explain: bool, deployment: Path | None,
    sweeps: tuple[str, ...], phase: tuple[str, ...] | None, **flags: object,
) -> None:  # fmt: skip
    """How fast one deployment runs in steady state, and with what error bar.

    Lists (4,12,48) are combined and give a table. Batches are per device: an Ascend 910C chip is two.
    """
    catalog = load_catalog(catalog_paths)
    fields = {**(read_deployment(deployment) if deployment else {}), **_given(flags)}
    for text in sweeps:
        name, values = sweep_text(text)
        fields[name] = values
    phases = phase or _phases(fields.pop("phase", None)) or _default_phases(fields)
    requests = [_request({**fields, "phase": name}) for name in phases]
    answer = api.estimate_answer(requests, catalog=catalog, level=level, explain=explain)
    inputs = {"request": answer.inputs, "level": level, "catalog": [str(path) for path in catalog_paths]}
    body = envelope(
        "estimate", inputs=inputs, result=answer.result, sources=answer.sources, warnings=answer.warnings,
        catalog_digest=catalog.digest,
    )  # fmt: skip
    emit(body, *_tables(answer, level, explain), as_json=as_json)


def _given(flags: Mapping[str, object]) -> dict[str, object]:
    """Flags that were set, one-element lists as numbers, pools as records."""
    given: dict[str, object] = {}
    for name, value in flags.items():
        if value is None or (value is False and name != "graph"):
            continue
        if name in ("prefill", "decode"):
            value = pool_text(str(value), f"--{name}")
        elif isinstance(value, tuple):
            value = value[0] if len(value) == 1 else value
        given[name] = value
    return given


def _phases(value: object) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(value).split(",")) if value else ()


def _default_phases(fields: Mapping[str, object]) -> tuple[str, ...]:
    """Pools when only pool quantities are given, else serving."""
    pools = any(name in fields for name in ("batch_per_device", "kv_len"))
    loaded = "concurrency" in fields or "request_rate" in fields
    return ("decode",) if pools and not loaded else ("serve",)


def _request(fields: Mapping[str, object]) -> EstimateRequest:
    for needed in ("model", "system"):
        if needed not in fields:
            raise UsageError(f"--{needed} is missing", hint=f"name one: accord catalog list {needed}s")
    unknown = [name for name in fields if name not in EstimateRequest.__struct_fields__]
    if unknown:
        raise UsageError(f"'{unknown[0]}' is no field of a deployment", hint=f"lists: {', '.join(LIST_FIELDS)}")
    return EstimateRequest(**fields)  # type: ignore[arg-type]


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
