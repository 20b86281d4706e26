"""For who checks: what export rules said of a chip and when, whether a claim survives, what a training run owes.

Run it with ``python examples/analyst.py``. Nothing here is legal advice.
"""

from __future__ import annotations

import datetime
import textwrap
from typing import Any

from accord.api import (
    Catalog,
    CheckAsk,
    Law,
    Question,
    TrainAsk,
    TrainRequest,
    audit_answer,
    check_answer,
    classify_answer,
    load_catalog,
    subject_of,
    train_answer,
)
from accord.report.to_json import envelope, to_bytes

DAY, CLAIM, START = datetime.date(2025, 5, 1), "h20-against-a100", datetime.date(2026, 9, 1)
RUN = TrainRequest(model="deepseek-v3", system="nvidia-hgx-h800-8", chips=2048, tokens=14.8e12)


def main() -> None:
    """Print the report."""
    catalog = load_catalog()
    export_rules(Law(catalog))
    claim(catalog)
    obligations(catalog)


def export_rules(law: Law) -> None:
    """One chip in one deal: outcome on a day by both sides' law, margins, and how it changed."""
    deal = Question(id="nvidia-h20", seller="US", buyer="CN", exporter="nvidia")
    told = classify_answer(deal, DAY, law, through_time=True)
    found: dict[str, Any] = dict(told.result)
    say(f"{deal.id}, sent from {deal.seller} to {deal.buyer} on {DAY}: class {found['eccn']}, {found['outcome']}")
    for margin in found["margins"][:3]:
        holds = "holds" if margin["result"] == "true" else "does not hold"
        say(
            f"  {margin['rule']}: {margin['fact']} {margin['value']:,.4g} {margin['op']} {margin['threshold']:,.4g}"
            f" {holds}, {margin['margin']:+.0%}"
        )
    say("  through time:")
    for period in found["history"]:
        say(
            f"    {period['from'] or 'before':<10} to {period['until'] or 'now':<10}  {period['outcome']}"
            f"  {', '.join(period['rules'])}".rstrip()
        )
    sources(told.sources, 2)


def claim(catalog: Catalog) -> None:
    """One public claim, recomputed: verdict, margin and what it hangs on."""
    audit = audit_answer(catalog, CLAIM)
    found: Any = audit.result["claims"]
    one: dict[str, Any] = found[0]
    say(f'"{one["statement"]}"')
    say(f"  {one['verdict']}, probability {one['probability']:.0%}; if {one['condition']}")
    for part in one["parts"]:
        value = part["value"]
        if value is not None:
            say(
                f"  {part['name']}: {part['expression']} = {value['value']:.3g},"
                f" {value['low']:.3g} to {value['high']:.3g}: {part['verdict']}"
            )
    sources(audit.sources, 2)


def obligations(catalog: Catalog) -> None:
    """A training run: its compute with interval, and what AI law asks of who does it."""
    run = train_answer(TrainAsk(request=RUN, auto=True, start=START), catalog)
    body = envelope("train", inputs=run.inputs, result=run.result, sources=run.sources, catalog_digest=catalog.digest)
    subject = subject_of(to_bytes(body), "the run", catalog)
    told = check_answer(CheckAsk(jurisdictions=("eu", "us-ca"), day=START), subject, catalog)
    result: dict[str, Any] = dict(told.result)
    flop = next(one for one in result["facts"] if one["fact"] == "training_flop")
    say(f"{RUN.model} on {RUN.chips:,} chips, law of {START}")
    say(f"  training compute {flop['value']:.2e} FLOP, {flop['low']:.1e} to {flop['high']:.1e}")
    silent = [one for one in result["answers"] if one["outcome"] == "does_not_apply"]
    say(f"  {len(result['answers'])} rules asked, {len(silent)} do not apply; the others:")
    for answer in (one for one in result["answers"] if one not in silent):
        say(f"  {answer['jurisdiction']:<5} {answer['instrument']}/{answer['rule']}: {answer['outcome']}")
        for duty in answer["duties"][:1]:
            say(f"        {duty['text']}")
    say("  not checked: " + "; ".join(result["not_checked"][:2]))
    say(f"  {result['advice']}")
    sources(told.sources, 2)


def sources(found: Any, count: int) -> None:
    """The first sources of an answer, and how many there are."""
    for source in found[:count]:
        say(f"  source {source['id']}: {source['title'][:70]}, {source['date']}")
    say(f"  {len(found)} sources in all")


def say(text: str) -> None:
    """Print one line, what is too long for it below and further in."""
    deeper = " " * (len(text) - len(text.lstrip()) + 4)
    print(textwrap.fill(text, 96, subsequent_indent=deeper, break_on_hyphens=False))  # noqa: T201  a script prints


if __name__ == "__main__":
    main()
