"""The HTML page: sections that are computed from evidence, and the one file that they are written into."""
