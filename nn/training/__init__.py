"""Training: the learner, optimizers, threads, settings, resuming, fine-tuning."""
