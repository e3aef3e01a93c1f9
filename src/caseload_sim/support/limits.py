"""What a file may be at most, looked at before anything is built from it: size, nesting, length and number of values."""

import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caseload_sim.errors import UNSEEN

MOST_SCENARIO_BYTES = 250_000  # half as much again as the largest shipped scenario
MOST_RECORD_BYTES = 64_000_000
MOST_RECORD_VALUES = 1_000_000
MOST_DEPTH = 20
MOST_JSON_DEPTH = MOST_DEPTH + 10  # a record holds scenarios
MOST_WHOLE_NUMBER = 2**64  # of a record; no seed is as large
MOST_WORD = 500  # characters of a number, or of a key without quotes
MOST_TEXT = 10_000
MOST_ENTRIES = 250  # of one table or list
MOST_VALUES = 10_000  # of a whole scenario, tables counted too
UNSEEN_IN_KEYS = re.compile(f"{UNSEEN.pattern}|[\t\n]")

# Comments and strings are passed over whole; each alternative can be matched in one way only, so the scan takes linear time.
_TOKEN = re.compile(
    r'#[^\n]*|"""(?:[^"\\]|\\.|"(?!""))*(?:""")?|\'\'\'(?:[^\']|\'(?!\'\'))*(?:\'\'\')?'
    r"|\"(?:[^\"\\\n]|\\[^\n])*\"?|'[^'\n]*'?|(?P<word>[\w+-]+)|(?P<mark>[\[\]{}.,=\n])",
    re.DOTALL,
)


# Numbers, whatever stands before and after their point; no part of a word, a date or a version. Strings are passed over.
_NUMBER = re.compile(
    r"\"[^\"]*\"|'[^']*'|(?<![\w.+-])([+-]?)(?:0+(?=\d)|(?=\.\d))?(\d[\d_]*)?(\.)?(\d[\d_]*)?([eE][+-]?\d+)?(?![\w.])"
)


def numbers_as_in_toml(text: str) -> str:
    """The same text with each number written as TOML wants it.

    >>> numbers_as_in_toml("[.5, 5., +.25, 007, 1.e3]")
    '[0.5, 5.0, +0.25, 7, 1.0e3]'
    """

    def number(found: re.Match[str]) -> str:
        sign, whole, point, part, power = (group or "" for group in found.groups())
        if not whole + part:
            return found[0]
        return f"{sign}{whole or '0'}{f'{point}{part or 0}' if point else ''}{power}"

    return _NUMBER.sub(number, text)


def is_regular(path: Path) -> bool:
    """Whether it is a file: a device or a pipe might never end. Raises OSError as looking does."""
    return stat.S_ISREG(path.stat().st_mode)


def read_regular(path: Path, most_bytes: int) -> bytes:
    """The bytes of a file, one more than allowed if it is larger: whoever asks looks at the length.

    Raises IsADirectoryError for all that is not a file, such as a device or a pipe, which might never end; OSError as
    reading does.
    """
    if not is_regular(path):
        raise IsADirectoryError("not a file")
    with path.open("rb") as file:
        return file.read(most_bytes + 1)


def json_in(data: bytes) -> Any:
    """What a JSON text says.

    Raises ValueError, in words, where it is none, or is more, or nested deeper, than any file of ours, or holds a text that
    cannot be shown or a number that no float can be: all that is done with the content afterwards then takes little time.
    """
    if len(data) > MOST_RECORD_BYTES or n_values(data) > MOST_RECORD_VALUES:
        raise ValueError(f"more than {MOST_RECORD_BYTES:,} bytes or {MOST_RECORD_VALUES:,} values")
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    left: list[tuple[tuple[str, ...], Any]] = [((), content)]
    while left:
        path, value = left.pop()
        if why := _excess_in_json(value, len(path)):
            raise ValueError(f"{'.'.join(path)}: {why}" if path else why)
        if isinstance(value, dict):
            left += [((*path, key), one) for key, one in value.items()]
        elif isinstance(value, list):
            left += [((*path, str(i)), one) for i, one in enumerate(value)]
    return content


def _excess_in_json(value: Any, depth: int) -> str | None:
    if isinstance(value, str):
        found = UNSEEN.search(value)
        return f"a text with the control character {found[0]!a}" if found else None
    if isinstance(value, dict):
        unseen = next((key for key in value if len(key) > MOST_WORD or UNSEEN_IN_KEYS.search(key)), None)
        if unseen is not None:
            return f"a key that cannot be shown, {unseen!a:.40}"
    if isinstance(value, dict | list):
        return f"nested deeper than {MOST_JSON_DEPTH} levels" if depth > MOST_JSON_DEPTH else None
    if isinstance(value, int) and abs(value) > MOST_WHOLE_NUMBER:
        return "a whole number beyond all that we write"
    return None


def n_values(json_text: bytes) -> int:
    """How many values a JSON text has at most, tables and lists counted too, seen without parsing it."""
    return sum(map(json_text.count, (b",", b"[", b"{")))


def excess_in_toml(text: str) -> tuple[int, str] | None:
    """Where a TOML text is nested deeper, or has a longer key or number, than a scenario can need: line, and what.

    Looked at before parsing, since a parser needs memory with the square of the parts of a key.
    """
    depth = dots = 0
    for token in _TOKEN.finditer(text):
        if token["word"]:
            if len(token["word"]) > MOST_WORD:
                return _line(
                    text, token
                ), f"a number or a key of {len(token['word']):,} characters; at most {MOST_WORD}"
            continue
        mark = token["mark"]
        if mark == ".":
            dots += 1
        elif mark:
            dots = 0
            depth = max(depth + (mark in "[{") - (mark in "]}"), 0)
        if depth > MOST_DEPTH or dots >= MOST_DEPTH:
            return _line(text, token), f"nested deeper than {MOST_DEPTH} levels"
    return None


def _line(text: str, token: re.Match[str]) -> int:
    return text.count("\n", 0, token.start()) + 1


def excess_in_content(content: Mapping[str, Any]) -> tuple[tuple[str, ...], str] | None:
    """Where parsed content is more than a scenario can be, or has text that cannot be shown: path, and what is wrong."""
    left: list[tuple[tuple[str, ...], Any]] = [((), content)]
    n_values = 0
    while left:
        path, value = left.pop()
        n_values += 1
        if n_values > MOST_VALUES:
            return (), f"more than {MOST_VALUES:,} values"
        if isinstance(value, str):
            if len(value) > MOST_TEXT:
                return path, f"a text of {len(value):,} characters; at most {MOST_TEXT:,}"
            if found := UNSEEN.search(value):
                return path, f"a text with the control character {found[0]!a}"
        elif isinstance(value, Mapping | list | tuple):
            if len(value) > MOST_ENTRIES:
                return path, f"{len(value):,} entries; at most {MOST_ENTRIES}"
            if len(path) >= MOST_DEPTH:
                return path, f"nested deeper than {MOST_DEPTH} levels"
            if not isinstance(value, Mapping):
                left += [((*path, str(i)), one) for i, one in enumerate(value)]
                continue
            for key, one in value.items():
                if not isinstance(key, str) or len(key) > MOST_WORD or UNSEEN_IN_KEYS.search(key):
                    return path, f"a key that cannot be shown, {key!a:.40}"
                left.append(((*path, key), one))
    return None
