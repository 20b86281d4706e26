"""The public estimate: every model on many systems, lists, refusals."""

from __future__ import annotations

import math
import re
from itertools import product

import numpy as np
import pytest
from tests import rig

from accord import api
from accord.base.errors import AccordError, ArchitectureUnpublished, DoesNotFit
from accord.inference.request import EstimateRequest, PoolRequest
from accord.inference.result import Estimate

H100, CM384, GB200 = "nvidia-hgx-h100-8", "huawei-cloudmatrix-384", "nvidia-gb200-nvl72"
CLOSED = [id for id in rig.catalog().ids("models") if rig.catalog().model(id).config is None]


def ask(**fields: object) -> Estimate:
    request = {"model": "llama-3.1-70b", "system": H100, **fields}
    return api.estimate(EstimateRequest(**request), catalog=rig.catalog())  # type: ignore[arg-type]


def assert_sound(done: Estimate) -> None:
    assert done.metrics
    for name, values in done.metrics.items():
        assert values.shape == (len(done.points),), name
        assert np.all(np.isfinite(values)), name
        if name != "kv_transfer_s":
            assert np.all(values > 0.0), name


# Everything on everything


@pytest.mark.parametrize(("phase", "counts"), [
    ("decode", (None, 32)), ("prefill", (None, 32)), ("serve", (32,)), ("offline", (8,)),
])  # fmt: skip
@pytest.mark.parametrize("system", rig.SYSTEMS)
def test_every_open_model(system: str, phase: str, counts: tuple[int | None, ...]) -> None:
    answered = 0
    for model, chips in product(rig.open_models(), counts):
        try:
            done = ask(model=model, system=system, phase=phase, chips=chips)
        except AccordError as error:
            assert error.exit_code in (1, 2, 3)
            assert str(error)
            continue
        assert_sound(done)
        answered += 1
    assert answered >= len(rig.open_models()) // 2


@pytest.mark.parametrize("model", CLOSED)
def test_closed_models_are_refused(model: str) -> None:
    with pytest.raises(ArchitectureUnpublished, match="the architecture is unpublished") as error:
        ask(model=model)
    assert error.value.exit_code == 1
    assert error.value.hint


# Lists

LISTS: list[dict[str, object]] = [
    {
        "phase": "decode", "model": "qwen3-235b-a22b", "system": GB200, "tp": 4, "dp": (1, 8), "ep": 4,
        "batch_per_device": 8.0,
    },
    {
        "phase": "serve", "model": "qwen3-235b-a22b", "system": GB200, "chips": 32, "tp": 4, "dp": (1, 8),
        "concurrency": 8.0,
    },
    {
        "phase": "decode", "model": "deepseek-r1", "system": CM384, "chips": 160, "ep": (32, 64, 320),
        "batch_per_device": 8.0,
    },
    {"phase": "decode", "tp": (4, 8), "batch_per_device": (1.0, 8.0)},
    {"phase": "decode", "chips": 8, "tp": (4, 8), "batch_per_device": (1.0, 8.0), "isl": (100.0, 2000.0)},
    {"phase": "decode", "tp": 8, "mtp_tokens": (0, 1, 2), "osl": (10.0, 20.0), "batch_per_device": 4.0},
    {"phase": "decode", "tp": 8, "kv_len": (100.0, 1000.0)},
    {"phase": "prefill", "tp": 8, "isl": (512.0, 4096.0), "tokens_per_device": (1024.0, 2048.0)},
    {"phase": "serve", "chips": 8, "tp": (4, 8), "concurrency": (1.0, 80.0)},
    {"phase": "serve", "chips": 8, "tp": 4, "pp": (1, 2), "concurrency": 8.0},
    {"phase": "offline", "chips": 8, "tp": (4, 8), "concurrency": (10.0, 1000.0)},
    {
        "phase": "decode", "model": "deepseek-r1", "system": CM384, "engine": "cloudmatrix-infer", "tp": 1,
        "chips": 160, "dp": (64, 320), "ep": 64, "batch_per_device": (4.0, 16.0), "microbatches": (0, 1, 2),
    },
    {
        "phase": "prefill", "model": "deepseek-r1", "system": CM384, "ep": 32, "isl": (512.0, 4096.0),
        "reuse": (0.0, 0.5), "tokens_per_device": (4096.0, 8192.0),
    },
    {
        "phase": "serve", "model": "deepseek-r1", "system": CM384, "concurrency": (100.0, 10000.0),
        "isl": (1000.0, 4000.0),
        "prefill": PoolRequest(instances=6, devices=32, ep=32), "decode": PoolRequest(instances=1, devices=320, ep=320),
    },
]  # fmt: skip


