"""What both parties of a test definition run on, as JSON lines, and an empty result file to fill in."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping

from accord.base.errors import DataError, NotSupported
from accord.catalog.conformance import Conformance
from accord.policy.conformance import SAME, stamp
from accord.policy.evidence_json import plain

DRAWN = "sha256-words"  # value of the setting ``prompts``
_WORDS = 8  # in one hash
_WORD_BYTES = 4
_WHOLE = re.compile(r"\d{1,12}(?:\.0*)?", re.ASCII)
MOST_TOKENS = 10_000_000
_DRAWN_FROM = ("seed", "requests", "warm_up_requests", "prompt_tokens", "lowest_token", "highest_token")


def item_lines(definition: Conformance) -> Iterator[str]:
    """The inputs in order, a JSON object a line, each with a newline at its end.

    Items of a definition are written ``target: input``; prompts of a performance test are drawn (see :func:`_drawn`).
    Raises NotSupported where the definition neither carries items nor says how they are drawn.
    """
    if definition.items:
        for at, item in enumerate(definition.items, start=1):
            target, _, text = item.partition(": ")
            yield _line({"id": at, "input": text, "target": target.upper(), "metadata": {"group": target}})
    elif definition.fixed.get("prompts") == DRAWN and all(key in definition.fixed for key in _DRAWN_FROM):
        yield from _drawn(_wanted(definition))
    else:
        raise NotSupported(f"{definition.id} names its data by hash, and does not carry it", hint="see its protocol")


def items_sha256(definition: Conformance) -> str:
    """Hash [hex] of all lines of :func:`item_lines`."""
    total = hashlib.sha256()
    for line in item_lines(definition):
        total.update(line.encode())
    return total.hexdigest()


def _wanted(definition: Conformance) -> dict[str, int]:
    """What prompts are drawn from. Raises DataError for no whole number, no range of ids, or too many tokens."""
    wanted: dict[str, int] = {}
    for key in _DRAWN_FROM:
        text = definition.fixed[key]
        if not _WHOLE.fullmatch(text):
            raise DataError(f"fixed.{key} is no whole number of 0 or more", where=definition.id)
        wanted[key] = int(float(text))
    tokens = (wanted["warm_up_requests"] + wanted["requests"]) * max(wanted["prompt_tokens"], 1)
    if wanted["lowest_token"] > wanted["highest_token"] or tokens > MOST_TOKENS:
        what = f"draws {tokens:,} tokens of {MOST_TOKENS:,} at most, or from no ids"
        raise DataError(
            what, where=definition.id, hint="see fixed: requests, prompt_tokens, lowest_token, highest_token"
        )
    return wanted


def _drawn(wanted: Mapping[str, int]) -> Iterator[str]:
    """Prompts of token ids, those of the warm-up first.

    Ids 8k to 8k+7 of prompt i are lowest + word modulo (highest - lowest + 1), where the words are the eight
    big-endian 32-bit words of the SHA-256 of the text "seed:i:k".
    """
    span = wanted["highest_token"] - wanted["lowest_token"] + 1
    blocks = -(-wanted["prompt_tokens"] // _WORDS)
    for prompt in range(wanted["warm_up_requests"] + wanted["requests"]):
        ids: list[int] = []
        for block in range(blocks):
            digest = hashlib.sha256(f"{wanted['seed']}:{prompt}:{block}".encode()).digest()
            words = (digest[at : at + _WORD_BYTES] for at in range(0, len(digest), _WORD_BYTES))
            ids += [wanted["lowest_token"] + int.from_bytes(word, "big") % span for word in words]
        yield _line({"id": prompt, "prompt_token_ids": ids[: wanted["prompt_tokens"]]})


def _line(item: Mapping[str, object]) -> str:
    return json.dumps(item, separators=(",", ":"), ensure_ascii=False) + "\n"


def template(definition: Conformance) -> dict[str, object]:
    """A result file with what the definition fixes, the rest null. Raises NotSupported for a format without one."""
    if definition.format not in _TEMPLATES:
        raise NotSupported(f"there is no template for results of {definition.format}")
    return _TEMPLATES[definition.format](definition)


def _mlperf(definition: Conformance) -> dict[str, object]:
    keys = {
        "ttft_s": "result_first_token_mean_latency_ns", "ttft_p99_s": "result_first_token_99.00_percentile_latency_ns",
        "tpot_s": "result_time_to_output_token_mean", "tpot_p99_s": "result_time_per_output_token_99.00_percentile_ns",
        "e2el_s": "result_mean_latency_ns", "request_per_s": "result_completed_samples_per_sec",
        "output_token_per_s_total": "result_completed_tokens_per_second",
    }  # fmt: skip
    settings = _settings(definition.fixed)
    if definition.data_sha256 is not None:
        settings["data_sha256"] = definition.data_sha256
    names = [one.name for one in definition.quantities]
    more = {name: None for name in names if name not in keys}
    return {
        "accord_definition": stamp(definition), "party": None, "model": definition.fixed.get("model"), "date": None,
        "requested_scenario": definition.fixed.get("scenario", "Server"), "settings": settings,
        "result_validity": "INVALID", "result_query_count": None,
        **{keys[name]: None for name in names if name in keys}, **({"metrics": more} if more else {}),
    }  # fmt: skip


def _inspect(definition: Conformance) -> dict[str, object]:
    own = ("temperature", "top_p", "max_tokens", "seed", "system_message")
    fixed = _settings(definition.fixed)
    scores: dict[str, dict[str, object]] = {}
    for quantity in definition.quantities:
        scorer, _, metric = quantity.name.partition("/")
        scores.setdefault(scorer, {})[metric] = {"name": metric, "value": None}
    return {
        "version": 2, "status": "started",
        "eval": {
            "created": None, "task": definition.id, "task_version": definition.version, "model": None,
            "dataset": {"name": definition.id, "samples": len(definition.items)},
            "model_generate_config": {key: fixed[key] for key in own if key in fixed},
            "config": {"epochs": fixed["epochs"]} if "epochs" in fixed else {},
            "metadata": {
                "accord_definition": stamp(definition),
                "accord_settings": {key: one for key, one in fixed.items() if key not in (*own, "epochs")},
            },
        },
        "results": {
            "total_samples": len(definition.items), "completed_samples": None,
            "scores": [{"name": name, "scorer": name, "metrics": metrics} for name, metrics in scores.items()],
        },
        "stats": {"started_at": None, "completed_at": None},
    }  # fmt: skip


def _settings(fixed: Mapping[str, str]) -> dict[str, object]:
    """Settings as a file states them: numbers as such, null where the definition leaves them open."""
    return {name: None if value == SAME else _number(plain(value)) for name, value in fixed.items()}


def _number(text: str) -> object:
    try:
        found = float(text)
    except ValueError:
        return text
    return int(found) if found.is_integer() else found


_TEMPLATES: Mapping[str, Callable[[Conformance], dict[str, object]]] = {"mlperf": _mlperf, "inspect": _inspect}
