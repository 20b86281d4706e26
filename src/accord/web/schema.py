"""Flags of a click command -> a pydantic model, and a request -> words of the command line."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from accord.web.answer import Question
from accord.web.verbs import Served

MARK = "\x00"


def model_of(verb: Served) -> type[BaseModel]:
    """The model of a verb's request."""
    raise NotImplementedError


def question_of(verb: Served, request: Mapping[str, object]) -> Question:
    """The question of a request that :func:`model_of` has checked. Raises UsageError for a text that may not be."""
    raise NotImplementedError
