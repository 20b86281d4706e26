"""What to build or rent: deployments searched under latency, load, budget, power, place and law."""
