"""The page on accuracy, from rows made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report.scores import scored, skipped

from accord.report.accuracy import COMMAND, NO_MODEL, NOT_RUN, Evidence, PeerAnswer, page, to_markdown
from accord.report.accuracy_causes import CAUSES, NOTHING_KNOWN, Causes
from accord.report.accuracy_store import restored, stored
from accord.report.tables import Table, number_column, text_column
from accord.validation.rows import Row

SCORED = (
    scored("r1", 0.1),
    scored("r2", -0.5, source_id="blog", chip="chip-b", model="model-b"),
    scored("r3", 0.0, model="", metric="gemm_flop_per_s"),
    skipped("r4", "no_lengths"),
)


def row(id: str, notes: dict[str, str] | None = None, **text: object) -> Row:
    numbers = {name: float(value) for name, value in text.items() if isinstance(value, (int, float))}
    words = {name: str(value) for name, value in text.items() if name not in numbers}
    base = {"source_id": "paper", "source": "A paper", "kind": "measured", "confidence": "high", "phase": "decode"}
    return Row(id, 2, {**base, **words}, numbers, notes or {})


def evidence(**changes: object) -> Evidence:
    rows = (row("r1"), row("r2", source_id="blog", source="A blog"), row("r3"), row("r4"))
    whole = Evidence(SCORED, rows, {"model-a": "family-a"}, "f" * 64, {})
    return replace(whole, **changes)  # type: ignore[arg-type]


def line(text: str, start: str) -> list[str]:
    """Cells of the first line of a table that begins with ``start``."""
    return next([cell.strip() for cell in one.split("|")[1:-1]] for one in text.splitlines() if one.startswith(start))


def test_figures_of_a_source() -> None:
    cells = line(page(evidence()), "| paper ")
    assert cells == ["paper", "2", "5.1", "5.1", "+5.1", "100%", "1.49", NOT_RUN, NOT_RUN, NOT_RUN]
    assert line(page(evidence()), "| blog ")[1:6] == ["1", "64.9", "64.9", "-39.3", "0%"]


def test_groups_by_chip_and_family() -> None:
    text = page(evidence())
    assert line(text, "| chip-b ")[1] == "1"
    assert line(text, "| family-a ")[1] == "1"
    assert line(text, "| model-b ")[1] == "1", "a model of no known family stands for itself"
    assert line(text, f"| {NO_MODEL} ")[1] == "1"


def test_held_out_figures_stand_beside_those_in_sample() -> None:
    held = tuple(replace(one, log_ratio=0.2, inside=False) for one in SCORED[:2])
    text = page(evidence(cross={"source": held}))
    assert line(text, "| blog ")[7:9] == ["22.1", "0%"]
    assert line(text, "| chip-b ")[7:] == [NOT_RUN] * 3
    assert line(text, "| macro error, all ")[1:] == ["31.7", "22.1", NOT_RUN, NOT_RUN]


def test_worst_rows_skips_and_last_line() -> None:
    text = page(evidence())
    worst = text[text.index("worst rows") :]
    assert line(worst, "| r2")[5:7] == ["-0.50", "no"]
    assert worst.index("| r2 ") < worst.index("| r1 ") < worst.index("| r3 ")
    assert line(text, "| `no_lengths` ")[1] == "1"
    assert text.endswith(f"Regenerated with `{COMMAND}`; catalog `{'f' * 64}`.\n")


def test_the_peer_is_compared_on_rows_that_both_answer() -> None:
    peer = (
        PeerAnswer("r1", "tpot_s", SCORED[0].measured * 2),
        PeerAnswer("r2", "tpot_s", None, "no such model"),
        PeerAnswer("r4", "tpot_s", 1.0),
    )
    text = page(evidence(peer=peer, peer_name="AIConfigurator 0.12.0"))
    part = text[text.index("## The same rows scored by AIConfigurator") :]
    assert line(part, "| paper ") == ["paper", "1", "10.5", NOT_RUN, "100.0"]
    assert line(part, "| macro error ")[1:] == ["1", "10.5", NOT_RUN, "100.0"]
    assert line(part, "| no such model ") == ["no such model", "1"]
    assert "answers 2 of 3 rows; Accord answers 1 of" in part
    assert "blog" not in part


def test_without_the_peer_the_page_says_so() -> None:
    assert f"{NOT_RUN}: no file of its answers is at hand." in page(evidence())
    assert "answers none of the rows" in page(evidence(peer=()))


def test_markdown_escapes_bars() -> None:
    table = Table(title="", columns=(text_column("a"), number_column("b", "s")), rows=(("x|y", "1"),))
    assert to_markdown(table) == "| a | b [s] |\n|---|---:|\n| x\\|y | 1 |\n"


@pytest.mark.parametrize(
    ("facts", "assumed", "words"),
    [
        ({}, ("engine",), "engine not in the catalog"),
        ({"engine": "one"}, (), "engine known from one source"),
        ({"phase": "serve", "request_rate": "3"}, (), "open loop"),
        ({"metric": "ttft_p99_s"}, (), "tail of a queue"),
        ({"phase": "offline", "concurrency": 9}, (), "all requests at once"),
        ({"phase": "offline"}, (), "offline maximum"),
        ({"notes": {"speculative": "on"}}, (), "draft length"),
        ({"weights": "mxfp4"}, (), "4-bit weights"),
        ({}, ("decode_tp",), "parallelism not stated"),
        ({}, ("isl",), "lengths not stated"),
        ({}, ("weights",), "weight format not stated"),
        ({}, ("system",), "system not in the catalog"),
        ({"chip": "rare"}, (), "chip known from one source"),
        ({}, ("kv",), "filled by default: kv"),
        ({}, (), NOTHING_KNOWN),
    ],
)
def test_causes_follow_from_the_row(facts: dict[str, object], assumed: tuple[str, ...], words: str) -> None:
    metric = str(facts.get("metric", "tpot_s"))
    found = Causes([row("r1", **facts)]).of(scored("r1", assumed=assumed, metric=metric))  # type: ignore[arg-type]
    assert found.startswith(words)
    assert ";" not in found


def test_no_cause_knows_a_row_or_a_source() -> None:
    assert len({text for text, _ in CAUSES}) == len(CAUSES)
    other = replace(SCORED[0], source_id="other")
    assert Causes([row("r1", source_id="other")]).of(other) == Causes([row("r1")]).of(SCORED[0])


def test_a_cross_validation_survives_the_file() -> None:
    held = (replace(SCORED[0], predicted=0.0123456789, log_ratio=-0.4, inside=False), SCORED[3])
    back = restored(stored(held), SCORED)
    assert back[0] == replace(held[0], predicted=0.0123457, low=back[0].low, high=back[0].high)
    assert back[0].low == pytest.approx(held[0].low, rel=1e-5)
    assert back[1] == SCORED[3]
    assert restored([{**stored(held)[0], "id": "gone"}], SCORED) == ()
