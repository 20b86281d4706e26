"""Jobs with real verbs: the answer is what the command prints, however often the server was killed on the way."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.web.jobs_rig import asking, parsed, serving, until

from accord.api.runs import show_run
from accord.report.exports.series import MOST_BYTES
from accord.store.job import DONE, ENDED, INTERRUPTED, RUNNING, Job
from accord.web.answer import File, Question
from accord.web.job_process import CHECKPOINT, QUESTION
from accord.web.jobs import Jobs

PLAN = ("--model=qwen3-8b", "--system=nvidia-hgx-h200-8", "--chips=8", "--isl=2000", "--osl=500", "--tpot=50ms")
LONG = ("--model=deepseek-r1", "--system=nvidia-hgx-h200-8", "--chips=64", "--isl=4000", "--osl=1000", "--tpot=50ms")
SIMULATE = ("--model=qwen3-8b", "--system=nvidia-hgx-h200-8", "--chips=8", "--isl=1000", "--osl=100", "--rate=20")
ROOT = Path(__file__).parents[2]


def printed(home: Path, *words: str) -> bytes:
    """What the command prints with ``--json``."""
    environ = {**os.environ, "ACCORD_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "accord", *words, "--json"], capture_output=True, env=environ, cwd=home, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


async def answered(held: Jobs, question: Question) -> tuple[Job, bytes]:
    job = await held.submit(question, {})
    async with asyncio.timeout(120.0):
        found = parsed([one async for one in await held.follow(job.id)])
    assert found[-1][0] == "done", found[-1]
    return await held.show(job.id), (await held.result(job.id))[0]


@pytest.mark.slow
def test_a_plan_and_a_size_are_what_the_command_prints(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job, body = await answered(held, Question("plan", ("--json", *PLAN)))
            assert body == printed(tmp_path, "plan", *PLAN)
            assert job.progress.done == job.progress.total > 0
            load = (*(word for word in PLAN if "chips" not in word), "--goodput=5")
            _, body = await answered(held, Question("size", ("--json", *load)))
            assert body == printed(tmp_path, "size", *load)

    asyncio.run(run())


@pytest.mark.slow
def test_a_simulation_leaves_its_files_and_its_run(tmp_path: Path) -> None:
    words = (*SIMULATE, "--requests=200", "--seed=3", "--export=csv,vllm-bench")

    async def run() -> None:
        async with serving(tmp_path) as held, asking(held) as client:
            job, body = await answered(held, Question("simulate", ("--json", *words)))
            assert job.progress.done == job.progress.total > 0
            assert (tmp_path / "runs.sqlite").stat().st_mode & 0o077 == 0
            files = await held.files(job.id)
            assert set(files) == {"requests.csv", "series.json", "summary.json", "trace.json", "vllm_bench.json"}
            assert files["series.json"] <= MOST_BYTES + 1
            said = json.loads(body)
            assert set(said["result"]["files"]) == {f"files/{name}" for name in files}
            assert str(tmp_path) not in body.decode()
            series = (await client.get(f"/jobs/{job.id}/files/series.json")).json()
            assert series["requests"]["completed"] == 200
            assert series["gantt"]["of"] > 0
            assert job.run is not None
            kept = show_run(job.run, store=tmp_path / "runs.sqlite")
            assert (kept.record.verb, kept.record.complete) == ("simulate", True)
            assert kept.record.inputs["command"] == said["inputs"]["command"] == ["accord", "simulate", *words[:-1]]
            for one in kept.record.files:
                assert (await client.get(f"/{one}")).status_code == 200
            again, same = await answered(held, Question("simulate", ("--json", *words)))
            assert same == body
            assert again.run != job.run
            own = json.loads(printed(tmp_path, "simulate", *words[:-1]))
            assert own["result"]["metrics"] == said["result"]["metrics"]

    asyncio.run(run())


@pytest.mark.slow
def test_a_validation_reads_the_file_that_was_sent(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            bad = Question("validate", ("--json", "--", "t.csv"), (File("t.csv", b"no,table\n1,2\n"),))
            job = await held.submit(bad, {})
            job = await until(held, job.id, *ENDED)
            assert job.error is not None
            assert (job.state, job.error.exit_code) == ("failed", 3)
            assert str(tmp_path) not in job.error.what + str(job.error.where)

    asyncio.run(run())


# A server that is killed

SERVER = """
import asyncio, sys
from pathlib import Path
from accord.web.answer import Question
from accord.web.jobs import Jobs
from accord.web.settings import Settings

