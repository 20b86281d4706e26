"""A verb as data that can be signed: recorded from its words, made into words again, and run within this process.

Only verbs of a list are run. Their arguments are passed as values; a file is never named by what was signed, but given
by who runs it, checked by its hash, and read under its recorded name in a folder that is made for it.
"""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import yaml

from accord.base.errors import DataError, Refusal, UsageError
from accord.report.attestation import SHOWN, Command, FileRef, shown

VERBS: tuple[tuple[str, ...], ...] = (
    ("compare",), ("estimate",), ("size",), ("plan",), ("train",), ("fabric",), ("simulate",), ("audit",), ("demo",),
    ("policy", "classify"), ("policy", "migrate"), ("policy", "check"), ("policy", "party"), ("policy", "adoption"),
    ("policy", "evidence"), ("policy", "conformance"), ("policy", "commitments"), ("catalog", "show"),
)  # fmt: skip
FOLDER = "catalog_paths"
FILES = (
    FOLDER,
    "trace",
    "scenario",
    "deployment",
    "files",
    "evidence",
    "keys",
    "trust",
)  # parameters that name what is read
TEXT_OR_FILE = (
    "model",
    "transfers",
    "subject",
    "claim",
    "file",
    "definition",
)  # an id, a text or a name of what is read
INSIDE = ("model", "trace", "transfers", "scenario", "deployment")
DROPPED = ("as_json", "keep")  # --json is added; a run is never kept
REFUSED: Mapping[str, str] = {  # and whatever else names a place to write to
    "executor": "runs elsewhere", "workers": "runs elsewhere", "ray_address": "runs elsewhere",
    "print_config": "is no answer", "help": "is no answer", "export": "writes files", "label": "is no question",
    "store": "is of this machine",
}  # fmt: skip
MOST_BYTES = 256 << 20
MOST_FILES = 4096
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
# Without a day these answer for today.
_OF_NOW = tuple(("policy", name) for name in ("party", "adoption", "evidence", "conformance", "commitments"))
Value = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, and where the files are that it names."""

    command: Command
    files: Mapping[str, Path]


def recorded(words: Sequence[str]) -> Asked:
    """The words after ``accord`` as a command. Raises UsageError for a verb or a flag that is not signed."""
    verb = _verb(words)
    command = _command(verb)
    context = click.Context(command, info_name=f"accord {' '.join(verb)}")
    parser = command.make_parser(context)
    given, left, _ = parser.parse_args(list(words[len(verb) :]))
    if left:
        raise UsageError(f"'{left[0]}' is one word too many", hint=f"'accord {' '.join(verb)} --help'")
    files: dict[str, Path] = {}
    arguments: dict[str, object] = {}
    for param in command.get_params(context):
        value = given.get(param.name) if param.name else None
        if param.name in DROPPED or not isinstance(value, bool | str | list | tuple):
            continue
        flag = _flag(param, value)
        why = _refused(param)
        if why is not None:
            raise UsageError(f"{flag} {why}, so it is not signed", hint="leave it out")
        arguments[flag] = _recorded(param, value, files)
    once = _only_here_and_now(verb, arguments)
    if once is not None:
        raise UsageError(once[0], hint=once[1])
    return Asked(Command(verb=verb, arguments=arguments), files)  # type: ignore[arg-type]


def words_of(command: Command) -> list[str]:
    """The words of a command that was recorded, with ``--json``. Raises Refusal for what is not run from a file."""
    if command.verb not in VERBS:
        known = f"verbs that are run: {', '.join(' '.join(verb) for verb in VERBS)}"
        raise _not_run(f"the verb {shown(' '.join(command.verb))}", known)
    found = _command(command.verb)
    words, last = [*command.verb], []
    params = {flag: _param(found, flag) for flag in command.arguments}
    for flag, param in sorted(params.items(), key=lambda item: found.params.index(item[1])):  # an order of its own
        value = command.arguments[flag]
        if isinstance(param, click.Argument):
            last += _texts(param, value)
        elif isinstance(value, bool):
            if not (isinstance(param, click.Option) and param.is_flag and value):
                raise _not_run(f"{flag} without a value")
            words.append(flag)
        elif isinstance(param, click.Option) and param.is_flag:
            raise _not_run(f"{flag} with a value")
        else:
            words += [f"{flag}={text}" for text in _texts(param, value)]
    once = _only_here_and_now(command.verb, command.arguments)
    if once is not None:
        raise Refusal(f"the file asks for what is not run from a file: {once[0]}", hint=once[1])
    if any(param.name == "keep" for param in found.params):
        words.append("--no-keep")
    return [*words, "--json", "--", *last]


def catalogs(command: Command) -> tuple[Path, ...]:
    """Names of folders of entries of one's own, in their order."""
    value = command.arguments.get("--catalog", ())
    return tuple(Path(one["file"]) for one in value if isinstance(one, Mapping)) if isinstance(value, tuple) else ()


