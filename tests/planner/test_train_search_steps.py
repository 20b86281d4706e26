"""Steps of real jobs: by timeline and in closed form, over hardware, over splits, one by one and all at once."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.planner.train_rig import WIDE, job, some

from accord.base.array import Array
from accord.planner import train_stages
from accord.planner.train_search import PIPELINE
from accord.planner.train_stages import retimed, stage_layers, staged_of, timeline_s
from accord.training.candidates import Space, candidates
from accord.training.flop import train_flop_per_token
from accord.training.layout import DUALPIPE, Job, Layouts
from accord.training.lower import head_pieces, pieces
from accord.training.memory import rank_layers, train_memory
from accord.training.request import SCHEDULES
from accord.training.step import StepParts, micro_batch, ranks_of, train_step
from accord.training.timeline import simulate

MOE = Space(schedules=(0, 1, 2, 3), zero=(0, 1), micro=(1, 2, 4), sequence_parallel=(0, 1))
# model, system, chips, sequences, space, drawn
JOBS: tuple[tuple[str, str, int, int, Space, int], ...] = (
    ("gpt-3-175b", "nvidia-hgx-a100-8", 64, 384, WIDE, 200),
    ("deepseek-v3", "nvidia-hgx-h800-8", 256, 1024, MOE, 150),
    ("llama-3.1-405b", "nvidia-hgx-h100-8", 512, 256, MOE, 100),
    ("qwen3-235b-a22b", "huawei-cloudmatrix-384", 64, 512, MOE, 100),
)


def drawn(
    model: str, system: str, chips: int, sequences: int, space: Space, count: int, seed: int = 0
) -> tuple[Job, Layouts]:
    """A job and some of its layouts, whether they fit or not, one of a pipeline."""
    one, request = job(model, system, chips, sequences)
    devices = chips * one.machine.devices_per_chip
    lay = candidates(one.spec, one.machine, request, devices, one.seq, one.global_batch, space)
    lay = some(lay, count * 3, seed)
    keys = np.stack([getattr(lay, name) for name in PIPELINE], axis=1)
    return one, some(lay.pick(np.unique(keys, axis=0, return_index=True)[1]), count, seed)


def test_closed_forms_are_near_or_not_trusted() -> None:
    """Of more than 500 random layouts of real models: within 3 %, or said not to be trusted, and then simulated."""
    total = trusted = near = 0
    worst = 0.0
    for model, system, chips, sequences, space, count in JOBS:
        one, lay = drawn(model, system, chips, sequences, space, count)
        found = retimed(one, lay)
        off = np.abs(found.parts.total_s / found.closed_s - 1.0)
        total, trusted, near = total + len(lay), trusted + int(found.trusted.sum()), near + int((off <= 0.03).sum())
        worst = max(worst, float(off[found.trusted].max()))
    assert total >= 500
    assert worst <= 0.03
    assert trusted >= 0.4 * total
    assert near >= 0.75 * total


@pytest.mark.parametrize(("model", "system", "chips", "sequences", "space", "count"), JOBS)
def test_parts_are_the_step(model: str, system: str, chips: int, sequences: int, space: Space, count: int) -> None:
    one, lay = drawn(model, system, chips, sequences, space, 20)
    found = retimed(one, lay)
    for parts in (train_step(one, lay), found.parts):
        listed = [getattr(parts, part.name) for part in fields(StepParts)]
        assert np.sum(listed, axis=0) == pytest.approx(parts.total_s, rel=1e-12)
    for part in fields(StepParts):
        assert np.all(getattr(found.parts, part.name) >= -1e-9 * found.parts.total_s), part.name


@pytest.mark.parametrize(("model", "system", "chips", "sequences", "space", "count"), JOBS)
def test_all_at_once_is_one_by_one(
    model: str, system: str, chips: int, sequences: int, space: Space, count: int
) -> None:
    one, lay = drawn(model, system, chips, sequences, space, 24)
    whole, memory = train_step(one, lay), train_memory(one, lay)
    timed = retimed(one, lay)
    for at in range(len(lay)):
        row = lay.pick(slice(at, at + 1))
        alone = train_step(one, row)
        for part in fields(StepParts):
            assert getattr(alone, part.name)[0] == pytest.approx(getattr(whole, part.name)[at], rel=1e-12, abs=1e-15)
        assert train_memory(one, row).used_bytes[0] == pytest.approx(memory.used_bytes[at], rel=1e-12)
        if at < 6:
            assert retimed(one, row).parts.total_s[0] == pytest.approx(timed.parts.total_s[at], rel=1e-12)


def quicker(one: Job, what: str, factor: float) -> Job:
    """The job on hardware that is better in one respect."""
    machine, device = one.machine, one.machine.device
    if what == "links":
        tiers = tuple(replace(tier, bytes_per_s=tier.bytes_per_s * factor) for tier in machine.tiers)
        return replace(one, machine=replace(machine, tiers=tiers))
    if what == "compute":
        peaks = {fmt: peak * factor for fmt, peak in device.peak_flop_per_s.items()}
        return replace(one, machine=replace(machine, device=replace(device, peak_flop_per_s=peaks)))
    faster = device.memory_bytes_per_s * factor
    return replace(one, machine=replace(machine, device=replace(device, memory_bytes_per_s=faster)))


@settings(max_examples=20, deadline=None)
@given(
    which=st.sampled_from(JOBS), what=st.sampled_from(("links", "compute", "memory")), factor=st.floats(1.0, 4.0),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_better_hardware_is_never_slower(
    which: tuple[str, str, int, int, Space, int], what: str, factor: float, seed: int
) -> None:
    one, lay = drawn(*which[:5], 60, seed)
    better = quicker(one, what, factor)
    assert np.all(train_step(better, lay).total_s <= train_step(one, lay).total_s * (1.0 + 1e-9))
    last = [ranks_of(each, lay, micro_batch(each, lay)).last for each in (one, better)]
    few = some(lay.pick(np.flatnonzero(last[0] == last[1])), 4, seed)  # layers lie on the same stages
    assert np.all(retimed(better, few).parts.total_s <= retimed(one, few).parts.total_s * (1.0 + 1e-9))


def forward_flop(one: Job, lay: Layouts) -> Array:
    """FLOP of matrix products and cores in one forward pass of a step, summed over all ranks, shape ``(D,)``."""
    total = np.zeros(len(lay))
    for layer in one.spec.distinct_layers:
        for piece in pieces(one, lay, layer):
            total = total + layer.count * np.where(piece.op.family == "vector", 0.0, piece.op.flop)
    for piece in head_pieces(one, lay):
        total = total + np.where(piece.op.family == "vector", 0.0, piece.op.flop)
    return np.asarray(total * lay.tp * lay.cp * lay.dp * lay.micro_batches(one))


@pytest.mark.parametrize("model", ["gpt-3-175b", "llama-3.1-405b", "deepseek-v3", "qwen3-235b-a22b"])
def test_work_is_conserved(model: str) -> None:
    """Ranks together do the model's FLOP, however it is cut; what every rank of a group does alike comes on top."""
    one, request = job(model, "nvidia-hgx-h100-8", 64, 512, balanced=True)
    lay = candidates(
        one.spec, one.machine, request, 64, one.seq, one.global_batch, Space(micro=(1, 4), context=(1, 2, 4))
    )
    done = forward_flop(one, lay)
    asked = train_flop_per_token(one.spec, one.seq, causal=True, mtp=False) / 3.0 * one.global_batch
    heads = max(layer.attention.kv_heads for layer in one.spec.layers)
    latent = any(layer.attention.kind == "mla" for layer in one.spec.layers)
    whole = (lay.tp <= heads) & ~(latent & (lay.tp > 1.0)) & ~((one.spec.is_moe) & (lay.tp > 1.0))
    assert whole.sum() > 10
    assert done[whole] == pytest.approx(np.full(int(whole.sum()), asked), rel=0.02)
    assert np.ptp(done[whole]) <= 1e-9 * asked
    assert np.all(done >= asked * 0.98)
    assert np.all(done <= asked * 1.35)


