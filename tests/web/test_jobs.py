"""Jobs of a server: progress, cancel, deadline, crash, queue, shutdown, resume, with a double for the verb."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sqlite3
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.web.jobs_rig import DOUBLE, LONG_S, asked, ended, parsed, progressed, serving, until

from accord.base.errors import DataError
from accord.store.job import (
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    INTERRUPTED,
    QUEUED,
    RUNNING,
    Job,
    NoSuchJob,
    WrongState,
)
from accord.store.jobs import JobStore
from accord.web import answer, job_child, jobs
from accord.web.answer import File, Question
from accord.web.job_process import QUESTION, with_places
from accord.web.jobs import Jobs, QueueFull
from accord.web.settings import Settings


@pytest.fixture(autouse=True)
def double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_child, "COMMAND", DOUBLE)


def test_a_job_runs_and_its_result_is_what_the_verb_printed(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job = await held.submit(asked("answer"), {"model": "m"})
            assert (job.state, job.verb, job.request) == (QUEUED, "estimate", {"model": "m"})
            with pytest.raises(NoSuchJob, match="no result yet"):
                await held.result(job.id)
            job = await until(held, job.id, *ENDED)
            assert (job.state, job.error) == (DONE, None)
            assert await held.result(job.id) == (b'{"words": "answer"}', 0)
            assert [one.id for one in await held.list()] == [job.id]

    asyncio.run(run())


def test_no_is_an_answer_and_a_refusal_is_a_failure(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            no = await ended(held, asked("answer", "1"))
            assert (no.state, (await held.result(no.id))[1]) == (DONE, 1)
            job = await ended(held, asked("refuse"))
            assert job.state == FAILED
            assert job.error is not None
            assert (job.error.what, job.error.where, job.error.hint, job.error.exit_code) == (
                "it cannot be meant", "--isl", "mend it", 2
            )  # fmt: skip
            with pytest.raises(WrongState, match="failed, and has no result"):
                await held.result(job.id)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("do", "why"),
    [
        ("crash", "exit code 7"),
        ("kill", "SIGKILL"),
        ("eat", "memory"),
        ("babble", "cannot be understood"),
    ],
)
def test_a_process_that_breaks_fails_its_job_alone(
    tmp_path: Path, do: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with serving(tmp_path, job_memory_bytes=1 << 29) as held:
            job = await ended(held, asked(do))
            assert job.state == FAILED
            assert job.error is not None
            assert why in job.error.what
            assert job.error.hint or do == "babble"
            assert (f"job {job.id[:12]}: {job.error.what}" in caplog.text) is (job.error.exit_code == 70)
            assert ("last words" in caplog.text) is (do == "crash")
            assert (await ended(held, asked("answer"))).state == DONE

    asyncio.run(run())


def test_the_deadline_fails_a_job(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path, job_deadline_s=1.5) as held:
            job = await ended(held, asked("hold"))
            assert job.error is not None
            assert (job.state, job.error.what) == (FAILED, "the deadline of 1.5 s passed")

    asyncio.run(run())


def test_cpu_seconds_are_bounded(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path, job_cpu_s=1.0) as held:
            job = await ended(held, asked("burn"))
            assert job.error is not None
            assert (job.state, job.error.what) == (FAILED, "the job used its 1 CPU seconds")

    asyncio.run(run())


@pytest.mark.parametrize("do", ["wait", "hold"])
def test_cancel_is_polite_first_and_sure(tmp_path: Path, do: str) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job = await held.submit(asked(do), {})
            await progressed(held, job.id)
            began_s = time.monotonic()
            job = await held.cancel(job.id)
            took_s = time.monotonic() - began_s
            assert job.state == CANCELLED
            assert took_s < (1.5 if do == "wait" else jobs.POLITE_S + 1.5)
            with pytest.raises(WrongState, match="cancelled, and has no result"):
                await held.result(job.id)
            with pytest.raises(WrongState, match="it ended already"):
                await held.cancel(job.id)

    asyncio.run(run())


def test_a_queued_job_is_cancelled_at_once_and_never_runs(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            first = await held.submit(asked("hold"), {})
            second = await held.submit(asked("keep"), {})
            assert (await held.cancel(second.id)).state == CANCELLED
            await held.cancel(first.id)
            third = await ended(held, asked("keep"))
            assert (third.state, third.run) == (DONE, "ab" * 16)
            assert (await held.show(second.id)).started is None

    asyncio.run(run())


@pytest.mark.parametrize("wait_s", [0.0, 0.001, 0.005, 0.02, 0.1, 0.3])
def test_a_job_that_is_cancelled_at_any_moment_stays_cancelled(tmp_path: Path, wait_s: float) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job = await held.submit(asked("hold"), {})
            await asyncio.sleep(wait_s)
            found = await asyncio.gather(*(held.cancel(job.id) for _ in range(3)), return_exceptions=True)
            assert {one.state for one in found if isinstance(one, Job)} == {CANCELLED}
            assert all(isinstance(one, Job | WrongState) for one in found)
            assert (await ended(held, asked("answer"))).state == DONE
            assert (await held.show(job.id)).state == CANCELLED

    asyncio.run(run())


class Disk:
    """The disk of a job store, which may be full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        write = JobStore._write

        def written(store: JobStore) -> AbstractContextManager[sqlite3.Connection]:
            if self.full:
                raise DataError("the file cannot be written", hint="make room on the disk")
            return write(store)

        monkeypatch.setattr(JobStore, "_write", written)


