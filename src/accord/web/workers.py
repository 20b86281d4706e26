"""The pool for quick questions: a deadline, a bounded queue, a bound on memory."""

from __future__ import annotations

from accord.web.answer import Question, Reply
from accord.web.settings import Settings


class Workers:
    """Processes that answer quick questions."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet."""
        self._settings = settings

    def start(self) -> None:
        """Start the processes."""

    def stop(self) -> None:
        """End them, and whatever they are at."""

    async def ask(self, question: Question) -> Reply:
        """Answer a question: 408 past the deadline, 429 where too many wait, 503 where a worker died; never raises."""
        raise NotImplementedError
