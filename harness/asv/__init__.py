"""asv's results as series and verdicts."""
