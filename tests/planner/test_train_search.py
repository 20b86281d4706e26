"""The search over training layouts finds what looking at every row finds, and nothing that does not fit."""

from __future__ import annotations

from dataclasses import fields, replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.planner.train_rig import GPT3, WIDE, job, machine, spec

from accord.base.errors import DoesNotFit, UsageError
from accord.planner import train_search
from accord.planner.train_search import PIPELINE, search
from accord.planner.train_stages import retimed
from accord.training.candidates import Space, candidates
from accord.training.layout import Layouts
from accord.training.memory import train_memory
from accord.training.request import TrainRequest
from accord.training.step import train_step

SYSTEM = "nvidia-hgx-a100-8"
TINY = Space(micro=(1, 2), zero=(1, 3), recompute=(0, 2), virtual=(2,))
jobs = st.fixed_dictionaries(
    {
        "model": st.sampled_from(("small", "mixed")),
        "system": st.sampled_from((SYSTEM, "huawei-cloudmatrix-384")),
        "chips": st.sampled_from((2, 4)),
        "sequences": st.sampled_from((4, 8, 12)),
    }
)


def every(lay: Layouts) -> list[Layouts]:
    return [lay.pick(slice(at, at + 1)) for at in range(len(lay))]


def name(lay: Layouts) -> tuple[float, ...]:
    return tuple(float(getattr(lay, field)[0]) for field in PIPELINE)


