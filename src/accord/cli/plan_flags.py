"""Flags of ``accord plan`` and ``accord size``. Nothing heavy is loaded here, so that the help comes at once."""

from __future__ import annotations

import re
from pathlib import Path

import click

from accord.base import units
from accord.base.errors import AccordError
from accord.cli.deployment_flags import FLOATS, INTS, Option
from accord.cli.flags import WordList, level_option
from accord.cli.sections import Sectioned
from accord.planner.problem import LAW_MODES, OBJECTIVES, QUANTILES
from accord.workloads.formats import FORMATS

_FILE = click.Path(dir_okay=False, path_type=Path)
EXECUTORS = ("local", "processes", "ray")


class Whole(click.IntRange):
    """A whole number in a range, ``N`` in the help."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show a letter in the help."""
        return "N"


class Number(click.FloatRange):
    """A number in a range, ``X`` in the help; a share where it ends at 1."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show a letter or a word in the help."""
        return "SHARE" if self.max is not None and self.max <= 1.0 else "X"


_COUNT = Whole(min=1)
_ABOVE = Number(min=0.0, min_open=True)


class LatencyLimit(click.ParamType):
    """A limit on a latency: ``1000ms`` for its mean over requests, ``p99:2s`` for a percentile."""

    name = "limit"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show both forms in the help."""
        return "[p90:]TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float | None, float]:
        """Percentile as a share, None for the mean, and seconds."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(?:(mean|p(\d+)):)?(.+)", str(value).strip())
        share = int(found[2]) / 100.0 if found and found[2] else None
        if found is None or (share is not None and share not in QUANTILES):
            known = ", ".join(f"p{round(100 * one)}" for one in QUANTILES)
            self.fail(f"'{value}' is no limit; write '1000ms' for the mean, or one of {known}: 'p99:2s'", param, ctx)
        try:
            seconds = units.parse(found[3], "s")
        except AccordError as error:
            self.fail(f"{error.what}; {error.hint or 'write it as 1000ms or p99:2s'}", param, ctx)
        if not seconds > 0.0:
            self.fail(f"'{value}' is not above 0 s", param, ctx)
        return share, seconds


