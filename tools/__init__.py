"""Calibrations, trials, fuzzing and pictures, run by hand: `python -m tools.NAME`. None of them is a test."""
