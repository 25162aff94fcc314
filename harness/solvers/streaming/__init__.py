"""Least squares of rows that stream by: `least_squares(source)`, in one pass where the data allow it."""

from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.given import least_squares
from harness.solvers.streaming.sources import Arrays, Chunks, Parquet, Source

__all__ = ["Answer", "Arrays", "Chunks", "Parquet", "Source", "least_squares"]
