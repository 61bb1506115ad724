"""What git knows of a project, read from its files where that is enough."""
