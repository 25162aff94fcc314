"""What of the machine makes a run's times doubtful."""
