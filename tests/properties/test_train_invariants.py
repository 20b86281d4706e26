"""A training step over random layouts: parts sum, better hardware does not hurt, and what saves memory saves it.

Where a rule holds only within a margin, the margin is that of a known simplification, which its function names.
"""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import rig
from tests.properties.test_never_slower import more_bandwidth, more_flop, more_link

from accord.api.records import training_efficiency
from accord.base.array import Array
from accord.hardware.system import Machine
from accord.models.params import count as params_of
from accord.training.estimate import at, drawn, metrics_of, reaching
from accord.training.layout import FULL, INTERLEAVED, NONE, SELECTIVE, ZERO_BUBBLE, Job, Layouts, layouts
from accord.training.lower import Piece, embedding_piece, head_pieces, input_gradient, pieces, weight_gradient
from accord.training.memory import rank_layers, train_memory
from accord.training.request import TrainRequest
from accord.training.schedules import allowed
from accord.training.step import OPTIMIZER_BYTES, train_step
from accord.training.times import op_s

COUNT = 48
EXACT = 1e-9
SEQ, SEQUENCES = 4096.0, 1536.0  # of a step: divides by all that is drawn
DEVICES = 65_536
# What faster devices can cost where layers wait for the host: all of the waiting of a backward pass counts as gradients
# of inputs, which fill no bubble, and keys and values of context-parallel ranks do not travel beside any of it.
HELD, HELD_APART = 0.06, 0.12
MODELS = ("llama-3.1-8b", "llama-3.1-70b", "qwen3-235b-a22b", "deepseek-r1", "gpt-oss-120b")
SYSTEMS = (
    "nvidia-hgx-h100-8", "nvidia-hgx-a100-8", "nvidia-gb200-nvl72", "huawei-cloudmatrix-384", "amd-mi300x-8",
    "google-tpu-v5p-pod",
)  # fmt: skip
EVERYWHERE = pytest.mark.parametrize(("model", "system"), [(name, place) for name in MODELS for place in SYSTEMS])
FEW = settings(max_examples=2)
SEEDS = st.integers(0, 2**32 - 1)


@cache
def job_of(model: str, system: str, held: bool = True) -> Job:
    """A job. held: by a host that takes its time to launch the kernels of a layer."""
    machine = rig.machine_of(system)
    efficiency = training_efficiency(rig.catalog(), machine.chip)
    if not held:
        free = {name: 0.0 for name in efficiency.numbers if name.startswith("train.layer_launch_s")}
        efficiency = replace(efficiency, numbers={**efficiency.numbers, **free})
    return Job(rig.spec_of(model), reaching(machine, efficiency, DEVICES)[0], efficiency, SEQ, SEQ * SEQUENCES)


def some_layouts(job: Job, seed: int) -> Layouts:
    """Layouts that a framework would run, whether they fit or not, shape ``(COUNT,)``."""
    rng, many = np.random.default_rng(seed), 40 * COUNT
    spec = job.spec

    def one(*values: int) -> Array:
        return rng.choice(np.asarray(values, dtype=np.float64), many)

    tp, cp, pp, dp = one(1, 2, 4, 8), one(1, 1, 2, 4), one(1, 2, 3, 4, 6, 8, 16), one(1, 2, 4, 8, 32)
    vp, micro, schedule = one(1, 1, 2, 3), one(1, 2, 4), one(0, 1, 2, 3)
    experts = max(layer.ffn.experts for layer in spec.layers)
    ep = one(1, 2, 8, 32, 64) if experts else np.ones(many)
    lay = layouts(
        tp=tp, cp=cp, pp=pp, dp=dp, ep=ep, vp=vp, micro=micro, zero=one(0, 1, 2, 3), recompute=one(0, 1, 2),
        schedule=np.where(pp > 1.0, schedule, 0.0), sp=np.where(tp > 1.0, one(0, 1), 0.0), offload=one(0, 0, 1),
    )  # fmt: skip
    runs = allowed(lay.schedule, pp, lay.micro_batches(job), vp) & (pp * vp <= spec.n_layers)
    runs &= (vp == 1.0) | (lay.schedule == INTERLEAVED)
    runs &= (tp * cp * dp % ep == 0.0) & (max(experts, 1) % ep == 0.0)
    found = np.flatnonzero(runs)[:COUNT]
    assert len(found) == COUNT
    return lay.pick(found)


