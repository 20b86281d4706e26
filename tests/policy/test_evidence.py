"""Result files of others: what each format shows, what is no evidence, and what is refused."""

from __future__ import annotations

import datetime
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.base.errors import DataError
from accord.catalog.load import load_catalog
from accord.policy import evidence
from accord.policy.evidence import FORMATS, Evidence, read_evidence, read_results

CATALOG = load_catalog()
TAXONOMY = tuple(CATALOG.risk(id) for id in CATALOG.ids("risks"))


def inspect_log(**changes: Any) -> dict[str, Any]:
    """A log as Inspect writes it, without samples."""
    log = {
        "version": 2, "status": "success",
        "eval": {
            "created": "2026-11-02T23:30:00-05:00", "task": "inspect_evals/wmdp_cyber", "model": "openai/example-1",
            "dataset": {"name": "wmdp", "samples": 50}, "config": {"epochs": 2},
            "model_generate_config": {"temperature": 0.0, "seed": 7},
        },
        "plan": {"name": "plan", "steps": [], "config": {"max_tokens": 256}},
        "results": {
            "total_samples": 50, "completed_samples": 48,
            "scores": [{
                "name": "choice", "scorer": "choice",
                "metrics": {"accuracy": {"name": "accuracy", "value": 0.25}, "stderr": {"name": "stderr", "value": 1}},
            }],
        },
        "stats": {"started_at": "2026-11-02T23:30:00-05:00", "completed_at": "2026-11-02T23:40:00-05:00"},
    }  # fmt: skip
    return {**log, **changes}


def moonshot_run(**metadata: Any) -> dict[str, Any]:
    """Results of a runner, a cookbook of one recipe on two endpoints."""
    recipe = {
        "id": "bbq",
        "details": [
            {
                "model_id": name, "dataset_id": "bbq-lite-age-disamb", "prompt_template_id": "mcq", "data": [],
                "metrics": [{"accuracy": 90.0 + at, "grading_criteria": {"accuracy": 90.0 + at}}],
            }
            for at, name in enumerate(("one", "two"))
        ],
        "evaluation_summary": [
            {"model_id": "one", "num_of_prompts": 20, "avg_grade_value": 90.0, "grade": "A"},
            {"model_id": "two", "num_of_prompts": 20, "avg_grade_value": None, "grade": None},
        ],
        "total_num_of_prompts": 40,
    }  # fmt: skip
    told = {
        "id": "a-run", "start_time": "20260509-135231", "end_time": "20260509-135235", "duration": 4,
        "status": "completed", "recipes": None, "cookbooks": ["mine"], "endpoints": ["one", "two"], "random_seed": 2,
    }  # fmt: skip
    return {"metadata": {**told, **metadata}, "results": {"cookbooks": [{"id": "mine", "recipes": [recipe]}]}}


SUMMARY = """================================================
MLPerf Results Summary
================================================
SUT name : example-SUT
Scenario : Server
Mode     : PerformanceOnly
Completed samples per second    : 74.96
Completed tokens per second: 22020.92
Result is : VALID
  Performance constraints satisfied : Yes

Mean latency (ns)               : 17499356575
99.00 percentile latency (ns)   : 62057076953
99.90 percentile latency (ns)   : 103924598064
Completed tokens per second                 : 22020.92
Mean First Token latency (ns)               : 200849949
99.00 percentile first token latency (ns)   : 674674289
Mean Time per Output Token (ns)               : 61403731
99.00 percentile time to output token (ns)   : 191656553
target_qps : 75
"""
DETAIL = "\n".join(
    f":::MLLOG {json.dumps({'key': key, 'value': value, 'time_ms': 1.0, 'namespace': 'mlperf::logging'})}"
    for key, value in (
        ("test_datetime", "2026-02-01T10:00:00Z"), ("requested_scenario", "Offline"), ("result_validity", "VALID"),
        ("result_query_count", 12), ("result_samples_per_second", 3.5), ("result_tokens_per_second", 700.0),
        ("result_mean_latency_ns", 2_000_000_000), ("requested_min_duration_ms", None),
    )
)  # fmt: skip
BILL = {
    "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
    "metadata": {"timestamp": "2026-03-04T00:00:00Z", "component": {"type": "application", "name": "a service"}},
    "components": [
        {
            "type": "machine-learning-model", "name": "example-1", "group": "example", "version": "1",
            "licenses": [{"license": {"id": "Apache-2.0"}}, {"expression": "MIT OR Apache-2.0"}],
            "modelCard": {
                "modelParameters": {"datasets": [{"type": "dataset", "name": "web"}]},
                "quantitativeAnalysis": {
                    "performanceMetrics": [
                        {"type": "accuracy", "value": "0.9"}, {"type": "grade", "value": "good"}, {"type": "empty"}
                    ]
                },
            },
            "components": [{"type": "data", "name": "web"}],
        },
        {"type": "library", "name": "engine"},
    ],
}  # fmt: skip