def test_work_of_ranks_is_the_models() -> None:
    """Layers of pipeline ranks sum to the model's, and their passes to those of the model in one piece."""
    for model, system, chips, sequences, space, _ in JOBS:
        one, lay = drawn(model, system, chips, sequences, space, 40)
        micro = micro_batch(one, lay)
        staged = staged_of(one, lay)
        for at, work in enumerate(staged.work):
            counts = stage_layers(one.spec.n_layers, int(lay.pp[at]), int(lay.vp[at]), float(staged.ranks.last[at]))
            assert counts.sum() == one.spec.n_layers
            assert counts.min() >= 0
            assert counts.reshape(-1, int(lay.pp[at])).sum(axis=0).max() <= rank_layers(one, lay)[at]
            weight = micro.layers.weight_s[at] + micro.head.weight_s[at] + micro.embedding.weight_s[at]
            assert work.weight_s.sum() == pytest.approx(weight, rel=1e-9)
            if lay.recompute[at] == 0 and lay.schedule[at] != DUALPIPE:
                forward = micro.layers.forward_s[at] + micro.head.forward_s[at] + micro.embedding.forward_s[at]
                sent = micro.tensor_s[at] + micro.experts_s[at] + micro.context_s[at]
                assert np.sum(work.forward_s) == pytest.approx(forward, rel=1e-9)
                assert np.sum(work.forward_exchange_s) == pytest.approx(sent, rel=1e-9, abs=1e-15)


@settings(max_examples=40, deadline=None)
@given(
    layers=st.integers(1, 130), ranks=st.integers(1, 32), virtual=st.integers(1, 6), spare=st.floats(0.0, 4.0)
)  # fmt: skip
def test_layers_lie_on_stages(layers: int, ranks: int, virtual: int, spare: float) -> None:
    each = -(-layers // (ranks * virtual))
    counts = stage_layers(layers, ranks, virtual, each * virtual - spare)
    assert len(counts) == ranks * virtual
    assert counts.sum() == layers
    assert counts.min() >= 0
    assert counts.max() <= each


def test_many_micro_batches_go_on_as_they_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long step in two short runs is the long run."""
    monkeypatch.setattr(train_stages, "SHORT", 0)
    for model, system, chips, sequences, space, _ in JOBS[:2]:
        one, lay = drawn(model, system, chips, sequences, space, 60, seed=3)
        long = lay.pick(np.flatnonzero((lay.micro_batches(one) >= 5.0 * lay.pp) & (lay.pp > 1.0) & (lay.pp <= 16.0)))
        long = some(long, 20, 0)
        staged = staged_of(one, long)
        for at, work in enumerate(staged.work):
            name, count = SCHEDULES[int(long.schedule[at])], round(float(long.micro_batches(one)[at]))
            pp, send = int(long.pp[at]), float(staged.send_s[at])
            whole = simulate(name, pp, count, work, send)
            short, shown = timeline_s(name, pp, count, work, send)
            assert short + shown == pytest.approx(whole.total_s, rel=5e-3)
