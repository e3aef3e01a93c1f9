"""Say what is wrong with a scenario in plain words: in which file and line, the value, what is allowed, what to do."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

from pydantic_core import ErrorDetails

from caseload_sim.errors import ScenarioError, did_you_mean
from caseload_sim.scenario.assumptions import Assumptions
from caseload_sim.scenario.files import _File, line_of, shipped_folder
from caseload_sim.support.limits import excess_in_content

MOST_EXPLAINED = 8
DEFAULT_SCENARIO = "hepgul_2016"


_IN_LIMITS = "No scenario needs that; `caseload-sim explain` shows what one looks like."


def _check_limits(content: Mapping[str, Any], files: Sequence[_File], changes: Mapping[str, Any] | None = None) -> None:
    if excess := excess_in_content(content):
        path, what = excess
        location = f"{_locate(path, files, changes or {})}: " if path else f"{files[0].path}: " if files else ""
        raise ScenarioError(f"{location}{what}. {_IN_LIMITS}")


def _list_first(messages: Iterable[str]) -> str:
    """The first eight different messages, one on each line. No more are made than are shown: thousands would take minutes."""
    unique: dict[str, None] = {}
    following = iter(messages)
    for message in islice(following, 2 * MOST_EXPLAINED):
        unique[message] = None
        if len(unique) > MOST_EXPLAINED:
            return "\n".join([*list(unique)[:MOST_EXPLAINED], "... and more."])
    return "\n".join([*unique, *["... and more."] * (next(following, None) is not None)])


def _locate(path: tuple[str, ...], files: Sequence[_File], changes: Mapping[str, Any]) -> str:
    """Where a value was set, as in `my.toml:14: population.prevalence.ptsd`, or `--set` with its path.

    If several files extend one another, it is the one that has the most parts of the path; of equals, the user's own.
    """
    dotted = ".".join(path)
    for changed_path in changes:
        if f"{changed_path}.".startswith(f"{dotted}.") or f"{dotted}.".startswith(f"{changed_path}."):
            return f"--set {dotted}"
    if not files:
        return dotted
    lines = [(line_of(file.text, path), file) for file in files]
    (line, _), file = max(lines, key=lambda found: found[0][1])
    return f"{file.path}:{line}: {dotted}"


_TAGS = {"assessment", "course"}  # pydantic names the chosen kind of step inside the path


def _explain(
    detail: ErrorDetails,
    files: Sequence[_File],
    changes: Mapping[str, Any],
    content: Mapping[str, Any],
    within: tuple[str, ...] = (),
) -> str:
    """Say one of pydantic's errors in plain words: file and line, value, what is allowed, what to do.

    within: the path below which the content stands, if it is not the whole scenario
    """
    path = tuple(str(part) for part in detail["loc"])
    if path[:2] == ("pathway", "steps"):
        path = tuple(part for i, part in enumerate(path) if not (i == 3 and part in _TAGS))
    if path[:2] == ("start", "waiting"):
        path = path[:3] + path[4:]  # between them it says which of the two ways to state a list was tried
    path = (*within, *path)
    location, kind, value = _locate(path, files, changes), detail["type"], detail["input"]
    limits = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{location}: not a known key. {did_you_mean(path[-1], _keys_at(path[:-1]))}"
    if kind == "missing":
        if len(path) == 4 and path[:2] == ("population", "prevalence") and path[3] == "group":
            others = [name for name in content["population"]["prevalence"] if name != path[2]]
            return (
                f"{_locate(path[:3], files, changes)}: not a known condition. {did_you_mean(path[2], others)} "
                "`caseload-sim list conditions` shows all. To add a new one, give its `group` as well."
            )
        if len(path) >= 3 and _keys_at(path[:-2]) and path[-2] not in _keys_at(path[:-2]):
            hint = did_you_mean(path[-2], _keys_at(path[:-2]))
            return f"{_locate(path[:-1], files, changes)}: '{path[-1]}' is missing. {hint}"
        return f'{location}: missing. Give it a value, or put `extends = "{DEFAULT_SCENARIO}"` on the first line.'
    if kind == "value_error":
        return f"{location}: {str(detail['msg']).removeprefix('Value error, ')}."
    shown = _shown(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        hint = did_you_mean(path[-1], _keys_at(path[:-1]))
        return f'{location}: a step needs kind = "assessment" or kind = "course". {hint}'
    bounds = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most"),
              "greater_than": ("gt", "above"), "less_than": ("lt", "below")}  # fmt: skip
    if kind in bounds:
        key, words = bounds[kind]
        return f"{location}: {shown} is out of range; it must be {words} {limits[key]:g}."
    expected = {
        "float_type": "a number, without quotes", "int_type": "a whole number, without quotes",
        "finite_number": "a finite number", "string_type": "text in quotes",
        "model_type": "a table such as { value = 0.5, assumption = \"why\" }", "dict_type": "a table",
        "model_attributes_type": "a table such as { value = 0.5, assumption = \"why\" }",
        "date_type": "a date such as 2022-04-02", "bool_type": "true or false",
        "int_from_float": "a whole number", "tuple_type": "a list", "literal_error": str(limits.get("expected")),
        "too_long": f"of at most {limits.get('max_length')} entries",
    }  # fmt: skip
    return f"{location}: {shown} is not allowed here; it must be {expected.get(kind, str(detail['msg']))}."


def _shown(value: Any) -> str:
    """A value as the user wrote it, or what kind of value it is where that would be too long."""
    if isinstance(value, Mapping):
        return "a table"
    try:
        return repr(value)
    except ValueError:  # Python refuses to write out integers of thousands of digits
        return "a number of thousands of digits"


@cache
def _default_content() -> dict[str, Any]:
    file = shipped_folder() / f"{DEFAULT_SCENARIO}.toml"
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    steps = content["pathway"]["steps"]
    for name, step in steps.items():
        steps[name] = {
            **steps.get(step.get("like"), {}),
            **{key: value for key, value in step.items() if key != "like"},
        }
    return Assumptions.model_validate({"name": DEFAULT_SCENARIO, **content}).model_dump()


def _keys_at(path: tuple[str, ...]) -> list[str]:
    """The keys that are known at a path, such as the names of conditions: those of the default scenario."""
    table: Any = _default_content() if path else dict.fromkeys(Assumptions.model_fields)
    for part in path:
        table = table.get(part, {}) if isinstance(table, Mapping) else {}
    return list(table) if isinstance(table, Mapping) else []
