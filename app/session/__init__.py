"""What the program is doing, without any window."""
