"""Against silicon: measured rows become requests, and answers are scored."""
