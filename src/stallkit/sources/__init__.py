"""Where stock numbers come from: files in any shape, and the ways by which they reach us. No Django, nothing of the hub."""
