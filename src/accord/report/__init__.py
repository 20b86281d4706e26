"""Answers made readable: neutral tables and the JSON envelope, drawn from result records."""

from __future__ import annotations
