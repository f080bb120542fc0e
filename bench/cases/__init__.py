"""One module per subject; each case is a generator of results on a ``House``."""
