"""Flags of a click command -> a pydantic model, and a request -> words of the command line.

Nothing of a request becomes a word of its own: a value stays joined to its flag by ``=``, an argument stands behind
``--``, and a text that is looked up has no character of a path. So no request can name a file but those it brings.
"""

from __future__ import annotations

import binascii
import functools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self, cast

import click
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StrictBool,
    StrictInt,
    create_model,
    model_validator,
)

from accord.base.errors import UsageError
from accord.catalog.load import KINDS
from accord.cli.fabric_flags import QuantityList
from accord.cli.flags import CatalogId, Level, NumberList, WordList
from accord.web.answer import File, Question
from accord.web.verbs import Served
from accord.web.verbs import Upload as Taken

ABOUT: Mapping[str, str] = {
    "model": "A model of the catalog.",
    "model_file": "A model by its config.json, in place of one of the catalog.",
    "run": "A kept run, by its id or the beginning of it.",
}
LAW = "LAW"  # metavar of flags that take a distribution, or one number
MOST_TEXT = 200  # characters of one text
MOST_LIST = 64  # entries of one list
MOST_FILES = 16
DECODED = 1 << 20  # characters of base64 at a time, a multiple of 4
MOST_EXACT = 2**53  # integers up to which a float is exact
MOST_NUMBER = 10**15
MOST_REAL = 1e30
NAME = r"^\w(?:[\w .()+@-]{0,98}[\w)])?$"
FREE = r"^[^\x00-\x1f\x7f-\x9f]*$"
LOOKED_UP = r"^[^\x00-\x1f\x7f-\x9f/\\.~-][^\x00-\x1f\x7f-\x9f/\\]*$"
WORD = r"^[^\x00-\x1f\x7f-\x9f/\\.~,-][^\x00-\x1f\x7f-\x9f/\\,]*$"
PART = r"^[^\x00-\x1f\x7f-\x9f,]+$"
ENTRY = rf"^(?:(?:{'|'.join(KINDS)})/)?[A-Za-z0-9][A-Za-z0-9._-]*$"
RUN = r"^[0-9a-f]{4,32}$"

FreeText = Annotated[str, Field(max_length=MOST_TEXT, pattern=FREE)]
LookedUp = Annotated[str, Field(max_length=MOST_TEXT, pattern=LOOKED_UP)]
EntryId = Annotated[str, Field(max_length=MOST_TEXT, pattern=ENTRY)]
Word = Annotated[str, Field(max_length=MOST_TEXT, pattern=WORD)]
Part = Annotated[str, Field(max_length=MOST_TEXT, pattern=PART)]
RunId = Annotated[str, Field(pattern=RUN)]
SENT = r"^[0-9][^\x00-\x1f\x7f-\x9f/\\]*->[^\x00-\x1f\x7f-\x9f/\\]+$"
Transfers = Annotated[str, Field(max_length=20_000, pattern=SENT)]
Whole = Annotated[StrictInt, Field(ge=-MOST_NUMBER, le=MOST_NUMBER)]
Real = Annotated[FiniteFloat, Field(strict=True, ge=-MOST_REAL, le=MOST_REAL)]


def _as_sent(value: float) -> float | int:
    return int(value) if value.is_integer() and abs(value) <= MOST_EXACT else value


_AsSent = Annotated[FiniteFloat, AfterValidator(_as_sent)]  # a whole number stays one
_RUNS: Mapping[str, tuple[str, ...]] = {
    "runs show": ("id",), "runs compare": ("ids",), "policy check": ("run",)
}  # fmt: skip


class FileContent(BaseModel):
    """A file by its content: ``text`` or ``base64``, one of them; either may be gzip in ``base64``."""

    model_config = ConfigDict(extra="forbid", title="File")

    name: Annotated[str, Field(pattern=NAME, max_length=100, description="Name of the file, without folders.")]
    text: Annotated[str | None, Field(description="Its content as text.")] = None
    base64: Annotated[str | None, Field(description="Its content in base64; gzip is unpacked.")] = None

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("a file has 'text' or 'base64', one of them")
        return self

    def data(self) -> bytes:
        """Its bytes. Raises UsageError for what is no base64."""
        if self.base64 is None:
            return (self.text or "").encode()
        text, last = self.base64, max(0, len(self.base64) - 4)
        pieces = [text[at : at + DECODED] for at in range(0, len(text), DECODED)]  # others get a turn between two
        try:
            if text.find("=", 0, last) >= 0:
                raise ValueError
            return b"".join(binascii.a2b_base64(piece, strict_mode=True) for piece in pieces)
        except ValueError:
            raise UsageError("is no base64", where=f"{self.name}: base64", hint="or send it as 'text'") from None