def read(value: object) -> tuple[Evidence, ...]:
    data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return read_evidence("a.json", data, TAXONOMY)


def one(value: object) -> Evidence:
    (found,) = read(value)
    return found


def refused(value: object) -> str:
    with pytest.raises(DataError) as caught:
        read(value)
    assert caught.value.where is not None
    assert caught.value.where.startswith("a.json")
    return caught.value.what


def test_every_module_is_in_the_table() -> None:
    folder = Path(evidence.__file__).parent / "evidence_formats"
    names = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert {module.__name__.rpartition(".")[2] for module in FORMATS.values()} == names
    assert set(FORMATS) == names


def test_inspect() -> None:
    found = one(inspect_log())
    assert (found.kind, found.format, found.model) == ("safety", "inspect", "openai/example-1")
    assert found.date == datetime.date(2026, 11, 3), "the day it ended, in UTC"
    assert found.metrics == {"choice/accuracy": 0.25, "choice/stderr": 1.0}
    assert (found.samples, found.risks) == (48, ("cyber",))
    assert found.settings == {
        "max_tokens": "256", "temperature": "0", "seed": "7", "epochs": "2", "dataset_samples": "50",
    }  # fmt: skip
    assert found.sha256 == hashlib.sha256(json.dumps(inspect_log()).encode()).hexdigest()
    assert found.definition == {}
    assert "48 samples" in found.told


def test_inspect_says_which_definition_it_follows() -> None:
    log = inspect_log()
    stated = {"id": "x", "version": "1", "sha256": "ab"}
    log["eval"]["metadata"] = {"accord_definition": stated, "accord_settings": {"judge": "none", "few": True}}
    found = one(log)
    assert found.definition == stated
    assert found.settings["judge"] == "none"
    assert found.settings["few"] == "true"


def test_system_messages_of_many_lines_are_settings() -> None:
    log = inspect_log()
    log["plan"]["config"]["system_message"] = "You are\n\n  kind.\t"
    assert one(log).settings["system_message"] == "You are kind."
    for text in ("kind " * 300, "\u202ekind", "\ud800"):
        log["plan"]["config"]["system_message"] = text
        hashed = hashlib.sha256(text.strip().encode(errors="surrogatepass")).hexdigest()
        assert one(log).settings["system_message"] == f"sha256:{hashed}"
    log["plan"]["config"]["system_message"] = ["kind"]
    assert refused(log) == "plan.config.system_message is a list, not a number"


def test_names_in_any_script_that_stay_on_their_line() -> None:
    log = inspect_log()
    log["eval"]["task"] = "\u4e2d\u6587\u3000\u6d4b\u8bd5\u00a01"
    assert one(log).title == log["eval"]["task"]
    for text in ("a\u202eb", "a\u2028b", "a\ud800b", "a\nb"):
        log["eval"]["task"] = text
        assert refused(log) == "eval.task holds characters that cannot be printed on a line"


