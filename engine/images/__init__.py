"""The bases that tasks start from: a directory, an archive, an OCI layout, nothing, or this machine."""
