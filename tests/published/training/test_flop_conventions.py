"""Published figures that only the right count of FLOP closes. Sources and tolerances stand beside each."""

from __future__ import annotations

import pytest
from tests import measured

from accord.api.records import model_spec
from accord.catalog.load import load_catalog
from accord.models import Attention, Ffn, Layer, ModelSpec, count
from accord.training.flop import (
    Convention,
    convention_flop_per_token,
    convert_mfu,
    model_flop,
    six_nd,
    train_flop_per_token,
)

DAY_S = 86_400.0
HOUR_S = 3_600.0
H100_BF16 = 989.4e12  # dense, NVIDIA H100 SXM datasheet
MEGATRON = Convention(causal=False, recompute="full")
MODEL = Convention(causal=False)


@pytest.fixture(scope="module")
def deepseek() -> ModelSpec:
    return model_spec(load_catalog(), "deepseek-v3")


def gpt(hidden: int, layers: int, heads: int, vocab: int, width: int = 4) -> ModelSpec:
    """A GPT: attention as wide as the model, a plain feed-forward block four times as wide, one tied table."""
    dim = hidden // heads
    attention = Attention(kind="full", heads=heads, kv_heads=heads, head_dim=dim, v_head_dim=dim)
    layer = Layer(attention=attention, ffn=Ffn(hidden=width * hidden, gated=False), count=layers)
    return ModelSpec(
        id="gpt", model_type="gpt", hidden=hidden, vocab=vocab, layers=(layer,), tied_embeddings=True
    )  # fmt: skip


# DeepSeek-V3: arXiv 2505.09343 (2025-05), table 4: 272.80B tokens a day on 2,048 H800, step of 19.926 s, 385 TFLOP/s
# a chip counted causal and 432 counted over the full square, MFU 38.94 % and 43.73 %.
TOKENS_PER_CHIP_S = 272.8e9 / DAY_S / 2048


def test_deepseek_v3_by_its_stated_weights(deepseek: ModelSpec) -> None:
    """6 x 37e9 and the expanded core: 61 layers, 128 heads, keys of 192 and values of 128, sequences of 4,096."""
    flop = model_flop(deepseek, 4096.0)
    assert flop.attention_core_full == 61 * 2 * 128 * (192 + 128) * 4096
    causal = TOKENS_PER_CHIP_S * (6 * 37e9 + 3 * flop.attention_core)
    full = TOKENS_PER_CHIP_S * (6 * 37e9 + 3 * flop.attention_core_full)
    assert causal == pytest.approx(389.6e12, rel=2e-4)
    assert full == pytest.approx(436.9e12, rel=2e-4)


def test_deepseek_v3_by_operators(deepseek: ModelSpec) -> None:
    """With the weights counted (36.6e9 without the input table) both lie within 0.4 % of the paper's own figures."""
    assert six_nd(deepseek, 1.0, embeddings=False) / 6.0 == pytest.approx(36.6e9, rel=1e-3)
    assert TOKENS_PER_CHIP_S * train_flop_per_token(deepseek, 4096.0) == pytest.approx(385e12, rel=4e-3)
    assert TOKENS_PER_CHIP_S * train_flop_per_token(deepseek, 4096.0, causal=False) == pytest.approx(432e12, rel=4e-3)


def test_deepseek_v3_mfu_between_conventions(deepseek: ModelSpec) -> None:
    got = convert_mfu(0.4373, deepseek, 4096.0, from_=MODEL, to=Convention())
    assert got == pytest.approx(0.3894, abs=2e-4)
    bf16, fp8 = (Convention(peak_flop_per_s=peak) for peak in (989.4e12, 1978.9e12))
    assert convert_mfu(0.3894, deepseek, 4096.0, from_=bf16, to=fp8) == pytest.approx(0.1947, abs=1e-4)


def test_deepseek_v3_hours_are_its_steady_throughput() -> None:
    """arXiv 2412.19437 (2024-12), table 1: 2,664K H800 hours for 14.8T tokens, 180K a trillion. No downtime shows."""
    hours = 14.8e12 / 272.8e9 * 24 * 2048
    assert hours == pytest.approx(2_664e3, rel=2e-3)
    assert hours / 14.8 == pytest.approx(180e3, rel=2e-3)
    assert sum((2_664e3, 119e3, 5e3)) * 2.0 == pytest.approx(5.576e6)


# Megatron's count: arXiv 2104.04473 (2021-04), section 5.1: 96 B s l h^2 (1 + s / 6h + V / 16 l h), recompute included.
GPTS = {
    "MT-NLG 530B": (20480, 105, 128, 50257, 2048),
    "BLOOM 176B": (14336, 70, 112, 250880, 2048),
    "GPT-3 175B": (12288, 96, 96, 51200, 2048),
    "GPT 1T": (25600, 128, 160, 51200, 2048),
}


