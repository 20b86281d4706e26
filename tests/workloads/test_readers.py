"""Each format read from a small file written by hand, number by number."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.base.errors import AccordError, TableError, UsageError
from accord.workloads.columns import Options
from accord.workloads.formats import FORMATS
from accord.workloads.trace import parse_trace, read_trace

DATA = Path(__file__).parent / "data"
BROKEN = sorted(file for file in (DATA.parent / "broken").iterdir() if file.suffix != ".txt")


@pytest.mark.parametrize(
    ("name", "format", "arrival_s", "prompt", "answer"),
    [
        ("mooncake.jsonl", "mooncake", [0.0, 1.2505, 1.5], [1025, 1, 1024], [5, 1, 10]),
        ("azure_2023.csv", "azure", [0.0, 3e-7, 13.31941], [374, 396, 879], [44, 109, 55]),
        ("azure_2024.csv", "azure", [0.0, 0.99007, 1.49007, 1.99007], [2162, 2399, 76, 2376], [5, 6, 15, 7]),
        ("burstgpt_1.csv", "burstgpt", [0.0, 40.0, 113.5], [472, 1087, 417], [18, 230, 276]),
        ("burstgpt_3.csv", "burstgpt", [0.0, 51.0, 82.0, 83.0], [906, 36, 1400, 7], [446, 29, 20, 9]),
        ("bailian.jsonl", "bailian", [0.0, 0.386, 14.0, 18.886], [40, 48, 60, 10], [132, 10, 20, 20]),
        ("sharegpt.json", "sharegpt", [0.0, 0.0, 0.0], [16, 27, 1], [8, 1, 2]),
        ("vllm_bench.json", "vllm-bench", [0.0, 0.75, 2.5], [12, 7, 9], [3, 4, 5]),
        ("vllm_bench_pretty.json", "vllm-bench", [0.0, 0.0], [12, 7], [3, 4]),
        ("aiperf.jsonl", "aiperf", [0.0, 3.5], [550, 700], [9, 8]),
        ("lengths.csv", "lengths", [0.0, 0.0], [3772, 2015], [54, 156]),
        ("lengths_timed.csv", "lengths", [0.0, 0.25], [200, 100], [20, 10]),
        ("vllm_requests.jsonl", "vllm-requests", [0.0, 0.25], [2358, 1034], [531, 769]),
    ],
)
def test_numbers(name: str, format: str, arrival_s: list[float], prompt: list[int], answer: list[int]) -> None:
    read = read_trace(DATA / name)
    assert read.format == format
    assert read.workload.name == name
    assert read.workload.arrival_s == pytest.approx(arrival_s, abs=1e-9)
    assert read.workload.prompt.tolist() == prompt
    assert read.workload.answer.tolist() == answer
    assert (read.skipped, dict(read.reasons)) == (0, {})
    assert np.all(read.workload.follows == -1)
    given_format = read_trace(DATA / name, format=format)
    assert given_format.workload.prompt.tolist() == prompt


def test_every_format_has_a_file() -> None:
    assert {read_trace(file).format for file in DATA.iterdir()} == set(FORMATS)


def test_every_reader_is_in_the_table() -> None:
    folder = Path(__file__).parents[2] / "src" / "accord" / "workloads" / "readers"
    files = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert files == {FORMATS[name].read.__module__.rpartition(".")[2] for name in FORMATS}


def test_ids_of_beginnings_stay() -> None:
    workload = read_trace(DATA / "mooncake.jsonl").workload
    assert workload.hashes.tolist() == [0, 1, 2, 0, 1]
    assert workload.starts.tolist() == [0, 3, 3, 5]
    assert workload.block_tokens == 512


def test_ids_of_contents_become_ids_of_beginnings() -> None:
    workload = read_trace(DATA / "bailian.jsonl").workload
    first, second, third = (workload.hashes[at:to].tolist() for at, to in ((0, 3), (3, 6), (6, 10)))
    assert workload.block_tokens == 16
    assert first == third[:3], "the same blocks from the beginning on"
    assert not set(first) & set(second), "the same contents after another beginning"
    assert len({*first, *second, *third}) == 7
    assert min(workload.hashes) >= 0


def test_texts_as_ids_are_numbered() -> None:
    lines = [
        f'{{"timestamp": {at}, "input_length": 600, "output_length": 1, "hash_ids": {ids}}}'
        for at, ids in ((0, '["a", "b"]'), (1, '["a", 12345678901234567890]'), (2, '[1, "b"]'))
    ]
    workload = parse_trace(lines, "x").workload
    assert workload.hashes.tolist() == [0, 1, 0, 2, 3, 1]


def test_turns_follow_one_another_when_asked() -> None:
    chained = Options(chain=True)
    bailian = read_trace(DATA / "bailian.jsonl", options=chained)
    assert bailian.workload.follows.tolist() == [-1, -1, 0, -1]
    assert bailian.workload.wait_s == pytest.approx([0.0, 0.0, 14.0, 0.0])
    assert any("does not say when answers ended" in note for note in bailian.notes)
    burst = read_trace(DATA / "burstgpt_3.csv", options=chained).workload
    assert burst.follows.tolist() == [-1, -1, 0, -1]
    assert burst.wait_s == pytest.approx([0.0, 0.0, 82.0 - 43.0, 0.0])
    aiperf = read_trace(DATA / "aiperf.jsonl", options=chained).workload
    assert aiperf.follows.tolist() == [-1, 0]
    assert aiperf.wait_s == pytest.approx([0.0, 1.5])
    share = read_trace(DATA / "sharegpt.json", options=chained).workload
    assert share.follows.tolist() == [-1, 0, -1]


def test_a_format_without_turns_cannot_chain() -> None:
    with pytest.raises(UsageError, match="does not say what follows what"):
        read_trace(DATA / "azure_2023.csv", options=Options(chain=True))


def test_texts_are_counted_by_characters() -> None:
    read = read_trace(DATA / "sharegpt.json", options=Options(chars_per_token=2.0))
    assert read.workload.prompt.tolist() == [32, 53, 2]
    assert read.workload.answer.tolist() == [16, 1, 3]
    assert "lengths are characters over 2" in read.notes
    assert read.workload.starts.tolist() == [0, 2, 5, 5]
    assert read.workload.hashes.tolist() == [0, 1, 0, 1, 2]
    first = read_trace(DATA / "sharegpt.json", options=Options(first_turn=True)).workload
    assert first.prompt.tolist() == [16, 1]
    with pytest.raises(UsageError):
        read_trace(DATA / "sharegpt.json", options=Options(chars_per_token=0.0))


def test_notes_say_what_was_done() -> None:
    assert any("sorted by time" in note for note in read_trace(DATA / "lengths_timed.csv").notes)
    assert any("no times" in note for note in read_trace(DATA / "lengths.csv").notes)
    assert any("warm-up" in note for note in read_trace(DATA / "aiperf.jsonl").notes)
    assert not read_trace(DATA / "azure_2023.csv").notes


def test_bad_lines_are_skipped_and_counted() -> None:
    rows = ("10,0", "x", "", "1", "10,0", "10,7", "0,7")
    lines = [
        "TIMESTAMP,ContextTokens,GeneratedTokens",
        *(f"2023-11-16 18:15:4{at},{row}" for at, row in enumerate(rows)),
    ]
    lines[2:4] = ["never,1,1", ""]
    read = parse_trace(lines, "t.csv", skip_bad=True)
    assert (read.lines, read.skipped, len(read.workload)) == (6, 5, 1)
    assert dict(read.reasons) == {
        "'GeneratedTokens' is 0; a request has 1 token or more": 2,
        "'ContextTokens' is 0; a request has 1 token or more": 1,
        "'TIMESTAMP' is no time": 1,
        "does not have as many cells as the heading": 1,
    }
    assert next(iter(read.reasons)).startswith("'GeneratedTokens'"), "most often first"
    with pytest.raises(TableError, match="t.csv:2: 'GeneratedTokens' is 0"):
        parse_trace(lines, "t.csv")
    with pytest.raises(TableError, match=r"t.csv: has no good line \(bad ones: 1\)"):
        parse_trace(lines[:2], "t.csv", skip_bad=True)


@pytest.mark.parametrize(
    "file", sorted((Path(__file__).parent / "broken").glob("*-*[!t]")), ids=lambda file: str(file.name)
)
def test_skipping_counts_every_line(file: Path) -> None:
    format = next((name for name in FORMATS if file.name.startswith(f"{name}-")), None)
    try:
        read = read_trace(file, format=format, skip_bad=True)
    except TableError:
        return  # nothing good is in it, or it is no such file at all
    assert read.skipped == sum(read.reasons.values()) == read.lines - len(read.workload) > 0


def test_a_bad_first_line_does_not_hide_the_format() -> None:
    lines = ["{", (DATA / "mooncake.jsonl").read_text(encoding="utf-8").splitlines()[0]]
    read = parse_trace(lines, "x.jsonl", skip_bad=True)
    assert (read.format, read.skipped, len(read.workload)) == ("mooncake", 1, 1)
    with pytest.raises(TableError, match="x.jsonl:1: is no JSON"):
        parse_trace(lines, "x.jsonl")


def test_gzip_and_byte_order_mark(tmp_path: Path) -> None:
    packed = tmp_path / "mooncake"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + (DATA / "mooncake.jsonl").read_bytes()))
    assert read_trace(packed).workload.prompt.tolist() == [1025, 1, 1024]


def test_what_expands_too_far_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(b"0" * 10_000_000))
    with pytest.raises(TableError, match="larger than 1 MiB when expanded"):
        read_trace(bomb, most_bytes=1 << 20)
    with pytest.raises(TableError, match="larger than 10 bytes"):
        read_trace(DATA / "lengths.csv", most_bytes=10)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read: No such file"):
        read_trace(tmp_path / "none.csv")
    with pytest.raises(TableError, match="cannot be read"):
        read_trace(tmp_path)
    with pytest.raises(UsageError, match="trace format 'moncake' is not known") as caught:
        read_trace(DATA / "mooncake.jsonl", format="moncake")
    assert caught.value.hint == "did you mean 'mooncake'?"


def test_ends_of_lines() -> None:
    for name in ("azure_2023.csv", "mooncake.jsonl", "sharegpt.json"):
        lines = (DATA / name).read_text(encoding="utf-8").split("\n")
        plain = parse_trace(lines, "x").workload
        for end in ("\r", "\n", "\r\n"):
            other = parse_trace([line + end for line in lines], "x").workload
            assert np.array_equal(other.prompt, plain.prompt)
            assert np.array_equal(other.arrival_s, plain.arrival_s)


def test_many_blank_lines_before_the_first() -> None:
    lines = [""] * 200 + (DATA / "lengths.csv").read_text(encoding="utf-8").splitlines()
    assert len(parse_trace(lines, "x").workload) == 2
    with pytest.raises(TableError, match="x:203: 'num_decode_tokens'"):
        parse_trace([*lines[:202], "1,0,1,1"], "x")


@settings(max_examples=300, deadline=None)
@given(
    format=st.sampled_from((None, *FORMATS)),
    begin=st.sampled_from(sorted(DATA.iterdir())),
    noise=st.lists(st.text(max_size=60) | st.sampled_from(('"', "{", "[", "{}", "1,2,3", "\0", "a,b")), max_size=4),
    at=st.integers(0, 6),
    skip_bad=st.booleans(),
)
def test_anything_gives_a_trace_or_a_message(
    format: str | None, begin: Path, noise: list[str], at: int, skip_bad: bool
) -> None:
    lines = begin.read_text(encoding="utf-8").split("\n")
    lines[at:at] = noise
    try:
        read = parse_trace(lines, "f", format=format, skip_bad=skip_bad)
    except AccordError as error:
        assert isinstance(error, TableError)
        assert str(error).startswith("f")
    else:
        assert np.all(np.diff(read.workload.arrival_s) >= 0.0)
        assert read.skipped == sum(read.reasons.values())
