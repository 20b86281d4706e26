"""What a system draws from the mains."""
