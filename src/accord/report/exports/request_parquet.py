"""One Parquet row for each request, with the columns of :mod:`accord.report.request_columns`. Needs the extra [data].

Numbers are int64 and float64, null where nothing came; texts are as they are. The metadata of the schema say that the
rows are simulated, by what and when, and what each column means.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from accord.report.outputs import SIMULATOR, About
from accord.report.request_columns import ROW_COLUMNS, row_blocks
from accord.serving.result import Outcome

GROUP = 65536  # rows of a row group
_TYPES = {"int": pa.int64(), "float": pa.float64(), "text": pa.string()}


class _Pieces(io.RawIOBase):
    """A file that keeps what was written until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(memoryview(data))  # type: ignore[arg-type]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def parquet(outcome: Outcome, metrics: Mapping[str, float], about: About) -> Iterator[bytes]:
    """Yield the file, a row group at a time."""
    schema = _schema(about)
    pieces = _Pieces()
    with pq.ParquetWriter(pieces, schema, compression="zstd") as writer:
        for block in row_blocks(outcome, GROUP):
            writer.write_table(pa.table({name: block[name] for name in schema.names}, schema=schema))
            yield pieces.take()
    yield pieces.take()


def _schema(about: About) -> pa.Schema:
    columns = [
        pa.field(column.name, _TYPES[column.kind], metadata={"meaning": column.meaning}) for column in ROW_COLUMNS
    ]
    marks = {"simulated": "true", "simulator": SIMULATOR, "created": about.created, "model": about.model}
    return pa.schema(columns, metadata=marks)
