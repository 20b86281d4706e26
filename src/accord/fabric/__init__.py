"""Collectives and concurrent transfers on the wires of a machine."""
