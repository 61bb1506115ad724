"""Where a task runs: namespaces, overlay mounts, bubblewrap and limits; it takes paths, never digests."""
