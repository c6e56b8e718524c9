"""Emulators that are broken on purpose, one for each MUST: they prove that the tests can fail."""
