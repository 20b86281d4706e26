"""How long one step takes: operators priced, exchanges overlapped, parts that sum to the whole."""
