"""The simulation: the real code on a toy clock, emulated stalls, a seeded fate, and a model that watches."""
