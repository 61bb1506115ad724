"""What surrounds the program: its streams, its signals, its units."""
