"""What training the linear model on squared loss must give: exact float64 trajectories, by numpy alone."""
