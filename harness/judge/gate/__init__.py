"""Does a run keep to its expectations: the gate, its limits and their update."""
