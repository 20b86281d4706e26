"""Impossible layouts are refused with the nearest possible one, and that one works."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.planner.train_rig import machine, spec

from accord.base.errors import AccordError, DoesNotFit, UsageError
from accord.training.candidates import LEAST_SLICE, candidates
from accord.training.layout import Layouts
from accord.training.request import SCHEDULES, TrainRequest

SYSTEM = "nvidia-hgx-h100-8"
SEQ = 4096
_CHOICE = re.compile(r"\b(tp|cp|pp|dp|ep|vp|micro-batch|schedule|zero) ([\w-]+)")
_GONE = re.compile(r"leave out (.*)$")


def layouts(model: str, sequences: float, chips: int, **asked: object) -> Layouts:
    request = TrainRequest(model=model, system=SYSTEM, **asked)  # type: ignore[arg-type]
    return candidates(spec(model), machine(SYSTEM)[0], request, chips, SEQ, sequences * SEQ)


def mended(
    error: AccordError, sequences: float, chips: int, asked: dict[str, object]
) -> tuple[float, int, dict[str, object]]:
    """The question with what the hint says."""
    assert error.hint
    used, _, _ = error.hint.partition("leave out ")
    new = dict(asked)
    for name, value in _CHOICE.findall(used):
        new[name.replace("-", "_")] = int(value) if value.isdigit() else value
    gone = _GONE.search(error.hint)
    for name in gone.group(1).split(" and ") if gone else ():
        new.pop(name.replace("-", "_"))
    batch = re.search(r"a global batch of ([\d,]+) tokens", used)
    more = re.search(r"([\d,]+) chips", used)
    return (
        int(batch.group(1).replace(",", "")) / SEQ if batch else sequences,
        int(more.group(1).replace(",", "")) if more else chips,
        new,
    )


# model, sequences, chips, what is asked, a part of the message, the hint
CASES: tuple[tuple[str, float, int, dict[str, object], str, str], ...] = (
    ("deepseek-v3", 256, 64, {"tp": 7}, "tp 7 does not divide the 128 heads of deepseek-v3", "use tp 8"),
    ("llama-3.1-70b", 256, 96, {"tp": 12}, "tp 12 does not divide the 64 heads of llama-3.1-70b", "use tp 8"),
    ("llama-3.1-70b", 256, 128, {"pp": 128}, "pp 128 is more than the 80 layers of llama-3.1-70b", "use pp 64"),
    ("llama-3.1-70b", 256, 64, {"pp": 16, "vp": 8}, "vp 8 on pp 16 is 128 stages, more than the 80 layers", "use vp 5"),
    ("deepseek-v3", 256, 64, {"ep": 48}, "ep 48 does not divide the 256 experts of deepseek-v3", "use ep 32"),
    ("llama-3.1-70b", 256, 64, {"ep": 8}, "ep 8 was asked, but llama-3.1-70b has no routed experts", "use ep 1"),
    ("deepseek-v3", 256, 64, {"pp": 8, "ep": 16}, "ep 16 does not divide the 8 ranks of a pipeline stage", "use ep 8"),
    (
        "llama-3.1-70b",
        256,
        64,
        {"tp": 8, "pp": 4, "dp": 4, "cp": 1},
        "tp 8 x cp 1 x pp 4 x dp 4 is 128 ranks, not the 64 devices",
        "use dp 2",
    ),
    (
        "llama-3.1-70b",
        256,
        64,
        {"tp": 8, "pp": 3},
        "tp 8 x pp 3 is 24 ranks, which do not divide 64 devices",
        "use pp 2",
    ),
    (
        "llama-3.1-70b",
        255,
        64,
        {"tp": 8, "pp": 2, "dp": 4},
        "255 sequences do not divide over dp 4",
        "use a global batch of 1,048,576 tokens (256 sequences)",
    ),
    (
        "llama-3.1-70b",
        256.5,
        64,
        {},
        "is no whole number of sequences of 4,096",
        "use a global batch of 1,048,576 tokens (256 sequences)",
    ),
    (
        "llama-3.1-70b",
        32,
        64,
        {"tp": 8, "pp": 1, "micro_batch": 8},
        "micro-batch 8 is more than the 4 sequences of a replica",
        "use micro-batch 4",
    ),
    (
        "llama-3.1-70b",
        48,
        64,
        {"tp": 8, "pp": 1, "micro_batch": 4},
        "micro-batch 4 does not divide the 6 sequences of a replica",
        "use micro-batch 3",
    ),
    (
        "llama-3.1-70b",
        36,
        64,
        {"tp": 8, "pp": 8, "vp": 2, "micro_batch": 1},
        "interleaved stages on pp 8 take a multiple of 8 micro-batches; micro-batch 1 leave 36",
        "use a global batch of 131,072 tokens (32 sequences)",
    ),
    (
        "deepseek-v3",
        256,
        120,
        {"pp": 15, "schedule": "dualpipe"},
        "dualpipe takes an even number of stages, and pp is 15",
        "use pp 30",
    ),
    (
        "deepseek-v3",
        16,
        64,
        {"tp": 8, "pp": 8, "dp": 1, "schedule": "dualpipe", "micro_batch": 4},
        "dualpipe on pp 8 takes an even number of micro-batches, 16 or more; micro-batch 4 leave 4",
        "use micro-batch 1",
    ),
    (
        "llama-3.1-70b",
        256,
        64,
        {"vp": 4, "pp": 4, "schedule": "1f1b"},
        "vp 4 was asked of 1f1b, which has one stage a rank",
        "use schedule interleaved",
    ),
    (
        "llama-3.1-70b",
        256,
        64,
        {"vp": 1, "pp": 4, "schedule": "interleaved"},
        "interleaved takes two virtual stages or more, and vp is 1",
        "use vp 2",
    ),
    ("llama-3.1-70b", 256, 64, {"vp": 4, "pp": 1}, "vp 4 needs a pipeline, and pp is 1", "use vp 1"),
    ("llama-3.1-70b", 256, 64, {"cp": 3}, "cp 3 does not divide sequences of 4,096 tokens", "use cp 2"),
    ("llama-3.1-70b", 256, 64, {"tp": 7, "pp": 5}, "tp 7 does not divide the 64 heads", "use tp 8 and pp 4"),
)


@pytest.mark.parametrize(("model", "sequences", "chips", "asked", "what", "hint"), CASES)
def test_refused_with_the_nearest_that_works(
    model: str, sequences: float, chips: int, asked: dict[str, object], what: str, hint: str
) -> None:
    with pytest.raises((UsageError, DoesNotFit)) as caught:
        layouts(model, sequences, chips, **asked)
    error = caught.value
    assert what in error.what
    assert error.hint == hint
    batch, devices, mends = mended(error, sequences, chips, asked)
    assert (batch, devices, mends) != (sequences, chips, asked)
    assert len(layouts(model, batch, devices, **mends)) > 0


counts = st.one_of(st.none(), st.integers(1, 130))


@settings(max_examples=150, deadline=None)
@given(
    model=st.sampled_from(("llama-3.1-70b", "deepseek-v3", "qwen3-30b-a3b")), sequences=st.integers(1, 300),
    chips=st.sampled_from((1, 6, 8, 12, 64, 100, 128)),
    asked=st.fixed_dictionaries(
        {}, optional={
            **{name: st.integers(1, 130) for name in ("tp", "pp", "dp", "ep")}, "vp": st.integers(1, 12),
            "cp": st.integers(1, 6), "micro_batch": st.integers(1, 20), "schedule": st.sampled_from(SCHEDULES),
        },
    ),
)  # fmt: skip
def test_any_hint_works(model: str, sequences: int, chips: int, asked: dict[str, object]) -> None:
    """Whatever is asked, layouts come back or the hint is followed to some."""
    try:
        found = layouts(model, sequences, chips, **asked)
    except AccordError as error:
        if error.hint == "leave the layout open":
            batch, devices, mends = mended(UsageError("", hint="\n"), sequences, chips, {})
        else:
            batch, devices, mends = mended(error, sequences, chips, asked)
        found = layouts(model, batch, devices, **mends)
    assert len(found) > 0


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [("tp", 0, "use tp 1 or more"), ("micro_batch", -2, "use micro-batch 1 or more"), ("zero", 5, "use zero 3")],
)
def test_counts_that_are_none(name: str, value: int, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        layouts("llama-3.1-70b", 64, 64, **{name: value})
    assert caught.value.hint == hint


def test_words_that_name_nothing() -> None:
    request = msgspec.structs.replace(TrainRequest(model="small", system=SYSTEM), schedule="1f1c")
    with pytest.raises(UsageError, match="1f1b"):
        candidates(spec("small"), machine(SYSTEM)[0], request, 8, SEQ, 8.0 * SEQ)


def test_a_million_chips_need_a_sequence_each() -> None:
    """The nearest batch that layouts can deal out, where none deals out what is asked."""
    with pytest.raises(DoesNotFit, match="2,000 sequences of 4,096 tokens do not deal out") as caught:
        layouts("llama-3.1-8b", 2000, 1_000_000)
    assert caught.value.hint == "use a global batch of 20,480,000 tokens (5,000 sequences)"
    assert len(layouts("llama-3.1-8b", 5000, 1_000_000)) > 0


def test_a_measured_layout_may_leave_parts() -> None:
    """What ran, ran: without ``strict`` a stated layout may have a batch that does not divide."""
    request = TrainRequest(model="small", system=SYSTEM, tp=1, pp=1, dp=8, micro_batch=1)
    asked = (spec("small"), machine(SYSTEM)[0], request, 8, SEQ, 12.0 * SEQ)
    with pytest.raises(UsageError, match="do not divide over dp 8"):
        candidates(*asked)
    assert len(candidates(*asked, strict=False)) > 0


@pytest.mark.parametrize(("seq", "widest"), [(8192, 1), (LEAST_SLICE * 2 - 16, 1), (LEAST_SLICE * 4, 4)])
def test_a_rank_keeps_enough_of_a_sequence(seq: int, widest: int) -> None:
    """Left open, sequences are split only as far as each rank keeps :data:`LEAST_SLICE` tokens; asked for, farther."""
    chip = machine(SYSTEM)[0]
    free = candidates(spec("small"), chip, TrainRequest(model="small", system=SYSTEM), 8, seq, 8.0 * seq)
    assert free.cp.max() == widest
    asked = TrainRequest(model="small", system=SYSTEM, cp=2)
    assert set(candidates(spec("small"), chip, asked, 8, seq, 8.0 * seq).cp.tolist()) == {2.0}
