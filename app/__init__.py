"""The desktop program: a canvas, a window, and the answer of a trained network."""
