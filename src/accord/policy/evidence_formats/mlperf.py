"""MLPerf-style performance results: LoadGen's summary and detail logs, their keys as JSON, rows of a results list.

Shapes: ``mlperf_log_summary.txt`` and ``mlperf_log_detail.txt`` as LoadGen of github.com/mlcommons/inference writes,
and rows of its ``summary_results.json``. Nanoseconds become seconds, names become those of Accord's own metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from accord.policy.evidence_found import Found, stated_definition, stated_settings
from accord.policy.evidence_json import Document, Node, parse

NAME = "mlperf"
_NS = 1e-9
_LOG = ":::MLLOG"
_HEAD = "MLPerf Results Summary"
_VALID = "VALID"

# Keys of the detail log, labels of the summary, our name, factor to SI. ``#`` is a percentile, such as 99.00.
_TABLE: tuple[tuple[str, str, str, float], ...] = (
    ("result_completed_samples_per_sec", "completed samples per second", "request_per_s", 1.0),
    ("result_samples_per_second", "samples per second", "request_per_s", 1.0),
    ("result_completed_tokens_per_second", "completed tokens per second", "output_token_per_s_total", 1.0),
    ("result_tokens_per_second", "tokens per second", "output_token_per_s_total", 1.0),
    ("result_scheduled_samples_per_sec", "scheduled samples per second", "offered_request_per_s", 1.0),
    ("result_mean_latency_ns", "mean latency (ns)", "e2el_s", _NS),
    ("result_#_percentile_latency_ns", "# percentile latency (ns)", "e2el_#_s", _NS),
    ("result_first_token_mean_latency_ns", "mean first token latency (ns)", "ttft_s", _NS),
    ("result_first_token_#_percentile_latency_ns", "# percentile first token latency (ns)", "ttft_#_s", _NS),
    ("result_time_to_output_token_mean", "mean time per output token (ns)", "tpot_s", _NS),
    ("result_time_to_output_token_mean", "mean time to output token (ns)", "tpot_s", _NS),
    ("result_time_per_output_token_#_percentile_ns", "# percentile time to output token (ns)", "tpot_#_s", _NS),
)
_UNITS: Mapping[str, tuple[str, float]] = {
    "tokens/s": ("output_token_per_s_total", 1.0), "samples/s": ("request_per_s", 1.0),
    "queries/s": ("request_per_s", 1.0), "latency (ms)": ("e2el_s", 1e-3),
}  # fmt: skip
_PERCENTILE = re.compile(r"\d{1,2}\.\d{1,2}")


def told(document: Document) -> bool:
    """Whether it is a log of LoadGen, its keys as JSON, or rows with Performance_Result."""
    if document.node is None:
        return _HEAD in document.text[:2000] or document.text.lstrip().startswith(_LOG)
    value = document.node.value
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and ("result_validity" in first or "Performance_Result" in first)


def read(document: Document) -> Iterator[Found]:
    """The runs of a file. Raises DataError where a figure is none, or nothing says whether the run was valid."""
    node = document.node
    if node is None:
        logged = document.text.lstrip().startswith(_LOG)
        yield _run(_once(_detail(document) if logged else _summary(document)), document)
    elif isinstance(node.value, list):
        for at, row in enumerate(node.value):
            yield _row(Node(row, document.file, f"[{at}]"))
    elif node.has("Performance_Result"):
        yield _row(node)
    else:
        yield _run({key: one for key, one in node.pairs() if one.value is not None}, document)


def _once(pairs: Iterable[tuple[str, Node]]) -> dict[str, Node]:
    """Keys and values, of a key that is there twice the first. Raises DataError where two runs are in a log."""
    found: dict[str, Node] = {}
    for key, node in pairs:
        if key == "result_validity" and key in found:
            raise node.wrong("is there twice: more than one run is in it", hint="give the log of one run")
        found.setdefault(key, node)
    return found


def _detail(document: Document) -> Iterator[tuple[str, Node]]:
    """Keys and values of the detail log: after its mark each line is an object."""
    for at, line in enumerate(document.text.splitlines(), start=1):
        mark, _, entry = line.partition(" ")
        if mark == _LOG:
            one = parse(entry, f"{document.file}:{at}")
            key, value = one.need("key").text(), one.get("value")
            if value is not None:
                yield key, Node(value.value, f"{document.file}:{at}", key)


def _summary(document: Document) -> Iterator[tuple[str, Node]]:
    """Labels of the summary as keys of the detail log; what has no key is left out."""
    for line in document.text.splitlines():
        label, colon, text = (part.strip() for part in line.partition(":"))
        key = _key(label.lower()) if colon else None
        if key is not None:
            yield key, Node(_number(text), document.file, label)


def _key(label: str) -> str | None:
    words = {"result is": "result_validity", "scenario": "requested_scenario", "sut name": "sut_name"}
    if label in words:
        return words[label]
    percentile = _PERCENTILE.search(label)
    general = label.replace(percentile[0], "#", 1) if percentile else label
    key = next((key for key, known, _, _ in _TABLE if known == general), None)
    return key.replace("#", percentile[0]) if key is not None and percentile else key


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _run(pairs: Mapping[str, Node], document: Document) -> Found:
    """One run, from keys of the detail log."""
    if "result_validity" not in pairs:
        raise Node(None, document.file).wrong("nothing says whether the run was valid", hint="look for 'Result is :'")
    validity = pairs["result_validity"].text()
    metrics = dict(_metrics(pairs))
    count, scenario = pairs.get("result_query_count"), pairs.get("requested_scenario")
    model, day, system = pairs.get("model"), pairs.get("date") or pairs.get("test_datetime"), pairs.get("sut_name")
    title = "MLPerf run" if scenario is None else f"MLPerf {scenario.text()} run"
    holder, samples = document.node, None if count is None else count.whole()
    unfinished = "no query was completed" if samples == 0 else None if metrics else "no figure is in it"
    return Found(
        kind="performance", title=title, model=None if model is None else model.text(),
        date=None if day is None else day.day(), metrics=metrics, samples=samples,
        unfinished=unfinished if validity == _VALID else f"its result is {validity}, not {_VALID}",
        definition=stated_definition(holder), settings=stated_settings(holder, "settings"),
        told=title if system is None else f"{title} of {system.setting()}",
    )  # fmt: skip


def _metrics(pairs: Mapping[str, Node]) -> Iterator[tuple[str, float]]:
    for key, node in pairs.items():
        percentile = _PERCENTILE.search(key)
        general = key.replace(percentile[0], "#", 1) if percentile else key
        found = next(((name, factor) for known, _, name, factor in _TABLE if known == general), None)
        if found is not None:
            name, factor = found
            yield name.replace("#", _tail(percentile[0]) if percentile else ""), node.number() * factor
    stated = pairs.get("metrics")
    for name, node in stated.pairs() if stated is not None else ():
        yield name, node.number()


def _tail(percentile: str) -> str:
    """``99.00`` as p99, ``99.90`` as p99_9."""
    return f"p{float(percentile):g}".replace(".", "_")


def _row(row: Node) -> Found:
    """One row of a list of results; only the checker's own count of no errors says that the run was valid."""
    unit, model, scenario = (row.need(key).text() for key in ("Performance_Units", "Model", "Scenario"))
    known = _UNITS.get(unit.strip().lower())
    metrics = {} if known is None else {known[0]: row.need("Performance_Result").number() * known[1]}
    system, errors = row.get("System"), row.get("errors")
    unfinished = None if metrics else f"its unit '{unit}' is not read"
    if errors is None:
        unfinished = "nothing says whether the run was valid ('errors' of the submission checker)"
    elif errors.number():
        unfinished = f"the submission checker found {errors.number():g} errors"
    return Found(
        kind="performance", title=f"MLPerf {scenario} row", model=model, metrics=metrics,
        unfinished=unfinished,
        told=f"MLPerf {scenario} row of {model}" + ("" if system is None else f" on {system.text()}"),
    )  # fmt: skip
