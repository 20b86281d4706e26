"""ShareGPT's conversations: a JSON list of texts in turn, of which only lengths are used.

A token is a stated number of characters. Each answer makes a request, with all before it as its prompt; so prompts of
a conversation begin alike, and blocks of 16 tokens are numbered accordingly
(anon8231489123/ShareGPT_Vicuna_unfiltered and files of the same form).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from accord.base.errors import UsageError
from accord.workloads.columns import Columns, Options
from accord.workloads.documents import decode, placed, whole_text
from accord.workloads.json_lines import read_slowly
from accord.workloads.numbers import LONGEST, length_fault
from accord.workloads.request import NONE
from accord.workloads.tally import Tally

BLOCK_TOKENS = 16
ANSWERS = ("gpt", "chatgpt", "assistant", "bing", "bard")


class Turn(msgspec.Struct):
    """One text."""

    value: str
    speaker: str = msgspec.field(name="from")


class Conversation(msgspec.Struct):
    """Texts in turn; other keys are passed over."""

    conversations: list[Turn]


def read(lines: Iterable[str], tally: Tally, options: Options) -> Columns:
    """Columns of a file; the line of a message is where the conversation begins.

    With ``options.chain`` an answer's request follows the one before it; with ``options.first_turn`` only the first
    answer of a conversation counts. Raises UsageError for a ratio that is no ratio.
    """
    if not 0.0 < options.chars_per_token < math.inf:
        raise UsageError(f"{options.chars_per_token} characters a token", hint="4 is usual for English")
    text = whole_text(lines)
    hint = 'a list of {"conversations": [{"from": "human", "value": "..."}, ...]}'
    entries = decode(text, list[msgspec.Raw], tally, "is no list of conversations", hint)
    out = Columns(block_tokens=BLOCK_TOKENS, timed=False)
    without, first_block = 0, 0
    for line, raw in placed(text, entries):
        tally.lines += 1
        found = _conversation(raw)
        if isinstance(found, tuple):
            tally.bad(line, *found, hint=hint)
            continue
        before = len(out.prompt)
        first_block += _requests(found, line, out, tally, options, first_block)
        without += len(out.prompt) == before
    if without:
        tally.notes.append(f"conversations without a question and an answer, left out: {without}")
    tally.notes.append(f"lengths are characters over {options.chars_per_token:g}")
    return out


def _conversation(raw: bytes) -> Conversation | tuple[str, str]:
    try:
        return msgspec.json.decode(raw, type=Conversation)
    except (msgspec.DecodeError, RecursionError):
        return read_slowly(raw, Conversation)


def _requests(found: Conversation, line: int, out: Columns, tally: Tally, options: Options, first_block: int) -> int:
    """Append a conversation's requests; returns how many blocks it has."""
    chars, blocks, last = 0, 0, NONE
    for turn in found.conversations:
        size = len(turn.value)
        if turn.speaker.lower() in ANSWERS and chars:
            prompt, answer = (math.ceil(count / options.chars_per_token) for count in (chars, size))
            fault = length_fault(answer) or length_fault(min(prompt, LONGEST + 1))
            if fault:
                tally.bad(line, f"a length {fault}", f"{prompt} and {answer} tokens")
                break
            blocks = prompt // BLOCK_TOKENS
            out.blocks.append(range(first_block, first_block + blocks))
            if options.chain:
                out.parent.append(last)
            last = len(out.prompt)
            out.prompt.append(prompt)
            out.answer.append(answer)
            if options.first_turn:
                break
        chars += size
    return blocks