@contextlib.contextmanager
def staged(
    command: Command, files: Mapping[str, Path], signed: Sequence[FileRef] | None = None
) -> Iterator[tuple[FileRef, ...]]:
    """Be in a new folder that holds copies of files under their recorded names; hands over their hashes.

    signed: what they must be, None where that is not known yet
    Raises Refusal for another file, UsageError for one that is missing or not asked for, DataError for one that cannot
    be read or itself names files.
    """
    roles = _roles(command)
    missing = [name for name in roles if name not in files]
    if missing:
        raise UsageError(f"the file {missing[0]} is not at hand", hint=f"give it with --file {missing[0]}=PATH")
    extra = [name for name in files if name not in roles]
    if extra:
        hint = f"it reads {', '.join(roles)}" if roles else "it reads no file"
        raise UsageError(f"the command reads no file {shown(extra[0])}", where="--file", hint=hint)
    wanted = {one.name: one.sha256 for one in signed or ()}
    if signed is not None and set(wanted) != set(roles):
        raise DataError("the files of the command and their hashes contradict each other")
    with TemporaryDirectory(prefix="accord-") as folder:
        refs = tuple(_copied(name, read_by, files[name], Path(folder)) for name, read_by in roles.items())
        for one in refs:
            if signed is not None and one.sha256 != wanted[one.name]:
                raise Refusal(f"is not the file that was signed as {one.name} (sha256 {wanted[one.name][:SHOWN]}, "
                              f"here {one.sha256[:SHOWN]})", where=str(files[one.name]))  # fmt: skip
        with contextlib.chdir(folder):
            yield refs


def answer(words: Sequence[str]) -> tuple[int, bytes]:
    """Run a verb here; returns its exit code and what it printed on stdout."""
    from accord.cli.main import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main(words)
    return code, printed.getvalue().encode()


# Recording


def _verb(words: Sequence[str]) -> tuple[str, ...]:
    for count in (2, 1):
        if tuple(words[:count]) in VERBS:
            return tuple(words[:count])
    known = ", ".join(" ".join(verb) for verb in VERBS)
    if not words:
        raise UsageError("no verb to run", where="--run", hint="write it after --, such as --run -- compare A B")
    grouped = any(verb[0] == words[0] and len(verb) > 1 for verb in VERBS)  # then one word says too little
    said = " ".join(words[:2] if grouped else words[:1])
    raise UsageError(f"{shown(said)} is not run to be signed", where="--run", hint=f"one of {known}")


def _command(verb: Sequence[str]) -> click.Command:
    """A verb's click command. Raises UsageError where this version has none."""
    from accord.cli.main import cli

    found: click.Command | None = cli
    for name in verb:
        found = found.get_command(click.Context(found), name) if isinstance(found, click.Group) else None
    if found is None:
        raise UsageError(f"this version of Accord has no verb '{' '.join(verb)}'")
    return found


def _refused(param: click.Parameter) -> str | None:
    """Why a parameter is not signed, or None."""
    name = "help" if "--help" in param.opts else param.name or ""
    if name not in REFUSED and isinstance(param.type, click.Path) and name not in FILES:
        return "writes a file"
    return REFUSED.get(name)


def _only_here_and_now(verb: tuple[str, ...], arguments: Mapping[str, object]) -> tuple[str, str] | None:
    """Why another party, or this one tomorrow, cannot have the answer again, and what to do; None where they can."""
    if verb == ("policy", "check") and isinstance(arguments.get("subject"), str):
        return "a kept run is of this machine", "give the file of 'accord train --json'"
    if verb in _OF_NOW and "--date" not in arguments:
        return "without a day the answer is of today, and cannot be had again", "give --date"
    return None


def _flag(param: click.Parameter, value: object) -> str:
    """The word that gives a value to a parameter; an argument's own name."""
    if isinstance(param, click.Argument):
        return param.name or ""
    return max(param.secondary_opts if value is False else param.opts, key=len)


def _recorded(param: click.Parameter, value: object, files: dict[str, Path]) -> object:
    if isinstance(value, bool):
        return True
    if isinstance(value, list | tuple):
        return tuple(_one(param, str(one), files) for one in value)
    return _one(param, str(value), files)


def _one(param: click.Parameter, text: str, files: dict[str, Path]) -> Value:
    """A value; one that names a file gives the file's name, and its place goes into ``files``."""
    path = Path(text)
    if param.name in TEXT_OR_FILE:
        if param.name in ("subject", "file") and text == "-":
            raise UsageError("what comes from stdin cannot be had again", hint="give a file")
        if "->" in text or not (path.is_file() or "/" in text or "\\" in text):
            return text
        if param.name == "model" and (path.is_dir() or path.name == "config.json"):
            path = path / "config.json" if path.is_dir() else path
            return {"file": _named(f"{path.absolute().parent.name}.json", path, files)}
    elif param.name not in FILES:
        return text
    return {"file": _named(path.absolute().name, path, files)}


