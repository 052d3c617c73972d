"""What the window shows of a session."""
