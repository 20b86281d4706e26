"""What the development rows must show, where they are present."""

from __future__ import annotations

from tests import measured

from accord import api
from accord.validation.score import summarise

NAMED = ("tpot_s", "decode_token_per_s_per_chip", "prefill_token_per_s_per_chip", "ep_", "gemm_", "mla_")


def test_most_rows_are_scored_and_the_error_is_bounded() -> None:
    scored = api.validate(measured.table(), "inference.csv")
    named = [row for row in scored if row.metric.startswith(NAMED)]
    assert sum(row.skipped is None for row in named) >= 0.9 * len(named)
    complete = summarise(scored, complete_only=True)
    assert complete.macro_error_pct is not None
    assert complete.macro_error_pct <= 20.0  # 13 at the time of writing
    assert complete.coverage_90 is not None
    assert complete.coverage_90 >= 0.85
