"""``accord policy check``: what AI law, licences and export control ask of a plan or a training run."""

# mypy: disallow-any-generics=False
# click.ParamType is generic only in click's newer versions

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accord.base import units
from accord.base.errors import AccordError, DataError, UsageError
from accord.catalog.legal_fact import RUN, LegalFact
from accord.cli.deployment_flags import Option
from accord.cli.deployment_flags import add as add_options
from accord.cli.flags import Decorated, WordList, common_options
from accord.cli.output import emit
from accord.cli.policy_files import read_file
from accord.cli.sections import Sectioned
from accord.cli.train_types import Day
from accord.policy.facts import FactValue, Uncertain

if TYPE_CHECKING:
    from accord.api.policy_facts import Subject
    from accord.catalog.load import Catalog

STDIN = "-"
_FLAGS: Mapping[str, str] = {  # where a fact's own name is not the plainest word
    "open_weights": "--open-weights/--closed", "open_licence": "--open-licence/--no-open-licence",
    "public_service": "--public/--not-public", "output_modality": "--modality", "training_domain": "--domain",
}  # fmt: skip
DEAL = ("seller", "buyer", "hq", "exporter", "consignee")
_YES_NO = ("yes", "no")
_MODALITIES = ("text", "speech", "image", "video", "other")
_WORDS: Mapping[str, tuple[str, ...]] = {  # of sets; another word would be a slip
    "output_modality": _MODALITIES, "input_modality": _MODALITIES, "training_domain": ("biology", *_MODALITIES),
}  # fmt: skip
_RUN_ID = re.compile(r"[0-9a-fA-F]{4,32}")
_SAME = {"OP/s": ("FLOP/s",), "FLOP": ("OP",)}


