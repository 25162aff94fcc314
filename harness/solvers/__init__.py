"""What fits: one file per algorithm, and the catalog that names them."""
