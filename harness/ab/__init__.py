"""Two versions of the harness or of a library side by side: built, launched, alternated."""
