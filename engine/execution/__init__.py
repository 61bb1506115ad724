"""A run: from what is wanted to decisions, from decisions to work."""
