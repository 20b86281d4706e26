"""Inspect AI eval logs (JSON, version 2): one safety test of one model.

Shape: "Log Files" and ``inspect_ai.log`` of the Inspect documentation, UK AI Security Institute, inspect.aisi.org.uk.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from accord.policy.evidence_found import DATA_SAMPLES, Found, stated_definition, stated_settings
from accord.policy.evidence_json import Document, Node

NAME = "inspect"
_CONFIG = ("temperature", "top_p", "max_tokens", "seed", "system_message", "reasoning_effort")


def told(document: Document) -> bool:
    """Whether it is an eval log: an object with status and eval, where eval names a task."""
    node = document.node
    evaluation = node.get("eval") if node is not None and node.has("status", "eval") else None
    return evaluation is not None and evaluation.has("task")


def read(document: Document) -> Iterator[Found]:
    """The test of a log. Raises DataError where the file is no whole log of version 2."""
    node = document.top
    version = node.need("version").whole()
    if version != 2:
        raise node.need("version").wrong(f"is {version}; logs of version 2 are read")
    status, evaluation = node.need("status").text(), node.need("eval")
    task, model = evaluation.need("task").text(), evaluation.need("model").text()
    results = node.get("results")
    metrics = dict(_metrics(results)) if results is not None else {}
    samples = _samples(results)
    day = _day(node, evaluation)
    done = f"{samples} samples" if samples is not None else "samples not stated"
    yield Found(
        kind="safety", title=task, model=model, date=day, tests=(task,), metrics=metrics, samples=samples,
        unfinished=_unfinished(node, status, metrics, samples), settings=dict(_settings(node, evaluation)),
        definition=stated_definition(evaluation.get("metadata")), told=f"Inspect task {task} on {model}, {done}",
    )  # fmt: skip


def _unfinished(node: Node, status: str, metrics: dict[str, float], samples: int | None) -> str | None:
    if status != "success":
        return f"status is '{status}', not 'success'"
    invalid = node.get("invalidated")
    if invalid is not None and invalid.value is not False:
        return "its samples were marked as invalid"
    if samples == 0:
        return "no sample was completed"
    return None if metrics else "no score is in it"


def _metrics(results: Node) -> Iterator[tuple[str, float]]:
    for score in results.each("scores"):
        name = score.need("name").text()
        stated = score.get("metrics")
        for key, metric in stated.pairs() if stated is not None else ():
            yield f"{name}/{key}", metric.need("value").number()


def _samples(results: Node | None) -> int | None:
    """Samples that were completed; those that were planned say nothing of it."""
    done = results.get("completed_samples") if results is not None else None
    return None if done is None else done.whole()


def _day(node: Node, evaluation: Node) -> datetime.date:
    stats = node.get("stats")
    ended = stats.get("completed_at") if stats is not None else None
    return ended.day() if ended is not None and ended.value != "" else evaluation.need("created").day()


def _settings(node: Node, evaluation: Node) -> Iterator[tuple[str, str]]:
    plan = node.get("plan")
    for holder in (plan.get("config") if plan is not None else None, evaluation.get("model_generate_config")):
        for key in _CONFIG if holder is not None else ():
            stated = holder.get(key) if holder is not None else None
            if stated is not None:
                yield key, stated.setting()
    config = evaluation.get("config")
    epochs = config.get("epochs") if config is not None else None
    if epochs is not None:
        yield "epochs", epochs.setting()
    yield from stated_settings(evaluation.get("metadata"), "accord_settings").items()
    dataset = evaluation.get("dataset")
    planned = dataset.get("samples") if dataset is not None else None
    if planned is not None:
        yield DATA_SAMPLES, str(planned.whole())
