"""The store of jobs: nothing accepted is lost, and a job that ended for good never changes again."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accord.base.errors import DataError, UsageError
from accord.store.job import (
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    INTERRUPTED,
    NEXT,
    QUEUED,
    RUNNING,
    Failure,
    Job,
    NoSuchJob,
    Progress,
    WrongState,
)
from accord.store.jobs import APPLICATION, FILE, JobStore, working_folder

AT = "2026-01-02T03:04:05.000+00:00"
FAULT = Failure(what="it broke", where="--isl", hint="mend it", exit_code=3)
HALF = Progress(done=1, total=2, text="parts")
A, B = "0123456789abcdef" * 2, "f" * 32
ACTIONS: dict[str, Callable[[JobStore, str], Job]] = {
    RUNNING: lambda store, id: store.start(id, at=AT),
    DONE: lambda store, id: store.finish(id, at=AT, exit_code=1, run=B, progress=HALF),
    FAILED: lambda store, id: store.fail(id, FAULT, at=AT, progress=HALF),
    CANCELLED: lambda store, id: store.cancel(id, at=AT),
    INTERRUPTED: lambda store, id: store.interrupt(id, at=AT, progress=HALF),
    QUEUED: lambda store, id: store.resume(id),
}
WAYS = {
    QUEUED: (),
    RUNNING: (RUNNING,),
    DONE: (RUNNING, DONE),
    FAILED: (RUNNING, FAILED),
    CANCELLED: (CANCELLED,),
    INTERRUPTED: (INTERRUPTED,),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    with JobStore(tmp_path / "deep" / "jobs") as store:
        yield store


def in_state(store: JobStore, state: str) -> str:
    id = store.add("plan", {"model": "m", "chips": [1, 2]}, created=AT).id
    for step in WAYS[state]:
        ACTIONS[step](store, id)
    return id


def test_a_job_comes_back_as_it_was(store: JobStore) -> None:
    job = store.add("plan", {"model": "ä 名", "chips": [1, 2]}, created=AT)
    assert job == store.show(job.id)
    assert (job.state, job.request, job.progress) == (QUEUED, {"model": "ä 名", "chips": [1, 2]}, Progress())
    assert len(job.id) == 32
    store.start(job.id, at=AT)
    store.keep_progress(job.id, HALF)
    assert store.show(job.id).progress == HALF
    done = store.finish(job.id, at=AT, exit_code=1, run=B, progress=HALF)
    assert done == store.show(job.id)
    assert (done.state, done.exit_code, done.run, done.ended) == (DONE, 1, B, AT)


def test_a_failure_keeps_its_parts(store: JobStore) -> None:
    id = in_state(store, FAILED)
    assert store.show(id).error == FAULT


@pytest.mark.parametrize("state", NEXT)
@pytest.mark.parametrize("wanted", NEXT)
def test_only_what_may_follow_does(store: JobStore, state: str, wanted: str) -> None:
    id = in_state(store, state)
    before = store.show(id)
    if wanted in NEXT[state]:
        assert ACTIONS[wanted](store, id).state == wanted == store.show(id).state
        return
    with pytest.raises(WrongState, match=state):
        ACTIONS[wanted](store, id)
    assert store.show(id) == before


@pytest.mark.parametrize("state", NEXT)
def test_only_what_ended_is_deleted_and_its_folder_with_it(store: JobStore, state: str) -> None:
    id = in_state(store, state)
    (store.place(id) / "files").mkdir(parents=True)
    if state in ENDED:
        store.delete(id)
        assert not store.place(id).exists()
        with pytest.raises(NoSuchJob):
            store.show(id)
    else:
        with pytest.raises(WrongState, match=state):
            store.delete(id)
        assert store.place(id).exists()


def test_progress_is_of_a_running_job_alone(store: JobStore) -> None:
    id = in_state(store, CANCELLED)
    store.keep_progress(id, HALF)
    assert store.show(id).progress == Progress()


def test_what_was_left_is_interrupted_and_resumed(tmp_path: Path) -> None:
    with JobStore(tmp_path) as store:
        ids = {state: in_state(store, state) for state in NEXT}
    with JobStore(tmp_path) as store:
        assert store.interrupt_all(at=AT) == (ids[QUEUED], ids[RUNNING])
        assert [store.show(ids[state]).state for state in (DONE, FAILED, CANCELLED)] == [DONE, FAILED, CANCELLED]
        again = store.resume(ids[RUNNING])
        assert (again.state, again.resumes, again.started, again.ended) == (QUEUED, 1, None, None)
        assert store.interrupt_all(at=AT) == (ids[RUNNING],)
        assert store.resume(ids[RUNNING]).resumes == 2


class Model(RuleBasedStateMachine):
    """Jobs in a dictionary beside jobs in the store, which is closed and opened in between."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.store = JobStore(self.folder)
        self.states: dict[str, str] = {}

    @rule()
    def add(self) -> None:
        self.states[self.store.add("plan", {}, created=AT).id] = QUEUED

    @rule(data=st.data(), wanted=st.sampled_from(sorted(NEXT)))
    def move(self, data: st.DataObject, wanted: str) -> None:
        if not self.states:
            return
        id = data.draw(st.sampled_from(sorted(self.states)))
        try:
            ACTIONS[wanted](self.store, id)
        except WrongState:
            assert wanted not in NEXT[self.states[id]]
        else:
            assert NEXT[self.states[id]]
            self.states[id] = wanted

    @rule(interrupt=st.booleans())
    def reopen(self, interrupt: bool) -> None:
        self.store.close()
        self.store = JobStore(self.folder)
        if interrupt:
            self.store.interrupt_all(at=AT)
            self.states = {
                id: INTERRUPTED if state in (QUEUED, RUNNING) else state for id, state in self.states.items()
            }

    @rule(kept=st.integers(0, 3))
    def expire(self, kept: int) -> None:
        ended = {id for id, state in self.states.items() if state in ENDED}
        gone = self.store.expire(kept)
        assert set(gone) <= ended
        assert len(ended) - len(gone) == min(kept, len(ended))
        for id in gone:
            del self.states[id]

    @invariant()
    def the_same(self) -> None:
        assert {job.id: job.state for job in self.store.list()} == self.states

    def teardown(self) -> None:
        self.store.close()