@pytest.mark.parametrize(("do", "state"), [("answer", DONE), ("refuse", FAILED), ("wait", CANCELLED)])
@pytest.mark.parametrize("room", [True, False])
def test_a_job_that_ends_while_the_disk_is_full_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: str, state: str, room: bool
) -> None:
    disk = Disk(monkeypatch)

    async def run() -> Job:
        async with serving(tmp_path) as held:
            first, job = [await held.submit(asked(one), {}) for one in ("hold", do)]
            await progressed(held, first.id)
            child = held._live[first.id].child
            assert child is not None
            child.kill()
            await until(held, job.id, RUNNING)
            disk.full = True
            if state == CANCELLED:
                await held.cancel(job.id)
            events = parsed([one async for one in await held.follow(job.id)])
            assert events[-1][0] == state
            shown = await held.show(job.id)
            assert shown.state == state
            assert shown in await held.list()
            assert not held._live
            with pytest.raises(DataError, match="cannot be written"):
                await held.submit(asked("answer"), {})
            disk.full = not room
            if room:
                assert (await ended(held, asked("answer"))).state == DONE
                assert not held._late
                assert held._store.show(job.id) == shown
            return shown

    async def after(told: Job) -> None:
        async with serving(tmp_path) as held:
            assert (await held.show(told.id)).state == (state if room else INTERRUPTED)

    told = asyncio.run(run())
    disk.full = False
    asyncio.run(after(told))


def test_a_job_that_cannot_begin_for_want_of_room_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)

    async def run() -> None:
        async with serving(tmp_path, job_queue=2) as held:
            first = await held.submit(asked("hold"), {})
            await progressed(held, first.id)
            made = [await held.submit(asked("answer"), {}) for _ in range(2)]
            disk.full = True
            assert (await held.cancel(made[0].id)).state == CANCELLED
            assert (await held.cancel(first.id)).state == CANCELLED
            job = await until(held, made[1].id, *ENDED)
            assert job.error is not None
            assert (job.state, job.error.what, job.error.hint) == (
                FAILED, "the file cannot be written", "make room on the disk"
            )  # fmt: skip
            disk.full = False
            assert {one.state for one in await held.list()} == {CANCELLED, FAILED}
            assert {one.state for one in held._store.list()} == {CANCELLED, FAILED}
            assert (await ended(held, asked("answer"))).state == DONE

    asyncio.run(run())


def test_a_question_that_cannot_be_written_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "secret"))

    async def run() -> None:
        async with serving(tmp_path) as held:
            with monkeypatch.context() as patch:
                patch.setattr(jobs, "write", full)
                with pytest.raises(DataError) as caught:
                    await held.submit(asked("answer"), {})
            assert str(tmp_path) not in f"{caught.value.what} {caught.value.where} {caught.value.hint}"
            assert caught.value.hint == "make room on the disk"
            assert await held.list() == ()
            assert (await ended(held, asked("answer"))).state == DONE

    asyncio.run(run())


