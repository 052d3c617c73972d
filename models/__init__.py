"""Trained weights, one .npz a network, found by path beside the code."""
