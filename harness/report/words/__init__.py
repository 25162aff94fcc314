"""Conclusions in sentences."""
