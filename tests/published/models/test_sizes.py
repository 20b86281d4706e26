"""Parameter counts and cache sizes of released models against the figures their makers print.

The configurations are those of the packaged catalog. Totals must agree within 1 %. Active counts are printed with
or without the input embedding table, so the nearer of the two must agree within 3 %. Cache elements per token
follow from the shape alone and must be equal.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from accord.catalog.load import load_catalog
from accord.models import ModelSpec, count, from_config
from accord.models.kv import cache_elements, elements_per_token

TOTAL_TOLERANCE = 0.01
ACTIVE_TOLERANCE = 0.03


class Case(NamedTuple):
    """Printed figures of one model.

    total, active: weights [1e9], active None for dense models; kv: cache elements per token [1], windowed layers in
    full; total_tolerance, head_out: exceptions, explained in ``why`` (head_out: the printed active count leaves out
    both embedding tables)
    """

    id: str
    total: float
    active: float | None
    kv: int
    source: str
    total_tolerance: float = TOTAL_TOLERANCE
    head_out: bool = False
    why: str = ""


DEEPSEEK = "DeepSeek-V3 Technical Report, arXiv 2412.19437, abstract; 61 layers x (512 + 64)"
QWEN3 = "Qwen3 Technical Report, arXiv 2505.09388, and the model card"
LLAMA3 = "The Llama 3 Herd of Models, arXiv 2407.21783, table 3, and the model card"
LLAMA2 = "Llama 2, arXiv 2307.09288, and the model card"
LLAMA4 = "Llama 4 model card, Meta, 2025-04-05; 48 layers x 2 x 8 heads x 128"
GPT_OSS = "gpt-oss model card, arXiv 2508.10925, table 1"
MINIMAX = "MiniMax-01, arXiv 2501.08313, abstract; 10 softmax layers x 2 x 8 heads x 128"
V4 = "DeepSeek-V4 model card, 2026-04-24"

CASES = (
    Case("deepseek-v3", 671, 37, 35_136, DEEPSEEK),
    Case("deepseek-r1", 671, 37, 35_136, "DeepSeek-R1 model card, 2025-01-20; shape of DeepSeek-V3"),
    Case("deepseek-v3.1", 671, 37, 35_136, "DeepSeek-V3.1 model card, 2025-08-21; shape of DeepSeek-V3"),
    Case("deepseek-v3.2", 671, 37, 35_136, "DeepSeek-V3.2 model card: shape of DeepSeek-V3 with an indexer"),
    Case("kimi-k2-instruct", 1026, 32, 35_136, "Kimi K2 model card, 2025-07-11: 32B active; weights of the checkpoint"),
    Case("kimi-k2.5", 1026.4, 32, 35_136, "Kimi K2.5 model card: Kimi K2 with a vision tower of 0.4B"),
    Case("qwen3-235b-a22b", 235, 22, 96_256, QWEN3),
    Case("qwen3-30b-a3b", 30.5, 3.3, 49_152, QWEN3),
    Case("qwen3-32b", 32.8, None, 131_072, QWEN3),
    Case("qwen3-14b", 14.8, None, 81_920, QWEN3),
    Case("qwen3-8b", 8.2, None, 73_728, QWEN3),
    Case("qwen3-coder-480b-a35b", 480, 35, 126_976, "Qwen3-Coder model card, 2025-07-22"),
    Case("qwen3.5-397b-a17b", 397, 17, 15_360, "Qwen3.5 model card, 2026-02-16; 15 full layers x 2 x 2 heads x 256"),
    Case("llama-3.1-8b", 8.03, None, 65_536, LLAMA3),
    Case("llama-3.1-70b", 70.6, None, 163_840, LLAMA3),
    Case("llama-3.1-405b", 405, None, 258_048, LLAMA3),
    Case("llama-2-7b", 6.74, None, 262_144, LLAMA2),
    Case("llama-2-70b", 69.0, None, 163_840, LLAMA2),
    Case("codellama-34b", 33.7, None, 98_304, "Code Llama, arXiv 2308.12950, and the model card"),
    Case("llama-4-maverick", 400, 17, 98_304, LLAMA4),
    Case(
        "llama-4-scout",
        109,
        17,
        98_304,
        LLAMA4,
        total_tolerance=0.013,
        why="the printed figure includes a vision tower of about 0.9B whose shape the configuration does not give",
    ),
    Case("gpt-oss-120b", 116.83, 5.13, 36_864, GPT_OSS),
    Case("gpt-oss-20b", 20.91, 3.61, 24_576, GPT_OSS),
    Case("mixtral-8x7b", 46.7, 12.9, 65_536, "Mixtral of Experts, Mistral AI, 2023-12-11"),
    Case("mixtral-8x22b", 141, 39, 114_688, "Cheaper, Better, Faster, Stronger, Mistral AI, 2024-04-17"),
    Case("mistral-large-2407", 123, None, 180_224, "Large Enough, Mistral AI, 2024-07-24"),
    Case(
        "gemma-3-27b-it",
        27.433,
        None,
        253_952,
        "Gemma 3 Technical Report, arXiv 2503.19786, table 1: vision 417M, embedding 1,416M, the rest 25,600M",
    ),
    Case("glm-4.5", 355, 32, 188_416, "GLM-4.5, arXiv 2508.06471, table 1"),
    Case(
        "glm-4.5-air",
        106,
        12,
        94_208,
        "GLM-4.5, arXiv 2508.06471, table 1",
        head_out=True,
        why="12B is reached only without the output head, 0.6B of the model's 13.4B",
    ),
    Case("glm-5", 744, 40, 44_928, "GLM-5 model card, 2026-02; 78 layers x (512 + 64)"),
    Case("minimax-text-01", 456, 45.9, 20_480, MINIMAX),
    Case("minimax-m1", 456, 45.9, 20_480, "MiniMax-M1, arXiv 2506.13585, abstract; shape of MiniMax-Text-01"),
    Case(
        "minimax-m2",
        230,
        10,
        126_976,
        "MiniMax-M2 model card, 2025-10-27",
        head_out=True,
        why="10B is reached only without the output head, 0.6B of the model's 11.0B",
    ),
    Case(
        "minimax-m2.5",
        230,
        10,
        126_976,
        "MiniMax-M2.5 model card, 2026-02: shape of MiniMax-M2",
        head_out=True,
        why="10B is reached only without the output head, 0.6B of the model's 11.0B",
    ),
    Case("pangu-pro-moe", 72, 16, 98_304, "Pangu Pro MoE, arXiv 2505.21411, abstract"),
    Case("pangu-ultra-135b", 135, None, 192_512, "Pangu Ultra, arXiv 2504.07866, abstract; 94 layers x 2 x 8 x 128"),
    Case("gpt-3-175b", 175, None, 2_359_296, "GPT-3, arXiv 2005.14165, table 2.1; 96 layers x 2 x 12,288"),
    Case("hunyuan-large", 389, 52, 40_960, "Hunyuan-Large, arXiv 2411.02265, abstract; 32 of 64 layers keep a cache"),
    Case("step-3", 316, 38, 31_232, "Step-3, README of the release, table; 61 layers x 2 x 256"),
    Case(
        "mimo-v2-flash",
        309,
        15,
        111_360,
        "MiMo-V2-Flash Technical Report, arXiv 2601.02780, abstract; (9 x 4 heads + 39 x 8 heads) x (192 + 128)",
    ),
    Case("deepseek-v4-flash", 284, 13, 3_792, f"{V4}; 2 x 512 + 21 x 512/4 + 20 x 512/128"),
    Case(
        "deepseek-v4-pro",
        1600,
        49,
        3_964,
        f"{V4}; 30 x 512/4 + 31 x 512/128",
        total_tolerance=0.02,
        why="the printed figure, 1.6T, has two digits",
    ),
)


def spec_of(id: str) -> ModelSpec:
    config = load_catalog().model(id).config
    assert config is not None
    return from_config(config, id)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_total_agrees(case: Case) -> None:
    assert count(spec_of(case.id)).total / 1e9 == pytest.approx(case.total, rel=case.total_tolerance)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_active_agrees(case: Case) -> None:
    counted = count(spec_of(case.id))
    if case.active is None:
        assert counted.active == counted.total - counted.other
        return
    candidates = [counted.active, counted.active_without_embeddings]
    if case.head_out:
        candidates.append(counted.active_without_embeddings - counted.lm_head)
    nearest = min(abs(value / 1e9 / case.active - 1.0) for value in candidates)
    assert nearest <= ACTIVE_TOLERANCE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_cache_elements_per_token(case: Case) -> None:
    assert elements_per_token(spec_of(case.id)) == case.kv


def test_exceptions_are_explained() -> None:
    for case in CASES:
        excepted = case.head_out or case.total_tolerance != TOTAL_TOLERANCE
        assert bool(case.why) == excepted, case.id


def test_exceptions_are_needed() -> None:
    for case in CASES:
        counted = count(spec_of(case.id))
        if case.total_tolerance != TOTAL_TOLERANCE:
            assert abs(counted.total / 1e9 / case.total - 1) > TOTAL_TOLERANCE, case.id
        if case.head_out and case.active is not None:
            usual = (counted.active, counted.active_without_embeddings)
            assert min(abs(value / 1e9 / case.active - 1) for value in usual) > ACTIVE_TOLERANCE, case.id


def test_every_open_model_of_the_catalog_has_a_specification() -> None:
    catalog = load_catalog()
    for id in catalog.ids("models"):
        config = catalog.model(id).config
        if config is not None:
            assert count(from_config(config, id)).total > 0


@pytest.mark.parametrize(("id", "gib"), [("deepseek-v4-pro", 9.62), ("deepseek-v3.2", 8.7 * 9.62)])
def test_cache_of_a_million_tokens(id: str, gib: float) -> None:
    """A million tokens in two-byte elements, indexer keys included: 9.62 GiB, 8.7 times less than V3.2.

    Source: AINews, "DeepSeek V4 Pro and Flash", 2026-04-25.
    """
    assert 2 * cache_elements(spec_of(id), 1024 * 1024) / 2**30 == pytest.approx(gib, rel=0.01)
