"""How wide a picture is, how large its letters are, how fine it is, and in which format it is saved.

Loads neither matplotlib nor numpy, so that commands can look sizes up before anything is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from caseload_sim.errors import RunError, did_you_mean

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

    def file_of(self, name: str) -> str:
        """The name of the file of a figure."""
        return f"{name}.{self.file_format}"


USUAL = Look()


def looks_from(formats: Sequence[str] | None, width: str | None, dpi: int | None) -> tuple[Look, ...]:
    """How figures are to be saved, as typed: a look for each format. Raises RunError for what there is not."""
    for one in formats or ():
        if one not in FORMATS:
            raise RunError(f"--format {one}: not a format for figures. {did_you_mean(one, FORMATS)}")
    if width is not None and width not in WIDTHS:
        raise RunError(
            f"--width {width}: not a width for figures. {did_you_mean(width, WIDTHS)} one and two are columns of a journal, of 89 "
            "and 183 mm."
        )
    chosen = SCREEN if width is None else WIDTHS[width]
    return tuple(Look(one, chosen, dpi or USUAL_DPI) for one in dict.fromkeys(formats or ("png",)))
