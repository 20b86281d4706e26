"""Write docs/pictures by the project's own commands.

python docs/make_pictures.py            write the pictures
python docs/make_pictures.py --check    write nothing; 1 where a picture is not what the command draws
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "pictures"
MADE = "made.json"
EXAMPLES = FOLDER.parents[1] / "examples"


class Picture(NamedTuple):
    """A picture. command: its words, OUT for where it is written; file: below OUT; plotted: drawn by matplotlib."""

    command: str
    file: str = ""
    plotted: bool = False


PICTURES: Mapping[str, Picture] = {
    "fabric.svg": Picture("fabric huawei-cloudmatrix-384 --draw OUT"),
    "zones.svg": Picture("policy classify nvidia-h20 --from US --to CN --date 2025-05-01 --plot OUT"),
    "adoption.svg": Picture(
        "policy adoption --date 2026-11-01 --who CN,US,SG,KZ,FR,BR,IN,MY --plot OUT",
    ),
    "schedule.svg": Picture(
        "train --model llama-3.1-70b --system nvidia-hgx-h100-8 --chips 64 --tp 8 --pp 4 --global-batch-seqs 32"
        " --seq 4096 --draw-schedule OUT"
    ),
    "latency.svg": Picture(
        "simulate --workload chat --rate 30 --duration 40s --warm-up 20s --model llama-3.1-8b"
        " --system nvidia-hgx-h100-8 --devices 8 --tp 1 --engine vllm --no-bounds --no-keep --export csv"
        " --plot latency --out OUT",
        "latency_cdf.svg", plotted=True,
    ),
    "tornado.svg": Picture(
        f"plan --model deepseek-v3 --system nvidia-gb200-nvl72 --isl 4000 --osl 1000 --tpot 50ms"
        f" --scenario {EXAMPLES / 'plan.toml'} --tornado OUT", plotted=True,
    ),
}  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the pictures. Returns 0, 1 where a check finds other pictures."""
    parser = argparse.ArgumentParser(description="Write docs/pictures.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where a picture differs")
    if parser.parse_args(words).check:
        wrong = [name for name in compared() if drawn(name) != (FOLDER / name).read_bytes()]
        if wrong:
            print(f"not what is drawn: {', '.join(wrong)}; run 'python docs/make_pictures.py'")  # noqa: T201
        return 1 if wrong else 0
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        (FOLDER / name).write_bytes(drawn(name))
    (FOLDER / MADE).write_text(json.dumps({"matplotlib": version("matplotlib")}) + "\n", encoding="utf-8")
    return 0


def compared() -> list[str]:
    """Pictures that must be the same here: those of matplotlib only where it is the release that drew them."""
    made = json.loads((FOLDER / MADE).read_text(encoding="utf-8"))["matplotlib"]
    return [name for name, one in PICTURES.items() if not one.plotted or made == version("matplotlib")]


def drawn(name: str) -> bytes:
    """What the command draws now."""
    picture = PICTURES[name]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / ("out" if picture.file else name)
        words = [str(out) if word == "OUT" else word for word in shlex.split(picture.command)]
        done = subprocess.run([sys.executable, "-m", "accord", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"accord {' '.join(words)}\n{done.stderr}")
        return (out / picture.file if picture.file else out).read_bytes()


if __name__ == "__main__":
    sys.exit(main())
