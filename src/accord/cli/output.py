"""What a verb prints: data on stdout, everything else on stderr.

Tables are drawn by rich on a terminal (loaded only then; ``NO_COLOR`` is honoured) and as plain
aligned text elsewhere, so that output in files and pipes never changes with the terminal.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Mapping

from accord.report.tables import Table, to_text
from accord.report.to_json import to_bytes


def emit(envelope: Mapping[str, object], *tables: Table, as_json: bool) -> None:
    """Print a verb's answer: the envelope as JSON, or its tables.

    envelope: from :func:`accord.report.to_json.envelope`; its warnings go to stderr beside tables
    tables: what a reader sees, in order; as_json: the verb's ``--json``
    """
    if as_json:
        write(to_bytes(envelope).decode())
        return
    warnings = envelope.get("warnings", ())
    if isinstance(warnings, Iterable):
        for warning in warnings:
            warn(str(warning))
    show(*tables)


def show(*tables: Table) -> None:
    """Print tables on stdout, an empty line between them."""
    if sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        _show_rich(tables)
        return
    write("\n".join(to_text(table) for table in tables))


def write(text: str) -> None:
    """Print text on stdout as it is. Raises OSError where there is no stdout."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "stdout is closed")
    sys.stdout.write(text)
    sys.stdout.flush()


def say(text: str) -> None:
    """Print a line of progress or explanation on stderr, if there is one."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")


def warn(text: str) -> None:
    """Print a warning on stderr."""
    say(f"warning: {text}")


def _show_rich(tables: Iterable[Table]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(highlight=False)  # reads NO_COLOR itself
    for index, table in enumerate(tables):
        if index:
            console.print()
        if table.title:
            console.print(Text(table.title, style="bold"))
        headed = any(column.heading for column in table.columns)
        drawn = RichTable(box=box.SIMPLE_HEAD, show_header=headed, padding=(0, 1, 0, 0), show_edge=False)
        for column in table.columns:
            drawn.add_column(Text(column.heading), justify=column.justify, overflow="fold")
        for row in table.rows:
            drawn.add_row(*(Text(cell) for cell in row))
        console.print(drawn)
        for note in table.notes:
            console.print(Text(note, style="dim"))
