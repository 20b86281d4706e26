"""Published facts: one file, one entry; every number with unit, basis and source."""
