"""How large a picture in a file is: on a screen, or in a column or across a page of a paper."""

from dataclasses import dataclass
from enum import StrEnum

FORMATS = (".png", ".svg", ".pdf")
"""Suffixes of a picture's file."""
INCH_PX = 96
"""Of a specification and of SVG (CSS Values 4, 6.2): a PDF has 72 points an inch, a PNG for paper DOTS."""
POINTS, DOTS = 72, 300
SHARP = 2.0
"""Pixels of a PNG for one of a screen's: 192 dots per inch."""


@dataclass(frozen=True)
class Measures:
    """Width and height in pixels of a screen, letters in the same, and what a PDF and a PNG are scaled by.

    A PDF has a point where a screen has a pixel, and a PNG `dots` / POINTS of its pixels, both times the scale.

    `beside`: several pictures stand side by side, each `narrow` pixels wide; else one below the other.
    """

    width: int
    height: int
    letters: float
    title: float
    narrow: int
    scale: float
    png: float
    dots: int
    beside: bool = True


class Size(StrEnum):
    """The widths of one and two columns are those that IEEE asks for, 3.5 and 7.16 inches (88.9 and 181.9 mm).

    Elsevier's and Nature's differ by 1 and 8 mm at most. Letters on paper are of 8 points, a title's of 9.
    """

    SCREEN = "screen"
    COLUMN = "column"
    PAGE = "page"

    @property
    def measures(self) -> Measures:
        """Of that size."""
        return _MEASURES[self]


def _paper(inches: float, height: int, *, beside: bool) -> Measures:
    width = round(inches * INCH_PX)
    scale = POINTS / INCH_PX
    return Measures(width, height, 8 / scale, 9 / scale, width // 2, scale, scale, DOTS, beside)


_MEASURES = {
    Size.SCREEN: Measures(600, 400, 12.0, 14.0, 500, 1.0, SHARP, POINTS),
    Size.COLUMN: _paper(3.5, 300, beside=False),
    Size.PAGE: _paper(7.16, 330, beside=True),
}