def step_s(job: Job, lay: Layouts) -> Array:
    return train_step(job, lay).total_s


def rounding(job: Job, lay: Layouts) -> Array:
    """Half a layer of the fullest rank, where layers do not divide over ranks.

    How many layers the rank with the head gives up is rounded, so that a head that is faster by itself can cost it
    half a layer more.
    """
    most = rank_layers(job, lay)
    return np.where(most * lay.pp == job.spec.n_layers, EXACT, 0.5 / most + EXACT)


def no_more(after: Array, before: Array, slack: Array | float = EXACT) -> None:
    worst = int(np.argmax(after / before - slack))
    assert np.all(after <= before * (1.0 + slack)), (worst, float(before[worst]), float(after[worst]))


@EVERYWHERE
@FEW
@given(seed=SEEDS)
def test_parts_sum_and_none_is_negative(model: str, system: str, seed: int) -> None:
    job = job_of(model, system)
    lay = some_layouts(job, seed)
    parts = train_step(job, lay)
    total, added = parts.total_s, np.zeros(COUNT)
    for field in fields(parts):
        values = getattr(parts, field.name)
        assert values.shape == (COUNT,)
        assert np.all(np.isfinite(values)), field.name
        assert np.all(values >= -1e-12 * total), field.name
        added = added + values
    assert np.all(total > 0.0)
    np.testing.assert_allclose(added, total, rtol=1e-12)


def more_power(machine: Machine, factor: float) -> Machine:
    power = machine.device.power_w
    return replace(machine, device=replace(machine.device, power_w=None if power is None else power * factor))


@pytest.mark.parametrize("held", [False, True])
@EVERYWHERE
@settings(max_examples=1)
@given(seed=SEEDS, factor=st.floats(1.0, 8.0))
def test_better_hardware_is_not_slower(model: str, system: str, held: bool, seed: int, factor: float) -> None:
    job = job_of(model, system, held)
    lay = some_layouts(job, seed)
    slack = rounding(job, lay) + np.where(lay.schedule >= ZERO_BUBBLE, 2e-3, 0.0)  # uneven ends of these are estimates
    if held:
        slack = slack + np.where(lay.cp > 1.0, HELD_APART, HELD)
    before = step_s(job, lay)
    for better in (more_bandwidth, more_flop, more_power, more_link):
        no_more(step_s(replace(job, machine=better(job.machine, factor)), lay), before, slack)


@EVERYWHERE
@FEW
@given(seed=SEEDS, factor=st.integers(2, 5))
def test_more_micro_batches_take_longer(model: str, system: str, seed: int, factor: int) -> None:
    job = job_of(model, system)
    lay = some_layouts(job, seed)
    more = replace(job, global_batch=job.global_batch * factor)
    before, after = step_s(job, lay), step_s(more, lay)
    no_more(before, after)
    no_more(after, before * factor)  # the pipeline fills once, and the optimizer runs once


@EVERYWHERE
@FEW
@given(seed=SEEDS)
def test_recomputation_pays_time_for_memory(model: str, system: str, seed: int) -> None:
    job = job_of(model, system)
    lay = some_layouts(job, seed)
    kinds = [replace(lay, recompute=np.full(COUNT, float(one))) for one in (NONE, SELECTIVE, FULL)]
    for less, more in zip(kinds, kinds[1:], strict=False):
        no_more(train_memory(job, more).used_bytes, train_memory(job, less).used_bytes)
        no_more(step_s(job, less), step_s(job, more), rounding(job, lay))


