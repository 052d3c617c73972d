"""Handwriting as pictures: the brush, framing, augmentation, synthetic digits and non-digits."""
