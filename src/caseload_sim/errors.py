"""The errors a user can cause, and what is only warned of; each message names the file and line or the option, the value, and what to do next."""

import re
from collections.abc import Iterable

# Characters that a terminal obeys instead of showing them, or that turn the order of what stands beside them.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
MOST_SHOWN = 2_000  # characters of a line


def harmless(text: str) -> str:
    """A text with what a terminal would obey written out: \\x1b for an escape. Every text from a file is shown so."""
    return UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


class CaseloadError(Exception):
    """Anything the user can put right. The command line prints it without a traceback and exits with 2.

    Names and values from a file are part of the message: it never holds a character that a terminal obeys, or a line
    that fills the screen.
    """

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(_shortened(line) for line in harmless(message).split("\n")))


class ScenarioError(CaseloadError):
    """A scenario, or a change to one, says something that cannot be."""


class CatalogueError(CaseloadError):
    """A name that the catalogue does not know, or a file that cannot be read."""


class RunError(CaseloadError):
    """A run that cannot start or cannot be saved."""


class ScenarioWarning(UserWarning):
    """Something to know about a scenario that can be run as it is, such as a date that changes nothing.

    The command line prints it once, as a note.
    """

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(_shortened(line) for line in harmless(message).split("\n")))


def _shortened(line: str) -> str:
    half = MOST_SHOWN // 2
    return line if len(line) <= MOST_SHOWN else f"{line[:half]} ... {line[-half:]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence offering the nearest known name, or the known names when none is near."""
    import difflib

    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Known: {shown}." if names else "None is known here."
