"""How wide a picture is, how large its letters are, how fine it is, and in which format it is saved.

Loads neither matplotlib nor numpy, so that commands can look sizes up before anything is drawn.
"""

from dataclasses import dataclass

MM_PER_INCH = 25.4
FORMATS = ("png", "svg", "pdf")
USUAL_DPI = 150
DPI_RANGE = (50, 1200)


@dataclass(frozen=True, slots=True)
class Width:
    """The width of a picture in inches, and the size of its letters in points, as they are printed."""

    inches: float
    points: float


SCREEN = Width(8.5, 10)
# One and two columns of a journal's page; a slide of 16 to 9.
WIDTHS = {"one": Width(89 / MM_PER_INCH, 7), "two": Width(183 / MM_PER_INCH, 8), "slide": Width(13.333, 16)}


@dataclass(frozen=True, slots=True)
class Look:
    """How a figure is saved. file_format: of FORMATS; dots_per_inch: of PNG alone, the others have no dots."""

    file_format: str = "png"
    width: Width = SCREEN
    dots_per_inch: int = USUAL_DPI


USUAL = Look()