@EVERYWHERE
@FEW
@given(seed=SEEDS)
def test_sharding_saves_memory(model: str, system: str, seed: int) -> None:
    """ZeRO-3 gathers two layers whole: it saves where what others hold of a rank's layers is more than that."""
    job = job_of(model, system)
    lay = some_layouts(job, seed)
    used = [train_memory(job, replace(lay, zero=np.full(COUNT, float(one)))).used_bytes for one in range(4)]
    no_more(used[1], used[0])
    no_more(used[2], used[1])
    fewest = np.minimum(lay.replicas, lay.expert_replicas) if job.spec.is_moe else lay.replicas
    saves = rank_layers(job, lay) * (1.0 - 1.0 / fewest) >= 2.0
    no_more(np.where(saves, used[3], 1.0), np.where(saves, used[2], 1.0))


@EVERYWHERE
@FEW
@given(seed=SEEDS)
def test_sequence_parallelism_saves_memory(model: str, system: str, seed: int) -> None:
    job = job_of(model, system)
    lay = some_layouts(job, seed)
    without, split = (replace(lay, sp=np.where(lay.tp > 1.0, one, 0.0)) for one in (0.0, 1.0))
    no_more(train_memory(job, split).used_bytes, train_memory(job, without).used_bytes)


@EVERYWHERE
@FEW
@given(seed=SEEDS)
def test_memory_and_use_of_the_machine_are_possible(model: str, system: str, seed: int) -> None:
    job = job_of(model, system)
    lay = some_layouts(job, seed)
    memory = train_memory(job, lay)
    for field in fields(memory):
        assert np.all(getattr(memory, field.name) >= 0.0), field.name
    for part in ("weights_bytes", "gradients_bytes", "activations_bytes", "reserve_bytes", "capacity_bytes"):
        assert np.all(getattr(memory, part) > 0.0), part
    assert np.all((memory.optimizer_bytes > 0.0) == (lay.offload == 0.0))
    found = metrics_of(job, lay, train_step(job, lay), TrainRequest(model=model, system=system))
    assert np.all(found["hfu"] >= found["mfu"])
    assert np.all((found["mfu"] == found["hfu"])[lay.recompute == NONE])
    assert np.all((found["mfu"] < found["hfu"])[lay.recompute == FULL])
    assert np.all((found["mfu"] > 0.0) & (found["hfu"] < 1.0))


@EVERYWHERE
@FEW
@given(seed=SEEDS)
def test_narrow_products_are_not_slower(model: str, system: str, seed: int) -> None:
    """Where they are large: small ones are slower in measured tables, and numbers are cast before each."""
    job = job_of(model, system, held=False)
    if not job.machine.device.compute("fp8").native:
        return
    lay = some_layouts(job, seed)
    narrow = replace(job, precision="fp8")
    small = (lay.micro * SEQ / lay.cp < 4096.0) | (lay.tp > 4.0)
    no_more(step_s(narrow, lay), step_s(job, lay), rounding(job, lay) + np.where(small, 0.05, 0.0))
    no_more(train_memory(narrow, lay).used_bytes, train_memory(job, lay).used_bytes)


@EVERYWHERE
@FEW
@given(seed=SEEDS, rank=st.sampled_from([4, 16, 64]))
def test_adapters_are_smaller_and_quicker(model: str, system: str, seed: int, rank: int) -> None:
    """Quicker where products set the pace; schedules that fill bubbles with gradients of weights have none to fill."""
    job = job_of(model, system, held=False)
    lay = some_layouts(job, seed)
    adapted = replace(job, lora_rank=rank)
    no_more(train_memory(adapted, lay).used_bytes, train_memory(job, lay).used_bytes)
    quick = (lay.tp <= 2.0) & (lay.schedule < ZERO_BUBBLE) & (lay.recompute != SELECTIVE)
    before, after = step_s(job, lay), step_s(adapted, lay)
    no_more(np.where(quick, after, 1.0), np.where(quick, before, 1.0), rounding(job, lay))


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("model", ["qwen3-235b-a22b", "deepseek-r1", "gpt-oss-120b"])
@FEW
@given(seed=SEEDS)
def test_even_experts_are_not_slower(model: str, system: str, seed: int) -> None:
    """Measured tables of grouped products are not quite monotone in their rows."""
    job = job_of(model, system)
    lay = some_layouts(job, seed)
    no_more(step_s(replace(job, balanced=True), lay), step_s(job, lay), rounding(job, lay) + 1e-3)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("recompute", [NONE, FULL])
