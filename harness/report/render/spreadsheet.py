"""Texts as cells of a CSV file that a spreadsheet may open."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with that a spreadsheet takes for a formula (OWASP, CSV Injection)."""


def inert_cell(text: str) -> str:
    """The text; behind an apostrophe where a spreadsheet would take it for a formula, as OWASP advises."""
    return "'" + text if text.lstrip(" ").startswith(FORMULA) else text
