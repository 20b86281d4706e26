"""The matrix over the catalog: known cells, what is not known, counts, and agreement with single estimates."""

from __future__ import annotations

import math
import time
from functools import cache

import pytest

from accord.api import estimate, estimate_answer
from accord.api.matrix import Matrix, fleet, matrix
from accord.api.matrix_columns import Records, cells_of, columns_of, native_formats
from accord.api.records import machine_of, model_spec
from accord.base.errors import CatalogError, UsageError
from accord.base.source import Source
from accord.catalog.load import Catalog, load_catalog
from accord.catalog.support import Statement, Support
from accord.economics.scenario import Amount, Scenario, SystemTerms
from accord.inference.request import EstimateRequest
from accord.planner.matrix import Cell, Question
from accord.planner.support import index
from accord.report.to_json import to_bytes

MODELS = ("deepseek-r1", "gpt-oss-120b", "kimi-k2-instruct", "llama-3.1-8b", "qwen3-32b")
CHIP_VENDORS = {
    "huawei", "biren", "enflame", "metax", "iluvatar", "moorethreads", "cambricon", "hygon", "nvidia", "amd", "google",
}  # fmt: skip


@cache
def catalog() -> Catalog:
    return load_catalog()


@cache
def found() -> Matrix:
    return matrix(catalog(), MODELS)


def cell(model: str, column: str, **asked: float) -> Cell:
    return matrix(catalog(), [model], [column], **asked).cells[0]  # type: ignore[arg-type]


def test_every_vendor_and_every_chip_is_there() -> None:
    assert {one.vendor for one in found().cells} >= CHIP_VENDORS
    assert {one.chip for one in found().cells} == set(catalog().ids("chips"))
    assert len(found().cells) == len(MODELS) * len(catalog().ids("chips"))


@pytest.mark.parametrize(
    ("model", "column", "fits", "chips"),
    [
        ("deepseek-r1", "nvidia-hgx-h100-8", "no", None),
        ("deepseek-r1", "nvidia-h100-sxm", "yes", 16),
        ("deepseek-r1", "nvidia-hgx-h200-8", "yes", 8),
        ("deepseek-r1", "huawei-cloudmatrix-384", "yes", 8),
        ("gpt-oss-120b", "nvidia-h100-sxm", "yes", 1),
        ("llama-3.1-8b", "nvidia-rtx-4090", "yes", 1),
        ("gpt-oss-120b", "nvidia-rtx-4090-1", "no", None),
        ("gpt-oss-120b", "nvidia-rtx-4090", "unknown", None),
        ("llama-3.1-405b", "biren-br100", "unknown", None),
        ("qwen3-32b", "enflame-l600", "unknown", None),
    ],
)
def test_known_cells(model: str, column: str, fits: str, chips: int | None) -> None:
    answer = cell(model, column).answer
    assert (answer.fits, answer.chips) == (fits, chips)
    assert (answer.reason is None) == (fits == "yes")


def test_a_chip_without_memory_or_bf16_answers_unknown_with_the_reason() -> None:
    for one in found().cells:
        chip = catalog().chip(one.chip)
        if chip.memory.capacity is None:
            assert (one.answer.fits, one.answer.cause) == ("unknown", "memory")
        elif "bf16" not in chip.peak:
            assert (one.answer.fits, one.answer.cause) == ("unknown", "bf16")
            assert one.answer.reason is not None
            assert all(name in one.answer.reason for name in chip.peak)
        else:
            assert one.answer.cause not in ("memory", "bf16")
        assert (one.answer.fits == "yes") == (one.answer.chips is not None)


def test_counts_are_those_of_the_cells() -> None:
    counts = found().result["counts"]
    assert isinstance(counts, dict)
    for name in ("fits", "support"):
        assert sum(counts[name].values()) == len(found().cells) == counts["cells"]
    for answer, count in counts["fits"].items():
        assert count == sum(one.answer.fits == answer for one in found().cells)
    assert counts["fits"]["yes"] > 100
    assert counts["fits"]["unknown"] > 100
    assert sum(counts["reasons"].values()) == sum(one.answer.cause is not None for one in found().cells)