def test_an_answer_that_cannot_be_written_is_no_fault_of_accord(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job = await ended(held, asked("full"))
            assert job.error is not None
            assert (job.error.what, job.error.hint, job.error.exit_code) == (
                "the answer cannot be kept (No space left on device)", "make room on the disk", 74
            )  # fmt: skip

    asyncio.run(run())


def test_a_verb_without_room_on_the_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "a"))

    monkeypatch.setattr(answer, "_bring", full)
    reply = answer.run(Question("catalog list", ("--json",)), tmp_path, store=tmp_path / "runs.sqlite")
    said = json.loads(reply.body)["error"]
    assert (reply.status, said["what"], said["hint"]) == (503, "the disk is full", "make room on the disk")
    assert str(tmp_path) not in reply.body.decode()


def test_the_last_progress_of_a_job_that_is_done_is_all_of_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job = await ended(held, asked("begin"))
            assert (job.progress.done, job.progress.total, job.progress.text) == (2, 2, "runs")

    asyncio.run(run())


def test_what_a_job_writes_is_its_owners_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            job = await ended(held, asked("files", verb="simulate"))
            found = [one for one in held._store.place(job.id).rglob("*") if not one.is_symlink()]
            assert {one.name for one in found} >= {"log.txt", "result.json", "series.json"}
            assert [one.name for one in found if one.stat().st_mode & 0o077] == []

    before = os.umask(0o022)
    try:
        asyncio.run(run())
    finally:
        os.umask(before)


def test_jobs_run_one_after_another_unless_more_are_allowed(tmp_path: Path) -> None:
    async def run(workers: int) -> int:
        async with serving(tmp_path / str(workers), job_workers=workers) as held:
            made = [await held.submit(asked("hold"), {}) for _ in range(3)]
            await progressed(held, made[0].id)
            await asyncio.sleep(0.2)
            return sum(job.state == RUNNING for job in await held.list())

    assert asyncio.run(run(1)) == 1
    assert asyncio.run(run(2)) == 2


def test_a_full_queue_says_when_to_try_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path, job_queue=2) as held:
            first = await held.submit(asked("hold"), {})
            await until(held, first.id, RUNNING)
            found = await asyncio.gather(*(held.submit(asked("hold"), {}) for _ in range(5)), return_exceptions=True)
            taken = [one for one in found if isinstance(one, Job)]
            full = [one for one in found if isinstance(one, QueueFull)]
            assert (len(taken), len(full)) == (2, 3)
            assert all(1 <= one.retry_s <= 600 for one in full)
            await held.cancel(taken[0].id)
            assert (await held.submit(asked("hold"), {})).state == QUEUED

    asyncio.run(run())


def test_many_at_once_are_accepted_fast_and_none_is_lost(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path, job_queue=64) as held:
            first = await held.submit(asked("hold"), {})
            await progressed(held, first.id)

            async def one() -> float:
                began_s = time.monotonic()
                await held.submit(asked("answer"), {"model": "m"})
                return time.monotonic() - began_s

            took_s = sorted(await asyncio.gather(*(one() for _ in range(50))))
            assert took_s[-1] < 2.0, took_s
            assert len(await held.list()) == 51
        async with serving(tmp_path) as held:
            assert {job.state for job in await held.list()} == {INTERRUPTED}

    asyncio.run(run())


# The end of a server, and the next one


def test_a_server_that_stops_interrupts_and_the_next_resumes(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            kept = await ended(held, asked("answer"))
            running = await held.submit(asked("wait"), {})
            queued = await held.submit(Question("estimate", ("answer",), (File("a.csv", b"1"),)), {})
            await progressed(held, running.id)
            child = held._live[running.id].child
            assert child is not None
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)
        async with serving(tmp_path) as held:
            assert [(await held.show(one.id)).state for one in (kept, running, queued)] == [
                DONE, INTERRUPTED, INTERRUPTED
            ]  # fmt: skip
            assert (await held.show(running.id)).progress.total == 100_000
            with pytest.raises(NoSuchJob, match="interrupted, and has no result yet"):
                await held.result(running.id)
            assert (await held.result(kept.id))[0] == b'{"words": "answer"}'
            again = await held.resume(queued.id)
            assert (again.state, again.resumes) == (QUEUED, 1)
            assert (await until(held, queued.id, *ENDED)).state == DONE
            with pytest.raises(WrongState, match="only an interrupted job"):
                await held.resume(queued.id)
            assert (await held.cancel(running.id)).state == CANCELLED

    asyncio.run(run())


