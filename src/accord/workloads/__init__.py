"""What is asked of a deployment: how long requests are."""
