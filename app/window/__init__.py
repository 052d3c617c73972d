"""The window: events in, pictures out."""
