"""Calibration files: YAML that people read, one line a parameter, written all or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from accord.base.errors import UsageError
from accord.base.source import Source
from accord.catalog.calibration import Calibration, Curve
from accord.catalog.value import Value

_HEAD = "# Fitted parameters of the cost model; written by 'accord calibrate', not by hand.\n"


def yaml_of(entry: Calibration) -> str:
    """An entry as the text of its file."""
    lines = [_HEAD.rstrip(), f"id: {entry.id}"]
    if entry.parent is not None:
        lines.append(f"parent: {entry.parent}")
    for name in ("families", "chips"):
        listed = getattr(entry, name)
        if listed or (name == "families" and entry.parent is None):
            lines.append(f"{name}: [{', '.join(listed)}]")
    lines.append(f"fitted: '{entry.fitted}'")
    lines.append("parameters:" if entry.parameters else "parameters: {}")
    lines += [f"  {name}: {_value(value)}" for name, value in entry.parameters.items()]
    lines.append("fits:" if entry.fits else "fits: {}")
    for name, fit in entry.fits.items():
        chips = f", chips: [{', '.join(fit.chips)}]" if fit.chips else ""
        lines.append(f"  {name}: {{log_sd: {fit.log_sd:g}, n: {fit.n}{chips}}}")
    if entry.correlations:
        lines.append("correlations:")
        for name, row in entry.correlations.items():
            pairs = ", ".join(f"{other}: {value:g}" for other, value in row.items())
            lines.append(f"  {name}: {{{pairs}}}")
    if entry.curves:
        lines.append("curves:")
        for name, curve in entry.curves.items():
            lines += _curve(name, curve)
    lines.append("sources:")
    lines += [f"  {key}: {_source(source)}" for key, source in entry.sources.items()]
    return "\n".join(lines) + "\n"


def _value(value: Value) -> str:
    note = f", note: {_text(value.note)}" if value.note else ""
    return f"{{value: {_number(value.number or 0.0, value.unit)}, basis: {value.basis}, source: {value.source}{note}}}"


def _text(words: str) -> str:
    """Words between double quotes, as YAML and JSON both read them."""
    return json.dumps(words, ensure_ascii=False)


def _number(number: float, unit: str) -> str:
    """A number in a unit that reads well."""
    if unit == "s":
        for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
            if number >= scale:
                return f"{_short(number / scale)} {name}"
        return f"{_short(number / 1e-6)} us"
    if unit == "B/s":
        return f"{_short(number / 1e9)} GB/s"
    return _short(number)


def _short(number: float) -> str:
    """Four significant digits without an exponent."""
    return f"{float(f'{number:.4g}'):.12f}".rstrip("0").rstrip(".") or "0"


def _curve(name: str, curve: Curve) -> list[str]:
    def listed(values: tuple[float, ...]) -> str:
        return f"[{', '.join(_signed(value) for value in values)}]"

    return [
        f"  {name}:", f"    rows: {listed(curve.rows)}", f"    width: {listed(curve.width)}", "    log:",
        *(f"      - {listed(line)}" for line in curve.log), f"    n: {curve.n}",
    ]  # fmt: skip


def _signed(value: float) -> str:
    return ("-" if value < 0 else "") + _short(abs(value))


def _source(source: Source) -> str:
    parts = [f"title: {_text(source.title)}", f"publisher: {_text(source.publisher)}", f"date: '{source.date}'"]
    if source.locator:
        parts.append(f"locator: {_text(source.locator)}")
    return f"{{{', '.join(parts)}}}"


def write(entries: Mapping[str, Calibration], folder: Path) -> tuple[Path, ...]:
    """Write every entry's file into ``folder``; the folder's other files that this wrote go.

    All files are first written beside it, so a failure leaves the folder as it was. Raises UsageError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            for id, entry in entries.items():
                (Path(place) / f"{id}.yaml").write_text(yaml_of(entry), encoding="utf-8")
            ours = {old for old in folder.glob("*.yaml") if old.read_bytes().startswith(_HEAD.encode())}
            foreign = [old for id in sorted(entries) if (old := folder / f"{id}.yaml").exists() and old not in ours]
            if foreign:
                raise UsageError(f"{foreign[0]} was not written by calibrate", hint="give --out another folder")
            for id in entries:
                os.replace(Path(place) / f"{id}.yaml", folder / f"{id}.yaml")
            for old in (old for old in ours if old.stem not in entries):
                old.unlink()
    except OSError as error:
        raise UsageError(
            f"the calibration cannot be written: {error.strerror}", where=str(folder), hint="give --out a folder"
        ) from None
    return tuple(folder / f"{id}.yaml" for id in sorted(entries))