class Request(BaseModel):
    """What is common to the requests of all verbs: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


@functools.cache
def model_of(verb: Served) -> type[Request]:
    """The model of a verb's request; its attributes are click's parameters, its aliases the fields."""
    fields: dict[str, Any] = {}
    for parameter in verb.command.params:
        name = parameter.name or ""
        sent, taken = verb.field_of(parameter), verb.uploads.get(name)
        lone = parameter.required and not (sent and taken)
        if sent is not None:
            kind = _many(parameter, _kind(verb, sent, parameter))
            fields[f"value_{name}"] = (kind if lone else kind | None, _field(verb, sent, parameter, lone))
        if taken is not None:
            each: Any = FileContent
            if taken.many:
                each = Annotated[list[FileContent], Field(min_length=int(lone), max_length=MOST_FILES)]
            fields[f"file_{name}"] = (each if lone else each | None, _field(verb, taken.field, parameter, lone))
    title = "".join(word.capitalize() for word in verb.path) + "Request"
    return cast(type[Request], create_model(title, __base__=Request, __doc__=_summary(verb), **fields))


def fields_of(model: type[Request]) -> Mapping[str, str]:
    """The fields of a request, with what is said of each."""
    return {str(one.alias or name): one.description or "" for name, one in model.model_fields.items()}


def question_of(verb: Served, request: Request) -> Question:
    """The question that a request asks. Raises UsageError for files that may not be, and two values for one flag."""
    words: list[str] = []
    arguments: list[str] = []
    files: list[File] = []
    for parameter in verb.command.params:
        name = parameter.name or ""
        value: object = getattr(request, f"value_{name}", None)
        content: FileContent | list[FileContent] | None = getattr(request, f"file_{name}", None)
        if content is not None and value is not None:
            field = verb.uploads[name].field
            raise UsageError(f"'{field}' and '{verb.names[name]}' are two answers to one question", where=field)
        if content is not None:
            sent = content if isinstance(content, list) else [content]
            brought = [_file(one, verb.uploads[name]) for one in sent]
            files += brought
            value = [one.name for one in brought]
        if value is None:
            continue
        if isinstance(parameter, click.Argument):
            arguments += _texts(value)
        else:
            words += _option(parameter, value)
    if len({one.name.casefold() for one in files}) < len(files):
        raise UsageError("two files have one name", hint="give each its own")
    if "as_json" in (parameter.name for parameter in verb.command.params):
        words.append("--json")
    return Question(verb=verb.name, words=(*words, *(("--", *arguments) if arguments else ())), files=tuple(files))


def _file(content: FileContent, taken: Taken) -> File:
    """The file of a request, under the name that it has once it is unpacked."""
    name = content.name.removesuffix(".gz") or content.name
    if taken.suffixes and not name.lower().endswith(taken.suffixes):
        known = " or ".join(taken.suffixes)
        raise UsageError(f"'{name}' is no {known}", where=taken.field, hint=f"its name ends in {known}")
    return File(name, content.data())


def _option(parameter: click.Parameter, value: object) -> Iterator[str]:
    """Words of one flag, each joined to its value."""
    flag = next(text for text in parameter.opts if text.startswith("--"))
    if isinstance(value, bool):
        if value or parameter.secondary_opts:
            yield flag if value else parameter.secondary_opts[0]
        return
    if getattr(parameter, "multiple", False):
        yield from (f"{flag}={text}" for text in _texts(value))
        return
    yield f"{flag}={','.join(_texts(value))}"


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _kind(verb: Served, field: str, parameter: click.Parameter) -> Any:
    """The type of one value, or of a list of which a flag takes several between commas."""
    kind = parameter.type
    if isinstance(kind, click.types.BoolParamType):
        return StrictBool
    if isinstance(kind, click.Choice):
        return Literal[tuple(kind.choices)]
    if isinstance(kind, click.IntRange | click.types.IntParamType):
        return _ranged(kind, StrictInt, float(MOST_NUMBER))
    if isinstance(kind, click.FloatRange | click.types.FloatParamType):
        return _ranged(kind, _AsSent, MOST_REAL)
    if isinstance(kind, Level):
        return Annotated[_AsSent, Field(strict=True, ge=kind.low, le=kind.high)]
    if isinstance(kind, QuantityList):
        return _list(Whole | Real | Part)
    if isinstance(kind, NumberList):
        return _list(Whole if kind.kind is int else Whole | Real)
    if isinstance(kind, WordList):
        return _list(Literal[kind.choices]) if kind.choices else _list(Word)
    if isinstance(kind, CatalogId | click.types.StringParamType):
        return _text(verb, field, parameter)
    return Whole | Real | FreeText


def _text(verb: Served, field: str, parameter: click.Parameter) -> Any:
    """The type of a value that the command takes as text."""
    if field in _RUNS.get(verb.name, ()):
        return RunId
    if isinstance(parameter.type, CatalogId):
        return EntryId
    if verb.name == "fabric" and field == "transfers":
        return Transfers
    if getattr(parameter, "metavar", None) == LAW:
        return Whole | Real | LookedUp
    if field in verb.lists:
        return _list(Word)
    return FreeText if field in verb.free else LookedUp


def _ranged(kind: object, plain: Any, most: float) -> Any:
    """A number between the bounds that click keeps, or what is sane where it has none."""
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    bounds: dict[str, Any] = {"ge": -most if low is None else low, "le": most if high is None else high}
    if getattr(kind, "min_open", False):
        bounds["gt"] = bounds.pop("ge")
    if getattr(kind, "max_open", False):
        bounds["lt"] = bounds.pop("le")
    return Annotated[plain, Field(strict=True, **bounds)]


def _list(one: Any) -> Any:
    """One value, or several."""
    return one | Annotated[list[one], Field(min_length=1, max_length=MOST_LIST)]


def _many(parameter: click.Parameter, kind: Any) -> Any:
    repeated = getattr(parameter, "multiple", False) or parameter.nargs != 1
    return _list(kind) if repeated else kind


def _field(verb: Served, name: str, parameter: click.Parameter, required: bool) -> Any:
    told = verb.about.get(name) or ABOUT.get(name) or getattr(parameter, "help", None) or ""
    default = _default(parameter)
    if default is not None and name == verb.field_of(parameter):
        told += f" Default: {default}."
    return Field(... if required else None, alias=name, description=told.strip())


def _default(parameter: click.Parameter) -> object:
    """What the command takes where the field is left out, None where that is nothing."""
    value = parameter.to_info_dict().get("default")
    return value if isinstance(value, str | int | float) and value not in ("", False) else None


def _summary(verb: Served) -> str:
    return verb.command.get_short_help_str(limit=200)
