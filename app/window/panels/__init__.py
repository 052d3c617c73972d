"""What draws each part of the window."""
