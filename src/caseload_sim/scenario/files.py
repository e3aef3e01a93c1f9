"""One file of a scenario: where shipped ones lie, and on which line a path stands, which `tomllib` does not tell."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_PART = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def line_of(text: str, path: tuple[str, ...]) -> tuple[int, int]:
    """The line that sets the longest leading piece of `path`.

    Returns (line number from 1, number of path parts found there); (1, 0) when none is found.
    """
    table: tuple[str, ...] = ()
    best, depth = 1, 0
    quotes = ""  # the kind of multi-line string the scan is inside of, if any
    for number, line in enumerate(text.split("\n"), start=1):
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        quotes = next((q for q in ('"""', "'''") if line.count(q) % 2), "")
        if header := _HEADER.match(line):
            table = _parts(header[1])
            found = table
        elif key := _KEY.match(line):
            found = table + _parts(key[1])
            inline = line[key.end() :]
            if path[: len(found)] == found:  # the rest of the path may sit in an inline table on this line
                for part in path[len(found) :]:
                    if not re.search(rf"[{{,]\s*[\"']?{re.escape(part)}[\"']?\s*=", inline):
                        break
                    found = (*found, part)
        else:
            continue
        shorter = min(len(found), len(path))  # a header may go on beyond the path: [staff.assessor] sets `staff`
        if depth < shorter and path[:shorter] == found[:shorter]:
            best, depth = number, shorter
    return best, depth


@dataclass(frozen=True, slots=True)
class _File:
    """One scenario file as read: its path, its text and its parsed content."""

    path: Path
    text: str
    content: dict[str, Any]


def shipped_folder() -> Path:
    """The folder of shipped scenarios: inside an installed package, or beside `src` in a checkout."""
    installed = Path(__file__).parent / "shipped"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "scenarios"