def _named(name: str, path: Path, files: dict[str, Path]) -> str:
    """A plain name for a file that no other of the command has."""
    stem, dot, suffix = re.sub(r"[^A-Za-z0-9._-]", "_", name)[-80:].lstrip(".-").rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem else (suffix, "")
    count, plain = 1, f"{stem or 'file'}{suffix}"
    while plain in files and files[plain] != path.absolute():
        count += 1
        plain = f"{stem or 'file'}-{count}{suffix}"
    files[plain] = path.absolute()
    return plain


# Running what was recorded


def _not_run(what: str, hint: str = "ask the signer for an answer without it") -> Refusal:
    return Refusal(f"the file asks for {what}, which is not run from a file", hint=hint)


def _param(command: click.Command, flag: str) -> click.Parameter:
    for param in command.params:
        named = (
            param.name == flag if isinstance(param, click.Argument) else flag in (*param.opts, *param.secondary_opts)
        )
        if named and param.name not in DROPPED:
            why = _refused(param)
            if why is None:
                return param
            raise _not_run(shown(flag), f"{flag} {why}; ask the signer for an answer without it")
    raise _not_run(shown(flag), "only flags that ask a question of that verb are")


def _texts(param: click.Parameter, value: object) -> list[str]:
    """Texts of a recorded value; a file's is its name in the folder of :func:`staged`."""
    many = isinstance(value, tuple)
    if many != (param.nargs != 1 or bool(getattr(param, "multiple", False))):
        raise _not_run(f"{shown(param.name)} with another number of values")
    found: list[str] = []
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, Mapping):
            if set(one) != {"file"} or param.name not in (*FILES, *TEXT_OR_FILE) or not _NAME.fullmatch(one["file"]):
                raise _not_run(f"a file for {shown(param.name)}")
            found.append(one["file"])
        elif not isinstance(one, str) or param.name in FILES or (param.name in TEXT_OR_FILE and _is_path(one)):
            raise _not_run(f"{shown(param.name)} {shown(one)}")
        else:
            found.append(one)
    return found


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or text == "-"


def _roles(command: Command) -> dict[str, set[str]]:
    """Names of the files of a command, with the parameters that read each."""
    found = _command(command.verb)
    roles: dict[str, set[str]] = {}
    for flag, value in command.arguments.items():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Mapping):
                roles.setdefault(one["file"], set()).add(_param(found, flag).name or "")
    return roles


def _copied(name: str, roles: set[str], path: Path, folder: Path) -> FileRef:
    """Copy a file, or the entries of a folder, and hash what was copied."""
    if path.is_dir() and roles == {FOLDER}:
        total = sha256()
        entries = sorted((one.relative_to(path).as_posix(), one) for one in path.rglob("*.yaml"))
        if len(entries) > MOST_FILES:
            raise DataError(f"holds more than {MOST_FILES} entries", where=str(path))
        for relative, entry in entries:
            total.update(relative.encode() + b"\0" + bytes.fromhex(_copy(entry, folder / name / relative)))
        return FileRef(name=name, sha256=total.hexdigest(), folder=True)
    hashed = _copy(path, folder / name)
    named = [inside for role in sorted(roles) for inside in _names_inside(folder / name, role)]
    if named:
        hint = f"give it as a flag, --{named[0]}"
        raise DataError(f"names a file itself ({named[0]}), which no hash would cover", where=str(path), hint=hint)
    return FileRef(name=name, sha256=hashed)


def _copy(source: Path, target: Path) -> str:
    """Copy a file and return its SHA-256 [hex]. Raises DataError for what cannot be read or is too large."""
    try:
        with source.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(source)) from None
    if len(data) > MOST_BYTES:
        raise DataError(f"is larger than {MOST_BYTES >> 20} MiB", where=str(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return sha256(data).hexdigest()


def _names_inside(copy: Path, role: str) -> list[str]:
    """Members of a scenario, a deployment or a claim that name a file; none where the verb will refuse it anyway."""
    with contextlib.suppress(ValueError, RecursionError, yaml.YAMLError):
        if role == "scenario":
            return _paths(tomllib.loads(copy.read_text(encoding="utf-8-sig")).get("plan"))
        if role in ("deployment", "claim"):
            return _paths(yaml.safe_load(copy.read_text(encoding="utf-8")))
    return []


def _paths(value: object) -> list[str]:
    """Names of members, at any depth, that verbs take for a file and whose value is a path."""
    if isinstance(value, list):
        return [name for one in value for name in _paths(one)]
    if not isinstance(value, dict):
        return []
    found = [name for name in INSIDE if isinstance(value.get(name), str) and _is_path(value[name])]
    return found + [name for one in value.values() for name in _paths(one)]
