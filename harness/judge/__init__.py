"""What records mean: pure functions from records and expectations to verdicts."""
