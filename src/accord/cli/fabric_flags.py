"""Flags of ``accord fabric``: sizes between commas, and a deployment that is laid on a system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from accord.base.errors import UsageError
from accord.cli.deployment import pool_text
from accord.cli.deployment_flags import FLOATS, INTS, Option, given, request
from accord.cli.flags import NumberList, Quantity

if TYPE_CHECKING:
    from accord.inference.request import EstimateRequest

LAY: tuple[Option, ...] = (
    click.option(
        "--model", metavar="ID_OR_PATH",
        help="Lay a deployment of it on the system: a catalog model, or the path of a config.json.",
    ),
    click.option("--prefill", metavar="POOL", help="Prefill pool: 'instances=6,devices=32,ep=32'."),
    click.option("--decode", metavar="POOL", help="Decode pool: 'instances=1,devices=320,ep=320'."),
    click.option(
        "--serve", metavar="POOL", help="Instead, one pool that does both by turns: 'instances=2,devices=4,tp=4'."
    ),
    click.option("--batch-per-device", type=FLOATS, help="Decode requests in flight per device."),
    click.option("--tokens-per-device", type=FLOATS, help="Prompt tokens per device and prefill step."),
    click.option("--isl", type=FLOATS, help="Prompt tokens."),
    click.option("--osl", type=FLOATS, help="Answer tokens."),
    click.option("--kv-len", type=FLOATS, help="Context in decode; left out: prompt and half the answer."),
    click.option("--reuse", type=FLOATS, help="Share of the prompt found in the cache pool."),
    click.option("--cache-plane", metavar="PLANE", help="Plane that reaches the cache pool, such as UB or VPC."),
    click.option("--weights", metavar="FORMAT", help="bf16, fp8, int8, fp4, mxfp4 or int4."),
    click.option("--kv", metavar="FORMAT", help="Cache format: bf16, fp8 or int8."),
    click.option("--mtp-tokens", type=INTS, help="Draft tokens an iteration."),
    click.option("--mtp-accept", type=FLOATS, help="Chance that a draft is accepted."),
    click.option("--engine", metavar="ID", help="vllm, sglang, tensorrt-llm, cloudmatrix-infer, ..."),
    click.option("--engine-version", metavar="VERSION", help="Its release or a day; else the current one."),
    click.option("--balanced", is_flag=True, help="Tokens fall evenly on experts."),
)  # fmt: skip


def lay_request(system: str, flags: Mapping[str, object], others: Mapping[str, object]) -> EstimateRequest | None:
    """The deployment that is to be laid, None where no flag of it is set.

    others: flags of the verb that ask something else, by name, None where they are not set
    Raises UsageError for flags that do not go together, lists, and as :func:`accord.cli.deployment_flags.request`.
    """
    fields = given(flags)
    if not fields:
        return None
    if "model" not in fields:
        name = next(iter(fields)).replace("_", "-")
        raise UsageError(f"--{name} without --model", where=f"--{name}", hint="a deployment has a model")
    for name, value in others.items():
        if value is not None:
            raise UsageError(f"--{name} with --model", where=f"--{name}", hint="ask one question at a time")
    for name, value in fields.items():
        if isinstance(value, tuple):
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} has {len(value)} values", where=flag, hint="one deployment is laid at a time")
    fields.update(_served(fields.pop("serve", None), fields))
    return request({**fields, "system": system})


def _served(text: object, fields: Mapping[str, object]) -> dict[str, object]:
    """Devices and ranks of a pool that does both. Raises UsageError beside other pools or without a size."""
    if text is None:
        return {}
    for name in ("prefill", "decode"):
        if name in fields:
            raise UsageError(f"--{name} with --serve", where="--serve", hint="one pool for both, or one for each")
    pool = pool_text(str(text), "--serve")
    if pool.devices is None:
        raise UsageError("--serve without devices", where="--serve", hint="such as 'instances=2,devices=4,tp=4'")
    ranks = {name: getattr(pool, name) for name in ("tp", "pp", "dp", "cp", "ep") if getattr(pool, name) is not None}
    return {"devices": pool.devices * pool.instances, **ranks}


class QuantityList(NumberList):
    """Quantities between commas, such as ``1MB,64MB``; gives a tuple of SI floats above 0."""

    def __init__(self, unit: str, *, example: str) -> None:
        """Take quantities of one kind; see :class:`accord.cli.flags.Quantity`."""
        super().__init__(float)
        self._quantity = Quantity(unit, example=example, above=0.0)
        self._example = example
        self.name = f"quantities in {unit}"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show the form in the help."""
        return f"{self._example}[,...]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Split at commas and read each."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(parts):
            self.fail(f"'{value}' has nothing between two commas or at an end", param, ctx)
        return tuple(self._quantity.convert(part, param, ctx) for part in parts)
