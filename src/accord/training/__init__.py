"""A training run: its step, its memory, its pipeline and its days."""