class Span(click.ParamType):
    """A number, such as ``3e24``, or what it lies between, such as ``3e24..5e24`` (90 %, log-normal)."""

    name = "number"

    def __init__(self, unit: str) -> None:
        """Take numbers in ``unit``, which may be left out."""
        self.unit = unit

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show both forms in the help."""
        return "X[..Y]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> FactValue:
        """Read one number or two."""
        if isinstance(value, float | Uncertain):
            return value
        low, dots, high = str(value).partition("..")
        first = self._one(low, param, ctx)
        if not dots:
            return first
        last = self._one(high, param, ctx)
        if not 0.0 < first < last:
            self.fail(f"'{value}' is no interval; write the lower number first, both above 0", param, ctx)
        return Uncertain(math.sqrt(first * last), first, last)

    def _one(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            found, unit = units.parse_any(text.strip())
        except AccordError as error:
            self.fail(f"{error.what}; write it as '3e24' or '3e24..5e24'", param, ctx)
        if unit not in ("1", self.unit, *_SAME.get(self.unit, ())):
            self.fail(f"'{text}' is in {unit}; this takes {self.unit if self.unit != '1' else 'a number'}", param, ctx)
        if found < 0.0:
            self.fail(f"'{text}' is below 0", param, ctx)
        return found


class Country(click.ParamType):
    """A country by its two letters."""

    name = "country"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show the form in the help."""
        return "CC"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read two letters."""
        text = str(value).strip().upper()
        if not re.fullmatch(r"[A-Z]{2}", text):
            self.fail(f"'{value}' is no country; two letters of ISO 3166, such as DE", param, ctx)
        return text


def _flag(name: str) -> str:
    word = name.replace("_", "-")
    pair = f"--{word}/--no-{word}" if RUN[name].words == _YES_NO else f"--{word}"
    return _FLAGS.get(name, pair)


def _option(name: str, fact: LegalFact) -> Option:
    """The flag that states one fact."""
    text = f"{fact.about[0].upper()}{fact.about[1:]}."
    if fact.words == _YES_NO:
        return click.option(_flag(name), name, default=None, help=text)
    kinds: dict[str, Any] = {"number": Span(fact.unit), "set": WordList(*_WORDS.get(name, ())), "day": Day()}
    kind = click.Choice(fact.words) if fact.words else kinds.get(fact.kind, click.STRING)
    return click.option(_flag(name), name, type=kind, help=text)


QUESTION: tuple[Option, ...] = (
    click.option("--jurisdictions", type=WordList(), help="eu, us-ca, cn, kr; else all with rules on AI."),
    click.option("--date", "day", type=Day(), help="Day the law is asked on; else that of the file."),
    click.option("--from", "seller", type=Country(), help="Country the systems are sold from, for export control."),
    click.option("--to", "buyer", type=Country(), help="Country of use: for the model's licence and export control."),
    click.option("--hq", type=Country(), help="Headquarters or ultimate parent of who gets the systems."),
    click.option("--exporter", metavar="PARTY", help="Who sends them; 'other' for one no letter is addressed to."),
    click.option("--consignee", metavar="PARTY", help="Who gets them."),
    click.option(
        "--users", type=click.FloatRange(min=0.0), metavar="N", help="Monthly users of your services, for the licence."
    ),
    click.option("--commercial/--not-commercial", default=None, help="How the model is used, for the licence."),
    click.option("--store", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH", help="Store of runs."),
)
STATED: tuple[Option, ...] = tuple(_option(name, fact) for name, fact in RUN.items())
SECTIONS: tuple[tuple[str, tuple[Option, ...]], ...] = (("The question", QUESTION), ("Facts", STATED))


class CheckCommand(Sectioned):
    """The command, its options in sections."""

    sections = SECTIONS


def add(function: Decorated) -> Decorated:
    """Add all flags in the order of the help."""
    return add_options(function, [option for _, options in SECTIONS for option in options])


@click.command("check", cls=CheckCommand)
@click.argument("subject", metavar="[FILE|RUN]", required=False)
@add
@common_options
def command(subject: str | None, as_json: bool, catalog_paths: tuple[Path, ...], **flags: Any) -> None:
    """What AI law and licences ask of a plan or a training run.

    FILE is what 'accord train --json' or 'accord plan --json' printed, - reads it from stdin; RUN is an id of
    'accord runs list'. Facts may also be stated by flags, alone or in place of the file's. What is not known stays
    open, with what would decide it. Not legal advice.

    \b
    accord policy check run.json --jurisdictions eu,us-ca,cn,kr
        --date 2025-09-01
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.policy_check import CheckAsk, check_answer
    from accord.catalog.load import load_catalog
    from accord.report.to_json import envelope

    facts = {name: _value(flags[name]) for name in RUN if flags[name] is not None}
    if subject is None and not facts:
        raise UsageError("there is nothing to check", hint="name a file of 'accord train --json', or state facts")
    catalog = load_catalog(catalog_paths)
    uses = None if flags["commercial"] is None else frozenset({"commercial"} if flags["commercial"] else ())
    asked = CheckAsk(
        jurisdictions=flags["jurisdictions"] or (), day=flags["day"],
        deal={name: flags[name] for name in DEAL if flags[name] is not None}, users=flags["users"], uses=uses,
        facts=facts, flags={name: _flag_said(name, value) for name, value in facts.items()},
    )  # fmt: skip
    answer = check_answer(asked, _subject(subject, catalog, flags["store"]), catalog)
    body = envelope(
        "policy.check", inputs={"file": subject, **answer.inputs, "catalog": catalog_paths}, result=answer.result,
        sources=answer.sources, warnings=answer.warnings, catalog_digest=catalog.digest,
    )  # fmt: skip
    emit(body, *answer.tables, as_json=as_json)


def _value(value: object) -> FactValue:
    """A flag's value as a fact."""
    if isinstance(value, bool):
        return _YES_NO[not value]
    if isinstance(value, date):
        return float(value.toordinal())
    if isinstance(value, tuple):
        return frozenset(map(str, value))
    assert isinstance(value, float | str | Uncertain), "flags give numbers, words, days and sets"
    return value


def _flag_said(name: str, value: FactValue) -> str:
    """The flag that stated a fact."""
    yes, _, no = _flag(name).partition("/")
    return no if value == _YES_NO[1] and no else yes


def _subject(name: str | None, catalog: Catalog, store: Path | None) -> Subject:
    """What is asked about: a file, stdin, a kept run, or facts alone. Raises DataError, UsageError."""
    from accord.api.answer_json import MOST_BYTES
    from accord.api.policy_facts import HINT, Subject, subject_of, subject_of_run
    from accord.api.runs import show_run

    if name is None:
        return Subject(title="facts stated by hand", facts={})
    if name == STDIN:
        return subject_of(sys.stdin.buffer.read(MOST_BYTES + 1), "stdin", catalog)
    file = Path(name)
    if not file.exists() and _RUN_ID.fullmatch(name):
        return subject_of_run(show_run(name, store=store), catalog)
    try:
        return subject_of(read_file(file, MOST_BYTES)[1], name, catalog)
    except DataError as error:
        raise DataError(
            error.what, where=error.where, hint=error.hint or f"{HINT}, or an id of 'accord runs list'"
        ) from None
