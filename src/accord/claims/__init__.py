"""Public claims recomputed: arithmetic over drawn quantities, and the verdicts it leads to."""
