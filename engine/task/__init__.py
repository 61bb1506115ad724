"""What one task is given, and what it leaves behind."""
