"""May these libraries be upgraded: the answer, one case of it, its reasons, and how it is decided."""
