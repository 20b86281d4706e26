"""How many instances of each pool make both equally fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accord.api.pools import Built
from accord.base.errors import UsageError

MEMORY_SLACK = 0.9  # of the cache that answers in progress may fill, so that few are preempted


def matched(built: Sequence[Built], lengths: tuple[float, float], chips: int | None) -> tuple[Built, ...]:
    """The same two pools with as many instances of each on ``chips`` as serve most requests together.

    lengths: mean prompt and answer [token]
    Raises UsageError for other than two pools, no number of chips, or too few of them for one instance of each.
    """
    if [one.pool.role for one in built] != ["prefill", "decode"]:
        raise UsageError(
            "rates are matched between two pools", where="--match-rates", hint="give --prefill and --decode"
        )
    if chips is None:
        raise UsageError("rates are matched on a number of chips", where="--match-rates", hint="give --chips")
    prefill, decode = built
    each = prefill_rate(prefill, lengths), decode_rate(decode, lengths)
    best, found = 0.0, (0, 0)
    for count in range(1, int(chips // prefill.pool.chips) + 1):
        rest = int((chips - count * prefill.pool.chips) // decode.pool.chips)
        rate = min(count * each[0], rest * each[1])
        if rate > best:
            best, found = rate, (count, rest)
    if not best:
        raise UsageError(
            f"one prefill instance and one decode instance have {prefill.pool.chips:g} and {decode.pool.chips:g} "
            f"chips, more than the {chips} given",
            where="--chips", hint=f"give {prefill.pool.chips + decode.pool.chips:g} or more",
        )  # fmt: skip
    return tuple(replace(one, pool=replace(one.pool, instances=count)) for one, count in zip(built, found, strict=True))


def prefill_rate(built: Built, lengths: tuple[float, float]) -> float:
    """Requests a second whose prompts an instance computes in full steps."""
    pool, prompt = built.pool, lengths[0]
    prompts = max(pool.token_budget / prompt, 1.0)
    tokens = min(pool.token_budget, prompts * prompt)
    seconds = pool.timer.mixed(int(tokens), tokens * prompt / 2.0, max(int(prompts), 1), 0, 0.0)
    return tokens / prompt / seconds * pool.groups


def decode_rate(built: Built, lengths: tuple[float, float]) -> float:
    """Requests a second that an instance answers with as many at once as its cache and the engine allow."""
    pool, (prompt, answer) = built.pool, lengths
    context = prompt + answer / 2.0
    batch = max(int(min(pool.max_seqs, pool.token_budget // (1 + pool.mtp_tokens),
                        MEMORY_SLACK * pool.kv_tokens / (prompt + answer))), 1)  # fmt: skip
    seconds = pool.timer.line(batch, batch * context)[0]
    tokens = sum(pool.accept**draft for draft in range(pool.mtp_tokens + 1))
    return batch * tokens / (answer * seconds) * pool.groups
