"""Colours, letters and rectangles."""
