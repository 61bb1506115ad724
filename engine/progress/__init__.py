"""What a run looks like while it goes on: a sink takes events and writes them in one of four ways."""
