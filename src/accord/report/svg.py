"""Vector pictures written by hand: a sheet on which shapes are put, and its bytes. Needs no extra.

The same shapes give the same bytes. Coordinates are pixels from the upper left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

INK, GREY, FAINT, PAPER = "#333333", "#777777", "#dddddd", "#ffffff"
_FONT = "DejaVu Sans, Verdana, Arial, sans-serif"


class Sheet:
    """Shapes in the order in which they were put, later ones above."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._shapes: list[str] = []

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, *, stroke: str = "none", round_: float = 0.0
    ) -> None:
        """A rectangle; round_: radius of its corners."""
        corner = f' rx="{_n(round_)}"' if round_ else ""
        line = f' stroke="{stroke}" stroke-width="0.8"' if stroke != "none" else ""
        self._shapes.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"{corner} fill="{fill}"{line}/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 1.0) -> None:
        """A straight line."""
        self._shapes.append(
            f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke="{stroke}"'
            f' stroke-width="{_n(width)}"/>'
        )

    def lines(self, ends: Sequence[tuple[float, float, float, float]], stroke: str, width: float = 1.0) -> None:
        """Many straight lines of one colour, as one shape."""
        if ends:
            path = "".join(f"M{_n(a)} {_n(b)}L{_n(c)} {_n(d)}" for a, b, c, d in ends)
            self._shapes.append(f'<path d="{path}" stroke="{stroke}" stroke-width="{_n(width)}" fill="none"/>')

    def squares(self, places: Sequence[tuple[float, float]], side: float, fill: str) -> None:
        """Many squares of one size and colour, as one shape; places: their upper left corners."""
        if places:
            path = "".join(f"M{_n(x)} {_n(y)}h{_n(side)}v{_n(side)}h{_n(-side)}z" for x, y in places)
            self._shapes.append(f'<path d="{path}" fill="{fill}"/>')

    def circle(self, x: float, y: float, radius: float, fill: str) -> None:
        """A disc."""
        self._shapes.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{fill}"/>')

    def text(
        self, x: float, y: float, words: str, *, size: float = 11.0, fill: str = INK, anchor: str = "start",
        bold: bool = False,
    ) -> None:  # fmt: skip
        """Words whose base line begins (or has its ``middle`` or ``end``) at a place."""
        weight = ' font-weight="bold"' if bold else ""
        side = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self._shapes.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{fill}"{side}{weight}>'
            f"{escape(words, quote=False)}</text>"
        )

    def done(self, width: float, height: float, title: str) -> bytes:
        """The picture on white paper; title: what a reader without eyes is told."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}"'
            f' viewBox="0 0 {_n(width)} {_n(height)}" font-family="{_FONT}" role="img">'
        )
        body = [head, f"<title>{escape(title, quote=False)}</title>"]
        body.append(f'<rect width="{_n(width)}" height="{_n(height)}" fill="{PAPER}"/>')
        return "\n".join([*body, *self._shapes, "</svg>", ""]).encode()


def width_of(words: str, size: float = 11.0) -> float:
    """About how wide words are [px], for deciding what fits."""
    return 0.62 * size * len(words)


def _n(value: float) -> str:
    """A coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
