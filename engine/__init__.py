"""The engine of outcrop: loads run definitions, runs their task graphs in sandboxes, caches by content."""

__version__ = "0.1.0"
