"""The network itself: layers, convolution, losses, and the named architectures."""
