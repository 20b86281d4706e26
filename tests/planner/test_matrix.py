"""One cell from records: sizes, layouts, memory, the operating point and its interval."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.api.records import efficiency_of, machine_of, model_spec
from accord.catalog.load import load_catalog
from accord.inference.complete import Assumed, formats_for
from accord.inference.pools import decode_point, largest_batch
from accord.inference.request import EstimateRequest
from accord.inference.spread import draws
from accord.parallel.memory import cache_bytes_per_request, weights_bytes
from accord.parallel.plan import Setting
from accord.planner.matrix import Ground, Question, answer
from accord.planner.smallest import SMALL_BATCH, Ranks, deployed, layouts, sizes, smallest

ASKED = Question(isl=4096.0, osl=1024.0, tpot_s=0.05)
WIDE = 16.0


@cache
def setting(model: str, system: str) -> Setting:
    catalog = load_catalog()
    spec, machine = model_spec(catalog, model), machine_of(catalog, system)
    efficiency = efficiency_of(catalog, machine.chip, None)
    formats = formats_for(spec, machine, EstimateRequest(model=model, system=system), efficiency, Assumed())
    return Setting(spec, machine, formats, efficiency)


def ground(one: Setting, **fields: object) -> Ground:
    made = Ground(one.machine, draws(one.machine, one.efficiency), 0.2)
    return replace(made, **fields)  # type: ignore[arg-type]


def bigger(one: Setting, factor: float) -> Setting:
    device = replace(one.machine.device, memory_bytes=one.machine.device.memory_bytes * factor)
    return replace(one, machine=replace(one.machine, device=device))


def test_sizes_are_powers_of_two_then_whole_domains() -> None:
    assert list(islice(sizes(8), 7)) == [1, 2, 4, 8, 16, 24, 32]
    assert list(islice(sizes(72), 9)) == [1, 2, 4, 8, 16, 32, 64, 72, 144]
    assert list(islice(sizes(1), 3)) == [1, 2, 3]
    assert all(size <= 512 for size in sizes(4096))


def test_every_layout_fills_its_chips_and_divides_heads_and_experts() -> None:
    one = setting("deepseek-r1", "huawei-atlas-800-a3-node")
    found = list(layouts(one, WIDE))
    for row in found:
        assert row.tp * row.pp * row.dp == 2 * row.chips
        assert 128 % row.tp == 0
        assert (256 + row.redundant) % row.ep == 0
    assert Ranks(8, 16, 1, 1, 16, 32.0) in found
    assert Ranks(4, 8, 1, 1, 8, 0.0) in found
    assert Ranks(8, 1, 1, 16, 16, 32.0) in found
    assert max(row.tp for row in found) == 16


def test_heads_that_do_not_divide_go_to_pipeline_stages() -> None:
    """Qwen3-14B has 40 heads: eight tensor ranks, and stages beyond."""
    rows = [row for row in layouts(setting("qwen3-14b", "huawei-atlas-800-a3-node"), WIDE) if row.chips == 8]
    assert rows == [Ranks(8, 8, 2, 1, 1, 0.0)]


def test_a_model_that_exceeds_a_server_takes_whole_servers() -> None:
    found = smallest(setting("deepseek-r1", "nvidia-hgx-h100-8"), ASKED.isl, ASKED.osl, WIDE)
    assert found.chips == 16
    assert {row.chips for row in found.ranks} == {16}
    assert found.joined


def test_weights_and_cache_say_the_same_by_hand() -> None:
    """DeepSeek-R1 is 671 GB in FP8: more than 8 x 80 GB, less than 8 x 141 GB."""
    one = setting("deepseek-r1", "nvidia-hgx-h200-8")
    plan = deployed((Ranks(8, 1, 1, 8, 8, 0.0), Ranks(8, 8, 1, 1, 8, 0.0)), isl=4096, osl=1024)
    held = weights_bytes(one, plan) * 8
    assert held[1] > 671e9 * 0.99
    assert np.all((held > 8 * 80e9) & (held < 8 * 141e9))
    assert cache_bytes_per_request(one, plan, np.full(2, 5120.0))[0] == pytest.approx(5120 * 61 * 576 * 2)


def test_llama_8b_leaves_an_rtx_4090_little_cache() -> None:
    one = setting("llama-3.1-8b", "nvidia-rtx-4090")
    found = smallest(one, ASKED.isl, ASKED.osl, WIDE)
    assert found.chips == 1
    assert SMALL_BATCH <= max(found.room) < 10
    assert smallest(one, 16384.0, 4096.0, WIDE).chips == 2


def test_kimi_k2_takes_sixteen_h200_at_the_context_its_makers_deploy() -> None:
    """1.03 TB of weights fill eight H200 to 91 %: a short context fits beside them, 128k tokens do not."""
    one = setting("kimi-k2-instruct", "nvidia-hgx-h200-8")
    assert smallest(one, 100_000.0, 28_000.0, WIDE).chips == 16
    assert smallest(one, ASKED.isl, ASKED.osl, WIDE).chips == 8


def test_gpt_oss_120b_fits_one_80_gb_chip() -> None:
    one = setting("gpt-oss-120b", "nvidia-hgx-h100-8")
    assert one.formats.experts == "mxfp4"
    assert smallest(one, ASKED.isl, ASKED.osl, WIDE).chips == 1


@given(
    st.sampled_from(("deepseek-v3", "llama-3.1-70b", "gpt-oss-120b", "qwen3-14b")),
    st.sampled_from(("nvidia-hgx-h100-8", "huawei-atlas-800-a2-node", "biren-br100")),
    st.floats(0.2, 4.0), st.floats(1.0, 3.0),
)  # fmt: skip
def test_more_memory_never_takes_more_chips(model: str, system: str, factor: float, more: float) -> None:
    one = setting(model, system)
    less, rich = (smallest(bigger(one, by), ASKED.isl, ASKED.osl, WIDE).chips for by in (factor, factor * more))
    assert less is None or (rich is not None and rich <= less)


@given(st.floats(16.0, 60_000.0), st.floats(1.0, 4.0))
def test_longer_requests_never_take_fewer_chips(isl: float, more: float) -> None:
    one = setting("llama-3.1-70b", "nvidia-hgx-h100-8")
    short, long = (smallest(one, length, 512.0, WIDE).chips for length in (isl, isl * more))
    assert short is not None
    assert long is not None
    assert short <= long


def test_the_load_is_the_largest_that_keeps_the_limit() -> None:
    one = setting("llama-3.1-8b", "nvidia-hgx-h100-8")
    found = answer(one, ground(one), ASKED)
    assert found.point is not None
    most = largest_batch(one, deployed((Ranks(1, 1, 1, 1, 1, 0.0),), isl=4096, osl=1024, microbatches=1), 0.05)
    assert 0.9 * most[0] <= found.point.batch_per_device <= most[0]
    assert found.metrics["tpot_s"].value <= 0.05


def test_a_tighter_limit_serves_no_more() -> None:
    one = setting("deepseek-v3", "nvidia-hgx-h200-8")
    rates = [
        answer(one, ground(one), Question(isl=4096.0, osl=1024.0, tpot_s=limit)).metrics["decode_token_per_s_per_chip"]
        for limit in (0.015, 0.025, 0.05, 0.2)
    ]
    values = [rate.value for rate in rates]
    assert values == sorted(values)


def test_where_no_load_keeps_the_limit_the_quickest_is_shown_and_said() -> None:
    one = setting("llama-3.1-405b", "huawei-atlas-800-a2-node")
    found = answer(one, ground(one), ASKED)
    assert found.point is not None
    assert not found.point.within_tpot
    assert found.metrics["tpot_s"].value > 0.05


def test_rates_are_those_of_a_decode_pool() -> None:
    one = setting("deepseek-r1", "huawei-cloudmatrix-384")
    found = answer(one, ground(one), ASKED)
    assert found.layout is not None
    assert found.point is not None
    layout, point = found.layout, found.point
    row = Ranks(0, layout.tp, layout.pp, layout.dp, layout.ep, 32.0 if layout.ep >= 16 else 0.0)
    plan = deployed((row,), isl=4096, osl=1024, microbatches=1, batch=point.batch_per_device)
    rate = 2.0 * decode_point(one, plan).tokens_per_s_per_device[0]
    assert found.metrics["decode_token_per_s_per_chip"].value == pytest.approx(rate)
    assert found.metrics["decode_token_per_s_total"].value == pytest.approx(rate * (found.chips or 0))
    assert found.metrics["decode_token_per_s_system"].value == pytest.approx(rate * 384)


def test_answers_cost_prompts_too() -> None:
    one = setting("qwen3-8b", "nvidia-hgx-h100-8")
    found = answer(one, ground(one, usd_per_hour=(3.6, 1.8, 7.2)), ASKED).metrics
    both = 1.0 / (1.0 / found["decode_token_per_s_per_chip"].value + 4.0 / found["prefill_token_per_s_per_chip"].value)
    assert found["output_token_per_s_per_chip"].value == pytest.approx(both)
    usd = found["usd_per_million_output_tokens"]
    assert usd.value == pytest.approx(1000.0 / both)
    assert usd.low is not None
    assert usd.high is not None
    assert usd.low < usd.value / 2.0
    assert usd.high > usd.value * 2.0


def test_intervals_widen_with_level_and_residual() -> None:
    one = setting("qwen3-8b", "nvidia-hgx-h100-8")

    def width(level: float, residual: float) -> float:
        asked = Question(isl=4096.0, osl=1024.0, tpot_s=0.05, level=level)
        metric = answer(one, ground(one, residual=residual), asked).metrics["decode_token_per_s_per_chip"]
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low < metric.value < metric.high
        return metric.high / metric.low

    assert width(0.5, 0.1) < width(0.9, 0.1) < width(0.9, 0.4)


def test_no_links_and_several_chips_is_unknown() -> None:
    found = answer(
        setting("llama-3.1-70b", "metax-c500-oam"), ground(setting("llama-3.1-70b", "metax-c500-oam")), ASKED
    )
    assert (found.fits, found.cause, found.chips) == ("unknown", "links", None)
    assert found.memory_chips == 3
    assert found.reason is not None
    assert "no source states the links" in found.reason


def test_a_system_with_fewer_chips_is_a_no() -> None:
    one = setting("deepseek-r1", "nvidia-hgx-h100-8")
    found = answer(one, ground(one, most_chips=8), ASKED)
    assert (found.fits, found.cause, found.memory_chips) == ("no", "system", 16)


def test_without_bandwidth_it_fits_and_has_no_rate() -> None:
    one = setting("qwen3-8b", "nvidia-hgx-h100-8")
    found = answer(one, ground(one, rated=False), ASKED)
    assert (found.fits, found.cause, found.chips, found.metrics) == ("yes", "bandwidth", 1, {})
