"""MNIST and what stands in for it: file formats, splitting, batches, the download."""
