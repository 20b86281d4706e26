"""One file per verb, each with a click command named ``command``; listed in :mod:`accord.cli.main`."""

from __future__ import annotations