@pytest.mark.parametrize("column", ["nvidia-h200-sxm", "huawei-ascend-910c", "huawei-ascend-910b", "amd-mi355x"])
def test_a_cell_is_a_single_estimate(column: str) -> None:
    """The same layout and batch asked of ``accord estimate`` give the same rate."""
    for model in MODELS:
        one = next(one for one in found().cells if (one.model, one.column) == (model, column))
        layout, point = one.answer.layout, one.answer.point
        if one.answer.fits != "yes" or layout is None or point is None:
            continue
        request = EstimateRequest(
            model=model, system=one.system or column, phase="decode", isl=point.isl, osl=point.osl,
            tp=layout.tp, pp=layout.pp, dp=layout.dp, ep=layout.ep, batch_per_device=point.batch_per_device,
        )  # fmt: skip
        single = estimate(request, catalog=catalog()).metrics
        metrics = one.answer.metrics
        assert metrics["decode_token_per_s_per_chip"].value == pytest.approx(single["decode_token_per_s_per_chip"][0])
        assert metrics["tpot_s"].value == pytest.approx(single["tpot_s"][0])


def test_cells_do_not_depend_on_their_neighbours() -> None:
    for column in ("nvidia-b200", "cambricon-mlu590"):
        for model in MODELS[:3]:
            assert cell(model, column) == next(
                one for one in found().cells if (one.model, one.column) == (model, column)
            )


def test_families_nobody_measured_have_wider_intervals() -> None:
    def width(column: str) -> float:
        metric = cell("qwen3-8b", column).answer.metrics["decode_token_per_s_per_chip"]
        assert metric.low is not None
        assert metric.high is not None
        return metric.high / metric.low

    measured = [width(column) for column in ("nvidia-h100-sxm", "nvidia-h200-sxm", "huawei-ascend-910c")]
    guessed = [width(column) for column in ("biren-br100", "cambricon-mlu590", "google-tpu-v5p", "metax-c500-oam")]
    assert max(measured) < min(guessed)


def test_native_formats_and_conversions() -> None:
    assert native_formats(machine_of(catalog(), "huawei-ascend-910b").device) == ("fp32", "bf16", "fp16", "int8")
    ascend = cell("deepseek-r1", "huawei-ascend-910b")
    assert ascend.conversion is not None
    assert (ascend.stored, ascend.weights) == ("fp8", "int8")
    assert cell("deepseek-r1", "nvidia-h200-sxm").conversion is None
    for one in found().cells:
        if one.weights is not None:
            assert (one.conversion is None) == (one.weights == one.stored and one.stored in one.native_formats)


def test_a_short_context_is_kept_to() -> None:
    point = cell("llama-2-7b", "nvidia-h100-sxm").answer.point
    assert point is not None
    assert point.isl + point.osl <= 4096
    assert point.isl / point.osl == pytest.approx(4.0, rel=0.01)


def test_closed_models_are_passed_over_and_said() -> None:
    made = matrix(catalog(), ["claude", "qwen3-8b"], ["nvidia-h100-sxm"])
    assert [one.model for one in made.cells] == ["qwen3-8b"]
    assert made.warnings
    assert "claude" in made.warnings[0]
    with pytest.raises(UsageError, match="no model"):
        matrix(catalog(), ["claude"], ["nvidia-h100-sxm"])


def test_bad_questions_are_refused() -> None:
    with pytest.raises(CatalogError, match="no system and no chip"):
        matrix(catalog(), ["qwen3-8b"], ["nvidia-h100-smx"])
    with pytest.raises(CatalogError):
        matrix(catalog(), ["qwen3-8"], ["nvidia-h100-sxm"])
    with pytest.raises(UsageError, match="level"):
        matrix(catalog(), ["qwen3-8b"], ["nvidia-h100-sxm"], level=1.0)
    with pytest.raises(UsageError, match="no length or time"):
        matrix(catalog(), ["qwen3-8b"], ["nvidia-h100-sxm"], isl=-1.0)


