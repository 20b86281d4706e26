"""The committed page on training, collectives and failures says what the measured rows say today.

Figures of rows left out are not computed again: the page is out of date once the constants they were fitted with are
not the packaged ones.
"""

from __future__ import annotations

import subprocess
import sys

from tests import measured
from tests.docs.console import ROOT


def test_the_page_is_what_the_rows_say() -> None:
    command = [sys.executable, str(ROOT / "docs" / "make_training_accuracy.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 4:
        for name in ("training.csv", "fabric.csv", "failures.csv"):
            measured.table(name)  # skips with its reason
    assert done.returncode == 0, done.stderr
