"""Measured rows of training runs: cells become typed rows, and rows become questions.

Nothing here looks at a source, a title or an id. A row states a configuration in its columns and in the
``key=value`` notes; what it leaves out of the layout is left to the planner, and what is needed to ask at all (batch,
chips, vocabulary) is filled by the defaults below and named as assumed.

Source of the default batch: DeepSeek-AI, "DeepSeek LLM: Scaling Open-Source Language Models with Longtermism",
arXiv 2401.02954, 2024-01-05, section 3.1, equation 1: B = 0.2920 C^0.3271 tokens at C FLOP (from memory, checked
against the batches that the same paper states for its 7B and 67B runs).
Source of the default adapter rank: MLCommons, training reference implementations, llama2_70b_lora/README.md,
https://github.com/mlcommons/training/blob/00baefadb357367ebe5242496268b96f54a4cd72/llama2_70b_lora/README.md, section
"Llama2-70B on 8 devices": rank 16 on the attention projections.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from accord.base.errors import TableError
from accord.models.spec import ModelSpec
from accord.training.request import RECOMPUTE, Schedule, TrainRequest
from accord.validation.csv_table import Cells, read_table
from accord.validation.training_model import spec_of

__all__ = ["COLUMNS", "Question", "TrainingRow", "batch_of", "question_of", "read_training", "request_of", "spec_of"]

REQUIRED = ("id", "source_id", "kind", "confidence", "chip", "metric", "value")
COLUMNS = (*REQUIRED, "seq_len", "global_batch_tokens", "tp", "pp", "dp")
"""What tells a table of training runs from others."""
_COUNTS = (
    "layers", "hidden", "heads", "kv_heads", "head_dim", "ffn", "vocab", "experts", "active_experts", "moe_ffn",
    "shared_experts", "seq_len", "micro_batch_sequences", "chips", "tp", "pp", "vp", "dp", "ep", "cp", "zero_stage",
)  # fmt: skip
_NUMBERS = ("params_total", "params_active", "global_batch_tokens", "tokens_total", "value")
_MAY_BE_ZERO = frozenset(("shared_experts", "zero_stage", "value"))
_WORDS: Mapping[str, Collection[str]] = {"recompute": RECOMPUTE, "causal_counted": ("true", "false")}
_COUNTED_NOTES = ("micro_batches", "dense_layers")
_RANKS = ("tp", "cp", "pp", "dp")
DEFAULT_CHIPS = 1024
DEFAULT_LORA_RANK = 16
DEFAULT_INTERLEAVING = 2  # virtual stages a rank, the fewest that interleave
DEFAULT_SEQ = 4096  # token, and sequences a chip, of rows that state how throughput scales and nothing else
DEFAULT_SEQUENCES = 4
ONE_NODE = 8  # chips whose layout matters little
_BATCH_FACTOR, _BATCH_POWER = 0.2920, 0.3271


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One measured value of a training run.

    text: words of the columns; numbers: the numeric columns that are filled; flags: ``key=value`` of the notes;
    words: the other notes, in lower case
    """

    id: str
    line: int
    text: Mapping[str, str]
    numbers: Mapping[str, float]
    flags: Mapping[str, str]
    words: tuple[str, ...] = ()

    def count(self, name: str) -> int | None:
        """A whole number, None where the row is silent."""
        return int(self.numbers[name]) if name in self.numbers else None

    def number(self, name: str) -> float | None:
        """A number, None where the row is silent."""
        return self.numbers.get(name)

    def noted(self, name: str) -> int | None:
        """A whole number of the notes, None where they are silent."""
        return int(float(self.flags[name])) if name in self.flags else None

    def says(self, phrase: str) -> bool:
        """Whether a note or the technique begins with ``phrase``."""
        return any(word.startswith(phrase) for word in (*self.words, self.flags.get("technique", "").lower()))

    @property
    def to_score(self) -> bool:
        """Measured, and not of low confidence."""
        return self.text["kind"] == "measured" and self.text["confidence"] != "low"


@dataclass(frozen=True, slots=True)
class Question:
    """What a row asks.

    assumed: fields that defaults filled; notes: what of the row contradicts itself
    skipped: the field that cannot be completed, or the reason of the closed list, None for a sound question
    """

    request: TrainRequest
    spec: ModelSpec | None
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: str | None = None


def read_training(content: str, name: str) -> tuple[TrainingRow, ...]:
    """Rows of a table of training runs (CSV with a header). Raises TableError with file and line."""
    return read_table(content, name, "table of training runs", COLUMNS, _row, REQUIRED)


