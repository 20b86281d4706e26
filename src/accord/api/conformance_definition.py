"""A test definition from a file: a YAML entry, or what another party printed, signed where it comes in an envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from accord.base.errors import AccordError, DataError, UsageError
from accord.catalog.conformance import Conformance
from accord.catalog.load import load_file
from accord.catalog.yaml_text import unprinted
from accord.policy.conformance import definition_sha256
from accord.policy.conformance_items import items_sha256
from accord.policy.evidence_json import Node, read_document

SCHEMA = "accord.policy.conformance/1"
YAML = (".yaml", ".yml")
_HINT = "give what 'accord policy conformance ID --json' printed, or 'accord attest sign --embed' made of it"
_HASHES = ("sha256", "data_sha256")  # of the answer; what is left are fields of the record as they are
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope whose signature a believed key made.

    schema, value: of the answer in it; by, keys: names and ids of the keys that signed it
    """

    schema: str
    value: Mapping[str, object] | None
    by: tuple[str, ...]
    keys: tuple[str, ...]


Opener = Callable[[bytes, str], Opened]  # bytes and name of an envelope; raises where nobody believed signed it


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a definition is from: a file's name, and names of the believed keys that signed it; "" for the catalog."""

    file: str = ""
    signed_by: tuple[str, ...] = ()


def definition_in_yaml(file: Path) -> tuple[Conformance, Origin]:
    """Read an entry as the catalog has them. Raises CatalogError with file and line."""
    found = load_file(file, "conformance")
    assert isinstance(found, Conformance), "the kind says so"
    return found, Origin(str(file))


def definition_in(data: bytes, name: str, opener: Opener | None) -> tuple[Conformance, Origin]:
    """Read the definition in an answer of ``policy conformance ID``, or in an envelope that signs one.

    data, name: of the file; opener: opens envelopes; without it they are refused
    Raises DataError for what is neither, and where the definition is not the one whose hash it states.
    """
    node = read_document(data, name).top
    if not node.has("payload", "signatures"):
        if not node.has("schema", "result"):
            raise DataError("is no test definition", where=name, hint=_HINT)
        return _told(node.need("schema").text(), node.need("result")), Origin(name)
    opened = open_by(opener, data, name)
    if opened.value is None:
        hint = "sign the answer of 'accord policy conformance ID --json' with --embed"
        raise DataError("signs a hash alone, without the definition", where=name, hint=hint)
    top = read_document(msgspec.json.encode(opened.value), name).top
    return _told(opened.schema, top), Origin(name, opened.by)


def open_by(opener: Opener | None, data: bytes, name: str) -> Opened:
    """Open an envelope. Raises UsageError where nobody is believed."""
    if opener is None:
        hint = "say who is believed: --key NAME.pub or --trust FILE.json"
        raise UsageError("is a signed envelope, and nobody is believed", where=name, hint=hint)
    return opener(data, name)


def _told(schema: str, result: Node) -> Conformance:
    """The one definition in an answer. Raises DataError."""
    where = result.file
    if schema != SCHEMA or not result.has("definition"):
        what = f"is an answer of {schema[:60]!r}" if schema != SCHEMA else "holds no one definition"
        raise DataError(what, where=where, hint=_HINT)
    node = result.need("definition")
    found = {key: node.get(key) for key in _HASHES}
    stated = {key: "" if one is None else one.text() for key, one in found.items()}
    value = {key: one.value for key, one in node.pairs() if key not in _HASHES}
    odd = next(filter(None, map(unprinted, _texts(value))), None)
    if odd is not None:
        raise node.wrong(f"holds a control character ({odd})")
    if not value.get("items"):
        value["data_sha256"] = stated["data_sha256"] or None
    try:
        definition = msgspec.convert({**value, "sources": {}}, Conformance)
    except msgspec.ValidationError as error:
        raise node.wrong(f"is no test definition: {str(error)[:_SHOWN]}", _HINT) from None
    except AccordError as error:
        raise node.wrong(f"is no test definition: {error.what[:_SHOWN]}", _HINT) from None
    own = items_sha256(definition) if definition.items else definition.data_sha256 or ""
    hashes = {"sha256": definition_sha256(definition), "data_sha256": own}
    for key, hash in hashes.items():
        if hash != stated[key]:
            what = f"states {key} {stated[key][:12] or 'nowhere'}, and what it says has {hash[:12]}"
            raise node.wrong(what, "ask its author for the definition as it was printed")
    return definition


def _texts(value: object) -> Iterator[str]:
    """All texts in a value, names of members among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(key)
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
