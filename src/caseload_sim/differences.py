"""What two scenarios assume differently: every input, with what it means and where each value comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import getdoc
from textwrap import fill
from typing import Any

from caseload_sim.explanation import INDENT, WIDTH
from caseload_sim.origin import ORIGIN_KEYS, Number, Part
from caseload_sim.scenario import Scenario

_HEADINGS = ("name", "title", "summary", "look_at")  # what a scenario is called, not what it assumes
_ABSENT = "not there"


@dataclass(frozen=True, slots=True)
class Difference:
    """One input that differs: its dotted path, as for --set, and its value and origin in each of two scenarios.

    first, second: a number, text, a list, or None where a scenario has no such input
    first_origin, second_origin: source, assumption or fit of a number; empty for what is no claim about the world
    """

    path: str
    meaning: str
    first: Any
    second: Any
    first_origin: str
    second_origin: str


@dataclass(frozen=True, slots=True)
class _Leaf:
    value: Any
    meaning: str
    origin: str


_NOTHING = _Leaf(None, "", "")


def what_differs(first: Scenario, second: Scenario) -> tuple[Difference, ...]:
    """Every input in which two scenarios differ, section by section; names, titles and summaries left out.

    An equal number with another origin, or found in another number of people, counts as a difference.
    """
    ours, theirs = dict(_leaves(first, "", "")), dict(_leaves(second, "", ""))
    found = []
    sections = list(Scenario.model_fields)
    for path in sorted({**ours, **theirs}, key=lambda path: sections.index(path.partition(".")[0])):
        a, b = ours.get(path, _NOTHING), theirs.get(path, _NOTHING)
        if (a.value, a.origin) != (b.value, b.origin):
            found.append(Difference(path, a.meaning or b.meaning, a.value, b.value, a.origin, b.origin))
    return tuple(found)


def differences_in_words(first: Scenario, second: Scenario) -> str:
    """What differs, as plain text: path and meaning, then the value in each scenario with its origin."""
    found = what_differs(first, second)
    if not found:
        return f"{first.name} and {second.name}: nothing differs. Every input is the same, with the same origin."
    lines = [f"{first.name} against {second.name}: {len(found)} input{'s differ' if len(found) > 1 else ' differs'}."]
    names = (first.name, second.name) if first.name != second.name else ("first", "second")
    for one in found:
        lines += ["", fill(f"{one.path}{f': {one.meaning}' if one.meaning else ''}", WIDTH, subsequent_indent=INDENT)]
        sides = zip(names, (one.first, one.second), (one.first_origin, one.second_origin), strict=True)
        for name, value, origin in sides:
            text = f"{name}: {_said(value)}{f' ({origin})' if origin else ''}"
            lines.append(fill(text, WIDTH, initial_indent="  ", subsequent_indent=INDENT))
    return "\n".join(lines)


def _leaves(value: Any, path: str, meaning: str) -> Iterator[tuple[str, _Leaf]]:
    """Every input below a part of a scenario, in file order; what a table means holds for what is in it."""
    if isinstance(value, Number):
        yield path, _Leaf(value.value, meaning, _origin_of(value))
        for name in type(value).model_fields:
            if name not in ("value", *ORIGIN_KEYS):
                yield from _leaves(getattr(value, name), f"{path}.{name}", meaning)
    elif isinstance(value, Part):
        about = "" if isinstance(value, Scenario) else (getdoc(type(value)) or "").partition("\n")[0]
        for name, field in type(value).model_fields.items():
            if not (isinstance(value, Scenario) and name in _HEADINGS):
                below = field.description or (about if not _is_table(getattr(value, name)) else "") or meaning
                yield from _leaves(getattr(value, name), f"{path}.{name}".lstrip("."), below)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}", meaning)
    elif value is not None:
        yield path, _Leaf(list(value) if isinstance(value, tuple) else value, meaning, "")


def _is_table(value: Any) -> bool:
    return isinstance(value, Part | Mapping) and not isinstance(value, Number)


def _origin_of(number: Number) -> str:
    """Its origin in words, with the number of people it was found in, whatever it is."""
    n = f" (n={number.n})" if number.n and not number.source else ""
    return f"{'source ' if number.source else ''}{number.origin()}{n}"


def _said(value: Any) -> str:
    if value is None:
        return _ABSENT
    if isinstance(value, float):
        return f"{value:.10g}"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
