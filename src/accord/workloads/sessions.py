"""Sessions of several turns, whose prompts carry everything said before.

A turn's prompt is the system prompt, all earlier questions and answers, and its own question. The text only grows, so
block ``k`` of a session is the same in every turn that fills it, and blocks of the system prompt are those of all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.base.streams import stream
from accord.workloads.lengths import Law
from accord.workloads.request import NONE, Ints

ONE_TURN = Law("constant", mean=1.0)
_NO_TIME = Law("constant", mean=1.0, most=0.0)


@dataclass(frozen=True, slots=True)
class Sessions:
    """How people come back.

    turns: requests of a session; think: seconds from an answer's end to the next question
    later: tokens of a question after the first one; None where it is as long as the first
    """

    turns: Law = ONE_TURN
    think: Law = _NO_TIME
    later: Law | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Turns of all sessions one after another, shape ``(N,)``; those of session ``i`` begin at ``first[i]``."""

    prompt: Ints
    answer: Ints
    follows: Ints
    wait_s: Array
    first: Ints


@dataclass(frozen=True, slots=True)
class Talk:
    """What a session is made of.

    question, answer: tokens; system_tokens: common to all; image_tokens: added to each question
    most_tokens: prompt and answer of a request; a session ends before the turn that would exceed it, and a first
        question is cut to fit
    """

    question: Law
    answer: Law
    sessions: Sessions
    system_tokens: int = 0
    image_tokens: int = 0
    most_tokens: float = math.inf

    def __post_init__(self) -> None:
        """Refuse what leaves no room for a question and an answer."""
        fixed = self.system_tokens + self.image_tokens
        if self.system_tokens < 0 or self.image_tokens < 0 or fixed + 2 > self.most_tokens:
            raise UsageError(
                f"{self.system_tokens} system and {self.image_tokens} image tokens of at most {self.most_tokens:g}",
                hint="leave room for a question and an answer",
            )


def turns_of(talk: Talk, seed: int, name: str, count: int, paired: tuple[Ints, Ints] | None = None) -> Turns:
    """Turns of ``count`` sessions; more sessions begin with the same ones.

    paired: questions and answers that belong together, drawn as pairs in place of both laws
    """
    sizes = talk.sessions.turns.whole(stream(seed, f"{name}/turns"), count)
    total = int(sizes.sum())
    session = np.repeat(np.arange(count), sizes)
    place = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    if paired is not None:
        row = stream(seed, f"{name}/pair").integers(len(paired[0]), size=total)
        question, answer = paired[0][row], paired[1][row]
    else:
        question = talk.question.whole(stream(seed, f"{name}/question"), total)
        answer = talk.answer.whole(stream(seed, f"{name}/answer"), total)
    if talk.sessions.later is not None:
        later = talk.sessions.later.whole(stream(seed, f"{name}/later"), total)
        question = np.where(place == 0, question, later)
    question = question + talk.image_tokens
    if math.isfinite(talk.most_tokens):
        answer = np.minimum(answer, int(talk.most_tokens) - talk.system_tokens - talk.image_tokens - 1)
        question = np.minimum(question, int(talk.most_tokens) - talk.system_tokens - answer)
    said = np.cumsum(question + answer)
    before = said - question - answer
    before -= np.repeat(before[np.cumsum(sizes) - sizes], sizes)
    prompt = talk.system_tokens + before + question
    think_s = talk.sessions.think.sample(stream(seed, f"{name}/think"), total)
    kept = prompt + answer <= talk.most_tokens
    left = np.bincount(session, weights=kept, minlength=count).astype(np.int64)
    first = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(left)])
    begins = place[kept] == 0
    return Turns(
        prompt=prompt[kept],
        answer=answer[kept],
        follows=np.where(begins, NONE, np.arange(len(begins)) - 1),
        wait_s=np.where(begins, 0.0, think_s[kept]),
        first=first,
    )


def blocks_of(turns: Turns, system_tokens: int, block_tokens: int) -> tuple[Ints, Ints]:
    """Ids of the full blocks of every prompt, flat, and where each prompt's begin, shape ``(N + 1,)``.

    Ids below the number of full blocks of the system prompt are common to all; each session has a range of its own.
    """
    common = system_tokens // block_tokens
    blocks = turns.prompt // block_tokens
    own = np.maximum(np.maximum.reduceat(blocks, turns.first[:-1]) - common, 0) if len(blocks) else blocks
    base = common + np.cumsum(own) - own
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(blocks)])
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], blocks)
    return np.where(
        place < common, place, place - common + np.repeat(np.repeat(base, np.diff(turns.first)), blocks)
    ), starts


def first_sessions(turns: Turns, count: int) -> Turns:
    """The turns of the first ``count`` sessions."""
    end = turns.first[count]
    return Turns(
        turns.prompt[:end], turns.answer[:end], turns.follows[:end], turns.wait_s[:end], turns.first[: count + 1]
    )
