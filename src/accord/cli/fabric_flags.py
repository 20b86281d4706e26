"""Sizes between commas, each with its unit."""

from __future__ import annotations

import click

from accord.cli.flags import NumberList, Quantity


class QuantityList(NumberList):
    """Quantities between commas, such as ``1MB,64MB``; gives a tuple of SI floats above 0."""

    def __init__(self, unit: str, *, example: str) -> None:
        """Take quantities of one kind; see :class:`accord.cli.flags.Quantity`."""
        super().__init__(float)
        self._quantity = Quantity(unit, example=example, above=0.0)
        self._example = example
        self.name = f"quantities in {unit}"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show the form in the help."""
        return f"{self._example}[,...]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Split at commas and read each."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(parts):
            self.fail(f"'{value}' has nothing between two commas or at an end", param, ctx)
        return tuple(self._quantity.convert(part, param, ctx) for part in parts)
