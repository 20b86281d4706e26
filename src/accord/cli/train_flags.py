"""Flags of ``accord train``. Nothing heavy is loaded here, so that the help comes at once."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.deployment_flags import Option
from accord.cli.deployment_flags import add as add_options
from accord.cli.flags import CatalogId, Decorated, Quantity, level_option
from accord.cli.sections import Sectioned
from accord.cli.train_types import Count, Day, Money, Place, Stage, Tokens

FORMATS = ("bf16", "fp16", "fp8", "mxfp8", "fp4")
RECOMPUTE = ("none", "selective", "full")
SCHEDULES = ("1f1b", "interleaved", "zero-bubble", "dualpipe")
ON_LOSS = ("spare", "drop-domain", "shrink")
_N, _LENGTH = Count(), Count(example="8192", unit="tok")
_FLOP = Count(whole=False, example="1e26", unit="FLOP")


class Spares(Count):
    """A whole number, 0 included."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | int:
        """Let 0 pass."""
        text = str(value).strip()
        if text.startswith("-"):
            self.fail(f"'{text}' is not 0 or more", param, ctx)
        return 0 if text == "0" else super().convert(value, param, ctx)


def _duration(example: str, *, zero: bool = False) -> Quantity:
    return Quantity("s", example=example, least=0.0) if zero else Quantity("s", example=example, above=0.0)


RUN: tuple[Option, ...] = (
    click.option("--model", metavar="ID_OR_PATH", help="A catalog model, or the path of a config.json."),
    click.option("--system", type=CatalogId("systems", "chips"), help="A catalog system (or a single chip)."),
    click.option("--chips", type=_N, help="Packages of the whole job; may be several systems."),
    click.option("--tokens", type=Tokens(), help="Tokens of the whole run."),
    click.option("--flop", type=_FLOP, help="Compute of the whole run, instead of its tokens."),
    click.option("--seq", type=_LENGTH, help="Tokens of a sequence."),
    click.option(
        "--global-batch", type=Tokens(example="16M"), help="Tokens of a step, near which whole sequences are taken."
    ),
    click.option("--global-batch-seqs", type=_N, help="Sequences of a step, instead."),
    click.option("--start", type=Day(), help="First day: tells the last, and prices of that year."),
)
LAYOUT: tuple[Option, ...] = (
    click.option("--auto", is_flag=True, help="Search the layout; simulate the pipelines of the best."),
    click.option("--tp", type=_N, help="Tensor-parallel ranks."),
    click.option("--cp", type=_N, help="Context-parallel ranks."),
    click.option("--pp", type=_N, help="Pipeline ranks."),
    click.option("--vp", type=_N, help="Virtual stages of a pipeline rank."),
    click.option("--dp", type=_N, help="Data-parallel replicas: tp x cp x pp x dp are all devices."),
    click.option("--ep", type=_N, help="Ranks that hold different experts; divides tp x cp x dp."),
    click.option("--micro-batch", type=_N, help="Sequences of a micro-batch."),
    click.option("--schedule", type=click.Choice(SCHEDULES), help="Of the pipeline."),
    click.option("--precision", type=click.Choice(FORMATS), help="Of matrix products; bf16 where the chip lacks it."),
    click.option("--recompute", type=click.Choice(RECOMPUTE), help="What backward computes again."),
    click.option("--zero", type=click.IntRange(0, 3), metavar="0-3", help="What data-parallel ranks shard."),
    click.option("--sequence-parallel/--no-sequence-parallel", default=None, help="Norms split over tp."),
    click.option("--lora-rank", type=_N, help="Train adapters of this rank beside frozen weights."),
    click.option("--offload", is_flag=True, help="Optimizer states in host memory."),
    click.option("--mtp/--no-mtp", default=None, help="Multi-token-prediction loss; on where the model has it."),
    click.option("--balanced", is_flag=True, help="Tokens fall evenly on experts."),
)
MONEY: tuple[Option, ...] = (
    click.option("--price", type=Money("h", "2 USD/h"), help="Of a chip-hour; else of the catalog, owned or rented."),
    click.option("--place", type=Place(), help="Country, for tariff, PUE and carbon."),
    click.option("--tariff", type=Money("kWh", "0.36 CNY/kWh"), help="Of electricity."),
    click.option("--pue", type=click.FloatRange(1.0, 5.0), metavar="X", help="Power at the meter over the racks'."),
    click.option(
        "--carbon", type=Quantity("kgCO2e/kWh", example="0.5 kgCO2e/kWh", least=0.0), help="Of the grid."
    ),
    click.option("--power", type=Quantity("W", example="160MW", above=0.0), help="Feed at the racks: exit 1 if short."),
    click.option("--scenario", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
                 help="Place and money in TOML, as of accord plan; flags win."),
)  # fmt: skip
FAILURES: tuple[Option, ...] = (
    click.option("--failures", is_flag=True, help="Also play the run at random, many times."),
    click.option("--runs", type=Count(example="1000"), help="Times it is played."),
    click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Of that play."),
    click.option("--spares", type=Spares(example="CHIPS"), help="Chips that stand by; else what leaves no waiting."),
    click.option("--checkpoint-interval", type=_duration("30min"), help="Between checkpoints; else the best."),
    click.option("--checkpoint-bandwidth", type=Quantity("B/s", example="500 GB/s", above=0.0),
                 help="At which all of the state is written."),
    click.option("--on-loss", type=click.Choice(ON_LOSS), help="Without a spare: wait, or go on with less."),
    click.option("--detection", type=_duration("5min", zero=True), help="Until an interruption is noticed."),
    click.option("--restart", type=_duration("10min", zero=True), help="From then until the job computes."),
    click.option("--repair", type=_duration("1d", zero=True), help="Until a failed domain is back."),
)  # fmt: skip
SITES: tuple[Option, ...] = (
    click.option("--sites", type=_N, help="Equal sites that train one model."),
    click.option("--wan", type=Quantity("B/s", example="100 GB/s", above=0.0), help="Way out of a site, each way."),
    click.option("--rtt", type=_duration("30ms", zero=True), help="Between sites, there and back."),
    click.option("--local-steps", type=_N, metavar="H", help="Steps between exchanges; else every step is summed."),
    click.option("--bits", type=Count(whole=False, example="16"), help="A number is sent in."),
    click.option("--overlap", type=click.FloatRange(0.0, 1.0), metavar="SHARE", help="Of computing that hides it."),
)
COMPUTE: tuple[Option, ...] = (
    click.option(
        "--stage", "stages", type=Stage(), multiple=True, help="After the run, counted only; may be repeated."
    ),
    click.option("--base-flop", type=_FLOP, help="Training compute of the model one starts from."),
)
ANSWER: tuple[Option, ...] = (
    level_option,
    click.option(
        "--draw-schedule",
        "drawing",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE.svg",
        help="Draw the timeline of the pipeline.",
    ),
    click.option("--timeline", is_flag=True, help="With --json: the pipeline's tasks, one by one."),
    click.option("--explain", is_flag=True, help="Why intervals are as wide, and constants with sources."),
)
SECTIONS: tuple[tuple[str, tuple[Option, ...]], ...] = (
    ("The run", RUN), ("Layout", LAYOUT), ("Place and money", MONEY), ("Failures", FAILURES), ("Sites", SITES),
    ("Compute for the record", COMPUTE), ("The answer", ANSWER),
)  # fmt: skip


class TrainCommand(Sectioned):
    """The command, its options in sections."""

    sections = SECTIONS


def add(function: Decorated) -> Decorated:
    """Add all flags in the order of the help."""
    return add_options(function, [option for _, options in SECTIONS for option in options])
