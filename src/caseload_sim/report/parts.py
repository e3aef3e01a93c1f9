"""What a page of a report consists of: cards, sentences, tables with marks, figures of the gallery, sections."""

from dataclasses import dataclass

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Marks:
    """What is drawn below the label of a row, on a line from `low` to `high`; all in the same unit.

    value: a filled mark; other: an open mark, such as the same people untreated; NaN where there is none
    chance, could_be: a thin bar and a pale band, NaN where there is none
    ticks: published figures or standards
    """

    low: float
    high: float
    value: float
    other: float = float("nan")
    chance: Interval = (float("nan"), float("nan"))
    could_be: Interval = (float("nan"), float("nan"))
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: its label, a second line in smaller letters, the cells, and what is drawn. No cells: a heading."""

    label: str
    cells: tuple[str, ...] = ()
    below: str = ""
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """caption: what it shows, for those who do not see it too; columns: heads, that of labels first; key: how to read marks.

    key: pairs of a mark's name, as `strips.KEYS` has it, and what it is
    """

    caption: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    key: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure of the gallery by name; says: what is seen in it, for those who do not see it."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Strong:
    """A sentence that must not be overlooked."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """What to type."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list: of sentences, or of words and what they mean."""

    items: tuple[str | tuple[str, str], ...]


Block = str | Strong | Heading | Command | Items | Table | Drawing


@dataclass(frozen=True, slots=True)
class Card:
    """A number that is seen first; missed: whether it misses a standard."""

    label: str
    value: str
    note: str
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A question and its answer. is_folded: shown only when asked for"""

    heading: str
    blocks: tuple[Block, ...]
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """All that a report says.

    about: of what year, in one sentence; answer: one or two sentences; caution: what to know before it is used
    foot: program, seed and digest
    """

    title: str
    about: str
    answer: str
    cards: tuple[Card, ...]
    caution: tuple[str, ...]
    sections: tuple[Section, ...]
    foot: str
