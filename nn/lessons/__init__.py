"""From one neuron to a convolutional network, step by step: `python -m nn.lessons`."""