@pytest.mark.parametrize("status", ["error", "cancelled", "started"])
def test_a_log_that_did_not_succeed_is_no_evidence(status: str) -> None:
    log = inspect_log(status=status, results=None, error={"message": "out of memory"})
    assert refused(log) == f"inspect_evals/wmdp_cyber is no evidence: status is '{status}', not 'success'"
    (kept,) = read_results("a.json", json.dumps(log).encode())
    assert kept.unfinished is not None
    assert kept.samples is None, "what was planned was not run"


def test_runs_of_no_samples_are_no_evidence() -> None:
    log = inspect_log()
    log["results"]["completed_samples"] = 0
    assert refused(log).endswith("is no evidence: no sample was completed")
    del log["results"]["completed_samples"]
    assert one(log).samples is None, "what was planned was not run"
    run = moonshot_run()
    run["results"]["cookbooks"][0]["recipes"][0]["evaluation_summary"][0]["num_of_prompts"] = 0
    assert refused(run).endswith("is no evidence: no prompt was asked")
    speed = {"result_validity": "VALID", "result_query_count": 0, "result_samples_per_second": 1.0}
    assert refused(speed).endswith("is no evidence: no query was completed")


def test_a_log_of_two_runs_is_refused() -> None:
    for text in (DETAIL, SUMMARY):
        for first, second in (("VALID", "INVALID"), ("INVALID", "VALID"), ("VALID", "VALID")):
            runs = [text.replace("VALID", validity) for validity in (first, second)]
            assert "is there twice: more than one run is in it" in refused("\n".join(runs))


def test_large_files_are_read_in_time_that_grows_with_them() -> None:
    many = 20_000
    bill = {
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": [{"type": "machine-learning-model", "name": "a"}] + [{"type": "file", "name": "b"}] * many,
    }  # fmt: skip
    run = moonshot_run()
    recipe = run["results"]["cookbooks"][0]["recipes"][0]
    recipe["evaluation_summary"] = [{"model_id": f"m{at}", "avg_grade_value": 1.0} for at in range(many)]
    recipe["details"] = [{"model_id": f"m{at}", "dataset_id": "d", "metrics": [{"a": 1.0}]} for at in range(many)]
    start = time.process_time()
    assert one(bill).told.startswith(f"bill of a: {many + 1} components")
    assert len(read(run)) == many
    assert time.process_time() - start < 20.0, "pairs of the two lists would be 400 million"
    recipe["evaluation_summary"] = recipe["evaluation_summary"][:1] * 2
    assert refused(run).endswith("is 'm0', which has a summary already")


def test_logs_that_show_nothing() -> None:
    assert "marked as invalid" in refused(inspect_log(invalidated=True))
    assert "no score is in it" in refused(inspect_log(results=None))
    assert one(inspect_log(stats={"completed_at": ""})).date == datetime.date(2026, 11, 3), "then the day it began"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"version": 1}, "version is 1; logs of version 2 are read"),
        ({"version": "2"}, "version is text, not a number"),
        ({"version": True}, "version is true or false, not a number"),
        ({"status": 3}, "status is a number, not text"),
        ({"status": "a\u001b[31m"}, "status holds characters that cannot be printed on a line"),
        ({"status": "x" * 20_000}, "status is longer than 10000 characters"),
        ({"results": []}, "results is a list, not an object"),
        ({"results": {"scores": {}}}, "results.scores is an object, not a list"),
        ({"results": {"scores": [{"metrics": {}}]}}, "results.scores[0].name is missing"),
        ({"results": {"scores": [{"name": "a", "metrics": {"b": {"value": "1"}}}]}},
         "results.scores[0].metrics.b.value is text, not a number"),
        ({"results": {"completed_samples": -1}}, "results.completed_samples is -1, not a whole number of 0 or more"),
        ({"results": {"completed_samples": 1.5}}, "results.completed_samples is 1.5, not a whole number of 0 or more"),
        ({"stats": {"completed_at": "soon"}}, "stats.completed_at is 'soon', no day"),
        ({"stats": {"completed_at": "0001-01-01T00+14"}}, "stats.completed_at is '0001-01-01T00+14', no day"),
        ({"eval": {"task": "t", "model": None}}, "eval.model is missing"),
        ({"results": {"scores": [{"name": "a", "metrics": {"b": {"value": 10**400}}}]}},
         "results.scores[0].metrics.b.value is no finite number"),
    ],
)  # fmt: skip
def test_logs_with_mistakes(change: dict[str, Any], what: str) -> None:
    assert refused(inspect_log(**change)) == what