@pytest.mark.parametrize("fields", LISTS, ids=range(len(LISTS)))
def test_a_list_is_one_point_per_combination_equal_to_single_calls(fields: dict[str, object]) -> None:
    listed = {name: values for name, values in fields.items() if isinstance(values, tuple)}
    whole = ask(**fields)
    assert len(whole.points) == math.prod(len(values) for values in listed.values())
    assert len({tuple(point[name] for name in listed) for point in whole.points}) == len(whole.points)
    for at, point in enumerate(whole.points):
        kinds = {name: type(values[0]) for name, values in listed.items()}
        alone = ask(**{**fields, **{name: kinds[name](point[name]) for name in listed}})
        assert alone.metrics.keys() == whole.metrics.keys()
        for name, values in alone.metrics.items():
            assert float(values[0]) == pytest.approx(float(whole.metrics[name][at]), rel=1e-9), (name, point)


# What follows from what


def test_decode_metrics_agree() -> None:
    done = ask(
        model="deepseek-r1", system=CM384, phase="decode", chips=160, ep=320, batch_per_device=48.0, mtp_tokens=1,
        mtp_accept=0.7, engine="cloudmatrix-infer",
    )  # fmt: skip
    numbers = {name: float(values[0]) for name, values in done.metrics.items()}
    assert numbers["tpot_s"] == pytest.approx(numbers["iteration_s"] / 1.7)
    assert numbers["decode_token_per_s_per_chip"] == pytest.approx(96 / numbers["tpot_s"])
    assert numbers["output_token_per_s_total"] == pytest.approx(160 * numbers["decode_token_per_s_per_chip"])
    assert numbers["output_token_per_s_per_user"] == pytest.approx(1 / numbers["tpot_s"])
    layers = done.steps["decode"]
    whole = float((layers.attention_s + layers.ffn_s + layers.reduce_s + layers.exchange_s)[0])
    assert numbers["layer_s"] == pytest.approx(whole / 61)
    assert done.chips == 160
    assert (done.layouts["decode"].dp, done.layouts["decode"].ep) == (320, 320)


def test_replicas_share_the_load() -> None:
    one, two = (ask(phase="serve", chips=chips, tp=4, concurrency=load) for chips, load in ((4, 20.0), (8, 40.0)))
    for name in ("tpot_s", "ttft_s", "output_token_per_s_per_chip"):
        assert float(one.metrics[name][0]) == pytest.approx(float(two.metrics[name][0]))
    assert float(two.metrics["request_per_s"][0]) == pytest.approx(2 * float(one.metrics["request_per_s"][0]))


def test_what_defaults_filled_is_named() -> None:
    full = ask(
        phase="decode", tp=8, dp=1, ep=1, batch_per_device=8.0, isl=1000.0, osl=100.0, weights="fp8", kv="fp8"
    )  # fmt: skip
    assert full.assumed == ()
    assert {"weights", "kv", "isl", "osl", "tp", "batch_per_device"} <= set(ask(phase="decode", chips=8).assumed)


def test_reuse_counts_served_tokens() -> None:
    done = ask(model="deepseek-r1", system=CM384, phase="prefill", ep=32, reuse=(0.0, 0.5))
    served, computed = done.metrics["input_token_per_s_per_chip"], done.metrics["prefill_token_per_s_per_chip"]
    assert computed / served == pytest.approx(np.array([1.0, 0.5]))


# What does not fit


def test_the_missing_bytes_are_named() -> None:
    with pytest.raises(DoesNotFit) as error:
        ask(phase="decode", tp=8, batch_per_device=400.0, isl=8000.0)
    found = re.search(r"needs ([0-9.,]+) GB on a device of 80\.0 GB: ([0-9.,]+) GB too much", error.value.what)
    assert found is not None
    needed, missing = (float(text.replace(",", "")) for text in found.groups())
    assert needed - 80.0 == pytest.approx(missing, abs=0.11)
    assert error.value.exit_code == 1


