"""One case over commits: its points, from a store or from asv."""