def test_one_device_takes_the_sum_of_its_operators(model: str, system: str, recompute: int) -> None:
    """With kernels that no host holds back, since that is a limit of a whole layer."""
    job = replace(job_of(model, system, held=False), timed_alone=True)
    lay = layouts(micro=2, recompute=recompute)
    spec = job.spec

    def taken(found: list[Piece], again: bool) -> float:
        total = 0.0
        for piece in found:
            weights, forward = weight_gradient(piece.op, job.gradient_bytes), op_s(piece.op, job)[0]
            total += forward * (2.0 if again else 1.0) + op_s(input_gradient(piece.op), job, backward=True)[0]
            total += op_s(weights, job)[0] if weights is not None else 0.0
        return float(total)

    micro = taken([*head_pieces(job, lay), embedding_piece(job, lay)], again=False)
    for layer in spec.distinct_layers:
        micro += layer.count * taken(pieces(job, lay, layer), again=recompute == FULL)
    device, efficiency = job.machine.device, job.efficiency
    whole = params_of(spec).total * OPTIMIZER_BYTES
    optimizer = whole / (device.memory_bytes_per_s * efficiency.get("train.optimizer_memory"))
    expected = SEQUENCES / 2.0 * micro + optimizer + efficiency.get("train.host_s")
    assert float(step_s(job, lay)[0]) == pytest.approx(float(np.mean(expected)), rel=1e-4)


@pytest.mark.parametrize(("model", "system"), [("llama-3.1-70b", "nvidia-hgx-h100-8"),
                                               ("deepseek-r1", "huawei-cloudmatrix-384")])  # fmt: skip
@FEW
@given(seed=SEEDS)
def test_drawn_parameters_give_the_estimate_of_each_draw(model: str, system: str, seed: int) -> None:
    job, draws = job_of(model, system), 5
    rng = np.random.default_rng(seed)
    lay = some_layouts(job, seed).pick(slice(0, 1))
    found = at(job, lay, TrainRequest(model=model, system=system, tokens=1e12))
    moved = [name for name in job.efficiency.numbers if name.startswith(("train.", "link.", "launch_s", "gemm."))]
    factors = {name: np.exp(0.05 * rng.standard_normal(draws)) for name in moved}
    device = job.machine.device
    numbers = {name: one * factors.get(name, 1.0) for name, one in job.efficiency.numbers.items()}
    rates = device.memory_bytes_per_s * np.exp(0.05 * rng.standard_normal(draws))
    machine = replace(job.machine, device=replace(device, memory_bytes_per_s=rates))
    many = drawn(found, machine, replace(job.efficiency, numbers=numbers), draws)
    for one in range(draws):
        single = {name: float(np.broadcast_to(value, draws)[one]) for name, value in numbers.items()}
        alone = replace(
            job, machine=replace(machine, device=replace(device, memory_bytes_per_s=float(rates[one]))),
            efficiency=replace(job.efficiency, numbers=single),
        )  # fmt: skip
        expected = at(alone, lay, found.request)
        for name, values in expected.metrics.items():
            assert float(many.metrics[name][one]) == pytest.approx(float(values[0]), rel=1e-12), name
        assert float(many.memory.used_bytes[one]) == pytest.approx(float(expected.memory.used_bytes[0]), rel=1e-12)
