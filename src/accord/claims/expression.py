"""Arithmetic over named terms: ``+ - * /``, brackets, ``min`` and ``max``, and numbers. Nothing else is read.

A text becomes a tree once; the tree is evaluated on numbers or on arrays of draws, tells the unit of its value, and is
written out with other words in place of the names.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from accord.base.array import Array
from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.claims.unit_algebra import PLAIN, Unit

Operator = Literal["+", "-", "*", "/"]
MOST_CHARS, MOST_DEPTH = 1000, 50
FUNCTIONS = {"min": np.minimum, "max": np.maximum}
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[-+*/(),]))"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, and what it is."""

    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A term by its name; column: where it stands, from 1."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Minus:
    """The negative of a tree."""

    of: Node


@dataclass(frozen=True, slots=True)
class Pair:
    """Two trees and what joins them; column: of the sign."""

    sign: Operator
    left: Node
    right: Node
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """The least or the most of trees; column: of the word."""

    function: str
    of: tuple[Node, ...]
    column: int


Node = Number | Name | Minus | Pair | Call


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """Read an expression. Raises CatalogError that says at which column it goes wrong."""
    return _Reader(text).whole()


def names(node: Node) -> tuple[str, ...]:
    """Return the names of terms in the order of their first use."""
    return tuple(dict.fromkeys(one.name for one in _leaves(node)))


def check_names(node: Node, known: Sequence[str]) -> None:
    """Refuse a name that no term has. Raises CatalogError with the closest."""
    for one in _leaves(node):
        if one.name not in known:
            raise CatalogError(f"{one.name!r} (column {one.column}) is no term", hint=did_you_mean(one.name, known))


def evaluate(node: Node, values: Mapping[str, Array]) -> Array:
    """Return the value on numbers or arrays of one shape; a division by zero gives what is not finite."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(_value(node, values), dtype=np.float64)


def unit_of(node: Node, units: Mapping[str, Unit]) -> Unit:
    """Return the unit of the value where every term is in base units.

    Raises CatalogError where what is added, subtracted or compared is not of one kind.
    """
    if isinstance(node, Number):
        return PLAIN
    if isinstance(node, Name):
        return units[node.name].base
    if isinstance(node, Minus):
        return unit_of(node.of, units)
    if isinstance(node, Call):
        found = [unit_of(one, units) for one in node.of]
        return functools.reduce(lambda a, b: _same(a, b, node.function, node.column), found)
    left, right = unit_of(node.left, units), unit_of(node.right, units)
    if node.sign in "+-":
        return _same(left, right, node.sign, node.column)
    return left * right if node.sign == "*" else left / right


def written(node: Node, words: Mapping[str, str], rank: int = 0) -> str:
    """Write a tree out with ``words`` in place of names; rank: of what stands around it."""
    if isinstance(node, Number):
        return node.text
    if isinstance(node, Name):
        return words.get(node.name, node.name)
    if isinstance(node, Minus):
        text = f"-{written(node.of, words, 3)}"
        return f"({text})" if rank else text
    if isinstance(node, Call):
        return f"{node.function}({', '.join(written(one, words) for one in node.of)})"
    own = _RANK[node.sign]
    right = own + 1 if node.sign in "-/" else own
    text = f"{written(node.left, words, own)} {node.sign} {written(node.right, words, right)}"
    return f"({text})" if own < rank else text


def _value(node: Node, values: Mapping[str, Array]) -> Array:
    if isinstance(node, Number):
        return np.asarray(node.value)
    if isinstance(node, Name):
        return values[node.name]
    if isinstance(node, Minus):
        return np.negative(_value(node.of, values))
    if isinstance(node, Call):
        return functools.reduce(FUNCTIONS[node.function], [_value(one, values) for one in node.of])
    left, right = _value(node.left, values), _value(node.right, values)
    joined = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[node.sign]
    return np.asarray(joined(left, right), dtype=np.float64)


def _same(left: Unit, right: Unit, word: str, column: int) -> Unit:
    if not left.alike(right):
        raise CatalogError(
            f"'{word}' (column {column}) joins {left.name} and {right.name}", hint="give both sides one unit"
        )
    return left


def _leaves(node: Node) -> tuple[Name, ...]:
    if isinstance(node, Name):
        return (node,)
    if isinstance(node, Minus):
        return _leaves(node.of)
    if isinstance(node, Pair):
        return (*_leaves(node.left), *_leaves(node.right))
    return tuple(leaf for one in node.of for leaf in _leaves(one)) if isinstance(node, Call) else ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["number", "name", "sign", "end"]
    text: str
    column: int


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        if len(text) > MOST_CHARS:
            raise CatalogError(f"{len(text):,} characters are no expression", hint=f"at most {MOST_CHARS:,}")
        self._tokens, self._at, self._depth = _tokens(text), 0, 0

    def whole(self) -> Node:
        found = self._sum()
        if self._next.kind != "end":
            raise self._error("an operator is wanted")
        return found

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _error(self, wanted: str) -> CatalogError:
        token = self._next
        found = "the end" if token.kind == "end" else repr(token.text)
        return CatalogError(f"{found} (column {token.column}) comes where {wanted}", hint="write it as 'ours / theirs'")

    def _sum(self) -> Node:
        found = self._product()
        while self._next.text in ("+", "-"):
            sign = self._take()
            found = Pair("+" if sign.text == "+" else "-", found, self._product(), sign.column)
        return found

    def _product(self) -> Node:
        found = self._one()
        while self._next.text in ("*", "/"):
            sign = self._take()
            found = Pair("*" if sign.text == "*" else "/", found, self._one(), sign.column)
        return found

    def _one(self) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise CatalogError(f"brackets are nested deeper than {MOST_DEPTH}", hint="split the expression in parts")
        found = self._atom()
        self._depth -= 1
        return found

    def _atom(self) -> Node:
        token = self._next
        if token.kind == "number":
            number = float(token.text.replace("_", ""))
            if not math.isfinite(number):
                raise CatalogError(f"{token.text} (column {token.column}) is too large", hint="write a larger unit")
            self._take()
            return Number(token.text, number)
        if token.kind == "name":
            self._take()
            return self._call(token) if self._next.text == "(" else Name(token.text, token.column)
        if token.text == "-":
            self._take()
            return Minus(self._one())
        if token.text == "(":
            self._take()
            found = self._sum()
            self._close()
            return found
        raise self._error("a term or a number is wanted")

    def _call(self, word: _Token) -> Node:
        if word.text not in FUNCTIONS:
            known = sorted(FUNCTIONS)
            raise CatalogError(
                f"{word.text!r} (column {word.column}) is no function", hint=did_you_mean(word.text, known)
            )
        self._take()
        of = [self._sum()]
        while self._next.text == ",":
            self._take()
            of.append(self._sum())
        self._close()
        return Call(word.text, tuple(of), word.column)

    def _close(self) -> None:
        if self._next.text != ")":
            raise self._error("')' is wanted")
        self._take()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            column = at + len(text[at:]) - len(text[at:].lstrip()) + 1
            raise CatalogError(
                f"{text[column - 1]!r} (column {column}) is nothing an expression has",
                hint="terms, numbers, + - * / ( ) min max",
            )
        kind: Literal["number", "name", "sign"] = "number" if match["number"] else "name" if match["name"] else "sign"
        word = match["number"] or match["name"] or match["sign"]
        found.append(_Token(kind, word, match.end() - len(word) + 1))
        at = match.end()
    return [*found, _Token("end", "", end + 1)]
