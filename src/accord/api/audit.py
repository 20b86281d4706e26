"""``accord audit``: public claims recomputed, all of the catalog's or one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accord.api.claim_verbs import Verbs
from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.catalog.claim import Claim
from accord.catalog.load import Catalog, load_file
from accord.catalog.yaml_text import Item, read_yaml
from accord.claims.judge import ClaimVerdict, judge
from accord.report.audit_result import cited, claim_dict, distinct, tally
from accord.report.audit_svg import draw
from accord.report.audit_view import claim_tables, claims_table
from accord.report.tables import Table

_KEY = re.compile(r"[A-Za-z_][\w.\[\]-]*")


@dataclass(frozen=True, slots=True)
class AuditAnswer:
    """What ``accord audit`` prints; found: the verdicts; questions: how many different ones were asked of the verbs.

    picture: SVG, None unless it was asked for
    """

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    warnings: Sequence[str]
    tables: Sequence[Table]
    found: tuple[ClaimVerdict, ...]
    questions: int
    picture: bytes | None = None

    @property
    def fails(self) -> bool:
        """Whether a claim fails."""
        return any(one.verdict == "fails" for one in self.found)


def audit(
    catalog: Catalog, ids: Sequence[str] = (), *, file: Path | None = None, paths: Sequence[Path] = (),
    level: float = 0.9,
) -> tuple[tuple[ClaimVerdict, ...], int]:  # fmt: skip
    """Judge claims of the catalog (all of them where none is named) or the claim of a file.

    paths: what the catalog was opened with beside the packaged data; level: of the intervals that are told
    Returns the verdicts, and how many different questions were asked.
    Raises CatalogError for an unknown id and for what is wrong in a claim, with file and line.
    """
    verbs = Verbs(catalog, tuple(str(path) for path in paths))
    if file is not None:
        record = load_file(file, "claims")
        assert isinstance(record, Claim), "as the kind says"
        return (_judged(record, file, str(file), verbs, level),), verbs.asked
    found = tuple(
        _judged(catalog.claim(id), catalog.path("claims", id), catalog.shown("claims", id), verbs, level)
        for id in ids or catalog.ids("claims")
    )
    return found, verbs.asked


def audit_answer(
    catalog: Catalog, id: str | None = None, *, file: Path | None = None, paths: Sequence[Path] = (),
    level: float = 0.9, explain: bool = False, picture: bool = False,
) -> AuditAnswer:  # fmt: skip
    """Answer ``accord audit``. Raises CatalogError, see :func:`audit`."""
    found, questions = audit(catalog, (id,) if id is not None else (), file=file, paths=paths, level=level)
    alone = id is not None or file is not None
    tables: list[Table] = [] if alone else [claims_table(found)]
    if alone or explain:
        tables += [table for one in found for table in claim_tables(one, explain=explain)]
    return AuditAnswer(
        inputs={"claim": id, "file": str(file) if file is not None else None, "level": level, "explain": explain},
        result={"claims": [claim_dict(one) for one in found], "verdicts": tally(found), "questions": questions},
        sources=distinct(entry for one in found for entry in cited(one)),
        warnings=catalog.notes, tables=tables, found=found, questions=questions,
        picture=draw(found) if picture else None,
    )  # fmt: skip


def _judged(claim: Claim, path: Path, shown: str, verbs: Verbs, level: float) -> ClaimVerdict:
    try:
        if claim.source not in claim.sources:
            hint = did_you_mean(claim.source, tuple(claim.sources))
            raise CatalogError(f"source is {claim.source!r}, which the file's sources do not hold", hint=hint)
        return judge(claim, verbs, level)
    except CatalogError as error:
        if error.where is not None:
            raise
        raise error.at(_place(error.what, read_yaml(path, shown))) from None


def _place(what: str, root: Item) -> str:
    """File and line of the key that a message begins with, or of the nearest one around it."""
    match = _KEY.match(what)
    key = match[0].rstrip(".") if match is not None else ""
    while key:
        item = root.find(key)
        if item is not None:
            return f"{item.file}:{item.line}"
        key = key.rpartition(".")[0]
    return f"{root.file}:{root.line}"
