"""A long run on the terminal: a line of progress, and Ctrl-C that ends the run in order.

Whoever runs a verb for somebody else than a terminal follows it as an :class:`Observer`.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from types import FrameType, TracebackType
from typing import ParamSpec, Protocol, TypeVar

EVERY_S = 0.2
AFTER_S = 1.0
WIDTH = 30
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Observer(Protocol):
    """Told how far a verb is."""

    def progress(self, done: int, total: int, text: str) -> None:
        """``done`` of ``total`` of what ``text`` says are finished; called often."""
        ...

    def lasting(self, file: str) -> str:
        """Under what name a file stays that a simulation wrote here."""
        ...

    def kept(self, run: str) -> None:
        """The run is in the store under this id."""
        ...


_OBSERVER: ContextVar[Observer | None] = ContextVar("observer", default=None)
_ONLY_CHECKED: ContextVar[bool] = ContextVar("only_checked", default=False)


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Let an observer follow what is run here."""
    before = _OBSERVER.set(observer)
    try:
        yield
    finally:
        _OBSERVER.reset(before)


class Begun(BaseException):
    """A verb that was only to be checked knows what it is to do."""


@contextmanager
def only_checked() -> Iterator[None]:
    """Within it a verb that knows what it is to do raises :class:`Begun`."""
    before = _ONLY_CHECKED.set(True)
    try:
        yield
    finally:
        _ONLY_CHECKED.reset(before)


def begin() -> None:
    """Tell that all flags and files are read and sound, and the work begins."""
    if _ONLY_CHECKED.get():
        raise Begun


def parts(done: int, total: int) -> None:
    """Tell who follows that parts of a search are finished."""
    observer = _OBSERVER.get()
    if observer is not None:
        observer.progress(done, total, "parts of the search")


def each(make: Callable[_P, _T], text: str, total: int = 0) -> Callable[_P, _T]:
    """The same function; who follows is told how many of its calls are behind us each time that it is called again.

    make: begins a run; text: what is counted; total: of them, 0 where that is not known
    """
    calls = count()

    def made(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        observer = _OBSERVER.get()
        if observer is not None:
            observer.progress(next(calls), total, text)
        return make(*args, **kwargs)

    return made


def lasting(file: str) -> str:
    """Under what name a file stays that was written here: whoever follows may take it elsewhere."""
    observer = _OBSERVER.get()
    return file if observer is None else observer.lasting(file)


def tell_kept(run: str | None) -> None:
    """Tell who follows under which id the run is kept, if it is."""
    observer = _OBSERVER.get()
    if observer is not None and run:
        observer.kept(run)


class Watching:
    """Show progress on stderr where that is a terminal; the first Ctrl-C stops the run, a second one the program."""

    def __init__(self, quiet: bool = False) -> None:
        """quiet: show nothing."""
        self._shown = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self._start = self._last = time.monotonic()
        self._stopped = False
        self._drawn = False
        self._runs, self._done = 1, 0
        self._before: object = None

    def __enter__(self) -> Watching:
        """Take Ctrl-C over."""
        self._before = signal.getsignal(signal.SIGINT)
        try:
            signal.signal(signal.SIGINT, self._interrupt)
        except ValueError:  # not in the main thread
            self._before = None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give Ctrl-C back and clear the line."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]
        self.clear()

    def clear(self) -> None:
        """Take the line away, before something else is written."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = False

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = True

    def progress(self, clock_s: float, done: int, count: int) -> bool:
        """Draw now and then; False once the run is to stop.

        clock_s: simulated time [s]; done, count: requests that ended, and all of the run. Runs after one another are
        numbered from the second on.
        """
        now = time.monotonic()
        self._runs += done < self._done
        self._done = done
        observer = _OBSERVER.get()
        if observer is not None:
            run = f", run {self._runs}" if self._runs > 1 else ""
            observer.progress(done, count, f"requests, {clock_s:,.0f} s simulated{run}")
        if self._shown and now - self._last > EVERY_S and now - self._start > AFTER_S:
            self._last, self._drawn = now, True
            share = done / count if count else 1.0
            bar = "#" * int(share * WIDTH)
            run = f"run {self._runs}: " if self._runs > 1 else ""
            text = f"\r[{bar:<{WIDTH}}] {run}{done:,} of {count:,} requests, {clock_s:,.0f} s simulated"
            sys.stderr.write(text + "\x1b[K")
            sys.stderr.flush()
        return not self._stopped
