"""The engine process and how interfaces reach it: HTTP on a UNIX socket that only its user can open."""
