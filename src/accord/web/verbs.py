"""Which verbs are served, under which names their flags go, and what is withheld with the reason."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import click

from accord.cli.main import cli

_CATALOG = "entries are read from the server's own catalog"
_JSON = "every answer is JSON"
_STORE = "the server has one store"
_PICTURE = "a file to draw into; the page draws its own pictures"
_FOLDER = "a folder to write into; a job has its own"
_MACHINE = "how the server spends its machine is not for a request to say"
COMMON: Mapping[str, str] = MappingProxyType({"as_json": _JSON, "catalog_paths": _CATALOG})
YAML = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A click parameter that takes a file's content.

    field: its name in a request; suffixes: that the file's name may end in, any where there are none
    many: the field is a list of files
    """

    field: str
    suffixes: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)  # eq=False: one is itself, and can be a key
class Served:
    """One verb that is served.

    path: words of the command, such as ``("policy", "classify")``
    long: always a job; long_when: fields that make it one where they are set, long_unless: where they are not false
    names: click parameter -> field, where it is not the flag with ``_`` for ``-``
    uploads: click parameter -> how a file's content is taken for it; such a parameter may have a text in ``names`` too
    withheld: click parameter -> why it is left out, besides :data:`COMMON`
    free: fields whose text goes into no look-up and may hold any printable character
    lists: fields of text in which a list may be written between commas
    about: field -> what is said of it, where that of the command line would not do
    """

    path: tuple[str, ...]
    long: bool = False
    long_when: tuple[str, ...] = ()
    long_unless: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its path as one text, such as ``policy classify``."""
        return " ".join(self.path)

    @property
    def address(self) -> str:
        """Its address below ``/api/v1``."""
        return "/" + "/".join(self.path)

    @property
    def command(self) -> click.Command:
        """Its click command, loaded now."""
        return commands()[self.name]()

    def field_of(self, parameter: click.Parameter) -> str | None:
        """The field in which a parameter's value is sent, None where it only takes a file or is withheld."""
        name = parameter.name or ""
        if name in self.names:
            return self.names[name]
        if name in self.uploads or name in self.withheld or name in COMMON:
            return None
        flags = [text for text in parameter.opts if text.startswith("--")]
        return flags[0].removeprefix("--").replace("-", "_") if flags else name

    def is_long(self, request: Mapping[str, object]) -> bool:
        """Whether a request starts a job."""
        wanted = any(request.get(name) for name in self.long_when)
        return self.long or wanted or any(request.get(name) is not False for name in self.long_unless)

    @property
    def may_be_long(self) -> bool:
        """Whether some request starts a job."""
        return bool(self.long or self.long_when or self.long_unless)


_CONFIG = {"model": Upload(field="model_file", suffixes=(".json",))}
_DEPLOYMENT = {"deployment": Upload(field="deployment", suffixes=YAML)}
_TRACE = {"trace": Upload(field="trace")}
_SCENARIO = {"scenario": Upload(field="scenario", suffixes=(".toml",))}
_MODEL = {"model": "model"}
_PLAN = {
    "executor": _MACHINE,
    "workers": _MACHINE,
    "ray_address": "an address of another machine",
    "checkpoint": "a file to write into; a job keeps its own",
    "print_config": "prints no JSON",
}
_DEAL = ("set", "what_if", "name", "consignee", "exporter")