class Law(click.Choice[str]):
    """Which answers of the law pass; true and false of older scenarios are strict and off."""

    def __init__(self) -> None:
        """Take the modes of a plan's law."""
        super().__init__(LAW_MODES)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give the mode."""
        return super().convert({"true": "strict", "false": "off"}.get(str(value).lower(), value), param, ctx)


ASKED: tuple[Option, ...] = (
    click.option("--model", metavar="ID_OR_PATH", help="A catalog model, or the path of a config.json."),
    click.option("--system", "systems", metavar="ID[,ID]|all", help="Systems to choose from."),
    click.option("--chips", type=_COUNT, help="Packages that may be held; else whole systems as they are sold."),
    click.option("--isl", type=float, metavar="X", help="Prompt tokens (mean)."),
    click.option("--osl", type=float, metavar="X", help="Answer tokens (mean)."),
    click.option("--trace", type=_FILE, metavar="FILE", help="Lengths, rate and a simulation from a trace."),
    click.option("--format", "trace_format", type=click.Choice(list(FORMATS)), help="Its format, if not told by it."),
    click.option("--workload", metavar="ID", help="The same from a profile of the catalog, such as chat."),
    click.option("--rate", type=_ABOVE, help="Requests a second of the profile or trace."),
)  # fmt: skip
LIMITS: tuple[Option, ...] = (
    click.option("--ttft", multiple=True, type=LatencyLimit(), help="Longest time to first token; may be repeated."),
    click.option("--tpot", multiple=True, type=LatencyLimit(), help="Longest time per output token."),
    click.option("--e2el", multiple=True, type=LatencyLimit(), help="Longest time to the last token."),
    click.option("--goodput", type=_ABOVE, help="Requests a second that must be served within the limits."),
    click.option("--budget-usd", type=_ABOVE, help="Capital: what may be spent on machines and their network."),
    click.option("--usd-per-hour", type=_ABOVE, help="Running cost: what an hour of all chips may cost, energy in."),
    click.option("--power-kw", type=_ABOVE, help="Power feed at the racks."),
    click.option("--racks", type=_ABOVE, help="Floor space."),
    click.option("--exclude-origin", type=WordList(), help="Countries the chips may not come from: CN, US."),
    click.option(
        "--exclude-scope", type=click.Choice(["design", "any"]), default="design", show_default=True,
        help="Whose design, or any component.",
    ),
    click.option("--confidence", type=Number(0.5, 0.999), default=0.9, show_default=True,
                 help="Chance with which each limit must hold; 0.5 is the estimate alone."),
    click.option("--max-load", type=Number(0.0, 1.0, min_open=True), default=0.9, show_default=True,
                 help="Share of its most at which a pool is planned."),
)  # fmt: skip
LAW: tuple[Option, ...] = (
    click.option("--from", "seller", metavar="CC", help="Country that sells."),
    click.option("--to", "buyer", metavar="CC", help="Country of delivery, for the tariff and licences too."),
    click.option("--date", metavar="DAY", help="Day of delivery; engines run what was said by then."),
    click.option("--law", type=Law(), default="strict", show_default=True,
                 help="What passes: strict: no licence; licensable: what can be asked for too."),
    click.option("--no-law", is_flag=True, help="The same as --law off."),
    click.option("--exporter", metavar="PARTY", help="Who sends it, since letters bind one; 'other' for none of them."),
    click.option("--consignee", metavar="PARTY", help="Who receives it."),
    click.option("--hq", metavar="CC", help="Headquarters or ultimate parent of the consignee; else those of --to."),
    click.option("--set", "facts", multiple=True, metavar="FACT=VALUE", help="More of the deal: state_funded=no."),
)  # fmt: skip
SPACE: tuple[Option, ...] = (
    click.option("--mode", "modes", type=WordList("aggregated", "disaggregated"), help="One pool, or two."),
    click.option("--mixed", is_flag=True, help="Prefill and decode may lie on two different systems."),
    click.option("--engine", "engines", type=WordList(), help="vllm, sglang, ...; else those usual on the chip."),
    click.option("--engine-version", metavar="VERSION", help="Its release, or a day; else the current one."),
    click.option("--weights", type=WordList(), help="Formats of weights; else as released or converted."),
    click.option("--kv", type=WordList(), help="Formats of the cache."),
    *(
        click.option(f"--{name}", type=INTS, help=f"{words}.")
        for name, words in (
            ("tp", "Tensor-parallel ranks to try"), ("pp", "Pipeline stages"), ("dp", "Attention groups"),
            ("cp", "Context-parallel ranks"), ("ep", "Expert-parallel ranks"), ("batch", "Requests of a group"),
        )
    ),
    click.option("--max-num-batched-tokens", "budgets", type=INTS, help="Token budgets of an iteration."),
    click.option("--microbatches", type=INTS, help="1, 2, or 0 for the faster."),
    click.option("--mtp-tokens", type=INTS, help="Draft tokens; 0 for none."),
    click.option("--mtp-accept", type=Number(0.0, 1.0), help="Chance that a draft is accepted."),
    click.option("--reuse", type=FLOATS, help="Shares of prompts found in the cache."),
)  # fmt: skip
SEARCH: tuple[Option, ...] = (
    click.option("--objective", type=WordList(*OBJECTIVES), help="What is best; two or three give a front."),
    click.option("--top", type=Whole(1, 100), default=10, show_default=True, help="Plans that are shown."),
    click.option("--simulate", "simulated", type=Whole(0, 100), help="Best plans that are simulated."),
    click.option("--requests", type=_COUNT, help="Requests of that simulation; else enough to fill the plan."),
    click.option("--pace", type=click.Choice(["own", "plan"]), default="own", show_default=True,
                 help="Arrivals of the load itself, or at the rate each plan was found to serve."),
    click.option("--seed", type=Whole(min=0), default=0, show_default=True, help="Of that simulation."),
    click.option("--intervals/--no-intervals", default=True, help="Compute intervals; without, limits hold at means."),
    click.option("--executor", type=click.Choice(EXECUTORS), default="local", show_default=True,
                 help="Where the search is worked off."),
    click.option("--workers", type=_COUNT, help="Processes, or tasks on the cluster, at once."),
    click.option("--ray-address", metavar="ADDRESS", help="A Ray cluster; else one is started here."),
    click.option("--checkpoint", type=_FILE, metavar="FILE", help="Keep finished parts; resume where it exists."),
    click.option("--scenario", type=_FILE, metavar="FILE", help="Place, money and flags in TOML; flags win."),
    click.option("--print-config", is_flag=True, help="Print the resolved scenario and stop."),
    level_option,
)  # fmt: skip
MATRIX: tuple[Option, ...] = (
    click.option("--matrix", is_flag=True, help="Every open model on every chip: fits, fewest chips, rates, cost."),
    click.option("--fleet", type=_COUNT, metavar="N", help="What N chips of --system could train or serve."),
    click.option(
        "--mfu", type=FLOATS, help="Of its training: model FLOP over BF16 peak, one number or LOW,VALUE,HIGH."
    ),
    click.option("--tornado", type=_FILE, metavar="FILE", help="Picture of what the cost of a token depends on."),
)
SECTIONS: tuple[tuple[str, tuple[Option, ...]], ...] = (
    ("The question", ASKED), ("Limits", LIMITS), ("The law, checked with --from, --to and --date", LAW),
    ("What may be varied", SPACE), ("The search and its answer", SEARCH), ("Other questions, and a picture", MATRIX),
)  # fmt: skip


class PlanCommand(Sectioned):
    """The command, its options in sections."""

    sections = SECTIONS


PLAN_KEYS: tuple[str, ...] = (
    "model", "system", "chips", "isl", "osl", "trace", "format", "workload", "rate", "ttft", "tpot", "e2el", "goodput",
    "budget_usd", "usd_per_hour", "power_kw", "racks", "exclude_origin", "exclude_scope", "from", "to", "date", "law",
    "exporter", "consignee", "hq", "set", "confidence", "max_load", "mode", "mixed", "engine", "engine_version",
    "weights", "kv", "tp", "pp", "dp", "cp", "ep", "batch", "max_num_batched_tokens", "microbatches", "mtp_tokens",
    "mtp_accept", "reuse", "objective", "top", "simulate", "requests", "pace", "seed", "intervals", "level",
)  # fmt: skip

__all__ = ["ASKED", "LAW", "LIMITS", "MATRIX", "PLAN_KEYS", "SEARCH", "SPACE", "LatencyLimit", "PlanCommand"]
