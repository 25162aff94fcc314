"""What a terminal shows: its two consoles, and what a run, a sweep or a command is at while it goes."""