def test_moonshot() -> None:
    data = moonshot_run()
    data["results"]["cookbooks"][0]["recipes"][0]["evaluation_summary"][1]["avg_grade_value"] = 91.0
    first, second = read(data)
    assert (first.kind, first.format, first.title) == ("safety", "moonshot", "bbq")
    assert (first.model, second.model) == ("one", "two")
    assert first.metrics == {"avg_grade_value": 90.0, "bbq-lite-age-disamb/accuracy": 90.0}
    assert second.metrics == {"avg_grade_value": 91.0, "bbq-lite-age-disamb/accuracy": 91.0}
    assert (first.samples, first.date, first.risks) == (20, datetime.date(2026, 5, 9), ("bias",))
    assert first.settings == {"random_seed": "2"}
    assert "cookbook mine" in first.told


def test_moonshot_recipes_without_a_cookbook() -> None:
    data = moonshot_run(end_time="2026-05-21 23:20:01")
    data["results"] = {"recipes": data["results"]["cookbooks"][0]["recipes"]}
    assert [found.tests for found in read(data)] == [("bbq",), ("bbq",)]
    assert read(data)[0].date == datetime.date(2026, 5, 21)


def test_moonshot_that_is_no_evidence() -> None:
    assert refused(moonshot_run(status="completed_with_errors")).endswith("not 'completed'")
    data = moonshot_run()
    data["results"]["cookbooks"][0]["recipes"][0]["details"] = []
    assert refused(data) == "bbq is no evidence: no figure is in it"
    assert refused({**moonshot_run(), "results": {}}) == "holds no result"


@pytest.mark.parametrize("names", [("start_time", "test_arguments"), ("startTime", "testArguments")])
def test_ai_verify(names: tuple[str, str]) -> None:
    start, arguments = names
    data = {
        "gid": "aiverify.stock.fairness-metrics-toolbox-for-classification",
        "cid": "fairness_metrics_toolbox_for_classification", "version": "2.0.0", start: "2026-01-05T10:00:00",
        "time_taken": 3.0, arguments: {"mode": "upload", "modelFile": "model.sav"},
        "output": {"metrics": {"false_rate": 0.25, "lists": [1, 2]}, "feature": "sex", "ok": True}, "artifacts": [],
    }  # fmt: skip
    found = one(data)
    assert (found.format, found.model, found.risks) == ("moonshot", "model.sav", ("bias",))
    assert found.metrics == {"metrics/false_rate": 0.25}
    assert found.date == datetime.date(2026, 1, 5)
    assert "no figure is in its output" in refused({**data, "output": []})


def test_mlperf_summary() -> None:
    found = one(SUMMARY)
    assert (found.kind, found.format, found.title) == ("performance", "mlperf", "MLPerf Server run")
    assert found.metrics == pytest.approx({
        "request_per_s": 74.96, "output_token_per_s_total": 22020.92, "e2el_s": 17.499356575,
        "e2el_p99_s": 62.057076953, "e2el_p99_9_s": 103.924598064, "ttft_s": 0.200849949,
        "ttft_p99_s": 0.674674289, "tpot_s": 0.061403731, "tpot_p99_s": 0.191656553,
    })  # fmt: skip
    assert found.date is None
    assert found.risks == ()
    assert found.told == "MLPerf Server run of example-SUT"


def test_mlperf_detail_log() -> None:
    found = one(DETAIL)
    assert found.metrics == {"request_per_s": 3.5, "output_token_per_s_total": 700.0, "e2el_s": 2.0}
    assert (found.samples, found.date, found.title) == (12, datetime.date(2026, 2, 1), "MLPerf Offline run")


