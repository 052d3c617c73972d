"""A neural network library in NumPy, from the layers to the trained digit reader."""
