"""On a Ray cluster: one that is there, or one of this machine that is started for the sweep and ended with it.

Ray's own retries are off. A task whose worker or node is gone is handed in again from here, so that it can be counted
and named. A cluster started here listens on the loopback interface only, has no dashboard and reports to nobody; its
files lie in a folder of their own that goes with it.
"""

from __future__ import annotations

import os
import pickle
import secrets
import shutil
import socket
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
import ray.exceptions

from accord._version import VERSION
from accord.base.errors import AccordError, UsageError, WorkerLost
from accord.planner.executor import Done, Losses, Outcome, Place, Work, failed, outcome, processors

OBJECTS_BYTES = 256 * 2**20  # store of a cluster started here; what exceeds it goes to its folder
AHEAD = 2  # tasks handed in for each processor, so that none waits for us
REACH_S = 5.0  # that an address has to answer
SOCKET_PATH = 24  # characters of a folder that leave room for the names of Ray's sockets
TOKEN = Path.home() / ".ray" / "auth_token"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LOCAL_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_NODE_GONE = (ray.exceptions.NodeDiedError, ray.exceptions.ObjectLostError)
_WORKER_GONE = (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError)


class RayExecutor:
    """Works tasks off as Ray tasks of one processor each.

    address: HOST:PORT of a cluster, ``auto`` for the one that Ray finds, None to start one here
    workers: processors of a cluster started here; of another one, tasks handed in at once (None: all it has)
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        self.workers, self.address = workers, address

    def run(self, work: Work, tasks: Mapping[int, bytes], done: Done) -> None:
        """See :class:`accord.planner.executor.Executor`."""
        if not tasks:
            return
        packed = pickle.dumps(work)
        with _cluster(self.workers, self.address) as here:
            _Sweep(packed, tasks, done, None if here else self.workers).run()


def make(place: Place) -> RayExecutor:
    """An executor for a cluster at the place's address. Raises UsageError for an address that is none."""
    if place.address is not None and place.address != "auto":
        _parts(place.address)
    return RayExecutor(place.workers, place.address)


class _Sweep:
    """Tasks that wait, those that are handed in, and who lost what."""

    def __init__(self, work: bytes, tasks: Mapping[int, bytes], done: Done, most: int | None) -> None:
        self._work, self._tasks, self._done, self._most = work, tasks, done, most
        self._waiting = deque(sorted(tasks))
        self._given: dict[Any, int] = {}
        self._losses = Losses()
        self._answer = ray.remote(num_cpus=1, max_retries=0)(_answer)

    def run(self) -> None:
        most = answers = 0
        try:
            while self._waiting or self._given:
                if answers >= most:  # nodes come and go
                    most, answers = self._most or AHEAD * _processors(), 0
                while self._waiting and len(self._given) < most:
                    number = self._waiting.popleft()
                    self._given[self._answer.remote(VERSION, self._work, self._tasks[number])] = number
                ready, _ = ray.wait(list(self._given), num_returns=1)
                for reference in ready:
                    self._take(reference, self._given.pop(reference))
                    answers += 1
        finally:
            for reference in self._given:  # nobody waits for these any more
                with suppress(Exception):
                    ray.cancel(reference, force=True)

    def _take(self, reference: Any, number: int) -> None:
        try:
            found: Outcome = ray.get(reference)
        except _WORKER_GONE as error:
            self._losses.add(number, type(error).__name__)
            self._waiting.appendleft(number)
        except _NODE_GONE:
            self._waiting.appendleft(number)
        except ray.exceptions.RayError as error:
            hint = "every node needs the same Accord, and what it needs, as this machine"
            raise WorkerLost(f"Ray cannot run task {number}: {_first(error)}", hint=hint) from error
        else:
            self._done(number, found.value())


