"""How soon optimizers reach the optimum."""
