"""Measures the hot paths against hand-written SQL on the same database in the same run: ``python -m bench`` (``make bench``)."""
