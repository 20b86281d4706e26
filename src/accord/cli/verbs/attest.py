"""``accord attest``: answers that are signed, verified, and made again by somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accord.base.errors import DataError, Refusal, UsageError
from accord.cli.flags import json_option
from accord.cli.output import emit, say
from accord.cli.saved import save, told, writable

if TYPE_CHECKING:
    from accord.report.attest_view import Recomputed, Verified
    from accord.store.keys import PublicKey

FILE = click.Path(dir_okay=False, path_type=Path)
ANSWERED = (0, Refusal.exit_code)  # fine, or the answer is no; an interrupted run is no answer


@click.group("attest")
def command() -> None:
    """Sign an answer, verify one, and make it again: an in-toto statement in a DSSE envelope, signed with Ed25519."""


@command.command("keygen")
@click.option("--out", "stem", type=FILE, default=Path("accord"), metavar="NAME", show_default="accord",
              help="Writes NAME.key and NAME.pub.")  # fmt: skip
@json_option
def keygen(stem: Path, as_json: bool) -> None:
    """Make a pair of keys: NAME.key, which signs and stays with you (mode 0600), and NAME.pub, which you hand out.

    A file that is there is never overwritten.
    """
    _need()
    from accord.catalog.load import load_catalog
    from accord.report.attest_view import keys_dict, keys_table
    from accord.report.to_json import envelope
    from accord.store.keys import make_keys

    with told("--out"):
        made = make_keys(stem)
    words = made.id, str(made.private), str(made.public)
    body = envelope(
        "attest.keygen", inputs={"out": stem}, result=keys_dict(*words), catalog_digest=load_catalog().digest
    )
    emit(body, keys_table(*words), as_json=as_json)


@command.command("sign")
@click.argument("words", metavar="[RESULT.json | -- VERB ...]", nargs=-1, type=click.UNPROCESSED)
@click.option("--key", type=FILE, required=True, metavar="NAME.key", help="Who signs, of 'accord attest keygen'.")
@click.option("--run", is_flag=True, help="Run a verb, written after --, and sign what it answers.")
@click.option("--out", type=FILE, metavar="FILE", help="Write the signed envelope here; else it is printed.")
@click.option("--result", "beside", type=FILE, metavar="FILE.json", help="With --run: write the answer here.")
@click.option("--embed", is_flag=True, help="Put the result into the statement; so --run does without --result.")
def sign(
    words: tuple[str, ...], key: Path, run: bool, out: Path | None, beside: Path | None, embed: bool
) -> int:  # fmt: skip
    """Sign an answer: hashes of result, inputs, catalog, rules, code and files.

    RESULT.json is what a verb printed with --json. Where its inputs say the whole command (compare, plan and size by
    flags, simulate, most of policy, audit, catalog show, demo), 'accord attest verify --recompute' can ask again; with
    --run it always can, and files that were read are hashed too. No time is signed: a signer's clock proves nothing.

    \b
    accord attest sign answer.json --key accord.key --out answer.dsse.json
    accord attest sign --key accord.key --out plan.dsse.json --run --
        plan --model deepseek-v3 --system nvidia-hgx-h200-8 --chips 32 --tpot 40ms
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    _need()
    from accord.cli.output import write

    if not run and (beside is not None or len(words) != 1):
        raise UsageError("one RESULT.json is signed", hint="or, with --run, the verb after --")
    writable(beside, "--result")
    writable(out, "--out")
    code, printed, envelope = _run(words, key, beside, embed) if run else (0, b"", _read(Path(words[0]), key, embed))
    if not envelope:
        return code or Refusal.exit_code
    if beside is not None:
        save(beside, printed, "--result")
    if out is None:
        write(envelope.decode())
    else:
        save(out, envelope, "--out")
        say(f"wrote {out}")
    return 0


