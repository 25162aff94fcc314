"""What a measurement is: Record, Run, Sweep, Environment."""
