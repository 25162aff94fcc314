"""How work is measured: it takes callables and knows no solver."""
