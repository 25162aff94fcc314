"""Many trainings at once: plan, run, cells, targets."""
