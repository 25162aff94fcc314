"""Least squares to the last digit at moderate n: QR in double-double arithmetic, numpy only."""

from harness.solvers.reference_qr.factorisation import QR, factor
from harness.solvers.reference_qr.least_squares import QRSolution, least_squares

__all__ = ["QR", "QRSolution", "factor", "least_squares"]