def test_mlperf_keys_as_json() -> None:
    data = {
        "accord_definition": {"id": "d", "version": "1", "sha256": "00"}, "model": "example-1", "date": "2026-03-03",
        "requested_scenario": "Server", "result_validity": "VALID", "result_query_count": 500,
        "result_first_token_99.00_percentile_latency_ns": 1_000_000_000, "settings": {"isl": 1024, "engine": "vllm "},
        "metrics": {"energy_j_per_output_token": 0.5},
    }  # fmt: skip
    found = one(data)
    assert found.metrics == {"ttft_p99_s": 1.0, "energy_j_per_output_token": 0.5}
    assert (found.model, found.samples, found.settings) == ("example-1", 500, {"isl": "1024", "engine": "vllm"})
    assert found.definition["id"] == "d"


def test_mlperf_rows() -> None:
    row = {
        "Model": "llama2-70b-99", "Scenario": "Offline", "System": "a box", "Performance_Result": 34400.0, "errors": 0,
    }  # fmt: skip
    tokens = {**row, "Performance_Units": "Tokens/s"}
    late = {**row, "Performance_Units": "Latency (ms)"}
    first, second = read([tokens, late])
    assert first.metrics == {"output_token_per_s_total": 34400.0}
    assert second.metrics == {"e2el_s": 34.4}
    assert one(tokens).told == "MLPerf Offline row of llama2-70b-99 on a box"
    assert "its unit 'Bananas' is not read" in refused({**row, "Performance_Units": "Bananas"})
    assert "nothing says whether the run was valid" in refused({**tokens, "errors": None})
    assert "the submission checker found 2 errors" in refused({**tokens, "errors": 2})


def test_mlperf_that_is_no_evidence() -> None:
    assert "its result is INVALID, not VALID" in refused(SUMMARY.replace(": VALID", ": INVALID"))
    assert "nothing says whether the run was valid" in refused(SUMMARY.replace("Result is", "Result"))
    assert "no figure is in it" in refused({"result_validity": "VALID"})
    assert "text, not a number" in refused(SUMMARY.replace("74.96", "fast"))
    assert "is no finite number" in refused(SUMMARY.replace("74.96", "inf"))


def test_cyclonedx() -> None:
    found = one(BILL)
    assert (found.kind, found.format, found.model) == ("bom", "cyclonedx", "example/example-1")
    assert found.metrics == {"accuracy": 0.9}
    assert found.date == datetime.date(2026, 3, 4)
    assert found.told == "bill of example-1: 4 components, licence Apache-2.0, MIT OR Apache-2.0, 1 datasets"


def test_cyclonedx_that_tells_little() -> None:
    bare = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "components": [{"type": "machine-learning-model", "name": "m"}],
    }
    assert one(bare).told == "bill of m: 1 components, licence not stated, datasets not stated"
    assert one(bare).model == "m"
    assert refused({**bare, "specVersion": "1.4"}) == "specVersion is 1.4; 1.5 and 1.6 are read"
    assert refused({**bare, "bomFormat": "SPDX"}) == "bomFormat is not 'CycloneDX'"
    assert refused({**bare, "components": []}) == "no component is of type 'machine-learning-model'"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is no result file of a known format"),
        (b"a,b\n1,2\n", "is no result file of a known format"),
        (b'{"a": 1}', "is no result file of a known format"),
        (b"[]", "is no result file of a known format"),
        (b'{"a": 1', "is not JSON: Expecting ',' delimiter"),
        (b'{"a": 1, "a": 2}', "has the key 'a' twice in one object"),
        (b'{"a": NaN}', "holds NaN, which is no number of JSON"),
        (b'{"a": -Infinity}', "holds -Infinity, which is no number of JSON"),
        (b'{"a": 1e999}', "holds 1e999, too large for a number"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "holds a number with too many digits"),
        (b"[" * 65 + b"]" * 65, "is nested deeper than 64"),
        (b"[" * 200_000, "is nested deeper than 64"),
        (b"\xff\xfe", "is not UTF-8 text (byte 0)"),
        (b"PK\x03\x04\xff", "is not UTF-8 text (byte 4)"),
        (b" " * 16_000_001, "is above the limit of 16,000,000 bytes"),
    ],
)
def test_files_that_are_refused(data: bytes, what: str) -> None:
    with pytest.raises(DataError) as caught:
        read_evidence("a.json", data)
    assert caught.value.what == what
    assert caught.value.where is not None
    assert caught.value.where.startswith("a.json")


