"""Fonts, icon, example strokes and screenshots, found by path beside the code."""
