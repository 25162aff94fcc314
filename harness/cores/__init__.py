"""The cores that this process may use, and how work is shared out over them."""
