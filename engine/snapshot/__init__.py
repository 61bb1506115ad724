"""Snapshots of local directories: cheap to repeat, equal to what a fresh look would give."""
