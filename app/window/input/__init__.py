"""What the user asks for: commands, keys, touches, the clipboard."""