def _row(filled: Cells, where: str, line: int) -> TrainingRow:
    for column, allowed in _WORDS.items():
        if filled.get(column, next(iter(allowed))) not in allowed:
            raise TableError(f"{column} is '{filled[column]}', not one of {', '.join(allowed)}", where=where)
    numbers = {column: _number(filled[column], column, where) for column in (*_COUNTS, *_NUMBERS) if column in filled}
    flags, words = _notes(filled.get("notes", ""), where)
    text = {key: value for key, value in filled.items() if key not in numbers}
    return TrainingRow(filled["id"], line, text, numbers, flags, words)


def _number(text: str, column: str, where: str) -> float:
    """The number of a cell. Raises TableError for none, one out of range, a broken one where a count is wanted."""
    try:
        value = float(text)
    except ValueError:
        raise TableError(f"{column} is '{text}', not a number", where=where) from None
    low = 0.0 if column in _MAY_BE_ZERO else 1.0
    if not math.isfinite(value) or value < low:
        raise TableError(f"{column} is {text}; it must be a finite number of {low:g} or more", where=where)
    if column in _COUNTS and value != math.floor(value):
        raise TableError(f"{column} is {text}, not a whole number", where=where)
    if column == "zero_stage" and value > 3.0:
        raise TableError(f"zero_stage is {text}; it is 0, 1, 2 or 3", where=where)
    return value


