"""What an engine runs: on which chips, for which models, in which formats, from which release on, and who says so."""

from __future__ import annotations

from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.chip import Family
from accord.catalog.value import Date, Sources

Answer = Literal["yes", "no", "partial"]
Weights = Literal["fp32", "bf16", "fp16", "fp8", "mxfp8", "int8", "fp4", "mxfp4", "int4"]
Conversion = Literal["requantise", "widen", "weight-only"]


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated statement of a source. What no statement speaks of is unknown.

    answer: ``partial`` where the source names a limit (in the note)
    date: of the release or page; the day it was read where a page carries none
    since, until: versions of the engine it holds from and up to, both included; None: not said
    chips, models: ids, or the beginning of ids followed by ``*``; no models where it speaks of the chip alone
    families: of chips; with ``chips`` empty where it names no chip
    weights: formats as stored, empty where it speaks of none
    conversion: what the engine does with such weights on such a chip where it does not multiply them as stored
    into: format of the weights after it, where the source says
    quality: what the source says of the effect on answers; None: nothing
    """

    answer: Answer
    date: Date
    source: str
    since: str | None = None
    until: str | None = None
    chips: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()
    models: tuple[str, ...] = ()
    weights: tuple[Weights, ...] = ()
    conversion: Conversion | None = None
    into: Weights | None = None
    quality: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse statements about nothing, with an unnamed limit or no format to convert. Raises CatalogError."""
        if not (self.chips or self.families or self.models):
            raise CatalogError("answer is of a statement about nothing", hint="name 'chips:', 'families:' or 'models:'")
        if self.answer == "partial" and not (self.note or self.conversion):
            raise CatalogError("answer is partial and no note says why", hint="add 'note:', the limit in words")
        if self.conversion and not self.weights:
            raise CatalogError("conversion is of weights in no format", hint="name 'weights:', the format as stored")


class ExpertRanks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Over which ranks an engine spreads experts, where it does.

    which: ``all`` ranks of an instance, tensor-parallel ones among them; source: key into the entry's sources
    """

    which: Literal["all"]
    source: str
    note: str | None = None


class AttentionRanks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an engine splits attention over the ranks of an instance.

    which: ``either`` by tensors or by requests, never by both; source: key into the entry's sources
    """

    which: Literal["either"]
    source: str
    note: str | None = None


class Stages(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether an engine splits layers into pipeline stages.

    which: ``none`` where no page says how; source: key into the entry's sources
    """

    which: Literal["none"]
    source: str
    note: str | None = None


class Support(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one engine.

    engine: id of a catalog engine, or the name of one that the catalog has no entry of
    expert_ranks, attention_ranks, stages: None where the engine takes any number, or nobody says
    """

    id: str
    name: str
    engine: str
    expert_ranks: ExpertRanks | None = None
    attention_ranks: AttentionRanks | None = None
    stages: Stages | None = None
    statements: tuple[Statement, ...]
    sources: Sources
