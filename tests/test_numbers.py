"""Numbers as people read them."""

import pytest

from harness.report.tables import numbers as show


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.00 s"),
        (0.9996, "1.00 s"),
        (0.0009996, "1.00 ms"),
        (0.99949, "999 ms"),
        (123.4, "123 s"),
        (0.0, "0.00 ns"),
    ],
)
def test_the_unit_is_that_of_the_rounded_number(value: float, text: str) -> None:
    assert show.seconds(value) == text
