"""What fails, how often, and what that costs a long job."""
