"""The trial by which the change-point detector was chosen (results/change_points): `python -m tools.change_points`."""
