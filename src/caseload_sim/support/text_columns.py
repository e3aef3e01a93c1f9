"""Lines on a terminal: cells in columns, and texts that must not be wider than there is room."""


def in_columns(*cells: tuple[str, int]) -> str:
    """A line of a table: texts side by side, a blank between two at least, whatever they are.

    cells: text and width; the text is to the right in its column, or to the left where the width is below 0. A text that is
        too long takes blanks from the columns after it.
    """
    line, end = "", 0
    for text, width in cells:
        start, end = end, end + abs(width)
        if text:
            blanks = (end - len(text) if width > 0 else start) - len(line)
            line += " " * max(blanks, 1 if line else 0) + text
    return line


def shortened(text: str, room: int) -> str:
    """A text of at most `room` letters, cut behind a whole word and marked where it was longer.

    >>> shortened("As many staff as can be used", 20)
    'As many staff as ...'
    """
    if len(text) <= room:
        return text
    return text[: room - 3].rpartition(" ")[0] + " ..."
