"""Who has joined what as a matrix of three states: filled, crossed, blank. Needs no extra.

Instruments are rows in the order of their days; countries are columns, whoever joined most first. Names longer than
a code stand in rows of a matrix of their own, whose columns are the instruments by number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from accord.policy.adoption import JOINED, NOT_JOINED, NOT_RECORDED, Adoption, Cell, Standing
from accord.report.adoption_view import CODE, joined_count, shown_whos, speaks, told_words
from accord.report.svg import FAINT, GREY, INK, Sheet, width_of

LEFT, TOP, EDGE, BOX, STEP = 356.0, 112.0, 28.0, 13.0, 16.0
NAMES, NUMBERS = 356.0, 20.0
SEEN, RECALLED, NO = "#1d4e74", "#9fbdd6", "#c03a00"
_STRIPE = "#f6f7f8"
_LEGEND = 4.0
_ROOM = 17.0
_MOST = 36  # letters of a name
_WIDEST = 150  # letters of a line of notes
_LEAST_WIDE = 1000.0


def draw(found: Adoption, *, asked: bool) -> bytes:
    """The picture as SVG; asked: show whoever was asked about, not those who joined at least two."""
    return _Drawing(found, asked).done()


@dataclass(slots=True)
class _Drawing:
    """One picture while it is made; width: as far as something was put to the right."""

    found: Adoption
    asked: bool
    sheet: Sheet = field(default_factory=Sheet)
    width: float = _LEAST_WIDE

    def done(self) -> bytes:
        found = self.found
        whos = sorted(shown_whos(found, asked=self.asked), key=lambda who: (-joined_count(found, who), who.lower()))
        codes = [who for who in whos if len(who) <= CODE]
        names = [who for who in whos if len(who) > CODE]
        rows = [(at, one) for at, one in enumerate(found.standings, start=1) if self._shown(one)]
        title = f"Who has joined which instrument on AI, as of {found.day}"
        self.sheet.text(EDGE, 30.0, title, size=16.0, bold=True)
        self._legend()
        bottom = self._countries(rows, codes) if codes else TOP
        if names:
            bottom = self._others([(at, one) for at, one in rows if self._speaks(one, names)], names, bottom + 34.0)
        bottom = self._notes(bottom + 26.0, whos)
        return self.sheet.done(self.width, bottom + 8.0, title)

    def _shown(self, one: Standing) -> bool:
        return bool(self.asked or one.named or one.aside or one.counts.took_part)

    def _speaks(self, one: Standing, names: Sequence[str]) -> bool:
        return any(speaks(one.cells[who]) for who in names)

    def _legend(self) -> None:
        x = EDGE
        entries = [
            (Cell("", "", "", JOINED, role="signatory", sure="seen"), "joined"),
            (Cell("", "", "", JOINED, role="signatory", sure="recalled"), "joined, named from memory or only counted"),
            (Cell("", "", "", NOT_RECORDED, role="observer", sure="seen"), "observer: joining not recorded"),
            (Cell("", "", "", JOINED, role="founder", sure="seen"), "founder or sponsor"),
            (Cell("", "", "", NOT_JOINED), "not joined: by a source or a whole list"),
            (Cell("", "", "", NOT_RECORDED, role="participant"), "took part: joining not recorded"),
        ]  # fmt: skip
        for cell, words in entries:
            self._cell(cell, x, 46.0)
            self.sheet.text(x + STEP + _LEGEND, 56.5, words)
            x += STEP + 3.5 * _LEGEND + width_of(words)
        self.sheet.rect(x, 46.0, BOX, BOX, "#ffffff", stroke=FAINT)
        self.sheet.text(x + STEP + _LEGEND, 56.5, "not recorded: nothing is said")
        self.width = max(self.width, x + STEP + width_of("not recorded: nothing is said") + EDGE)

    def _cell(self, cell: Cell, x: float, y: float) -> None:
        """A square: filled, outlined for who only watches, with a dot for who began it; a cross; or a small dot."""
        if cell.answer == NOT_JOINED:
            ends = [(x + 3, y + 3, x + BOX - 3, y + BOX - 3), (x + 3, y + BOX - 3, x + BOX - 3, y + 3)]
            self.sheet.lines(ends, NO, 1.6)
        elif cell.took_part:
            self.sheet.circle(x + BOX / 2, y + BOX / 2, 2.0, GREY)
        elif cell.observes:
            self.sheet.rect(x + 2.0, y + 2.0, BOX - 4.0, BOX - 4.0, "#ffffff", stroke=_colour(cell))
        elif cell.answer == JOINED:
            self.sheet.rect(x, y, BOX, BOX, _colour(cell))
            if cell.role in ("founder", "sponsor"):
                self.sheet.circle(x + BOX / 2, y + BOX / 2, 2.4, "#ffffff")

    def _countries(self, rows: Sequence[tuple[int, Standing]], codes: Sequence[str]) -> float:
        """The first matrix; returns where it ends."""
        right = LEFT + STEP * len(codes)
        self._heads(codes, TOP - 8.0)
        for at, (number, one) in enumerate(rows):
            y = TOP + STEP * at
            if at % 2 == 0:
                self.sheet.rect(EDGE, y - 1.5, right - EDGE, STEP, _STRIPE)
            instrument = one.instrument
            self.sheet.text(EDGE + NUMBERS, y + 10.5, str(number), size=10.0, fill=GREY, anchor="end")
            self.sheet.text(EDGE + NUMBERS + 8.0, y + 10.5, instrument.date, size=10.0, fill=GREY)
            self.sheet.text(EDGE + NUMBERS + 74.0, y + 10.5, instrument.bloc or "", size=10.0, fill=GREY)
            self.sheet.text(EDGE + NUMBERS + 100.0, y + 10.5, _cut(instrument.id))
            for column, who in enumerate(codes):
                self._cell(one.cells[who], LEFT + STEP * column, y)
            words = self._count(one)
            self.sheet.text(right + 8.0, y + 10.5, words, size=10.0, fill=GREY)
            self.width = max(self.width, right + 8.0 + width_of(words, 10.0) + EDGE)
        bottom = TOP + STEP * len(rows)
        self._heads(codes, bottom + 10.0)
        return bottom + 12.0

    def _heads(self, codes: Sequence[str], y: float) -> None:
        for column, who in enumerate(codes):
            self.sheet.text(LEFT + STEP * column + BOX / 2, y, who, size=8.5, anchor="middle")

    def _count(self, one: Standing) -> str:
        aside = f" + {one.counts.aside}" if one.counts.aside else ""
        return f"{one.counts.joined}{aside} named{f'; said: {told_words(one)}' if one.told else ''}"

    def _others(self, rows: Sequence[tuple[int, Standing]], names: Sequence[str], top: float) -> float:
        """The second matrix: long names as rows, instruments by number as columns."""
        self.sheet.text(EDGE, top, "Organisations and companies, by the numbers above", bold=True)
        for column, (number, _) in enumerate(rows):
            x = NAMES + STEP * column + BOX / 2
            self.sheet.text(x, top + 16.0, str(number), size=9.0, fill=GREY, anchor="middle")
        y = top + 22.0
        for at, who in enumerate(names):
            if at % 2 == 0:
                self.sheet.rect(EDGE, y - 1.5, NAMES + STEP * len(rows) - EDGE, STEP, _STRIPE)
            self.sheet.text(EDGE + 8.0, y + 10.5, _cut(who), fill=INK)
            for column, (_, one) in enumerate(rows):
                self._cell(one.cells[who], NAMES + STEP * column, y)
            y += STEP
        return y

    def _notes(self, y: float, whos: Sequence[str]) -> float:
        found = self.found
        once = [who for who in found.whos if who not in whos and joined_count(found, who)]
        empty = [one.instrument.id for one in found.standings if not self._shown(one)]
        notes = []
        if once:
            notes.append(f"In one instrument alone, left out above ({len(once)}): {', '.join(once)}")
        if empty:
            notes.append(f"Nobody is named in: {', '.join(empty)}")
        if found.later:
            notes.append(f"Not made by {found.day}: {', '.join(one.id for one in found.later)}")
        for note in notes:
            for line in _wrapped(note):
                self.sheet.text(EDGE, y, line, size=10.0, fill=GREY)
                y += _ROOM - 3.0
                self.width = max(self.width, EDGE + width_of(line, 10.0))
            y += 3.0
        return y


def _colour(cell: Cell) -> str:
    """Dark only for who is named by a source that was seen."""
    return SEEN if cell.sure == "seen" else RECALLED


def _cut(name: str) -> str:
    return name if len(name) <= _MOST else f"{name[: _MOST - 1]}…"


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        if len(lines[-1]) + len(word) >= _WIDEST:
            lines.append("   ")
        lines[-1] += f"{word} "
    return [line.rstrip() for line in lines]