def test_what_only_a_job_that_goes_on_needs_is_kept_as_long(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            made = [await held.submit(asked(do), {}) for do in ("answer", "refuse", "hold", "hold")]
            await progressed(held, made[2].id)
        async with serving(tmp_path) as held:
            names = [{one.name for one in held._store.place(job.id).iterdir()} for job in made]
            assert names == [{"log.txt", "result.json"}, {"log.txt"}, {"log.txt", QUESTION, "work"}, {QUESTION}]
            await held.cancel(made[3].id)
            assert list(held._store.place(made[3].id).iterdir()) == []
            (held._store.place(made[2].id) / QUESTION).unlink()
            await held.resume(made[2].id)
            job = await until(held, made[2].id, *ENDED)
            assert job.error is not None
            assert (job.error.what, job.error.hint) == (
                "what was asked cannot be read any more (FileNotFoundError)", "ask again"
            )  # fmt: skip

    asyncio.run(run())


def test_a_link_where_a_folder_should_be_fails_the_job(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            await held.submit(asked("wait"), {})
            job = await held.submit(asked("answer"), {})
            folder = held._store.place(job.id)
            folder.rename(tmp_path / "elsewhere")
            folder.symlink_to(tmp_path / "elsewhere")
            await held.cancel((await held.list())[1].id)
            job = await until(held, job.id, *ENDED)
            assert job.error is not None
            assert "symbolic link" in job.error.what
            assert str(tmp_path) not in str(job.error)
            assert not (tmp_path / "elsewhere" / "result.json").exists()

    asyncio.run(run())


def test_resume_keeps_to_the_queue(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as held:
            made = [await held.submit(asked("hold"), {}) for _ in range(3)]
        async with serving(tmp_path, job_queue=1) as held:
            await held.resume(made[0].id)
            await until(held, made[0].id, RUNNING)
            await held.resume(made[1].id)
            with pytest.raises(QueueFull):
                await held.resume(made[2].id)
            assert (await held.show(made[2].id)).state == INTERRUPTED

    asyncio.run(run())


def test_old_jobs_go_with_their_folders(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path, jobs_kept=2) as held:
            made = [await ended(held, asked("answer")) for _ in range(4)]
            await asyncio.sleep(0.2)
            assert [one.id for one in await held.list()] == [made[3].id, made[2].id]
            folders = {one.name for one in (tmp_path / "runs.sqlite-jobs").iterdir() if one.is_dir()}
            assert folders == {made[2].id, made[3].id}

    asyncio.run(run())


def test_stores_of_one_folder_have_jobs_of_their_own(tmp_path: Path) -> None:
    async def run() -> None:
        held = [Jobs(Settings(store=tmp_path / name)) for name in ("a.sqlite", "a.db")]
        for one in held:
            await one.start()
        job = await ended(held[0], asked("answer"))
        assert [len(await one.list()) for one in held] == [1, 0]
        with pytest.raises(NoSuchJob):
            await held[1].show(job.id)
        for one in held:
            await one.stop()

    asyncio.run(run())


# The process


@pytest.mark.parametrize(
    ("verb", "words", "kept", "extra"),
    [
        ("estimate", ("--json",), ("--json",), {}),
        ("plan", ("--json",), ("--json",), {"checkpoint": "../parts.sqlite"}),
        ("size", ("--json",), ("--json",), {"checkpoint": "../parts.sqlite"}),
        ("plan", ("--json", "--matrix"), ("--json", "--matrix"), {}),
        ("plan", ("--fleet=8",), ("--fleet=8",), {}),
        ("simulate", ("--json",), ("--json",), {"out": "files", "export": "csv,chrome-trace,series"}),
        (
            "simulate", ("--export=parquet,csv", "--seed=1"), ("--seed=1",),
            {"out": "files", "export": "parquet,csv,chrome-trace,series"},
        ),
    ],
)  # fmt: skip
def test_what_the_server_adds(verb: str, words: tuple[str, ...], kept: tuple[str, ...], extra: dict[str, str]) -> None:
    question, added = with_places(Question(verb, words))
    assert (question.words, added) == (kept, extra)


def test_a_process_without_an_order_ends() -> None:
    done = subprocess.run(job_child.COMMAND, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=LONG_S)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
