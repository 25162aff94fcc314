"""Training by gradient descent: one loop, whatever the model and the optimizer."""
