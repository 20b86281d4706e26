"""Reading one key of a configuration: right type, sane range, or an error that names the key.

A configuration comes from a file somebody else wrote, so nothing in it is trusted. JSON ``null`` counts as
absent. Floats never pass for integers, booleans never for numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from accord.base.errors import ModelConfigError

MAX_LAYERS = 10_000
MAX_WIDTH = 1_000_000  # hidden sizes, head widths, ranks, expert widths
MAX_COUNT = 100_000  # heads, experts, groups
MAX_VOCAB = 100_000_000
MAX_TOKENS = 1_000_000_000  # contexts and windows


def describe(value: object) -> str:
    """A short word for a bad value, safe for values of any size or depth."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else "an integer of more than 15 digits"
    if isinstance(value, float):
        return str(value)
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else f"{value[:57]!r}..."
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return f"a {type(value).__name__}"


class Fields:
    """The keys of one configuration object, read with checks.

    values: the decoded object; path: dotted name of the object inside the file, empty at the top
    """

    __slots__ = ("path", "values")

    def __init__(self, values: Mapping[str, object], path: str = "") -> None:
        """Wrap ``values`` found at ``path``."""
        self.values = values
        self.path = path

    def name(self, key: str) -> str:
        """Dotted name of ``key`` for messages."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Whether the key is present and not null."""
        return self.values.get(key) is not None

    def wrong(self, key: str, allowed: str, hint: str | None = None) -> ModelConfigError:
        """The error for a bad or missing value of ``key``; ``allowed`` completes "it must be ..."."""
        if key not in self.values:
            return ModelConfigError(f"{self.name(key)} is missing; it must be {allowed}", hint=hint)
        return ModelConfigError(f"{self.name(key)} is {describe(self.values[key])}; it must be {allowed}", hint=hint)

    def integer(self, key: str, *, low: int = 1, high: int = MAX_WIDTH, default: int | None = None) -> int:
        """An integer in ``low..high``; ``default`` when absent, else an error. Raises ModelConfigError."""
        value = self.values.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(key, f"an integer from {low:,} to {high:,}")
        return value

    def first_integer(self, keys: Sequence[str], *, low: int = 1, high: int = MAX_WIDTH, default: int | None) -> int:
        """The integer under the first of several spellings that is present. Raises ModelConfigError."""
        for key in keys:
            if self.has(key):
                return self.integer(key, low=low, high=high)
        return self.integer(keys[0], low=low, high=high, default=default)

    def flag(self, key: str, default: bool = False) -> bool:
        """A boolean. Raises ModelConfigError."""
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def word(self, key: str, default: str | None = None) -> str:
        """A text of 1 to 200 characters. Raises ModelConfigError."""
        value = self.values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not 0 < len(value) <= 200:
            raise self.wrong(key, "a text of 1 to 200 characters")
        return value

    def items(self, key: str, lengths: Sequence[int]) -> list[object]:
        """A list with one of the allowed ``lengths``. Raises ModelConfigError."""
        value = self.values.get(key)
        sizes = " or ".join(f"{length:,}" for length in sorted(set(lengths)))
        if not isinstance(value, list | tuple) or len(value) not in lengths:
            raise self.wrong(key, f"a list of {sizes} entries, one a layer")
        return list(value)

    def integers(self, key: str, lengths: Sequence[int], *, low: int = 0, high: int = MAX_WIDTH) -> list[int]:
        """A list of integers in ``low..high``. Raises ModelConfigError."""
        found: list[int] = []
        for index, value in enumerate(self.items(key, lengths)):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ModelConfigError(
                    f"{self.name(key)}[{index}] is {describe(value)}; it must be an integer from {low:,} to {high:,}"
                )
            found.append(value)
        return found

    def indices(self, key: str, layers: int) -> frozenset[int]:
        """A list of distinct layer numbers (``mlp_only_layers``), empty when absent. Raises ModelConfigError."""
        value = self.values.get(key)
        if value is None:
            return frozenset()
        if not isinstance(value, list | tuple) or len(value) > layers:
            raise self.wrong(key, f"a list of at most {layers:,} layer numbers")
        return frozenset(self.integers(key, [len(value)], low=0, high=layers - 1))

    def each(self, key: str, layers: int, *, low: int = 1, high: int = MAX_WIDTH, default: int | None) -> list[int]:
        """One integer a layer, given as a single integer for all or as a list. Raises ModelConfigError."""
        if isinstance(self.values.get(key), list | tuple):
            return self.integers(key, [layers], low=low, high=high)
        return [self.integer(key, low=low, high=high, default=default)] * layers

    def kinds(self, key: str, layers: int, allowed: Sequence[str], default: Callable[[int], str]) -> list[str]:
        """One of ``allowed`` words a layer; ``default(layer)`` when absent. Raises ModelConfigError."""
        if not self.has(key):
            return [default(layer) for layer in range(layers)]
        found: list[str] = []
        for index, value in enumerate(self.items(key, [layers])):
            if not isinstance(value, str) or value not in allowed:
                raise ModelConfigError(
                    f"{self.name(key)}[{index}] is {describe(value)}; it must be one of {', '.join(allowed)}"
                )
            found.append(value)
        return found

    def child(self, key: str) -> Fields | None:
        """The object under ``key``, None when absent. Raises ModelConfigError when it is no object."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.wrong(key, "an object")
        return Fields(value, self.name(key))