VERBS: tuple[Served, ...] = (
    Served(path=("demo",)),
    Served(path=("estimate",), names=_MODEL, uploads={**_CONFIG, **_DEPLOYMENT}),
    Served(
        path=("plan",), long=True, names=_MODEL, uploads={**_CONFIG, **_TRACE, **_SCENARIO},
        withheld={**_PLAN, "tornado": _PICTURE}, free=("set", "exporter", "consignee"), lists=("system",),
    ),
    Served(
        path=("size",), long=True, names=_MODEL, uploads={**_CONFIG, **_TRACE, **_SCENARIO},
        withheld=_PLAN, free=("set", "exporter", "consignee"), lists=("system",),
    ),
    Served(
        path=("simulate",), long=True, names=_MODEL, uploads={**_CONFIG, **_DEPLOYMENT, **_TRACE},
        withheld={"out": _FOLDER, "plot": _PICTURE, "store": _STORE, "keep": "a job's run is kept"}, free=("label",),
    ),
    Served(
        path=("train",), long_when=("failures",), names=_MODEL, uploads={**_CONFIG, **_SCENARIO},
        withheld={"drawing": _PICTURE},
    ),
    Served(
        path=("fabric",), names={"transfers": "transfers", **_MODEL},
        uploads={"transfers": Upload(field="transfers_file", suffixes=(".csv",)), **_CONFIG},
        withheld={"draw": _PICTURE},
    ),
    Served(path=("compare",)),
    Served(path=("policy", "classify"), withheld={"plot": _PICTURE}, free=_DEAL),
    Served(path=("policy", "migrate"), free=_DEAL),
    Served(path=("policy", "zones")),
    Served(
        path=("policy", "check"), names={"subject": "run"}, uploads={"subject": Upload(field="file")},
        withheld={"store": _STORE}, free=("exporter", "consignee"),
    ),
    Served(path=("policy", "party"), free=("name",)),
    Served(path=("policy", "adoption"), withheld={"plot": _PICTURE}),
    Served(path=("policy", "evidence"), uploads={"files": Upload(field="files", many=True)}),
    Served(path=("policy", "bom"), uploads={"file": Upload(field="file")}, withheld={"out": _PICTURE}),
    Served(
        path=("policy", "commitments"),
        uploads={"file": Upload(field="file"), "evidence": Upload(field="evidence", many=True)},
    ),
    Served(path=("policy", "cases"), uploads={"file": Upload(field="file", suffixes=(".csv",))}),
    Served(
        path=("audit",), names={"claim": "claim"}, uploads={"claim": Upload(field="file", suffixes=YAML)},
        withheld={"plot": _PICTURE},
    ),
    Served(path=("catalog", "list")),
    Served(path=("catalog", "show")),
    Served(path=("catalog", "diff")),
    Served(path=("catalog", "check")),
    Served(path=("catalog", "schema")),
    Served(
        path=("validate",), long=True,
        uploads={"file": Upload(field="file", suffixes=(".csv",)), "facts": Upload(field="facts", suffixes=(".csv",))},
        withheld={"plot": _PICTURE, "cross": "fits the cost model, for minutes; from the command line"},
    ),
    Served(path=("runs", "list"), withheld={"store": _STORE}, free=("label",)),
    Served(path=("runs", "show"), withheld={"store": _STORE}),
    Served(path=("runs", "compare"), withheld={"store": _STORE}),
    Served(path=("why",), long_unless=("prices",), uploads={"file": Upload(field="file")}),
    Served(
        path=("export",), uploads={"plan_file": Upload(field="file")},
        withheld={"out": _FOLDER, "model_path": "a path"}, lists=("to",),
    ),
)  # fmt: skip

REFUSED: Mapping[str, str] = MappingProxyType({
    "attest keygen": "makes a key, which stays with who made it",
    "attest sign": "uses a key, which stays with who made it",
    "attest verify": "trusts keys that are named by path",
    "calibrate": "fits the cost model: from the command line",
    "completion": "is for a shell",
    "policy conformance": "trusts keys that are named by path",
    "runs delete": "takes kept runs away",
    "web": "is the server",
})  # fmt: skip


@functools.cache
def commands() -> Mapping[str, functools.partial[click.Command]]:
    """Every verb of the command line by its path as one text, with what loads it."""
    return dict(_walk(cli, ()))


@functools.cache
def served() -> Mapping[str, Served]:
    """The verbs that are served, by name."""
    return {one.name: one for one in VERBS}


def _walk(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, functools.partial[click.Command]]]:
    for name in group.list_commands(click.Context(group)):
        at = (*path, name)
        if path or name in _GROUPS:
            found = _load(group, name)
            if isinstance(found, click.Group):
                yield from _walk(found, at)
                continue
        yield " ".join(at), functools.partial(_load, group, name)


_GROUPS = ("attest", "catalog", "policy", "runs")


def _load(group: click.Group, name: str) -> click.Command:
    found = group.get_command(click.Context(group), name)
    assert found is not None, f"the table of {group.name} names {name}"
    return found
