"""Planted bugs: one-place faults, as a careless change would make them, that the simulation must find. ``python -m tests.planted``."""
