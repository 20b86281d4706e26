"""What a server is told: where it listens, where it keeps, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
JOB_FOLDER = "-jobs"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a server is told, with the limits it keeps.

    store: file of the run store; what a server keeps lies beside it, in :attr:`job_folder`
    host, port: where it listens; name: that the host was given by, where that was no address
    allowed_hosts: names besides them that ``Host`` may say, without a port
    token: what a bearer must show, None where none is asked for; behind_proxy: somebody else does TLS
    cert, key: files of the server's TLS
    max_body_bytes, max_upload_bytes: of a request; of one file once it is unpacked
    quick_*: quick questions: seconds one may take, processes that answer, how many wait, answers kept [bytes]
    job_*: jobs: how many run at once, wait, are kept, are followed; CPU seconds, time [s] and memory one may take
    worker_memory_bytes: what a quick worker may allocate; worker_tasks: questions before it is replaced
    """

    store: Path
    host: str = "127.0.0.1"
    port: int = 8321
    name: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    token: bytes | None = None
    behind_proxy: bool = False
    cert: Path | None = None
    key: Path | None = None
    open_browser: bool = False
    max_body_bytes: int = 90 * MIB
    max_upload_bytes: int = 64 * MIB
    quick_deadline_s: float = 30.0
    quick_workers: int = 2
    quick_queue: int = 64
    quick_cache_bytes: int = 32 * MIB
    job_workers: int = 1
    job_queue: int = 32
    jobs_kept: int = 200
    job_cpu_s: float = 6 * 3600.0
    job_deadline_s: float = 6 * 3600.0
    job_memory_bytes: int = 8192 * MIB
    job_streams: int = 64
    worker_memory_bytes: int = 1024 * MIB
    worker_tasks: int = 2000

    @property
    def job_folder(self) -> Path:
        """Where jobs, their files and those of workers lie: a folder named by the store, for no other store."""
        return self.store.with_name(self.store.name + JOB_FOLDER)
