"""One module a format of result files: what was parsed in, what was found out. The table is in ``policy/evidence``."""
