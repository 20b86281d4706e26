"""A real ``accord web`` on the loopback address: started, asked, killed or ended, and looked at."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

START_S = 60.0
END_S = 20.0
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Server:
    """A process ``accord web --no-browser`` with a store and a log of its own.

    home: folder of the store; a server that is started on the same folder again takes up what is there
    url: base address, such as ``http://127.0.0.1:40123``; pid: of the server
    """

    def __init__(self, home: Path, words: Sequence[str] = ()) -> None:
        """Start it and wait until it answers; RuntimeError with its log where it does not."""
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self._log = home / f"server-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "accord", "web", "--port", "0", "--no-browser", *words]
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=kept | {"ACCORD_HOME": str(home), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
                start_new_session=True,
            )
        self.pid = self._process.pid
        try:
            self.url = self._address()
        except BaseException:
            self.kill()
            raise

    def log(self) -> str:
        """What it has written so far, on both streams."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def client(self, timeout_s: float = 60.0) -> httpx.Client:
        """A client of its API, with addresses below ``/api/v1``."""
        return httpx.Client(base_url=f"{self.url}/api/v1", timeout=timeout_s, trust_env=False)

    def processes(self) -> list[int]:
        """Process ids that are alive of the server and of whatever it started, wherever they went (Linux)."""
        return [pid for pid, _ in self._alive()]

    def resident_bytes(self) -> tuple[int, int]:
        """Memory that is resident [bytes], of all its processes and of the server's own (Linux).

        What processes share is counted in each.
        """
        return sum(_resident_bytes(pid) for pid in self.processes()), _resident_bytes(self.pid)

    def _alive(self) -> list[tuple[int, int]]:
        return [(pid, group) for pid, group, state in _marked(f"ACCORD_HOME={self.home}") if state != "Z"]

    def end(self) -> None:
        """Ask it to end; AssertionError unless it does so in order, leaving no process behind."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {END_S:g} s of SIGTERM\n{self.log()[-4000:]}") from None
        left = self.left()
        self.kill()
        assert code == 0, f"ended with {code}\n{self.log()[-4000:]}"
        assert "Traceback" not in self.log(), self.log()[-4000:]
        assert not left, f"processes {left} outlived the server"

    def strike(self) -> None:
        """Kill the server alone, in the midst of what it is at."""
        self._process.kill()
        self._process.wait(END_S)

    def left(self, wait_s: float = 5.0) -> list[int]:
        """Processes that are still there after a while."""
        until = time.monotonic() + wait_s
        while (left := self.processes()) and time.monotonic() < until:
            time.sleep(0.05)
        return left

    def kill(self) -> None:
        """Kill it and whatever it started."""
        self.strike()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _address(self) -> str:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            found = ADDRESS.search(self.log())
            if found:
                url = f"http://127.0.0.1:{found.group(1)}"
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"{url}/api/v1/health", trust_env=False, timeout=5.0).status_code == 200:
                        return url
            if self._process.poll() is not None:
                raise RuntimeError(f"accord web ended with {self._process.returncode}\n{self.log()[-4000:]}")
            time.sleep(0.05)
        raise RuntimeError(f"accord web did not answer within {START_S:g} s\n{self.log()[-4000:]}")


@contextlib.contextmanager
def running(home: Path, words: Sequence[str] = ()) -> Iterator[Server]:
    """A server for a block; afterwards it must end in order, or be dead where the block killed it."""
    server = Server(home, words)
    try:
        yield server
    except BaseException:
        server.kill()
        raise
    server.end()


def _marked(mark: str) -> Iterator[tuple[int, int, str]]:
    """Process id, group and state of every process that has a line of its environment (Linux)."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                yield int(entry.name), int(group), state


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