def _notes(text: str, where: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """``key=value`` notes, and the others in lower case."""
    parts = [part.strip() for part in text.split(";") if part.strip()]
    keyed = [part for part in parts if re.match(r"[a-z_]+=", part)]
    flags = dict(part.split("=", 1) for part in keyed)
    for name in (*_COUNTED_NOTES, "peak_flop_per_s"):
        pattern = r"[0-9.]+(e[0-9]+)?" if name == "peak_flop_per_s" else r"[0-9]{1,7}"
        if name in flags and not re.fullmatch(pattern, flags[name]):
            raise TableError(f"{name}={flags[name]} in the notes is no number", where=where)
    if flags.get("mlp", "gated") not in ("gated", "plain"):
        raise TableError(f"mlp={flags['mlp']} in the notes is neither gated nor plain", where=where)
    return flags, tuple(part.lower() for part in parts if part not in keyed)


def question_of(
    row: TrainingRow,
    models: Callable[[str], ModelSpec | None],
    latent: Iterable[ModelSpec] = (),
    formats: Callable[[str], Collection[str]] = lambda chip: (),
) -> Question:
    """The question of a row, with its model and what was assumed.

    models: a catalog model by id; latent: catalog models with latent attention, whose ranks fill what a row omits
    formats: formats whose matrix products a chip does
    """
    shape = spec_of(row, models, latent)
    spec = shape.spec if shape is not None else None
    request, filled = _completed(row, spec, formats(row.text["chip"]))
    skipped = "unknown_model" if spec is None else _lacking(row, request)
    assumed = (*filled, *(shape.assumed if shape is not None else ()))
    return Question(request, spec, assumed, shape.notes if shape is not None else (), skipped)


def request_of(row: TrainingRow) -> TrainRequest:
    """What a row states, and nothing else: what it omits is None."""
    return TrainRequest(
        model=row.text.get("model") or row.flags.get("model") or "unnamed",
        system=row.text.get("system") or row.text["chip"],
        chips=row.count("chips"),
        tokens=row.number("tokens_total"),
        seq=row.count("seq_len"),
        global_batch=row.number("global_batch_tokens"),
        micro_batch=row.count("micro_batch_sequences"),
        tp=row.count("tp"), cp=row.count("cp"), pp=row.count("pp"), dp=row.count("dp"), ep=row.count("ep"),
        vp=row.count("vp"), zero=row.count("zero_stage"),
        precision=row.text.get("precision"),
        recompute=row.text.get("recompute"),  # type: ignore[arg-type]
        schedule=_schedule(row),
        sequence_parallel=_sequence_parallel(row),
        timed_alone=row.text.get("phase") == "step",
    )  # fmt: skip


def _schedule(row: TrainingRow) -> Schedule | None:
    """The pipeline's schedule where a note names it, or virtual stages do."""
    if row.says("dualpipe"):
        return "dualpipe"
    if row.says("zero-bubble") or row.says("zero bubble"):
        return "zero-bubble"
    if row.says("interleaved") or (row.count("vp") or 1) > 1:
        return "interleaved"
    return "1f1b" if row.says("1f1b") else None


def _sequence_parallel(row: TrainingRow) -> bool | None:
    if row.says("sequence parallel on"):
        return True
    return False if row.says("sequence parallel off") else None


def _completed(
    row: TrainingRow, spec: ModelSpec | None, formats: Collection[str]
) -> tuple[TrainRequest, tuple[str, ...]]:
    """The request with what is needed to ask at all, and the fields that were filled."""
    asked, filled = request_of(row), dict[str, object]()
    if asked.chips is None:
        ranks = [getattr(asked, name) for name in _RANKS]
        filled["chips"] = math.prod(ranks) if all(ranks) else DEFAULT_CHIPS
    if row.text.get("phase") == "finetune-lora":
        filled["lora_rank"] = DEFAULT_LORA_RANK
    if asked.schedule == "interleaved" and asked.vp is None:
        filled["vp"] = DEFAULT_INTERLEAVING
    if spec is not None and spec.is_moe and asked.ep is None and all((asked.tp, asked.pp, asked.dp)):
        filled["ep"] = 1  # a layout stated in full without it
    if asked.precision is None:
        filled["precision"] = "fp8" if row.text["metric"] == "time_to_train_s" and "fp8" in formats else "bf16"
    if row.text["metric"] == "scaling_efficiency":
        filled |= _scaling(asked, filled.get("chips", asked.chips))
    asked = _with(asked, filled)
    micro_batches = row.noted("micro_batches")
    if asked.global_batch is None and asked.seq is not None:
        if micro_batches and asked.micro_batch and asked.dp:
            asked = _with(asked, {"global_batch": float(micro_batches * asked.micro_batch * asked.dp * asked.seq)})
        elif asked.tokens is not None:
            filled["global_batch"] = batch_of(asked, row.number("params_active") or row.number("params_total"))
    elif asked.micro_batch is None and micro_batches and asked.dp and asked.seq and asked.global_batch:
        sequences = asked.global_batch / asked.seq / asked.dp / micro_batches
        asked = _with(asked, {"micro_batch": max(round(sequences), 1)})
    return _with(asked, filled), tuple(filled)


def _scaling(asked: TrainRequest, chips: object) -> dict[str, object]:
    """Lengths of a row that says how throughput scales: as many sequences a chip whatever the run's size."""
    seq = asked.seq or DEFAULT_SEQ
    filled: dict[str, object] = {} if asked.seq else {"seq": seq}
    if asked.global_batch is None and isinstance(chips, int):
        filled["global_batch"] = float(chips * DEFAULT_SEQUENCES * seq)
    return filled


def batch_of(asked: TrainRequest, params: float | None) -> float | None:
    """Tokens of an optimizer step that suit the compute of a run, whole sequences on every replica [token].

    params: active parameters [1]. None where the run's length or size is not known.
    """
    if asked.tokens is None or asked.seq is None or asked.chips is None or params is None:
        return None
    wanted = _BATCH_FACTOR * (6.0 * params * asked.tokens) ** _BATCH_POWER
    replicas = asked.dp or asked.chips
    return float(replicas * asked.seq * max(round(wanted / asked.seq / replicas), 1))


def _lacking(row: TrainingRow, asked: TrainRequest) -> str | None:
    """The column without which a row asks nothing, if any."""
    whole = row.text["metric"] in ("time_to_train_s", "chip_hours")
    needed = {"seq_len": asked.seq, "global_batch_tokens": asked.global_batch}
    if whole:
        needed["tokens_total"] = asked.tokens
    return next((name for name, value in needed.items() if value is None), None)


def is_complete(row: TrainingRow, question: Question) -> bool:
    """Whether a row states model, chip, chips, lengths, batch, format and, beyond a node, its layout."""
    stated = ("seq_len", "global_batch_tokens", "chips")
    if not all(name in row.numbers for name in stated) or "precision" not in row.text:
        return False
    layout = all(name in row.numbers for name in ("tp", "pp", "dp")) or row.numbers["chips"] <= ONE_NODE
    dimensions = not {"mlp", "kv_heads", "ffn", "vocab"} & set(question.assumed)
    return layout and dimensions and question.skipped is None


def _with(request: TrainRequest, changes: Mapping[str, object]) -> TrainRequest:
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    return TrainRequest(**{**fields, **changes})
