"""Addresses, one file a group of them."""