def megatron_flop(hidden: int, layers: int, vocab: int, seq: int, batch: int) -> float:
    """Megatron's formula, of one iteration."""
    within = 1 + seq / (6 * hidden) + vocab / (16 * layers * hidden)
    return 96.0 * batch * seq * layers * hidden**2 * within


@pytest.mark.parametrize("name", GPTS)
def test_megatrons_formula(name: str) -> None:
    hidden, layers, heads, vocab, seq = GPTS[name]
    ours = convention_flop_per_token(gpt(hidden, layers, heads, vocab), float(seq), MEGATRON) * seq * 64
    assert ours == pytest.approx(megatron_flop(hidden, layers, vocab, seq, 64), rel=1e-12)


@pytest.mark.parametrize("name", ["MT-NLG 530B", "BLOOM 176B"])
def test_model_flop_are_three_quarters_of_theirs(name: str) -> None:
    """Without recompute 0.75 of it over the full square, 0.74 with half of it, and 0.74 by 6ND."""
    hidden, layers, heads, vocab, seq = GPTS[name]
    spec = gpt(hidden, layers, heads, vocab)
    hardware = convention_flop_per_token(spec, float(seq), MEGATRON)
    assert 0.750 < convention_flop_per_token(spec, float(seq), MODEL) / hardware < 0.755
    assert 0.740 < convention_flop_per_token(spec, float(seq), Convention()) / hardware < 0.750
    assert 0.730 < six_nd(spec, 1.0) / hardware < 0.740


@pytest.mark.parametrize(
    ("chips", "step_s", "stated"), [(2240, 60.1, 126e12), (2800, 50.2, 121e12), (3360, 44.4, 113e12)]
)
def test_mt_nlg(chips: int, step_s: float, stated: float) -> None:
    """arXiv 2201.11990 (2022-01), section 2.4: batch 1,920 of 2,048 tokens; figures rounded to whole TFLOP/s."""
    spec = gpt(*GPTS["MT-NLG 530B"][:4])
    flop = convention_flop_per_token(spec, 2048.0, MEGATRON) * 1920 * 2048
    assert flop / step_s / chips == pytest.approx(stated, rel=6e-3)


def test_bloom() -> None:
    """Log line of iteration 85,376 (bigscience tr11-176B-ml): 104.7 s, 149.77 TFLOP/s a GPU on 384 A100."""
    spec = gpt(*GPTS["BLOOM 176B"][:4])
    flop = convention_flop_per_token(spec, 2048.0, MEGATRON) * 2048 * 2048
    assert flop / 104.7 / 384 == pytest.approx(149.77e12, rel=6e-3)


def test_llama_3_1_405b() -> None:
    """arXiv 2407.21783 (2024-07), table 4: 430 TFLOP/s on 8,192 H100 is an MFU of 43 %.

    Its model card (meta-llama/llama-models, 2024-07): 30.84M H100 hours; 15.6T tokens make 34.6 % of the whole run.
    """
    spec = model_spec(load_catalog(), "llama-3.1-405b")
    stated = 430e12
    assert stated / H100_BF16 == pytest.approx(0.43, abs=5e-3)
    assert six_nd(spec, 15.6e12) / (30.84e6 * HOUR_S * H100_BF16) == pytest.approx(0.346, abs=1e-3)
    assert six_nd(spec, 15.6e12) == pytest.approx(3.8e25, rel=2e-3)


def test_llm_foundry_throughput_makes_its_mfu_and_hfu() -> None:
    """MFU and HFU from tokens per second, every configuration within 0.1 % and 1.3 %.

    mosaicml/llm-foundry, scripts/train/benchmarking/README.md (2023-10): 6N with embeddings, learned positions
    included, and the full square, over 989.5 or 1,979 TFLOP/s. Its HFU counts one more pass through the head than
    full recompute of the layers does.
    """
    rows = [row for row in measured.rows(measured.table("training.csv")) if row["source_id"] == "llmfoundry-h100"]
    assert len(rows) % 3 == 0
    for start in range(0, len(rows), 3):
        three = rows[start : start + 3]
        row, value = three[0], {one["metric"]: float(one["value"]) for one in three}
        spec = gpt(int(row["hidden"]), int(row["layers"]), int(row["heads"]), int(row["vocab"]))
        positions = 6.0 * (float(row["params_total"]) - count(spec).active)
        peak = 989.5e12 if row["precision"] == "bf16" else 1979e12
        done = value["tokens_per_s_per_chip"] / peak
        seq = float(row["seq_len"])
        mfu = done * (convention_flop_per_token(spec, seq, Convention(causal=False, weights="6n")) + positions)
        again = Convention(causal=False, weights="6n", recompute=row["recompute"] or "none")  # type: ignore[arg-type]
        hfu = done * (convention_flop_per_token(spec, seq, again) + positions)
        assert mfu == pytest.approx(value["mfu"], rel=1.5e-3), row["id"]
        assert hfu == pytest.approx(value["hfu"], rel=1.3e-2), row["id"]
