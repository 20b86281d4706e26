"""Requests as words: what is sent stays a value, and no text can be a path, a flag or standard input."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from accord.base.errors import UsageError
from accord.web.answer import Question
from accord.web.schema import model_of, question_of
from accord.web.verbs import VERBS, Served, served

PATHS = (
    "/etc/passwd", "../secret", "./x", "a/b", "a\\b", ".hidden", "~/x", "-", "--help", "-h", "\x00", "a\nb", "C:\\x",
    "file:///etc/passwd", "http://127.0.0.1/x", "//host/share",
)  # fmt: skip


def asked(verb: str, **fields: Any) -> Question:
    return question_of(served()[verb], model_of(served()[verb]).model_validate_json(json.dumps(fields)))


def test_values_are_joined_to_their_flags() -> None:
    question = asked(
        "estimate", model="deepseek-r1", system="huawei-cloudmatrix-384", chips=16, isl=[1000, 2000.5], osl=500,
        phase=["decode", "serve"], sweep=["batch-per-device=4:64:16"], graph=False, balanced=True, failures=False,
    )  # fmt: skip
    assert question.verb == "estimate"
    assert set(question.words) == {
        "--model=deepseek-r1", "--system=huawei-cloudmatrix-384", "--chips=16", "--isl=1000,2000.5", "--osl=500",
        "--phase=decode,serve", "--sweep=batch-per-device=4:64:16", "--eager", "--balanced", "--json",
    }  # fmt: skip


def test_arguments_stand_behind_two_dashes() -> None:
    assert asked("compare", systems=["a", "b"]).words == ("--json", "--", "a", "b")
    assert asked("policy party", name="-x").words[-2:] == ("--", "-x")


def test_a_number_is_taken_for_a_law_and_stays_as_it_was_sent() -> None:
    assert {"--isl=500", "--osl=lognormal:mean=1200"} <= set(
        asked("simulate", isl=500, osl="lognormal:mean=1200").words
    )
    assert {"--isl=4000", "--osl=0.5"} <= set(asked("plan", isl=4000, osl=0.5).words)
    model = model_of(served()["plan"])
    sent = {"isl": 4000, "osl": 10.5, "ttft": 5}
    assert json.dumps(model.model_validate(sent).model_dump(by_alias=True, exclude_none=True)) == json.dumps(sent)


def test_repeated_flags_are_repeated() -> None:
    words = asked("plan", model="a", system=["b", "c"], ttft=["p99:2s", "1s"], tpot="50ms").words
    assert [word for word in words if word.startswith("--ttft")] == ["--ttft=p99:2s", "--ttft=1s"]
    assert "--system=b,c" in words


def test_a_file_is_named_by_its_name_alone() -> None:
    sent = base64.b64encode(b"a,b\n").decode()
    question = asked("policy cases", file={"name": "cases.csv.gz", "base64": sent})
    assert question.words == ("--json", "--", "cases.csv")
    assert [(one.name, one.data) for one in question.files] == [("cases.csv", b"a,b\n")]


def test_a_model_by_content_stands_in_for_one_of_the_catalog() -> None:
    assert "--model=m.json" in asked("estimate", model_file={"name": "m.json", "text": "{}"}, system="x").words
    with pytest.raises(UsageError, match="two answers"):
        asked("estimate", model="a", model_file={"name": "m.json", "text": "{}"})
    with pytest.raises(UsageError, match="no .json"):
        asked("estimate", model_file={"name": "deepseek-r1", "text": "{}"})


def test_two_files_of_one_name_are_refused() -> None:
    one = {"name": "Log.json", "text": "{}"}
    with pytest.raises(UsageError, match="one name"):
        asked("policy evidence", files=[one, {"name": "log.json", "text": "{}"}])


@pytest.mark.parametrize("name", [*PATHS, "", ".", "..", "a" * 101, "x=y.csv", "a,b.csv", "nul\x00.csv"])
def test_names_of_files_are_plain(name: str) -> None:
    with pytest.raises(ValidationError):
        asked("policy cases", file={"name": name, "text": ""})


@pytest.mark.parametrize("content", [{}, {"text": "a", "base64": "YQ=="}, {"text": 1}, {"path": "x"}])
def test_a_file_has_one_content(content: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        asked("policy cases", file={"name": "a.csv", **content})


@pytest.mark.parametrize("size", [0, 1, 2, 3, (3 << 18) - 1, 3 << 18, (3 << 18) + 1, (3 << 18) + 2])
def test_base64_is_read_piece_by_piece(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    question = asked("policy cases", file={"name": "a.csv", "base64": base64.b64encode(data).decode()})
    assert question.files[0].data == data
    with pytest.raises(UsageError, match="no base64"):
        asked("policy cases", file={"name": "a.csv", "base64": "YQ==" + base64.b64encode(data + b"abc").decode()})


def test_what_is_no_base64_is_said() -> None:
    with pytest.raises(UsageError, match="no base64"):
        asked("policy cases", file={"name": "a.csv", "base64": "%%%"})


@pytest.mark.parametrize("text", PATHS)
@pytest.mark.parametrize(
    ("verb", "field"),
    [
        ("estimate", "model"), ("estimate", "system"), ("estimate", "engine"), ("estimate", "weights"),
        ("plan", "model"), ("plan", "system"), ("plan", "workload"), ("plan", "engine"), ("simulate", "workload"),
        ("simulate", "isl"), ("train", "model"), ("train", "system"), ("policy check", "run"), ("audit", "claim"),
        ("catalog show", "id"), ("catalog list", "kind"), ("fabric", "system"), ("fabric", "transfers"),
        ("compare", "systems"), ("policy classify", "id"), ("runs show", "id"), ("export", "to"),
    ],
)  # fmt: skip
def test_no_text_that_is_looked_up_can_be_a_path(verb: str, field: str, text: str) -> None:
    required = {str(one.alias): "x" for one in model_of(served()[verb]).model_fields.values() if one.is_required()}
    fields: dict[str, Any] = {**required, field: text}
    if verb == "export":
        fields["file"] = {"name": "plan.json", "text": "{}"}
    with pytest.raises(ValidationError) as found:
        asked(verb, **fields)
    assert any(error["loc"][0] == field for error in found.value.errors())


@pytest.mark.parametrize("field", ["catalog", "store", "out", "plot", "executor", "workers", "ray_address", "json"])
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_withheld_fields_are_unknown(verb: Served, field: str) -> None:
    with pytest.raises(ValidationError) as found:
        model_of(verb).model_validate({field: "x"})
    assert any(error["type"] == "extra_forbidden" for error in found.value.errors())


@pytest.mark.parametrize(
    "fields",
    [{"chips": True}, {"chips": "8"}, {"chips": 0}, {"chips": 10**400}, {"isl": []}, {"isl": [1] * 65},
     {"graph": "yes"}, {"level": 2}, {"level": "0.9"}, {"phase": "both"}, {"sweep": [["x"]]}, {"model": 1},
     {"model": ["a"]}, {"model": "x" * 201}],
)  # fmt: skip
def test_values_of_another_kind_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        asked("estimate", **fields)


def test_numbers_that_are_none_are_refused() -> None:
    for text in ('{"isl": NaN}', '{"isl": Infinity}', '{"isl": 1e999}'):
        with pytest.raises(ValidationError):
            model_of(served()["estimate"]).model_validate_json(text)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(PATHS), st.text(max_size=12),
    st.lists(st.text(max_size=6), max_size=3),
    st.fixed_dictionaries({"name": st.text(max_size=8), "text": st.text(max_size=8)}),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(data=st.data(), verb=st.sampled_from(VERBS))
def test_whatever_is_sent_its_words_are_flags_with_values_or_arguments(data: st.DataObject, verb: Served) -> None:
    fields = [str(one.alias) for one in model_of(verb).model_fields.values()]
    request = data.draw(st.dictionaries(st.sampled_from([*fields, "other"]), ODD, max_size=4))
    try:
        question = question_of(verb, model_of(verb).model_validate_json(json.dumps(request)))
    except (ValidationError, UsageError):
        return
    flags, _, arguments = (
        (question.words, "", ()) if "--" not in question.words
        else (question.words[: question.words.index("--")], "--", question.words[question.words.index("--") + 1 :])
    )  # fmt: skip
    known = {text for one in verb.command.params for text in (*one.opts, *one.secondary_opts)}
    assert all(word.partition("=")[0] in known and word.startswith("--") for word in flags)
    assert "-" not in arguments or verb.name == "policy party"  # whose name goes to the catalog alone
    looked_up = [word.partition("=")[2] for word in flags if word.startswith(("--model=", "--system=", "--workload="))]
    assert not any("/" in text or "\\" in text or text.startswith((".", "-")) for text in looked_up)
