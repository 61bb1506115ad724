"""Frozen values that every part of the engine shares; nothing here touches a disk."""
