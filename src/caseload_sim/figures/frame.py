"""What stands around every picture: its finding as the title, what it is of under it, how to read it, and how it was made.

On a sheet of ours (`canvas.Sheet`) all of it has room of its own above and below the axes. On axes that a user gives, only
the title is set, and how to read it stands under the label of the axis. The same words go into the file, for whoever cannot see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from caseload_sim.figures.canvas import Figure, FigureCanvasAgg, FontProperties, Sheet
from caseload_sim.figures.made import Made, made_of_rows
from caseload_sim.figures.sizes import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREY = "#666666"
_COMPRESSION = 1  # of 9: seven tenths of the time that the usual 6 takes, for a tenth more bytes
_TITLE, _SUBTITLE, _NOTE = 1.2, 0.95, 0.8  # size of letters, of those of labels
_LINE = 1.28  # height of a line, of its letters
_SLACK = 0.93  # of the room for a line: readers of SVG may have other letters
_WIDE = 0.54  # of the sheet, that the label of an axis may take
_EDGE = 0.6  # of a letter, around the sheet


@dataclass(frozen=True, slots=True)
class Heading:
    """All words around a picture. title: the finding, or the question; notes: how it is to be read"""

    title: str
    notes: str
    made: Made


def headed(
    ax: "Axes", title: str, *notes: str, rows: Sequence[Any] = (), made: Made | None = None, under: "Axes | None" = None
) -> None:
    """Write the finding over a picture, and under it how it is to be read.

    rows: of which the picture is, if nothing better is known of how it was made
    under: the lowest axes, where there are several
    """
    figure = ax.get_figure(root=True)
    said = " ".join(filter(None, notes))
    if isinstance(figure, Sheet):
        figure.heading = Heading(title, said, made or made_of_rows(rows))
        _lay_out(figure)
    else:
        ax.set_title(title, loc="left")
        if said:
            lowest = under or ax
            lowest.set_xlabel("\n".join(filter(None, (lowest.get_xlabel(), said))))


def with_made(sheet: Sheet, made: Made) -> Sheet:
    """The same picture, which now also says how it was made. What is not known of that stays as it was."""
    if sheet.heading is not None:
        every = {field.name: getattr(made, field.name) for field in fields(Made)}
        known = {
            name: value
            for name, value in every.items()
            if value not in ("", 0, None) or (name == "seed" and value == 0)
        }
        sheet.heading = replace(sheet.heading, made=replace(sheet.heading.made, **known))
        _lay_out(sheet)
    return sheet


def lines_within(text: str, inches: float, size: float, *, bold: bool = False) -> list[str]:
    """A text broken into lines, none of which is wider. size: of its letters, in points"""
    measure = _Ruler(size, bold=bold)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure(longer) <= inches:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


class _Ruler:
    """Measures texts in inches."""

    def __init__(self, size: float, *, bold: bool = False) -> None:
        self._dpi = 300.0  # fine enough that no hinting of letters matters
        self._letters = FontProperties(size=size, weight="bold" if bold else "normal")
        self._renderer: Any = FigureCanvasAgg(Figure(figsize=(1, 1), dpi=self._dpi)).get_renderer()  # type: ignore[no-untyped-call]

    def __call__(self, text: str) -> float:
        width, _, _ = self._renderer.get_text_width_height_descent(text, self._letters, False)
        return float(width) / self._dpi


def _lay_out(sheet: Sheet) -> None:
    """Put the words of the heading above and below the axes, which keep their height: the sheet becomes higher."""
    heading: Heading = sheet.heading
    letters = sheet.width.points
    width, before = sheet.get_size_inches()
    axes_high = sheet.axes_inches = sheet.axes_inches or before
    for old in sheet.words:
        old.remove()
    sheet.words = []
    edge = _EDGE * letters / 72
    for ax in sheet.axes:  # a label of an axis may be longer than the axis
        place = ax.get_position()
        for axis, inches in (
            (ax.xaxis, min(_WIDE, place.width) * width),
            (ax.yaxis, place.height * axes_high),
        ):
            parts = axis.label.get_text().split("\n")
            axis.set_label_text(
                "\n".join("\n".join(lines_within(part, inches, float(axis.label.get_fontsize()))) for part in parts)
            )
    room = _SLACK * (width - 2 * edge)
    above = (
        (heading.title, _TITLE, "black", True),
        (heading.made.subtitle, _SUBTITLE, "#333333", False),
    )
    below = ((heading.notes, _NOTE, "#333333", False), (heading.made.foot, _NOTE, GREY, False))
    high, low = (
        [
            (lines_within(text, room, scale * letters, bold=bold), scale * letters, colour, bold)
            for text, scale, colour, bold in part
        ]
        for part in (above, below)
    )
    top, bottom = (2 * edge + sum(len(lines) * _LINE * size / 72 for lines, size, *_ in part) for part in (high, low))
    total = axes_high + top + bottom
    sheet.set_size_inches(width, total)
    engine: Any = sheet.get_layout_engine()
    engine.set(rect=(0, bottom / total, 1, axes_high / total))
    for part, y in ((high, total - edge), (low, bottom - edge)):
        for lines, size, colour, bold in part:
            if lines:
                text = sheet.text(
                    edge / width, y / total, "\n".join(lines), ha="left", va="top", fontsize=size, color=colour,
                    weight="bold" if bold else "normal", linespacing=1.1, parse_math=False,
                )  # fmt: skip
                text.set_in_layout(False)
                sheet.words.append(text)
            y -= len(lines) * _LINE * size / 72


def saved(sheet: Sheet, look: Look, about: str = "") -> bytes:
    """The bytes of a file. It says what it shows, for those who cannot see it, and no date, so that equal sheets make equal bytes.

    about: what such a figure shows, besides the finding that is its title
    """
    title, description = _words_of(sheet, about)
    file = BytesIO()
    sheet.savefig(
        file, format=look.file_format, dpi=look.dots_per_inch, **_details(look.file_format, title, description)
    )
    content = file.getvalue()
    return _with_words(content, title, description) if look.file_format == "svg" else content


def _words_of(sheet: Sheet, about: str) -> tuple[str, str]:
    """Title and description."""
    heading = sheet.heading
    if heading is None:
        return about, about
    parts = about[:1].upper() + about[1:], heading.made.subtitle, heading.notes, heading.made.foot
    described = ". ".join(part.removesuffix(".") for part in parts if part)
    return heading.title, described


def _details(file_format: str, title: str, description: str) -> dict[str, Any]:
    if file_format == "png":
        return {
            "metadata": {"Title": title, "Description": description},
            "pil_kwargs": {"compress_level": _COMPRESSION},
        }
    if file_format == "pdf":
        return {"metadata": {"Title": title, "Subject": description, "CreationDate": None}}
    return {"metadata": {"Date": None}}


def _with_words(content: bytes, title: str, description: str) -> bytes:
    """An SVG with its title and description as the first things in it, and said to be one picture: readers read them aloud."""
    text = content.decode("utf-8")
    start = text.index("<svg ")
    end = text.index(">", start)
    words = f"\n <title>{escape(title)}</title>\n <desc>{escape(description)}</desc>"
    return f'{text[:end]} role="img">{words}{text[end + 1 :]}'.encode()