@pytest.mark.parametrize(("model", "system", "ranks"), [
    ("llama-3.1-70b", H100, {"tp": 8}),
    ("llama-3.1-70b", "huawei-atlas-800-a2-node", {"tp": 8}),
    ("deepseek-r1", CM384, {"ep": 320}),
    ("qwen3-235b-a22b", GB200, {"tp": 2, "dp": 8, "ep": 16}),
    ("minimax-m1", "amd-mi300x-8", {"tp": 8}),
    ("gpt-oss-120b", "google-tpu-v5p-pod", {"tp": 4}),
])  # fmt: skip
def test_the_batch_of_the_hint_fits(model: str, system: str, ranks: dict[str, int]) -> None:
    for isl in (1000.0, 9000.0, 60_000.0):
        with pytest.raises(DoesNotFit) as error:
            ask(model=model, system=system, phase="decode", batch_per_device=20_000.0, isl=isl, **ranks)
        hint = re.search(r"--batch-per-device (\d+)", error.value.hint or "")
        if hint is None:
            assert error.value.hint
            continue
        assert_sound(
            ask(model=model, system=system, phase="decode", batch_per_device=float(hint[1]), isl=isl, **ranks)
        )  # fmt: skip


@pytest.mark.parametrize("phase", ["decode", "serve"])
@pytest.mark.parametrize("model", ["llama-3.1-405b", "deepseek-r1", "qwen3-235b-a22b", "codellama-34b", "glm-4.5"])
def test_the_number_of_devices_of_the_hint_holds_the_weights(model: str, phase: str) -> None:
    with pytest.raises(DoesNotFit) as error:
        ask(model=model, phase=phase, chips=1)
    hint = re.match(r"(\d+) devices hold it", error.value.hint or "")
    assert hint is not None
    assert_sound(ask(model=model, phase=phase, chips=int(hint[1]), isl=100.0, osl=100.0))


# Bad usage


@pytest.mark.parametrize(("fields", "codes"), [
    ({"tp": -1}, {2}), ({"tp": 1, "dp": 4, "ep": 3}, {2}), ({"ep": 0}, {2}), ({"pp": 0}, {2}),
    ({"batch_per_device": -1.0}, {2}), ({"isl": float("nan")}, {2}), ({"microbatches": 3}, {2}),
    ({"reuse": 1.5}, {2}), ({"mtp_accept": 1.5, "mtp_tokens": 1}, {2}), ({"mtp_tokens": -1}, {2}),
    ({"devices": -8}, {2}), ({"chips": 0}, {2}), ({"weights": "fp7"}, {2}), ({"kv": "fp7"}, {2}),
    ({"weights": ""}, {2}),
    ({"tp": 0}, {2}), ({"dp": 0}, {2}), ({"tp": ()}, {2}), ({"osl": 0.0}, {2}), ({"isl": 0.0}, {2}),
    ({"phase": "wait"}, {2}),
    ({"batch_per_device": 0.0}, {2}), ({"concurrency": 0.0}, {2}), ({"tp": 2.5}, {2}), ({"answer_spread": -1.0}, {2}),
    ({"engine": "vlm"}, {3}), ({"model": "lama-3"}, {3}), ({"system": "nvidia-hgx-h1000"}, {3}),
])  # fmt: skip
@pytest.mark.parametrize("phase", ["decode", "prefill", "serve"])
def test_bad_usage(fields: dict[str, object], codes: set[int], phase: str) -> None:
    with pytest.raises(AccordError) as error:
        ask(**{"phase": phase, "chips": 8, **fields})
    assert error.value.exit_code in codes
    assert error.value.what


@pytest.mark.parametrize(("fields", "hint"), [
    ({"tp": 1, "dp": 4, "ep": 3}, "ep 4"), ({"weights": "fp7"}, "bf16"), ({"engine": "vlm"}, "vllm"),
    ({"tp": 16, "phase": "serve"}, "--chips"), ({"phase": "prefill", "reuse": 0.5}, "--reuse"),
])  # fmt: skip
def test_a_hint_names_the_way_out(fields: dict[str, object], hint: str) -> None:
    with pytest.raises(AccordError) as error:
        ask(**{"phase": "decode", "chips": 8, **fields})
    assert hint in str(error.value.hint)
