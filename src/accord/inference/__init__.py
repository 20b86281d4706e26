"""Steady state: what a pool or a whole deployment does once it runs at constant load."""
