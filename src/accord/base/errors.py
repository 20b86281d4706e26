"""Every error Accord raises on purpose.

    AccordError                      what, where, how to mend                        exit code
    |-- UsageError                   the command or call is malformed                2
    |-- DataError                    something that was read is wrong                3
    |   |-- CatalogError             a catalog entry
    |   |-- UnitError                a number without, or with the wrong, unit
    |   |-- ModelConfigError         a model's config.json
    |   `-- TableError               a CSV or trace
    |-- WorkerLost                   the system ended a worker, again and again      71
    `-- Refusal                      the question is sound and the answer is no      1
        |-- DoesNotFit               it exceeds a memory, a count or a limit
        |-- ArchitectureUnpublished  the model's shape was never published
        |-- MissingFact              the catalog has no number for it
        `-- NotSupported             no model for it exists here

A message says what, where and how to mend: ``where: what``, then ``hint: ...`` on its own line.
"""

from __future__ import annotations

from typing import ClassVar, Self


class AccordError(Exception):
    """Root of the tree.

    what: one sentence without a full stop, naming the thing and its value
    where: file and line, flag or row; an outer layer may add it (see :meth:`at`)
    hint: how to mend it, naming the closest valid choice
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        """Keep the three parts; ``str()`` joins them."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Return ``where: what`` and, on a second line, ``hint: ...``."""
        head = self.what if self.where is None else f"{self.where}: {self.what}"
        return head if self.hint is None else f"{head}\nhint: {self.hint}"

    def at(self, where: str | None = None, *, hint: str | None = None) -> Self:
        """Return a copy of the same class with the parts that are still missing filled in."""
        copy = type(self)(self.what)
        copy.where = self.where if self.where is not None else where
        copy.hint = self.hint if self.hint is not None else hint
        return copy


class UsageError(AccordError):
    """The command or call is malformed."""

    exit_code: ClassVar[int] = 2


class DataError(AccordError):
    """Something that was read is wrong."""

    exit_code: ClassVar[int] = 3


class CatalogError(DataError):
    """A catalog entry is malformed, contradicts another, or does not exist."""


class UnitError(DataError):
    """A number has no unit, an unknown one, or the wrong one."""


class ModelConfigError(DataError):
    """A model's config.json is malformed or contradicts itself."""


class TableError(DataError):
    """A CSV or trace is malformed."""


class WorkerLost(AccordError):
    """The system ended a worker process, again and again; the code is EX_OSERR of sysexits.h."""

    exit_code: ClassVar[int] = 71


class Refusal(AccordError):
    """The question is sound and the answer is no."""


class DoesNotFit(Refusal):
    """It exceeds a memory, a count or a limit."""


class ArchitectureUnpublished(Refusal):
    """The model's shape was never published, so nothing can be computed from it."""


class MissingFact(Refusal):
    """The catalog has no number for it, and none may be invented."""


class NotSupported(Refusal):
    """No model for it exists here."""
