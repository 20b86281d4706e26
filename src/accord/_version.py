"""The version of Accord, in one place: the package, the command line and every report read it here."""

from __future__ import annotations

VERSION = "0.1.0"
