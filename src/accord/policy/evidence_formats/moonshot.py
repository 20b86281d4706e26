"""Project Moonshot benchmark results and AI Verify test results: one test of one model each.

Shapes: result files of github.com/aiverify-foundation/moonshot (``metadata`` and ``results``), and
``aiverify.testresult.schema.json`` of github.com/aiverify-foundation/aiverify.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping

from accord.policy.evidence_found import Found, stated_definition, stated_settings
from accord.policy.evidence_json import Document, Node

NAME = "moonshot"
_VERIFY = (("gid", "cid", "start_time", "output"), ("gid", "cid", "startTime", "output"))
_MOST_FIGURES = 200


def told(document: Document) -> bool:
    """Whether it is a run's results (metadata with endpoints, results) or a test result of AI Verify."""
    node = document.node
    if node is None:
        return False
    metadata = node.get("metadata") if node.has("metadata", "results") else None
    run = metadata is not None and metadata.has("endpoints")
    return run or any(node.has(*keys) for keys in _VERIFY)


def read(document: Document) -> Iterator[Found]:
    """The tests of a file, one for each recipe and model. Raises DataError where a part is missing or wrong."""
    node = document.top
    if node.has("gid"):
        yield _verified(node)
        return
    metadata, results = node.need("metadata"), node.need("results")
    day = metadata.need("end_time").day()
    status = metadata.need("status").text()
    for recipe, cookbook in _recipes(results):
        yield from _recipe(recipe, cookbook, metadata, day, status)


def _recipes(results: Node) -> Iterator[tuple[Node, str | None]]:
    for recipe in results.each("recipes"):
        yield recipe, None
    for cookbook in results.each("cookbooks"):
        name = cookbook.need("id").text()
        for recipe in cookbook.each("recipes"):
            yield recipe, name


def _recipe(recipe: Node, cookbook: str | None, metadata: Node, day: datetime.date, status: str) -> Iterator[Found]:
    name = recipe.need("id").text()
    tests = (name,) if cookbook is None else (name, cookbook)
    details = _by_model(recipe)
    seen: set[str] = set()
    for summary in recipe.each("evaluation_summary"):
        model = summary.need("model_id").text()
        if model in seen:
            raise summary.need("model_id").wrong(f"is {model!r}, which has a summary already")
        seen.add(model)
        count = summary.get("num_of_prompts")
        samples = None if count is None else count.whole()
        metrics = dict(_metrics(summary, details.get(model, ())))
        unfinished = None if status == "completed" else f"status is '{status}', not 'completed'"
        if unfinished is None and samples == 0:
            unfinished = "no prompt was asked"
        if unfinished is None and not metrics:
            unfinished = "no figure is in it"
        where = "" if cookbook is None else f" of cookbook {cookbook}"
        yield Found(
            kind="safety", title=name, model=model, date=day, tests=tests, metrics=metrics, samples=samples,
            unfinished=unfinished, definition=stated_definition(metadata), settings=_settings(metadata),
            told=f"Moonshot recipe {name}{where} on {model}, "
            + ("prompts not stated" if samples is None else f"{samples} prompts"),
        )  # fmt: skip


def _settings(metadata: Node) -> dict[str, str]:
    keys = ("random_seed", "system_prompt", "prompt_selection_percentage")
    stated = {key: one for key in keys if (one := metadata.get(key)) is not None}
    return {key: one.setting() for key, one in stated.items()} | stated_settings(metadata, "accord_settings")


def _by_model(recipe: Node) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for detail in recipe.each("details"):
        found.setdefault(detail.need("model_id").text(), []).append(detail)
    return found


def _metrics(summary: Node, details: Iterable[Node]) -> Iterator[tuple[str, float]]:
    """The grade of the summary, and figures by dataset; parts that are no numbers are passed over."""
    grade = summary.get("avg_grade_value")
    if grade is not None:
        yield "avg_grade_value", grade.number()
    for detail in details:
        dataset = detail.need("dataset_id").text()
        for metric in detail.each("metrics"):
            for key, value in metric.pairs():
                if isinstance(value.value, int | float) and not isinstance(value.value, bool):
                    yield f"{dataset}/{key}", value.number()


def _verified(node: Node) -> Found:
    """A test result of AI Verify: the algorithm is the test, its numbers are the figures."""
    plugin, test = node.need("gid").text(), node.need("cid").text()
    day = (node.get("start_time") or node.need("startTime")).day()
    arguments = node.get("test_arguments") or node.get("testArguments")
    file = arguments.get("modelFile") if arguments is not None else None
    model = None if file is None else file.text()
    metrics = dict(_figures(node.need("output")))
    return Found(
        kind="safety", title=test, model=model, date=day, tests=(test, plugin), metrics=metrics,
        unfinished=None if metrics else "no figure is in its output", definition=stated_definition(node),
        settings=stated_settings(node, "accord_settings"), told=f"AI Verify algorithm {test} of {plugin}",
    )  # fmt: skip


def _figures(output: Node) -> Mapping[str, float]:
    """Numbers of the output under their keys, those inside lists left out; at most 200."""
    found: dict[str, float] = {}
    todo = [("", output)]
    while todo and len(found) < _MOST_FIGURES:
        name, one = todo.pop()
        if isinstance(one.value, dict):
            todo += [(f"{name}/{key}" if name else key, inner) for key, inner in reversed(list(one.pairs()))]
        elif isinstance(one.value, int | float) and not isinstance(one.value, bool):
            found[name or "output"] = one.number()
    return found
