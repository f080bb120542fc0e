"""Killed at every commit that people, commands and the work of a day reach: ``python -m tests.killed``."""
