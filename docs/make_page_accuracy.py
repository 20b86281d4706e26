"""Write src/accord/web/data/accuracy.json: held-out predictions beside what was measured, as the page draws them.

    python docs/make_page_accuracy.py            writes the file from docs/accuracy.json and docs/training_accuracy.json
    python docs/make_page_accuracy.py --check    writes nothing; 1 where the committed file is out of date

Nothing is calculated anew: a measured value is the prediction over the ratio that was kept with it.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
OUT = DOCS.parent / "src" / "accord" / "web" / "data" / "accuracy.json"
DIGITS = 4
_TITLE = re.compile(r"^- `([^`]+)`: (.+)$", re.MULTILINE)


def document() -> dict[str, object]:
    """All groups of rows, each predicted once for every way of leaving some out."""
    serving, training = (json.loads((DOCS / name).read_text()) for name in ("accuracy.json", "training_accuracy.json"))
    titles: dict[str, str] = {}
    for page in ("training_accuracy.md", "accuracy.md"):
        titles |= dict(_TITLE.findall((DOCS / page).read_text(encoding="utf-8")))
    kinds = {"inference": serving["cross"]} | {name: training[name] for name in ("training", "collectives", "failures")}
    groups = [_group(name, cross, titles) for name, cross in kinds.items()]
    return {"level": serving["level"], "groups": groups}


def _group(name: str, cross: Mapping[str, Sequence[Mapping[str, Any]]], titles: Mapping[str, str]) -> dict[str, object]:
    """One kind of rows. Ways that cover only some rows are left out."""
    most = max(len(rows) for rows in cross.values())
    whole = {way: {row["id"]: row for row in rows} for way, rows in cross.items() if len(rows) == most}
    first = next(iter(whole.values()))
    kept = [id for id in first if all(_scored(rows[id]) for rows in whole.values())]
    sources = sorted({first[id]["source_id"] for id in kept})
    metrics = sorted({first[id]["metric"] for id in kept})
    return {
        "id": name, "ways": list(whole), "rows": len(kept), "skipped": most - len(kept),
        "sources": [{"id": id, "title": titles.get(id, id)} for id in sources], "metrics": metrics,
        "row": kept,
        "source": [sources.index(first[id]["source_id"]) for id in kept],
        "metric": [metrics.index(first[id]["metric"]) for id in kept],
        "measured": [_short(first[id]["predicted"] * math.exp(-first[id]["log_ratio"])) for id in kept],
        "predicted": {
            way: {part: [_short(rows[id][part]) for id in kept] for part in ("predicted", "low", "high")}
            for way, rows in whole.items()
        },
    }  # fmt: skip


def _scored(row: Mapping[str, Any]) -> bool:
    return row["skipped"] is None and all(row[part] is not None and row[part] > 0.0 for part in ("predicted", "low"))


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def main(words: Sequence[str]) -> int:
    """Write the file, or compare it."""
    text = json.dumps(document(), separators=(",", ":"), ensure_ascii=False) + "\n"
    if "--check" in words:
        return int(not OUT.exists() or OUT.read_text(encoding="utf-8") != text)
    OUT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
