"""Write docs/claims: one page a claim of the catalog with its calculation unfolded, a list and a picture of all.

python docs/make_claims.py            write the pages, and remove those of claims that are gone
python docs/make_claims.py --check    write nothing; 1 where a page is not what the audit says
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from accord.api.audit import audit
from accord.catalog.load import load_catalog
from accord.claims.judge import ClaimVerdict, PartVerdict, Told
from accord.report.audit_result import amount, calculation, cited, margin_text, share, tally
from accord.report.audit_svg import draw

FOLDER = Path(__file__).parent / "claims"
INDEX, PICTURE = "README.md", "claims.svg"
WRITTEN = "Written by `python docs/make_claims.py`; do not edit."
INTRO = f"""# Claims, recomputed

{WRITTEN} `accord audit` recomputes all of them from the catalog at hand; how is told in
[audit.md](../audit.md).

{{count}} claims: {{tally}}. Margin: of the stated part nearest to failing, value over what it is compared with, less 1.
Probability: share of draws in which all stated parts are true.

![Verdicts and margins of all claims]({PICTURE})

| claim | verdict | margin | probability | on condition, or why |
|---|---|---|---|---|
"""


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the pages. Returns 0, 1 where a check finds other pages."""
    parser = argparse.ArgumentParser(description="Write docs/claims.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where a page differs")
    asked = parser.parse_args(words)
    made = pages()
    kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.*")}
    if asked.check:
        wrong = sorted(name for name in {*made, *kept} if made.get(name) != kept.get(name))
        if wrong:
            print(f"not what the audit says: {', '.join(wrong)}; run 'python docs/make_claims.py'")  # noqa: T201
        return 1 if wrong else 0
    FOLDER.mkdir(exist_ok=True)
    for name in kept:
        if name not in made:
            (FOLDER / name).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


def pages() -> dict[str, str]:
    """Every page by its name."""
    found, _ = audit(load_catalog())
    picture = draw(found).decode()
    return {INDEX: index(found), PICTURE: picture, **{f"{one.claim.id}.md": page(one) for one in found}}


def index(found: Sequence[ClaimVerdict]) -> str:
    """The list of all claims."""
    counted = ", ".join(f"{count} {word}" for word, count in tally(found).items())
    rows = [
        f"| [{one.claim.id}]({one.claim.id}.md): {_cell(one.claim.statement)} | {one.verdict}"
        f" | {margin_text(one.margin)} | {_share(one.probability)} | {_cell(one.condition or _why(one))} |"
        for one in found
    ]
    return INTRO.format(count=len(found), tally=counted) + "\n".join(rows) + "\n"


def page(one: ClaimVerdict) -> str:
    """One claim unfolded."""
    claim = one.claim
    told = f"Verdict: **{one.verdict}**" + (", on condition that:" if one.conditions else "")
    lines = [
        f"# {claim.statement}", "", f"{WRITTEN} `accord audit {claim.id}` recomputes it.", "",
        f"Said by {claim.said_by}, {claim.date} ({_source(claim.source, one)}, {claim.locator}).", "", told, "",
    ]  # fmt: skip
    said = [*one.conditions, *one.why]
    lines += [f"- {text}" for text in said] + ([""] if said else [])
    if one.probability is not None:
        decided = f"; margin {margin_text(one.margin)} ({one.deciding.part.name})" if one.deciding else ""
        lines += [f"All stated parts: {share(one.probability)}{decided}.", ""]
    lines += [claim.note, ""] if claim.note else []
    for part in one.parts:
        lines += _part(part)
    return "\n".join([*lines, "## Sources", "", *_sources(one)]) + "\n"


def _why(one: ClaimVerdict) -> str:
    return "; ".join(one.why) or "-"


def _part(part: PartVerdict) -> list[str]:
    role = "beside the claim" if part.part.aside else "stated"
    lines = [f"## {part.part.name[0].upper()}{part.part.name[1:]}", "", f"*{role}*: **{part.verdict}**", ""]
    if part.part.value is not None:
        lines += ["```", calculation(part).removeprefix(f"{part.part.name}: "), "```", ""]
    lines += [f"- needs {need}" for need in part.part.needs] + ([""] if part.part.needs else [])
    lines += [f"Note: {part.part.note}.".replace("..", "."), ""] if part.part.note else []
    if part.terms:
        lines += ["| term | value | 90 % interval | how | basis |", "|---|---|---|---|---|"]
        lines += [_term(told) for told in part.terms] + [""]
    return lines


def _term(told: Told) -> str:
    found = told.quantity
    if found is None:
        return f"| {told.name} | not known | - | {_cell(told.refused or '')} | - |"
    ends = "exact" if found.exact else f"{amount(found.low, found.unit)} to {amount(found.high, found.unit)}"
    if len(found.points) > 1:
        ends += f" ({len(found.points)} values of sources)"
    how = f"`{found.how}`" if found.how.startswith("accord ") else _cell(found.how)
    return f"| {told.name} | {amount(found.value, found.unit)} | {ends} | {how} | {found.basis} |"


def _sources(one: ClaimVerdict) -> list[str]:
    return [f"- `{entry['id']}` {_words(entry)}" for entry in cited(one)]


def _source(key: str, one: ClaimVerdict) -> str:
    source = one.claim.sources[key]
    return (
        f"[{source.publisher}, {source.title}]({source.url})" if source.url else f"{source.publisher}, {source.title}"
    )


def _words(entry: Mapping[str, object]) -> str:
    parts = [str(entry[name]) for name in ("publisher", "title", "date", "locator", "url") if entry.get(name)]
    return ", ".join(parts)


def _share(probability: float | None) -> str:
    return "-" if probability is None else f"{100.0 * probability:.3g} %"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