@settings(max_examples=3, deadline=None)
@given(asked=jobs)
def test_search_is_looking_at_every_row(asked: dict[str, object]) -> None:
    one, request = job(**asked)  # type: ignore[arg-type]
    machine_, efficiency = machine(str(asked["system"]))
    found = search(one.spec, machine_, efficiency, request, space=TINY, keep=10_000)
    devices = int(found.best.layouts.devices[0])
    rows = every(candidates(one.spec, machine_, request, devices, one.seq, one.global_batch, TINY))
    fitting = [row for row in rows if train_memory(one, row).free_bytes[0] >= 0.0]
    closed: dict[tuple[float, ...], float] = {}
    for row in fitting:
        closed[name(row)] = min(float(train_step(one, row).total_s[0]), closed.get(name(row), np.inf))
    assert (found.evaluated, found.fitted) == (len(rows), len(fitting))
    assert {name(r.estimate.layouts): r.closed_s for r in found.ranked} == pytest.approx(closed, rel=1e-12)
    timed = min(float(retimed(one, r.estimate.layouts).parts.total_s[0]) for r in found.ranked)
    assert found.ranked[0].step_s == pytest.approx(timed, rel=1e-12)
    assert float(found.best.metrics["step_s"][0]) == found.ranked[0].step_s
    whole = min(float(retimed(one, row).parts.total_s[0]) for row in fitting[:: max(len(fitting) // 20, 1)])
    assert timed <= whole * 1.03


@settings(max_examples=8, deadline=None)
@given(asked=jobs, keep=st.integers(1, 60))
def test_what_is_returned_fits_and_is_ranked(asked: dict[str, object], keep: int) -> None:
    one, request = job(**asked)  # type: ignore[arg-type]
    found = search(one.spec, *machine(str(asked["system"])), request, space=TINY, keep=keep)
    assert 1 <= len(found.ranked) <= keep
    steps = [row.step_s for row in found.ranked]
    assert steps == sorted(steps)
    assert len({name(row.estimate.layouts) for row in found.ranked}) == len(found.ranked)
    for row in found.ranked:
        assert row.estimate.memory.free_bytes[0] >= 0.0
        assert row.estimate.job.global_batch == one.global_batch
    assert found.rejected.get("memory", 0) == found.evaluated - found.fitted
    for point in found.front:
        assert train_memory(one, point.layouts).free_bytes[0] >= 0.0
        assert train_step(one, point.layouts).total_s[0] == pytest.approx(point.step_s, rel=1e-12)


@settings(max_examples=4, deadline=None)
@given(asked=jobs, data=st.data())
def test_more_options_are_never_worse(asked: dict[str, object], data: st.DataObject) -> None:
    one, request = job(**asked)  # type: ignore[arg-type]
    more = Space(
        micro=(1, 2), zero=(0, 1, 3), recompute=(0, 1), schedules=(0, 1), sequence_parallel=(0, 1), virtual=(2,),
        offload=(0, 1),
    )  # fmt: skip
    columns = ("micro", "zero", "recompute", "schedules", "sequence_parallel", "virtual", "offload")
    column = data.draw(st.sampled_from(columns))
    least = {"micro": 1, "schedules": 0, "offload": 1}.get(column)
    drawn = data.draw(st.sets(st.sampled_from(getattr(more, column)), min_size=1))
    fewer = replace(more, **{column: tuple(sorted(drawn | ({least} if least is not None else set())))})  # type: ignore[arg-type]
    args = (one.spec, *machine(str(asked["system"])), request)
    for objective in ("time", "memory"):
        less, all_ = (search(*args, space=space, keep=10_000, objective=objective) for space in (fewer, more))
        if objective == "time":
            assert all_.ranked[0].step_s <= less.ranked[0].step_s * (1.0 + 1e-9)
            assert min(r.closed_s for r in all_.ranked) <= min(r.closed_s for r in less.ranked) * (1.0 + 1e-12)
        else:
            assert all_.best.memory.used_bytes[0] <= less.best.memory.used_bytes[0]


def test_slices_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    _, request = job("gpt-3-175b", SYSTEM, 64, 256)
    asked = (GPT3, *machine(SYSTEM), request)
    whole = search(*asked, keep=20)
    monkeypatch.setattr(train_search, "SLICE", 97)
    parts = search(*asked, keep=20)
    assert [r.step_s for r in whole.ranked] == pytest.approx([r.step_s for r in parts.ranked], rel=1e-12)
    assert [p.step_s for p in whole.front] == pytest.approx([p.step_s for p in parts.front], rel=1e-12)
    assert (whole.evaluated, whole.fitted) == (parts.evaluated, parts.fitted)


def test_the_front_is_what_nothing_beats() -> None:
    one, request = job("gpt-3-175b", SYSTEM, 64, 256)
    found = search(GPT3, *machine(SYSTEM), request)
    lay = candidates(GPT3, one.machine, request, 64, one.seq, one.global_batch)
    memory = train_memory(one, lay)
    fits = memory.free_bytes >= 0.0
    step, used = train_step(one, lay).total_s[fits], memory.used_bytes[fits]
    for point in found.front:
        assert not np.any((step < point.step_s * (1 - 1e-12)) & (used < point.memory_bytes * (1 - 1e-12)))
    assert found.front[0].step_s == pytest.approx(step.min(), rel=1e-12)
    assert found.front[-1].memory_bytes == pytest.approx(used.min(), rel=1e-12)


def test_sizes_and_batches() -> None:
    """Quickest takes the most chips, cheapest few; each size alone finds no better than the search over all."""
    _, request = job("gpt-3-175b", SYSTEM, 64, 512)
    asked = (GPT3, *machine(SYSTEM), request)
    sizes = (64, 128, 256)
    quick, cheap = (search(*asked, chips=sizes, objective=one, keep=12) for one in ("time", "cost"))
    assert quick.best.layouts.devices[0] == 256.0
    seconds = {n: search(*asked, chips=(n,), keep=12).ranked[0].step_s for n in sizes}
    assert quick.ranked[0].step_s == pytest.approx(min(seconds.values()), rel=1e-9)
    chip_s = {n: n * s for n, s in seconds.items()}
    best = float(cheap.best.layouts.devices[0]) * cheap.ranked[0].step_s
    assert best == pytest.approx(min(chip_s.values()), rel=1e-3)
    assert [p.chips for p in quick.front] == sorted({p.chips for p in quick.front}, reverse=True)
    both = search(*asked, global_batches=(256 * 2048.0, 512 * 2048.0), keep=12)
    assert both.evaluated > search(*asked, keep=1).evaluated
    least = min(row.step_s / row.estimate.job.global_batch for row in both.ranked)
    assert both.ranked[0].step_s / both.best.job.global_batch == least


def test_rows_are_distinct_and_counted() -> None:
    one, request = job("gpt-3-175b", SYSTEM, 64, 512)
    lay = candidates(GPT3, one.machine, request, 64, one.seq, one.global_batch, WIDE)
    rows = np.stack([getattr(lay, field.name) for field in fields(Layouts)], axis=1)
    assert len(np.unique(rows, axis=0)) == len(rows) > 100_000
    assert np.all(lay.tp * lay.cp * lay.pp * lay.dp == 64.0)
    assert np.all(one.global_batch / one.seq % (lay.dp * lay.micro) == 0.0)


def test_rows_of_one_cut_differ() -> None:
    """Rows of the default space that share a cut take different times or different memory."""
    one, request = job("gpt-3-175b", SYSTEM, 64, 256)
    lay = candidates(GPT3, one.machine, request, 64, one.seq, one.global_batch, WIDE)
    lay = lay.pick(np.flatnonzero((lay.tp == 8.0) & (lay.pp == 8.0) & (lay.dp == 1.0) & (lay.micro == 1.0)))
    seen = np.stack([train_step(one, lay).total_s, train_memory(one, lay).used_bytes], axis=1)
    assert len(np.unique(seen, axis=0)) == len(seen)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ({"chips": 8}, "use 64 chips"),
        ({"chips": 64, "tp": 8, "pp": 8, "recompute": "none", "micro_batch": 8}, "use 128 chips, or leave out micro"),
        ({"chips": 64, "tp": 1, "pp": 1, "zero": 0}, "leave out zero"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(asked: dict[str, object], hint: str) -> None:
    """Each way that the hint names does fit."""
    _, request = job("gpt-3-175b", SYSTEM, sequences=64, **asked)  # type: ignore[arg-type]
    with pytest.raises(DoesNotFit, match=r"needs .* GB a device") as caught:
        search(GPT3, *machine(SYSTEM), request)
    assert caught.value.hint
    assert caught.value.hint.startswith(hint)
    for way in caught.value.hint.split(", or "):
        words = way.split()
        changes: dict[str, object] = {"offload": True}
        if words[0] == "use":
            changes = {"chips": int(words[1].replace(",", ""))}
        elif words[0] == "leave":
            changes = {words[2].replace("-", "_"): None}
        assert search(GPT3, *machine(SYSTEM), msgspec.structs.replace(request, **changes), keep=1).fitted > 0


def test_bad_questions() -> None:
    request = TrainRequest(model="small", system=SYSTEM, chips=8)
    asked = (spec("small"), *machine(SYSTEM))
    with pytest.raises(UsageError, match="keep 1 or more"):
        search(*asked, request, keep=0)
    with pytest.raises(UsageError, match="no objective is called 'tim'"):
        search(*asked, request, objective="tim")  # type: ignore[arg-type]
    for name, value in (("tp", 0), ("zero", 4), ("schedule", "1f2b"), ("recompute", "half"), ("micro_batch", -1)):
        with pytest.raises(UsageError):
            search(*asked, msgspec.structs.replace(request, **{name: value}))