def test_support_is_what_records_say_and_else_unknown() -> None:
    said = Support(
        id="x", name="X", engine="vllm",
        statements=(
            Statement(answer="yes", date="2025-01", source="S", chips=("nvidia-h100-sxm",), models=("qwen3-8b",)),
            Statement(answer="no", date="2025-01", source="S", chips=("nvidia-l20",), models=("qwen3-8b",)),
        ),
        sources={"S": Source(title="Notes", publisher="X", date="2025-01")},
    )  # fmt: skip
    records = Records(index([said]), ("vllm",))
    asked = Question(isl=1024.0, osl=128.0, tpot_s=0.05)
    columns = columns_of(catalog(), ["nvidia-h100-sxm", "nvidia-l20", "nvidia-l40"], None, Scenario(), 0.9)
    cells = [next(cells_of(column, [model_spec(catalog(), "qwen3-8b")], asked, records)) for column in columns]
    assert [one.support.answer for one in cells] == ["yes", "no", "unknown"]
    assert cells[0].support.source == "Notes (X)"
    assert cells[0].support.date == "2025-01"


def test_a_stated_price_moves_the_cost_of_a_token() -> None:
    told = Scenario(mode="rent", systems={"nvidia-hgx-h100-8": SystemTerms(rent=Amount(4.0, "USD/h"))})
    one = matrix(catalog(), ["qwen3-8b"], ["nvidia-h100-sxm"], scenario=told).cells[0].answer.metrics
    rate = one["output_token_per_s_per_chip"].value
    assert one["usd_per_million_output_tokens"].value == pytest.approx(4.0 / 3600.0 / rate * 1e6)


def test_it_is_json_and_quick() -> None:
    """Five models on every chip; the whole matrix is eight times this."""
    start = time.process_time()
    made = matrix(catalog(), MODELS)
    taken = time.process_time() - start
    assert len(to_bytes(made.result)) > 10_000
    assert taken < 6.0


def test_a_fleet_of_115_000_h100() -> None:
    made = fleet(catalog(), 115_000, "nvidia-h100-sxm", "llama-3.1-405b")
    metrics = made.metrics
    assert metrics["train_run_90_days_flop"].value == pytest.approx(115_000 * 989.4e12 * 0.4 * 90 * 86400, rel=1e-3)
    assert 120e6 < metrics["power_w"].value < 180e6
    served = cell("llama-3.1-405b", "nvidia-h100-sxm").answer
    assert served.chips is not None
    whole = 115_000 // served.chips * served.chips
    assert metrics["output_token_per_s_total"].value == pytest.approx(
        whole * served.metrics["output_token_per_s_per_chip"].value
    )
    assert any("assumed" in said for said in made.warnings)
    assert to_bytes(made.result)


def test_a_fleet_says_what_it_does_not_know() -> None:
    made = fleet(catalog(), 1000, "enflame-l600", "qwen3-32b", mfu=(0.3, 0.35, 0.4))
    assert "train_flop_per_year" not in made.metrics
    assert "power_w" not in made.metrics
    assert made.result["unknown"]
    assert any("BF16" in said for said in made.warnings)
    place = fleet(
        catalog(), 1000, "nvidia-h100-sxm", "qwen3-32b", scenario=Scenario(pue=1.2, kgco2_per_kwh=0.4)
    ).metrics
    assert place["energy_j_per_year"].value == pytest.approx(place["power_w"].value * 1.2 * 8760 * 3600)
    assert place["kgco2_per_year"].value == pytest.approx(place["energy_j_per_year"].value / 3.6e6 * 0.4)


@pytest.mark.parametrize(
    ("model", "column"),
    [("qwen3-8b", "nvidia-h100-sxm"), ("deepseek-r1", "nvidia-h200-sxm"), ("qwen3-8b", "biren-br100")],
)
def test_an_interval_is_that_of_a_single_estimate(model: str, column: str) -> None:
    """Draws of a column are shared by its cells; a single estimate draws what it reads: within a tenth."""
    one = cell(model, column)
    layout, point = one.answer.layout, one.answer.point
    assert layout is not None
    assert point is not None
    request = EstimateRequest(
        model=model, system=one.system or column, phase="decode", isl=point.isl, osl=point.osl,
        tp=layout.tp, pp=layout.pp, dp=layout.dp, ep=layout.ep, batch_per_device=point.batch_per_device,
    )  # fmt: skip
    factor = estimate_answer([request], catalog=catalog()).factors["decode"]["decode_token_per_s_per_chip"][0]
    metric = one.answer.metrics["decode_token_per_s_per_chip"]
    assert metric.high is not None
    assert math.log(metric.high / metric.value) == pytest.approx(math.log(factor), rel=0.1)
