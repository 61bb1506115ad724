"""Image files that others made: found in their archive, read layer by layer, nothing unpacked."""
