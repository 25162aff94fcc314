"""Media: each draws the columns of any subject."""