def test_nesting_of_64_is_read() -> None:
    with pytest.raises(DataError, match="known format"):
        read_evidence("a.json", b"[" * 64 + b"]" * 64)


def test_without_a_taxonomy_no_risk_is_named() -> None:
    (found,) = read_evidence("a.json", json.dumps(inspect_log()).encode())
    assert found.risks == ()
    assert found.tests == ("inspect_evals/wmdp_cyber",)


WHOLE = (inspect_log(), moonshot_run(), BILL, {"result_validity": "VALID", "result_mean_latency_ns": 1, "settings": {}})
ODD: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.just([])
    | st.just({})
)


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


def _with(value: Any, path: tuple[str | int, ...], new: object) -> object:
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_value_in_any_place_is_read_or_refused_with_the_file(data: st.DataObject) -> None:
    whole: Any = data.draw(st.sampled_from(WHOLE))
    for _ in range(data.draw(st.integers(1, 3))):
        whole = _with(whole, data.draw(st.sampled_from(_places(whole))), data.draw(ODD))
    try:
        for found in read_results("a.json", json.dumps(whole).encode(), TAXONOMY):
            assert all(isinstance(value, float) for value in found.metrics.values())
    except DataError as error:
        assert str(error).startswith("a.json: ")


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=60)
    | st.text(alphabet='{}[]":,0e1NaInfty\\u\ud800 ', max_size=40).map(lambda t: t.encode("utf-8", "surrogatepass"))
)
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(DataError):
        read_results("a.json", data)


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, len(SUMMARY)), more=st.text(max_size=20), detail=st.booleans())
def test_cut_logs_are_read_or_refused(cut: int, more: str, detail: bool) -> None:
    text = (DETAIL if detail else SUMMARY)[:cut] + more
    try:
        read_results("a.json", text.encode("utf-8", "surrogatepass"))
    except DataError as error:
        assert str(error).startswith("a.json")


def scored(**metrics: float) -> dict[str, Any]:
    """A log with these figures of one scorer."""
    stated = {name: {"name": name, "value": value} for name, value in metrics.items()}
    return inspect_log(results={"completed_samples": 48, "scores": [{"name": "choice", "metrics": stated}]})


def test_figures_that_cannot_be_are_no_evidence() -> None:
    assert "choice/accuracy is 1.5, above 1, the most it can be" in refused(scored(accuracy=1.5))
    assert "choice/accuracy is -0.1, below 0" in refused(scored(accuracy=-0.1))
    assert "choice/stderr is -1, below 0" in refused(scored(accuracy=0.5, stderr=-1.0))
    assert one(scored(accuracy=1.0, mean=7.5)).unfinished is None, "a mean may be anything"
    over = moonshot_run()
    over["results"]["cookbooks"][0]["recipes"][0]["evaluation_summary"][0]["avg_grade_value"] = 100.5
    assert "avg_grade_value is 100.5, above 100" in refused(over)
    assert "tpot_s is -0.0614037, below 0" in refused(SUMMARY.replace("(ns)               : 6", "(ns) : -6"))
    run = {"result_validity": "VALID", "result_query_count": 5, "result_mean_latency_ns": 0}
    assert "e2el_s is 0, and more than 0" in refused(run)
    waits = {**run, "result_mean_latency_ns": 1e9, "metrics": {"queue_s": 0.0, "gain": -2.0}}
    assert one(waits).unfinished is None, "a wait may be nothing"
    assert "queue_s is -1" in refused({**waits, "metrics": {"queue_s": -1.0}})
