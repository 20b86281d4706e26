"""The ``accord`` command: a table of verbs, loaded one at a time, and what happens to errors.

Only click is loaded before a verb is known, so that ``accord --help`` answers at once.
Exit codes: 0 fine, 1 the answer is no, 2 usage, 3 bad data, 70 a fault of Accord itself, 71 workers were lost,
74 a file or the output cannot be read or written, 130 interrupted, 141 the reader of our output went away.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from accord._version import VERSION
from accord.base.errors import AccordError
from accord.cli.lazy import Entry, LazyGroup

EXIT_INTERNAL = 70
EXIT_IO = 74
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141


VERBS: tuple[Entry, ...] = (
    Entry("demo", "accord.cli.verbs.demo", "The main job, with no input at all."),
    Entry("estimate", "accord.cli.verbs.estimate", "How fast one deployment runs, and with what error bar."),
    Entry("plan", "accord.cli.verbs.plan", "What to build or rent, under limits of every kind."),
    Entry("size", "accord.cli.verbs.size", "The fewest chips of each system that serve a load."),
    Entry("simulate", "accord.cli.verbs.simulate", "What users feel under real traffic, request by request."),
    Entry("train", "accord.cli.verbs.train", "What a training run takes: days, cost, failures, compute."),
    Entry("fabric", "accord.cli.verbs.fabric", "Collectives and transfers on the wires of a system."),
    Entry("compare", "accord.cli.verbs.compare", "Systems side by side: totals, per chip, per watt, per dollar."),
    Entry("policy", "accord.cli.verbs.policy", "What export control and AI law say, as of a day."),
    Entry("attest", "accord.cli.verbs.attest", "Sign an answer, verify one, and make it again."),
    Entry("audit", "accord.cli.verbs.audit", "Public claims recomputed: holds, holds if, fails, cannot tell."),
    Entry("catalog", "accord.cli.verbs.catalog", "What is known: every value with unit, basis and source."),
    Entry("validate", "accord.cli.verbs.validate", "Predicted against measured, row by row."),
    Entry("runs", "accord.cli.verbs.runs", "Past runs: list, show, compare."),
    Entry("why", "accord.cli.verbs.why", "One plan beside another, term by term."),
    Entry("export", "accord.cli.verbs.export", "A plan as launch files of vLLM, SGLang, Dynamo, llm-d, MindIE."),
    Entry("web", "accord.web.command", "The page to work in, and the HTTP API behind it."),
    Entry("calibrate", "accord.cli.verbs.calibrate", "Fit the cost model to measured tables."),
    Entry("completion", "accord.cli.verbs.completion", "Print the completion script of a shell."),
)


class VerbGroup(LazyGroup):
    """The verbs."""

    table = VERBS
    heading = "Verbs"
    unknown = "there is no verb '{}'"


@click.command(
    cls=VerbGroup,
    name="accord",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="'accord VERB --help' explains a verb; --json prints its answer as JSON.",
)
@click.version_option(VERSION, "-V", "--version", prog_name="accord", message="%(prog)s %(version)s")
def cli() -> None:
    """Plan, simulate and govern AI compute, with an error bar and a source behind every number."""


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    args: the words after ``accord``; None takes them from the process.
    """
    try:
        code = cli.main(args=None if args is None else list(args), prog_name="accord", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        _say_click(error)
        return error.exit_code
    except AccordError as error:
        _say(_headline(error), error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _drop_output(EXIT_PIPE)  # the reader (``head``, a pager) has seen enough: not a word
    except OSError as error:
        _say(f"{error.filename or 'standard output'}: {error.strerror or error}", None)
        return _drop_output(EXIT_IO) if error.filename is None else EXIT_IO
    except SystemExit as stop:
        return _exit_code(stop)
    except Exception:
        return _say_internal()
    return code if isinstance(code, int) else 0


def _headline(error: AccordError) -> str:
    return f"{error.where}: {error.what}" if error.where else error.what


def _say(message: str, hint: str | None) -> None:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201  stderr is this module's business
    if hint:
        print(f"hint: {hint}", file=sys.stderr)  # noqa: T201


def _say_click(error: click.ClickException) -> None:
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"'{context.command_path} --help' lists what it takes" if context else None
    _say(message, hint)


def _say_internal() -> int:
    import traceback

    traceback.print_exc()
    _say("this is a fault of Accord, not of your input", "please report it with the lines above and the command")
    return EXIT_INTERNAL


def _drop_output(code: int) -> int:
    """Send what is still buffered nowhere, so that the interpreter does not fail on it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _exit_code(stop: SystemExit) -> int:
    """Exit code of a SystemExit; click turns a broken pipe into one with code 1."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _drop_output(EXIT_PIPE)
    if type(sys.stdout).__name__ == "_PacifyFlushWrapper":
        return EXIT_PIPE
    return stop.code if isinstance(stop.code, int) else EXIT_INTERNAL
