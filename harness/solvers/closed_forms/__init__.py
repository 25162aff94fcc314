"""Closed-form solvers: one file an algorithm."""
