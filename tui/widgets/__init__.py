"""The parts of a screen, one widget a file; they are given values and send messages."""
