"""`python -m harness`."""

from harness.cli import script

script()
