"""Names of models in files of others."""

from __future__ import annotations

import pytest

from accord.policy.model_names import is_model, same_model


@pytest.mark.parametrize(
    ("name", "id", "same"),
    [
        ("deepseek-ai/DeepSeek-V3", "deepseek-v3", True),
        ("vllm/deepseek-v3", "deepseek-v3", True),
        ("DeepSeek V3.1", "deepseek-v3.1", True),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek-v3", False),
        ("deepseek-v31", "deepseek-v3.1", False),
        ("my-deepseek-v3-tuned", "deepseek-v3", False),
        ("other/model", "deepseek-v3", False),
        ("", "deepseek-v3", False),
        ("deepseek-v3", None, False),
        ("--", "-", False),
    ],
)
def test_a_files_name_against_an_id(name: str, id: str | None, same: bool) -> None:
    assert is_model(name, id) is same


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("hf/example-7b", "vllm/Example-7B", True),
        ("hf/meta-llama/Llama-3", "openrouter/meta-llama/llama-3", True),
        ("x/llama", "evil/llama", False),
        ("llama", "evil/llama", False),
        ("hf/hf", "hf", True),
    ],
)
def test_two_names_of_files(first: str, second: str, same: bool) -> None:
    assert same_model(first, second) is same
    assert same_model(second, first) is same