def _answer(version: str, packed: bytes, task: bytes) -> Outcome:
    """Do one task in a worker. Numerical libraries compute in as many threads as the task has processors: one."""
    if version != VERSION:
        what = f"the cluster has Accord {VERSION}, and the caller {version}"
        return failed(UsageError(what, hint="install the same version on every node"))
    try:
        work: Work = pickle.loads(packed)
    except Exception as error:
        return failed(error)
    return outcome(work, task)


def _processors() -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _first(error: BaseException) -> str:
    """First line of an error that may have a hundred."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


# The cluster


@contextmanager
def _cluster(workers: int | None, address: str | None) -> Iterator[bool]:
    """Be connected to a cluster; what was started for it ends with it. Gives whether it is one that was started."""
    if ray.is_initialized():
        there = ray.get_runtime_context().gcs_address
        if address not in (None, "auto", there):
            raise UsageError(f"this process is connected to a Ray cluster at {there}, not {address}")
        yield False
        return
    with ExitStack() as stack:
        stack.enter_context(_silence())
        if address is None:
            _start(workers, stack)
        else:
            _attach(address, stack)
        yield address is None


def _start(workers: int | None, stack: ExitStack) -> None:
    """Start a cluster of one node that only this machine can reach."""
    base = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="accord-ray-", dir=base if len(base) <= SOCKET_PATH else "/tmp")
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    stack.enter_context(_loopback())
    stack.callback(ray.shutdown)
    if not (TOKEN.exists() or any(name.startswith("RAY_AUTH_") for name in os.environ)):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # else Ray would leave one in the home folder
    _init(
        "local",
        num_cpus=workers or processors(),
        object_store_memory=OBJECTS_BYTES,
        include_dashboard=False,
        _node_ip_address=LOOPBACK[0],
        _temp_dir=folder,
    )
    found = {str(node["NodeManagerAddress"]) for node in ray.nodes()}
    if found != {LOOPBACK[0]}:
        hint = "start a cluster yourself and give its address"
        raise UsageError(f"this version of Ray ({ray.__version__}) does not stay on this machine", hint=hint)


def _attach(address: str, stack: ExitStack) -> None:
    """Connect to a cluster, whose nodes stay as they are. Ray takes minutes to say that nobody answers; we do not."""
    if address != "auto":
        host, port = _parts(address)
        if host in LOOPBACK and not _reachable(ray.util.get_node_ip_address(), port):
            stack.enter_context(_loopback())  # else Ray would put this machine's name on the network in its place
        if not _reachable(host, port):
            hint = "give the HOST:PORT that 'ray start --head' printed"
            raise UsageError(f"no Ray cluster answers at {address}", hint=hint)
    stack.callback(ray.shutdown)
    _init(address)


def _init(address: str, **words: Any) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **words)
    except (AccordError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:
        hint = "it must be running the same versions of Ray and Python as this machine"
        raise UsageError(f"the Ray cluster ({address}) cannot be used: {_first(error)}", hint=hint) from None


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        hint = "give HOST:PORT as 'ray start --head' prints it, or 'auto'"
        raise UsageError(f"'{address}' is no address of a Ray cluster", hint=hint)
    return host.strip("[]"), int(port)


def _reachable(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=REACH_S).close()
    except OSError:
        return False
    return True


@contextmanager
def _loopback() -> Iterator[None]:
    """Keep Ray from replacing the loopback address by this machine's own; a variable says so to what it starts."""
    before = {name: os.environ.get(name) for name in _LOCAL_ENVIRONMENT}
    os.environ.update(_LOCAL_ENVIRONMENT)
    try:
        with _changed("ray_constants", "ENABLE_RAY_CLUSTER", False):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Ray from printing on standard output which workers died; what matters of it is raised from here."""
    with _changed("worker", "print_to_stdstream", lambda *words, **more: None):
        yield


@contextmanager
def _changed(module: str, name: str, value: object) -> Iterator[None]:
    """Another value for a setting of Ray's that has no other handle; nothing where a version does without it."""
    owner = getattr(ray._private, module, None)
    if not hasattr(owner, name):
        yield
        return
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
