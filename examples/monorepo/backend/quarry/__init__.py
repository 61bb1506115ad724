"""A small service that keeps the finds of a field trip."""
