"""When a case changed, over commits: change points in its series."""
