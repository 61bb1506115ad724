"""Looks into what the store keeps: places by name, the contents of their files, waste, determinism."""
