"""The task list of a working day, done in Chromium as a person would, and counted (issue 5, must show 5)."""
