"""Names of models in files of others: whether two are of one model, and whether one is of a model of the catalog."""

from __future__ import annotations

_HOSTS = frozenset((
    "azureai", "bedrock", "cloudflare", "fireworks", "groq", "hf", "hf-inference-providers", "huggingface",
    "llama-cpp-python", "nnterp", "ollama", "openai-api", "openrouter", "sambanova", "sglang", "together",
    "transformer_lens", "vllm",
))  # fmt: skip  # by which Inspect AI reaches weights of others; "Model Providers", inspect.aisi.org.uk/providers.html


def without_host(name: str) -> str:
    """A name without what serves it, in small letters; owners such as ``meta-llama/`` stay."""
    parts = [part.strip() for part in name.casefold().split("/")]
    while len(parts) > 1 and parts[0] in _HOSTS:
        parts = parts[1:]
    return "/".join(parts)


def same_model(first: str, second: str) -> bool:
    """Whether two names are of one model: alike, owners too, but for what serves it and the case of letters."""
    return without_host(first) == without_host(second)


def is_model(name: str, id: str | None) -> bool:
    """Whether a file's name of a model is a model's id: its last part, whatever its case and the marks in it.

    The catalog knows no owners, so any owner passes. ``deepseek-ai/DeepSeek-V3`` is ``deepseek-v3``; V3.1 is not.
    """
    return bool(id) and _plain(name) == _plain(id or "") != ""


def _plain(name: str) -> str:
    last = name.casefold().rpartition("/")[2]
    words = "".join(letter if letter.isalnum() else " " for letter in last).split()
    return "-".join(words)
