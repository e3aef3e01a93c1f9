"""On which line of a TOML file a dotted path stands: `tomllib` does not tell, and error messages must."""

import re

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
    for number, line in enumerate(text.splitlines(), start=1):
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
        if depth < len(found) and path[: len(found)] == found:
            best, depth = number, len(found)
    return best, depth
