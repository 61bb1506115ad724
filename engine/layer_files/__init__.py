"""The files of layers as one looks at them: indexed, stacked, totalled, paged, searched, compared."""
