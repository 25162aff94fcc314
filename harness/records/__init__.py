"""What is kept: Record, Run, Environment, and the store."""