async def main():
    held = Jobs(Settings(store=Path(sys.argv[1]) / "runs.sqlite"))
    await held.start()
    job = await held.submit(Question(sys.argv[2], ("--json", *sys.argv[3:])), {})
    waiting = await held.submit(Question("estimate", ("--json", *sys.argv[3:])), {})
    while (await held.show(job.id)).progress.done < 1:
        await asyncio.sleep(0.02)
    print(job.id, waiting.id, held._live[job.id].child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def killed(home: Path, verb: str, *words: str) -> tuple[str, str]:
    """Ids of a job that runs and one that waits, in a server that is killed once parts are done."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(home), verb, *words], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        first, second, child = server.stdout.readline().split()
        server.send_signal(signal.SIGKILL)
        server.wait()
    until_s = time.monotonic() + 10.0
    while alive(int(child)):
        assert time.monotonic() < until_s, "the job's process outlives its server"
        time.sleep(0.05)
    return first, second


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_killed_server_loses_nothing_and_a_plan_goes_on_where_it_was(tmp_path: Path) -> None:
    first, second = killed(tmp_path, "plan", *LONG)

    async def run() -> tuple[bytes, list[dict[str, Any]]]:
        async with serving(tmp_path) as held:
            assert {job.id: job.state for job in await held.list()} == {first: INTERRUPTED, second: INTERRUPTED}
            assert (tmp_path / "runs.sqlite-jobs" / first / CHECKPOINT).is_file()
            assert (tmp_path / "runs.sqlite-jobs" / second / QUESTION).is_file()
            assert (await held.resume(first)).resumes == 1
            async with asyncio.timeout(120.0):
                found = parsed([one async for one in await held.follow(first)])
            assert found[-1][0] == "done", found[-1]
            return (await held.result(first))[0], [job["progress"] for _, job in found if job["state"] == RUNNING]

    body, steps = asyncio.run(run())
    begun = [step["done"] for step in steps if step["total"]]
    assert begun[0] >= 1, "parts that were finished are done again"
    assert body == printed(tmp_path, "plan", *LONG)


@pytest.mark.slow
def test_a_killed_simulation_is_run_again_to_the_same_answer(tmp_path: Path) -> None:
    words = (*SIMULATE, "--requests=6000", "--seed=5")
    first, _ = killed(tmp_path, "simulate", *words)

    async def run() -> None:
        async with serving(tmp_path) as held:
            await held.resume(first)
            job = await until(held, first, *ENDED)
            assert (job.state, job.resumes) == (DONE, 1)
            _, fresh = await answered(held, Question("simulate", ("--json", *words)))
            assert (await held.result(first))[0] == fresh

    asyncio.run(run())


@pytest.mark.slow
def test_finished_parts_that_cannot_be_used_are_left_and_the_plan_begins_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            blocker = await held.submit(Question("simulate", ("--json", *SIMULATE, "--requests=20000")), {})
            job = await held.submit(Question("plan", ("--json", *PLAN)), {})
            (tmp_path / "runs.sqlite-jobs" / job.id / CHECKPOINT).write_bytes(b"damaged" * 1000)
            await held.cancel(blocker.id)
            assert (await until(held, job.id, *ENDED)).state == DONE
            assert (await held.result(job.id))[0] == printed(tmp_path, "plan", *PLAN)

    asyncio.run(run())


@pytest.mark.slow
def test_a_job_reads_no_file_that_an_upload_names(tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "secret.json"
    secret.parent.mkdir()
    secret.write_text('{"architectures": ["LlamaForCausalLM"], "hidden_size": 7}')
    file = File("d.yaml", f"model: {secret}\nsystem: nvidia-hgx-h200-8\n".encode())
    rest = ("--isl=100", "--osl=10", "--rate=1", "--requests=10")

    async def run() -> None:
        async with serving(tmp_path / "served") as held:
            job = await held.submit(Question("simulate", ("--json", "--deployment=d.yaml", *rest), (file,)), {})
            async with asyncio.timeout(120.0):
                found = parsed([one async for one in await held.follow(job.id)])
            assert found[-1][0] == "failed"
            said = (await held.show(job.id)).error
            assert said is not None and "place of this machine" in said.what and "Llama" not in str(said)

    asyncio.run(run())
