"""Seeing that files have been saved: where to look, what the kernel tells, what is looked at again."""