@command.command("verify")
@click.argument("file", metavar="FILE", type=FILE)
@click.option("--key", "keys", type=FILE, multiple=True, metavar="NAME.pub", help="Who is believed; may be repeated.")
@click.option("--trust", type=FILE, metavar="FILE.json", help='{"KEY ID": {"name": "...", "pem": "..."}}.')
@click.option("--result", "beside", type=FILE, metavar="RESULT.json", help="Is this the answer that was signed?")
@click.option("--recompute", is_flag=True, help="Ask again, and compare.")
@click.option("--anyway", is_flag=True, help="Recompute although catalog, rules or code are not those that answered.")
@click.option("--file", "files", multiple=True, metavar="NAME=PATH", help="A file the command read; may be repeated.")
@json_option
def verify(
    file: Path, keys: tuple[Path, ...], trust: Path | None, beside: Path | None, recompute: bool, anyway: bool,
    files: tuple[str, ...], as_json: bool,
) -> int:  # fmt: skip
    """Check who signed FILE, and what: exit 0 where it holds, 1 where it does not, 3 where it cannot be read.

    A key within FILE proves nothing and is never used: give --key or --trust.

    --recompute runs the recorded verb again, here and now, with the recorded arguments and nothing else from FILE:
    only verbs that answer questions, no path, address or module. Files it read are given again (--file) and must have
    the recorded hash. Result and inputs are compared as canonical JSON, digit for digit, without paths of files that
    were written; it is meant for the same kind of machine, since another may round last digits otherwise. Where
    catalog, rules or code differ, that is said and nothing is run.

    \b
    accord attest verify plan.dsse.json --key accord.pub --recompute
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    _need()
    from dataclasses import replace

    from accord.api.attest import compare_document
    from accord.api.attest import verify as verified_by
    from accord.catalog.load import load_catalog
    from accord.report.attest_view import verified_dict, verified_tables
    from accord.report.to_json import envelope

    if (anyway or files) and not recompute:
        raise UsageError(f"{'--anyway' if anyway else '--file'} says nothing without --recompute")
    believed = _believed(keys, trust)
    found: Verified = verified_by(_bytes(file), str(file), believed)
    if beside is not None:
        found = replace(found, beside=compare_document(found.statement, _bytes(beside), str(beside)))
    if recompute:
        found = replace(found, recomputed=_recompute(found, files, anyway))
    inputs = {
        "file": file, "believed": [{"id": one.id, "name": one.name} for one in believed], "result": beside,
        "recompute": recompute, "anyway": anyway, "files": files,
    }  # fmt: skip
    body = envelope(
        "attest.verify", inputs=inputs, result=verified_dict(found), catalog_digest=load_catalog().digest
    )  # fmt: skip
    emit(body, *verified_tables(found), as_json=as_json)
    return 0 if found.holds else Refusal.exit_code


def _need() -> None:
    """Load what signs. Raises UsageError where the extra is missing."""
    try:
        import_module("accord.store.keys")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "cryptography":
            raise
        raise UsageError("attest needs cryptography", hint="pip install 'accord[sign]'") from None


def _read(file: Path, key: Path, embed: bool) -> bytes:
    """The envelope of an answer in a file."""
    from accord.api.attest import Run, attest, read_document
    from accord.catalog.load import load_catalog
    from accord.cli.attest_inputs import command_of
    from accord.store.keys import read_private_key

    signer, data = read_private_key(key), _bytes(file)
    document = read_document(data, str(file))
    known = command_of(document.verb, document.inputs)
    run = None if known is None else Run(known)
    return attest(data, file.name, [signer], load_catalog(), run=run, embed=embed)


def _run(
    words: Sequence[str], key: Path, beside: Path | None, embed: bool
) -> tuple[int, bytes, bytes]:  # fmt: skip
    """Run a verb; its exit code, what it printed, and the envelope, empty where it did not answer."""
    from accord.api.attest import Run, attest
    from accord.catalog.load import load_catalog
    from accord.cli.attest_command import answer, catalogs, recorded, staged, words_of
    from accord.store.keys import read_private_key

    signer, asked = read_private_key(key), recorded(words)
    with staged(asked.command, asked.files) as files:
        code, printed = answer(words_of(asked.command))
        if not printed or code not in ANSWERED:
            return code, b"", b""
        catalog = load_catalog(catalogs(asked.command))
    name = beside.name if beside is not None else "the answer"
    return code, printed, attest(
        printed, name, [signer], catalog, run=Run(asked.command, files, code), embed=embed or beside is None,
        beside=beside is not None,
    )  # fmt: skip


def _recompute(found: Verified, texts: Sequence[str], anyway: bool) -> Recomputed:
    """Ask again. Raises Refusal where the command is not known, not run, or does not answer here."""
    from accord.api.attest import drifts, recomputed
    from accord.catalog.load import load_catalog
    from accord.cli.attest_command import answer, catalogs, staged, words_of
    from accord.report.attest_view import Recomputed

    report = found.statement.report
    if report.command is None:
        hint = "'accord attest sign --run -- VERB ...' records it; --result RESULT.json compares with a file"
        what = "was signed from a file whose inputs do not say the whole command, so it is not recomputed"
        raise Refusal(what, hint=hint)
    words = words_of(report.command)
    with staged(report.command, _files(texts), report.files):
        catalog = load_catalog(catalogs(report.command))
        differing = drifts(report, catalog)
        if differing and not anyway:
            return Recomputed(differing, ran=False)
        code, printed = answer(words)
    if not printed or code not in ANSWERED:
        raise Refusal(f"the verb does not answer here (exit code {code})", where=" ".join(report.command.verb))
    return recomputed(report, printed, code, differing)


def _files(texts: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in texts:
        name, sign, path = text.partition("=")
        if not (name and sign and path):
            raise UsageError(f"'{text}' is no NAME=PATH", where="--file", hint="such as trace.csv=../trace.csv")
        found[name] = Path(path).absolute()
    return found


def _believed(keys: Sequence[Path], trust: Path | None) -> tuple[PublicKey, ...]:
    """The keys that are believed. Raises UsageError for none."""
    from accord.store.keys import read_public_key, read_trust

    if not keys and trust is None:
        raise UsageError("nobody is believed", hint="give --key NAME.pub of the signer, or a --trust file")
    return (*map(read_public_key, keys), *(() if trust is None else read_trust(trust)))


def _bytes(file: Path) -> bytes:
    """A file, no more of it than is allowed and one byte. Raises DataError."""
    from accord.report.canonical import MOST_BYTES

    try:
        with file.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(file)) from None
