"""The drawing: canvas, strokes, and the files they are kept in."""
