"""What ``accord attest`` says: of a signature, of the answer beside it, and of an answer that was made again."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from accord.report.attestation import SHOWN, Signed, Statement, on_a_line, shown
from accord.report.canonical import canonical
from accord.report.tables import Column, Table, pairs, text_column

MOST_DIFFERENCES = 20
_WIDE = 60
_EXACT = "Compared as canonical JSON, digit for digit; another machine or numpy may round the last digits otherwise."


@dataclass(frozen=True, slots=True)
class Drift:
    """Something the answer rests on that is not the same here: what, as signed, and as it is here."""

    what: str
    signed: str
    here: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A place of the result, as signed and as it is here, both in JSON; None for null and for what is missing."""

    path: str
    signed: str | None
    here: str | None


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The answer made again.

    drifts: what is not the same here; ran: whether the verb was run at all
    same: whether result and exit code are the same; inputs_same: whether the recorded inputs are
    differences: the first of them; those of the result only where the signed one is at hand
    """

    drifts: tuple[Drift, ...]
    ran: bool
    same: bool = False
    inputs_same: bool = False
    differences: tuple[Difference, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the command asks what was signed as asked, and answers what was signed as answered."""
        return self.same and self.inputs_same


@dataclass(frozen=True, slots=True)
class Verified:
    """An envelope whose signature is right.

    beside: what was found of the answer's file, "" where none was given
    recomputed: None where it was not asked for
    """

    statement: Statement
    signed: tuple[Signed, ...]
    beside: str = ""
    recomputed: Recomputed | None = None

    @property
    def holds(self) -> bool:
        """Whether everything that was asked came out as signed."""
        return self.recomputed is None or self.recomputed.holds


def difference(path: str, signed: object, here: object) -> Difference:
    """A difference with both sides as JSON."""
    return Difference(path, *(None if side is None else canonical(side).decode() for side in (signed, here)))


def verified_dict(one: Verified) -> dict[str, object]:
    """The verb's ``result``."""
    report = msgspec.to_builtins(one.statement.report)
    embedded = report.pop("value") is not None
    return {
        "verified": True, "holds": one.holds,
        "signatures": [{"keyid": signed.keyid, "by": signed.by} for signed in one.signed],
        "subjects": dict(one.statement.subjects), "report": {**report, "embedded": embedded},
        "beside": one.beside or None,
        "recomputed": None if one.recomputed is None else msgspec.to_builtins(one.recomputed),
    }  # fmt: skip


def verified_tables(one: Verified) -> tuple[Table, ...]:
    """What a reader sees."""
    report = one.statement.report
    rows = [
        *((f"signed by {signed.by}" if signed.by else "signature not checked", f"key {_plain(signed.keyid[:SHOWN])}")
          for signed in one.signed),
        ("answer of", _command(one)), ("result", _hash(report.result)),
        ("Accord", f"{_plain(report.code.version)}, code {_hash(report.code.sha256)}"),
        ("catalog", _hash(report.catalog)), ("rules", _hash(report.rules) if report.rules else "not recorded"),
        ("inputs", _hash(report.inputs)), *((f"file {file.name}", _hash(file.sha256)) for file in report.files),
    ]  # fmt: skip
    if report.excluded:
        rows.append(("not hashed", ", ".join(report.excluded)))
    if one.beside:
        rows.append(("file beside it", one.beside))
    first = pairs("Signature is right", rows)
    return (first,) if one.recomputed is None else (first, *_recomputed_tables(one.recomputed))


def keys_dict(id: str, private: str, public: str) -> dict[str, object]:
    """The ``result`` of a pair that was made."""
    return {"keyid": id, "private": private, "public": public}


def keys_table(id: str, private: str, public: str) -> Table:
    """What a reader sees of a pair that was made."""
    rows = (("key id", id), ("private", f"{private} (mode 0600; keep it)"), ("public", f"{public} (hand it out)"))
    return pairs("Key pair", rows)


def _recomputed_tables(one: Recomputed) -> tuple[Table, ...]:
    if not one.ran:
        return (pairs("Not recomputed", [(f"{drift.what} differs", _sides(drift)) for drift in one.drifts],
                      ["--anyway recomputes, and shows what comes out differently."]),)  # fmt: skip
    told = (("result", one.same), ("inputs", one.inputs_same))
    rows = [(what, "the same" if same else "another") for what, same in told]
    rows += [(f"{drift.what} differs", _sides(drift)) for drift in one.drifts]
    first = pairs("Recomputed", rows, [_EXACT])
    if not one.differences:
        return (first,)
    columns = (Column(name="place"), text_column("signed"), text_column("here"))
    cells = tuple((on_a_line(cut.path), _cut(cut.signed), _cut(cut.here)) for cut in one.differences)
    return first, Table(title="Where they differ", columns=columns, rows=cells)


def _sides(drift: Drift) -> str:
    return f"signed {drift.signed}, here {drift.here}"


def _command(one: Verified) -> str:
    report = one.statement.report
    words = report.command.verb if report.command else (report.schema,)
    return f"accord {' '.join(words)}" if report.command else _plain(words[0])


def _plain(text: str) -> str:
    return shown(text)[1:-1]


def _hash(text: str) -> str:
    return f"sha256 {text[:SHOWN]}"


def _cut(text: str | None) -> str:
    if text is None:
        return "-"
    return on_a_line(text if len(text) <= _WIDE else f"{text[: _WIDE - 3]}...")
