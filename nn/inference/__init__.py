"""Using a trained network: checkpoints, the classifier, calibration, rejection, explanation."""
