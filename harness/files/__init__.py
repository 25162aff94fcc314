"""Other people's files, read strictly; our own, written atomically."""
