"""Words every room shares: units, errors, sources, dated values, registries. Imports nothing of ours."""