def test_any_order_of_steps_keeps_every_job(tmp_path: Path) -> None:
    Model.folder = tmp_path / "jobs"
    run_state_machine_as_test(Model, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))


def test_the_list_is_newest_first_and_bounded(store: JobStore) -> None:
    ids = [in_state(store, QUEUED) for _ in range(3)]
    store.start(ids[1], at=AT)
    assert [job.id for job in store.list()] == ids[::-1]
    assert [job.id for job in store.list(limit=1)] == ids[2:]
    assert [job.id for job in store.list(state=RUNNING)] == [ids[1]]


def test_the_newest_that_ended_are_kept_and_others_go_with_their_folders(store: JobStore) -> None:
    ids = []
    for number in range(4):
        id = in_state(store, RUNNING)
        store.place(id).mkdir()
        store.finish(id, at=f"2026-01-0{number + 1}T00:00:00+00:00", exit_code=0, run=None, progress=HALF)
        ids.append(id)
    running = in_state(store, RUNNING)
    assert set(store.expire(2)) == set(ids[:2])
    assert [store.place(id).exists() for id in ids] == [False, False, True, True]
    assert store.show(running).state == RUNNING
    assert store.expire(2) == ()


def test_folders_of_no_job_are_swept(store: JobStore) -> None:
    id = in_state(store, QUEUED)
    store.place(id).mkdir()
    store.place(B).mkdir()
    (store.folder / "other").mkdir()
    (working_folder(store.folder) / "brought.csv").write_text("a prompt")
    work = working_folder(store.folder)
    assert stat.S_IMODE(work.stat().st_mode) == 0o700
    (store.folder / "work-link").symlink_to(store.folder / "other")
    assert B in store.sweep()
    assert {one.name for one in store.folder.iterdir() if one.is_dir()} == {id, "other"}
    assert not os.path.lexists(store.folder / "work-link")
    assert store.place(id).is_dir()
    assert (store.folder / "other").is_dir()


@pytest.mark.parametrize("id", ["", "..", "../runs", "A" * 32, "0" * 31, "0" * 33, "0" * 31 + "\n", "0" * 32 + "\n"])
def test_what_is_no_id_reaches_nothing(store: JobStore, id: str) -> None:
    for ask in (store.show, store.delete, store.place, store.resume):
        with pytest.raises(NoSuchJob, match="no id of a job"):
            ask(id)


def test_an_id_is_used_once(store: JobStore) -> None:
    store.add("plan", {}, created=AT, id=A)
    with pytest.raises(UsageError, match="already"):
        store.add("plan", {}, created=AT, id=A)
    assert len(store.list()) == 1


def test_one_process_at_a_time_holds_the_folder(store: JobStore) -> None:
    with pytest.raises(UsageError, match="another server works on these jobs"):
        JobStore(store.folder)


def test_links_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    link = tmp_path / "jobs"
    link.symlink_to(other)
    with pytest.raises(DataError, match="symbolic link"):
        JobStore(link)
    link.unlink()
    link.mkdir()
    (link / FILE).symlink_to(other / "x")
    with pytest.raises(DataError, match="symbolic link"):
        JobStore(link)
    assert list(other.iterdir()) == []
    (link / FILE).unlink()
    with JobStore(link) as store:
        id = in_state(store, DONE)
        (other / "kept").write_text("x")
        (link / id).symlink_to(other)
        with pytest.raises(DataError, match="symbolic link"):
            store.place(id)
        store.delete(id)
        assert (other / "kept").read_text() == "x"
        assert not (link / id).is_symlink()


def test_another_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE other (x)")
    before = path.read_bytes()
    with pytest.raises(DataError, match="holds no jobs of Accord"):
        JobStore(tmp_path)
    assert path.read_bytes() == before


def test_a_newer_form_is_refused(tmp_path: Path) -> None:
    JobStore(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(DataError, match="newer Accord") as raised:
        JobStore(tmp_path)
    assert raised.value.hint


@pytest.mark.parametrize("content", [b"not a database at all", os.urandom(9000)])
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(DataError, match="damaged") as raised:
        JobStore(tmp_path)
    assert raised.value.hint
    assert "move the file away" in raised.value.hint
    assert (tmp_path / FILE).read_bytes() == content


def test_a_row_that_was_changed_by_hand_is_told(store: JobStore) -> None:
    id = in_state(store, QUEUED)
    with closing(sqlite3.connect(store.path)) as database:
        database.execute("UPDATE jobs SET state = 'odd'")
        database.commit()
    with pytest.raises(DataError, match="no state 'odd'"):
        store.show(id)


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    words = (
        "import os, sys\nfrom pathlib import Path\nfrom accord.store.jobs import JobStore\n"
        f"store = JobStore(Path({str(tmp_path)!r}))\n"
        f"id = store.add('plan', {{}}, created={AT!r}).id\n"
        f"store.start(id, at={AT!r})\nprint(id, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False)
    id = done.stdout.strip()
    assert done.returncode == -9
    with JobStore(tmp_path) as store:
        assert store.show(id).state == RUNNING
        assert store.interrupt_all(at=AT) == (id,)
