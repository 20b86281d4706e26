"""Measured training runs: cells, notes, and the question a row asks."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from tests import measured, rig
from tests.validation.training import HEAD, table

from accord.base.errors import TableError
from accord.models.params import count
from accord.models.spec import ModelSpec
from accord.validation.training_model import DEFAULT_VOCAB
from accord.validation.training_rows import (
    COLUMNS,
    Question,
    TrainingRow,
    batch_of,
    is_complete,
    question_of,
    read_training,
    request_of,
)


def none(id: str) -> ModelSpec | None:
    return None


def only(**cells: object) -> TrainingRow:
    (row,) = read_training(table(cells), "t.csv")
    return row


def ask(**cells: object) -> Question:
    return asked_of(none, **cells)


def asked_of(models: Callable[[str], ModelSpec | None], **cells: object) -> Question:
    return question_of(only(**cells), models, [rig.spec_of("deepseek-v3")], lambda chip: ("bf16", "fp8"))


def test_cells_notes_and_words() -> None:
    row = only(notes="model=GPT 1B; mlp=plain; micro_batches=4; peak_flop_per_s=312e12; Sequence parallel OFF; 1.5 s")
    assert (row.count("chips"), row.number("global_batch_tokens"), row.count("vp")) == (8, 65536.0, None)
    assert (row.flags["model"], row.noted("micro_batches"), row.noted("dense_layers")) == ("GPT 1B", 4, None)
    assert row.says("sequence parallel off") and not row.says("sequence parallel on")
    assert row.line == 2 and row.to_score


@pytest.mark.parametrize(("cells", "scored"), [
    ({}, True), ({"kind": "derived"}, False), ({"kind": "vendor-claim"}, False), ({"confidence": "low"}, False),
    ({"confidence": "medium"}, True),
])  # fmt: skip
def test_what_is_scored(cells: dict[str, object], scored: bool) -> None:
    assert only(**cells).to_score is scored


@pytest.mark.parametrize(("cells", "says"), [
    ({"chips": "eight"}, "chips is 'eight', not a number"),
    ({"chips": "1.5"}, "chips is 1.5, not a whole number"),
    ({"chips": "0"}, "chips is 0; it must be a finite number of 1 or more"),
    ({"hidden": "-4"}, "hidden is -4"),
    ({"value": "-1"}, "value is -1"),
    ({"value": "nan"}, "value is nan"),
    ({"value": ""}, "value is empty"),
    ({"zero_stage": "4"}, "zero_stage is 4; it is 0, 1, 2 or 3"),
    ({"recompute": "some"}, "recompute is 'some', not one of none, selective, full"),
    ({"causal_counted": "half"}, "causal_counted is 'half'"),
    ({"notes": "micro_batches=many"}, "micro_batches=many"),
    ({"notes": "peak_flop_per_s=fast"}, "peak_flop_per_s=fast"),
    ({"notes": "mlp=thick"}, "mlp=thick"),
    ({"chip": ""}, "chip is empty"),
])  # fmt: skip
def test_bad_cells_name_file_and_line(cells: dict[str, object], says: str) -> None:
    with pytest.raises(TableError) as raised:
        only(**cells)
    assert says in str(raised.value) and raised.value.where == "t.csv:2"


def test_bad_tables() -> None:
    with pytest.raises(TableError, match="seq_len, tp missing"):
        read_training(",".join(name for name in COLUMNS if name not in ("seq_len", "tp")) + "\n", "t.csv")
    with pytest.raises(TableError, match=r"t\.csv:3.*stands twice"):
        read_training(table({}, {}), "t.csv")
    with pytest.raises(TableError, match="more or fewer cells"):
        read_training(table({}) + "a,b\n", "t.csv")
    with pytest.raises(TableError):
        read_training("", "t.csv")
    assert read_training(",".join(HEAD) + "\n", "t.csv") == ()


def test_the_request_of_a_row_states_what_the_row_states() -> None:
    asked = request_of(only(
        tp=2, pp=2, vp=3, dp=1, cp=2, zero_stage=1, precision="fp8", recompute="selective", tokens_total="1e9",
        notes="model=tiny; sequence parallel on",
    ))  # fmt: skip
    assert (asked.model, asked.system, asked.chips, asked.seq) == ("tiny", "nvidia-hgx-h100-8", 8, 2048)
    assert (asked.tp, asked.pp, asked.vp, asked.dp, asked.cp, asked.zero) == (2, 2, 3, 1, 2, 1)
    assert (asked.precision, asked.recompute, asked.tokens) == ("fp8", "selective", 1e9)
    assert asked.sequence_parallel is True and asked.schedule == "interleaved"
    silent = request_of(only())
    assert (silent.tp, silent.zero, silent.recompute, silent.schedule, silent.sequence_parallel) == (None,) * 5


@pytest.mark.parametrize(("notes", "schedule"), [
    ("DualPipe", "dualpipe"), ("technique=1f1b", "1f1b"), ("technique=interleaved 1f1b", "interleaved"),
    ("zero-bubble schedule", "zero-bubble"), ("software=megatron-lm", None),
])  # fmt: skip
def test_schedules_are_given_configuration(notes: str, schedule: str | None) -> None:
    assert request_of(only(notes=notes)).schedule == schedule


def test_a_catalog_model_goes_before_dimensions() -> None:
    spec = rig.spec_of("llama-3.1-8b")
    asked = asked_of(lambda id: spec if id == "llama-3.1-8b" else None, model="llama-3.1-8b", layers=3)
    assert asked.spec == spec and asked.notes == ()
    off = asked_of(lambda id: spec, model="llama-3.1-8b", params_total="20e9")
    assert "8.03e9 parameters, the row says 20e9" in off.notes[0]


def test_dense_dimensions() -> None:
    asked = ask(layers=24, hidden=2048, heads=16, kv_heads=4, head_dim=64, ffn=5504, vocab=32000, notes="mlp=gated")
    assert asked.spec is not None
    (layer,) = asked.spec.layers
    assert (layer.count, layer.attention.kv_heads, layer.attention.head_dim) == (24, 4, 64)
    assert (layer.ffn.hidden, layer.ffn.gated, asked.spec.vocab) == (5504, True, 32000)
    assert not {"mlp", "vocab", "kv_heads"} & set(asked.assumed)


def test_dimensions_that_are_not_stated_are_assumed_and_named() -> None:
    asked = ask(kv_heads="", vocab="", ffn="", head_dim="", notes="")
    assert asked.spec is not None
    (layer,) = asked.spec.layers
    assert layer.attention.kv_heads == layer.attention.heads == 16 and layer.attention.head_dim == 128
    assert (layer.ffn.hidden, layer.ffn.gated, asked.spec.vocab) == (8192, False, DEFAULT_VOCAB)
    assert {"kv_heads", "vocab", "ffn", "mlp"} <= set(asked.assumed)
    assert not is_complete(only(kv_heads="", tp=1, pp=1, dp=8), asked)


@pytest.mark.parametrize(("params", "gated", "tied"), [
    (24 * 12 * 2048**2 + 51200 * 2048, False, True), (24 * 12 * 2048**2 + 2 * 51200 * 2048, False, False),
    (24 * 16 * 2048**2 + 2 * 51200 * 2048, True, False),
])  # fmt: skip
def test_stated_parameters_tell_what_dimensions_leave_open(params: int, gated: bool, tied: bool) -> None:
    asked = ask(params_total=params, vocab=51200, notes="")
    assert asked.spec is not None
    assert (asked.spec.layers[0].ffn.gated, asked.spec.tied_embeddings) == (gated, tied)
    assert count(asked.spec).total == pytest.approx(params, rel=1e-3) and asked.notes == ()


def test_mixtures_with_dense_layers_first() -> None:
    asked = ask(
        arch="moe", layers=4, hidden=5120, heads=128, kv_heads=128, head_dim="", ffn=12288, experts=160,
        active_experts=6, moe_ffn=1536, shared_experts=2, vocab=102400,
        notes="dense_layers=1; mla q_lora 1024 kv_lora 256; mlp=gated",
    )  # fmt: skip
    assert asked.spec is not None and "latent_ranks" in asked.assumed
    first, rest = asked.spec.layers
    assert (first.count, first.ffn.hidden, first.ffn.experts) == (1, 12288, 0)
    assert (rest.count, rest.ffn.top_k, rest.ffn.expert_hidden, rest.ffn.shared_hidden) == (3, 6, 1536, 3072)
    assert rest.attention.kind == "mla" and rest.attention.q_lora_rank == 1024 and rest.attention.kv_lora_rank == 256
    assert rest.attention.rope_head_dim == 64, "as the catalog's model with most alike attention"


def test_latent_ranks_of_the_catalog_model_of_the_same_dimensions() -> None:
    asked = ask(arch="moe", layers=4, hidden=7168, heads=128, kv_heads=128, head_dim="", experts=256, active_experts=8,
                moe_ffn=2048, notes="mla; mlp=gated")  # fmt: skip
    assert asked.spec is not None
    block, known = asked.spec.layers[0].attention, rig.spec_of("deepseek-v3").layers[0].attention
    assert (block.q_lora_rank, block.kv_lora_rank, block.head_dim) == (1536, 512, known.head_dim)
    assert "latent_ranks" not in asked.assumed


def test_without_dimensions_there_is_no_model() -> None:
    asked = ask(layers="", hidden="", heads="")
    assert (asked.spec, asked.skipped) == (None, "unknown_model")


@pytest.mark.parametrize(("cells", "field"), [
    ({"seq_len": ""}, "seq_len"),
    ({"global_batch_tokens": ""}, "global_batch_tokens"),
    ({"metric": "time_to_train_s"}, "tokens_total"),
    ({"metric": "chip_hours", "tokens_total": 1e9, "global_batch_tokens": "", "params_total": 1e9}, None),
])  # fmt: skip
def test_what_cannot_be_completed_is_named(cells: dict[str, object], field: str | None) -> None:
    assert ask(**cells).skipped == field


def test_a_missing_batch_suits_the_compute_of_the_run() -> None:
    asked = ask(metric="chip_hours", tokens_total=2e12, global_batch_tokens="", params_total=67e9, params_active=67e9,
                seq_len=4096, chips=512)  # fmt: skip
    batch = asked.request.global_batch
    assert batch is not None and "global_batch" in asked.assumed
    assert batch == pytest.approx(18.9e6, rel=0.15), "4,608 sequences of 4,096 tokens: the 67B model of the source"
    assert batch % (512 * 4096) == 0.0
    assert batch_of(asked.request, None) is None


def test_chips_are_the_product_of_ranks_else_assumed() -> None:
    assert ask(chips="", tp=2, pp=3, dp=4, cp=1).request.chips == 24
    missing = ask(chips="")
    assert missing.request.chips == 1024 and "chips" in missing.assumed


def test_micro_batches_of_the_notes() -> None:
    asked = ask(dp=2, notes="micro_batches=4")
    assert asked.request.micro_batch == 4, "32 sequences over 2 replicas and 4 micro-batches"
    made = ask(dp=2, global_batch_tokens="", micro_batch_sequences=3, notes="micro_batches=4")
    assert made.request.global_batch == 2 * 3 * 4 * 2048.0 and made.skipped is None


def test_adapters_formats_and_experts() -> None:
    lora = ask(phase="finetune-lora")
    assert lora.request.lora_rank == 16 and "lora_rank" in lora.assumed
    assert ask().request.lora_rank is None
    assert ask(precision="").request.precision == "bf16"
    assert ask(precision="", metric="time_to_train_s", tokens_total=1e9).request.precision == "fp8"
    whole = ask(arch="moe", experts=8, active_experts=2, moe_ffn=512, tp=2, pp=2, dp=2)
    assert whole.request.ep == 1 and "ep" in whole.assumed
    assert ask(arch="moe", experts=8, active_experts=2, moe_ffn=512).request.ep is None


def test_complete_rows() -> None:
    question = ask(tp=2, pp=1, dp=4)
    assert is_complete(only(tp=2, pp=1, dp=4), question)
    assert is_complete(only(), question), "one node needs no layout"
    assert not is_complete(only(chips=64), question)
    for name in ("seq_len", "global_batch_tokens", "chips", "precision"):
        assert not is_complete(only(**{name: ""}), question)


def test_every_shared_row_asks_something() -> None:
    text = measured.table("training.csv")
    known = {id: rig.spec_of(id) for id in rig.open_models()}
    latent = [spec for spec in known.values() if spec.layers[0].attention.kind == "mla"]
    rows = [row for row in read_training(text, "training.csv") if row.to_score]
    questions = [question_of(row, known.get, latent, lambda chip: ("bf16",)) for row in rows]
    assert sum(one.skipped is not None for one in questions) <= 0.1 * len(rows)
    assert not any(one.notes for one in questions), "stated parameters are met"
    for one in questions:
        asked = one.request
        if asked.tp and asked.pp and asked.dp and asked.chips and asked.seq and asked.global_batch:
            assert math.prod((asked.tp, asked.pp, asked.dp, asked.cp or 1)) == asked.chips
            assert (asked.global_batch / asked.seq) % asked.dp == 0
