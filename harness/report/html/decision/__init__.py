"""The page's first section: what was asked, the answer, the numbers that carry it, and the coefficients."""
