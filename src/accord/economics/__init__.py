"""What a system costs, and what its work costs: plain numbers in, plain numbers out."""
