"""Flags that describe a deployment, shared by the verbs that take one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accord.base.errors import UsageError
from accord.cli.flags import CatalogId, Decorated, NumberList

if TYPE_CHECKING:
    from accord.inference.request import EstimateRequest

INTS = NumberList(int, minimum=0)
FLOATS = NumberList(float, minimum=0.0)
FILE = click.Path(dir_okay=False, path_type=Path)

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

MACHINE: tuple[Option, ...] = (
    click.option("--model", metavar="ID_OR_PATH", help="A catalog model, or the path of a config.json."),
    click.option("--system", type=CatalogId("systems", "chips"), help="A catalog system (or a single chip)."),
    click.option("--chips", type=click.IntRange(min=1), help="Packages in use."),
    click.option("--devices", type=click.IntRange(min=1), help="Ranks in use, instead of --chips."),
    click.option("--tp", type=INTS, help="Tensor-parallel ranks."),
    click.option("--pp", type=INTS, help="Pipeline stages."),
    click.option("--dp", type=INTS, help="Attention data-parallel groups of one instance."),
    click.option("--cp", type=INTS, help="Ranks that share the tokens and cache of a request (context parallel)."),
    click.option("--ep", type=INTS, help="Expert-parallel ranks."),
)
RECIPE: tuple[Option, ...] = (
    click.option("--weights", metavar="FORMAT", help="bf16, fp8, int8, fp4, mxfp4 or int4."),
    click.option("--kv", metavar="FORMAT", help="Cache format: bf16, fp8 or int8."),
    click.option("--mtp-tokens", type=INTS, help="Draft tokens an iteration."),
    click.option("--mtp-accept", type=FLOATS, help="Chance that a draft is accepted."),
    click.option("--microbatches", type=INTS, help="1 or 2; 0 picks the faster."),
    click.option("--engine", metavar="ID", help="vllm, sglang, tensorrt-llm, cloudmatrix-infer, ..."),
    click.option(
        "--engine-version", metavar="VERSION", help="Its release (0.15.1) or a day (2025-10); else the current one."
    ),
    click.option("--balanced", is_flag=True, help="Tokens fall evenly on experts."),
    click.option("--graph/--eager", "graph", default=None, help="Decode replays captured graphs, or not."),
    click.option("--prefill", "prefill", metavar="POOL", help="Prefill pool: 'instances=6,devices=32,ep=32'."),
    click.option("--decode", "decode", metavar="POOL", help="Decode pool: 'instances=1,devices=320,ep=320'."),
    click.option("--deployment", type=FILE, metavar="FILE", help="Fields from a YAML file; flags win."),
)


def add(function: Decorated, options: Iterable[Option]) -> Decorated:
    """Add options in the order of the help."""
    made: Callable[..., Any] = function
    for option in reversed(tuple(options)):
        made = option(made)
    return made  # type: ignore[return-value]


def given(flags: Mapping[str, object]) -> dict[str, object]:
    """Flags that were set, one-element lists as numbers, pools as records."""
    from accord.cli.deployment import pool_text

    found: dict[str, object] = {}
    for name, value in flags.items():
        if value is None or (value is False and name != "graph"):
            continue
        if name in ("prefill", "decode") and isinstance(value, str):
            value = pool_text(value, f"--{name}")
        elif isinstance(value, tuple):
            value = value[0] if len(value) == 1 else value
        found[name] = value
    return found


def request(fields: Mapping[str, object]) -> EstimateRequest:
    """The fields as a request. Raises UsageError for a missing model or system, or an unknown field."""
    from accord.inference.job import LIST_FIELDS
    from accord.inference.request import EstimateRequest

    for needed in ("model", "system"):
        if needed not in fields:
            raise UsageError(f"--{needed} is missing", hint=f"name one: accord catalog list {needed}s")
    unknown = [name for name in fields if name not in EstimateRequest.__struct_fields__]
    if unknown:
        raise UsageError(f"'{unknown[0]}' is no field of a deployment", hint=f"lists: {', '.join(LIST_FIELDS)}")
    return EstimateRequest(**fields)  # type: ignore[arg-type]
