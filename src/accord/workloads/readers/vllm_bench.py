"""Results of ``vllm bench serve --save-result --save-detailed``: one JSON object with a list for each quantity.

Start times are when requests were sent, in seconds of a clock without a date (vllm-project/vllm, benchmarks/serve.py).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from accord.workloads.columns import Columns, Options
from accord.workloads.documents import decode, whole_text
from accord.workloads.numbers import length_fault, shown, time_fault
from accord.workloads.tally import Tally

MARKS = ("backend", "model_id", "num_prompts", "request_rate")
_DETAILED = "run the benchmark with --save-result --save-detailed"


class Result(msgspec.Struct):
    """What is read of a result."""

    input_lens: list[object] | None = None
    output_lens: list[object] | None = None
    start_times: list[object] | None = None
    max_concurrency: int | None = None
    request_rate: float | str | None = None


def read(lines: Iterable[str], tally: Tally, options: Options) -> Columns:
    """Columns of a result. Raises TableError where it has no detail, lists of unequal length, or several results."""
    del options
    text = whole_text(lines)
    filled = [line for line in text.split(b"\n") if line.strip()]
    if len(filled) > 1 and all(line.lstrip().startswith(b"{") for line in filled[:2]) and b"model_id" in filled[1]:
        raise tally.error(None, f"holds {len(filled)} results, one a line", "give a file with one of them")
    found = decode(text, Result, tally, "is no result of vllm bench serve", _DETAILED)
    for name in ("input_lens", "output_lens"):
        if getattr(found, name) is None:
            raise tally.error(1, f"has no '{name}'", _DETAILED)
    prompts, answers = found.input_lens or [], found.output_lens or []
    times = found.start_times
    if len(prompts) != len(answers) or (times is not None and len(times) != len(prompts)):
        sizes = f"{len(prompts)} input_lens, {len(answers)} output_lens, {len(times or prompts)} start_times"
        raise tally.error(1, f"has lists of different lengths: {sizes}", "give the file as it was written")
    out = Columns(timed=times is not None)
    for at, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        tally.lines += 1
        if _sound(tally, at, prompt, answer, times):
            out.prompt.append(int(prompt))  # type: ignore[call-overload]
            out.answer.append(int(answer))  # type: ignore[call-overload]
            if times is not None:
                out.time_s.append(float(times[at]))  # type: ignore[arg-type]
    if found.max_concurrency is not None and times is not None:
        tally.notes.append(f"start times are those of a loop of at most {found.max_concurrency} requests")
    return out


def _sound(tally: Tally, at: int, prompt: object, answer: object, times: list[object] | None) -> bool:
    """Whether a request can be used; else it goes to the tally."""
    checks = [("input_lens", prompt, length_fault), ("output_lens", answer, length_fault)]
    if times is not None:
        checks.append(("start_times", times[at], time_fault))
    for name, value, fault_of in checks:
        fault = fault_of(value)
        if fault:
            tally.bad(1, f"a number of '{name}' {fault}", f"request {at}: {shown(value)}")
            return False
    return True
