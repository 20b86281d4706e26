"""What a worker may touch: the package's own files to read, its folder and the store; no network and no process.

Python tells of every file it opens (PEP 578), so the bound holds for whatever a request, or a file that it brings,
makes a verb do. It bounds mistakes of Accord's own code, and is no sandbox for foreign code; none is ever run.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from errno import EACCES
from pathlib import Path
from urllib.parse import unquote

_SYSTEM = (
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/self/status", "/proc/self/statm", "/proc/self/stat",
    "/sys/fs/cgroup", "/sys/devices/system/cpu", "/dev/null", "/dev/urandom", "/etc/localtime", "/usr/share/zoneinfo",
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
)  # fmt: skip
_CHANGES = frozenset({
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "os.utime", "shutil.copyfile", "shutil.move", "shutil.rmtree", "sqlite3.connect",
})  # fmt: skip
_NEVER = frozenset({
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn",
    "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen",
})  # fmt: skip
_TWO = frozenset({"os.link", "os.rename", "os.symlink", "shutil.copyfile", "shutil.move"})
_OPEN = ("/dev/null", ":memory:")
MOST_REFUSED = 1000


class Guard:
    """The bound; once installed it holds until the process ends."""

    def __init__(self, folder: Path, *files: Path) -> None:
        """What this process may read and write: whatever is in a folder, and single files, which may not be links."""
        self._own = (os.path.realpath(folder), *(os.path.join(os.path.realpath(one.parent), one.name) for one in files))
        self._read = (*self._own, *_libraries())
        self.refused: list[str] = []  # places that were asked for in vain, for tests and logs

    def install(self) -> None:
        """Bound this process from now on, and go into its folder.

        Names that a system call takes relative to an open folder, as when a tree is removed, are told without it.
        """
        sys.dont_write_bytecode = True
        os.chdir(self._own[0])
        sys.addaudithook(self.seen)

    def seen(self, event: str, args: tuple[object, ...]) -> None:
        """Let an event pass, or raise PermissionError."""
        if event == "open":
            self._check(args[0], self._own if _writes(*args[1:3]) else self._read)
        elif event in _CHANGES:
            for place in args[: 2 if event in _TWO else 1]:
                self._check(place, self._own, event)
        elif event in _NEVER:
            raise PermissionError(EACCES, "Permission denied", event)

    def _check(self, place: object, allowed: tuple[str, ...], event: str = "") -> None:
        if not isinstance(place, str | bytes | os.PathLike):
            return  # a descriptor that is open already
        text = str(os.fsdecode(place))
        if event == "sqlite3.connect" and text.startswith("file:"):
            text = unquote(text.removeprefix("file:").partition("?")[0])
        found = os.path.realpath(text)
        if text in _OPEN or any(found == one or found.startswith(one + os.sep) for one in allowed):
            return
        if len(self.refused) < MOST_REFUSED:
            self.refused.append(text)
        raise PermissionError(EACCES, "Permission denied", os.path.basename(text))


def _writes(mode: object, flags: object) -> bool:
    """Whether an event ``open`` is to write."""
    if isinstance(mode, str) and set(mode) & set("wax+"):
        return True
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


def _libraries() -> tuple[str, ...]:
    """Folders of the interpreter, of what is installed, and of this package."""
    paths = sysconfig.get_paths()
    found: list[str] = [
        sys.prefix,
        sys.base_prefix,
        *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    ]
    package = Path(__file__).resolve().parents[1]
    return tuple(dict.fromkeys(os.path.realpath(place) for place in (*found, str(package), *_SYSTEM)))
