"""Named scenarios and sources: found, read, extended, changed, checked; nothing here computes."""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from caseload_sim.checks import contradictions, impossible_targets
from caseload_sim.errors import CatalogueError, ScenarioError, did_you_mean
from caseload_sim.limits import MOST_DEPTH, MOST_SCENARIO_BYTES, excess_in_content, excess_in_toml, read_regular
from caseload_sim.origin import ORIGIN_KEYS
from caseload_sim.scenario import Scenario, Source
from caseload_sim.toml_lines import line_of

MOST_ANCESTORS = 10
MOST_EXPLAINED = 8
DEFAULT_SCENARIO = "hepgul_2016"
USERS_OWN = "set by the user"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_NOT_SCENARIOS = {"sources"}


@dataclass(frozen=True, slots=True)
class _File:
    """One scenario file as read: its path, its text and its parsed content."""

    path: Path
    text: str
    content: dict[str, Any]


def shipped_folder() -> Path:
    """The folder of shipped scenarios: inside an installed package, or beside `src` in a checkout."""
    installed = Path(__file__).parent / "scenarios"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "scenarios"


def list_scenarios(paths: Sequence[Path] = ()) -> tuple[str, ...]:
    """Names of all scenarios, shipped ones first, then those in the folders `paths`."""
    names: dict[str, None] = {}
    for folder in (shipped_folder(), *paths):
        if not folder.is_dir():
            raise CatalogueError(f"--scenario-path {folder}: not a folder.")
        for file in sorted(folder.glob("*.toml")):
            if file.stem not in _NOT_SCENARIOS:
                names[file.stem] = None
    return tuple(sorted(names, key=lambda name: (name != DEFAULT_SCENARIO, name)))


def get_scenario(
    name: str = DEFAULT_SCENARIO, *, paths: Sequence[Path] = (), changes: Mapping[str, Any] | None = None
) -> Scenario:
    """The scenario of that name, complete and checked.

    name: a name from `list_scenarios`
    changes: dotted path -> value, the user's own
    Raises CatalogueError for an unknown name, ScenarioError for impossible content.
    """
    return _resolve(_find(name, paths), paths, changes or {})


def load_scenario(
    path: str | Path, *, paths: Sequence[Path] = (), changes: Mapping[str, Any] | None = None
) -> Scenario:
    """The scenario in a TOML file of the user's; see `get_scenario`."""
    return _resolve(Path(path), paths, changes or {})


def open_scenario(
    name_or_file: str, *, paths: Sequence[Path] = (), changes: Mapping[str, Any] | None = None
) -> Scenario:
    """A scenario by name, or by file when the argument looks like one: what the command line accepts."""
    looks_like_file = name_or_file.lower().endswith(".toml") or "/" in name_or_file or "\\" in name_or_file
    open_one = load_scenario if looks_like_file else get_scenario
    return open_one(name_or_file, paths=paths, changes=changes)


def parent_of(name: str, *, paths: Sequence[Path] = ()) -> str | None:
    """The scenario that a named one extends, None for one that stands by itself. Raises as `get_scenario` does."""
    chain = _chain(_find(name, paths), paths)
    return chain[1].path.stem if len(chain) > 1 else None


def list_sources() -> dict[str, Source]:
    """All shipped sources by key."""
    content = _read(shipped_folder() / "sources.toml").content
    return {key: Source.model_validate(entry) for key, entry in content.items()}


def changed(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """The scenario with some values changed, each marked as the user's own; see `Scenario.with_changes`."""
    content = scenario.model_dump(mode="python", exclude_none=True)
    for path, value in changes.items():
        content = _with_value(content, path, value)
    return _checked(content, (), changes)


def parse_value(text: str) -> Any:
    """A value as written after `--set path=`: TOML if it parses, else the bare word itself."""
    if excess := excess_in_toml(text):
        raise ScenarioError(f"--set {text[:40]}...: {excess[1]}. {_IN_LIMITS}")
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text


# --- reading and extending -------------------------------------------------------------------------------


def _find(name: str, paths: Sequence[Path]) -> Path:
    if not _NAME.fullmatch(name):
        raise CatalogueError(f"{name!r} is not a scenario name. `caseload-sim list scenarios` shows all.")
    for folder in (*paths, shipped_folder()):
        if (file := folder / f"{name}.toml").is_file() and name not in _NOT_SCENARIOS:
            return file
    hint = did_you_mean(name, list_scenarios(paths))
    raise CatalogueError(f"{name}: no such scenario. {hint} `caseload-sim list scenarios` shows all.")


def _read(path: Path) -> _File:
    try:
        data = read_regular(path, MOST_SCENARIO_BYTES)
    except IsADirectoryError:
        raise CatalogueError(f"{path}: not a file. A scenario is a TOML file.") from None
    except FileNotFoundError:
        near = did_you_mean(path.name, (p.name for p in path.parent.glob("*.toml"))) if path.parent.is_dir() else ""
        raise CatalogueError(f"{path}: no such file. {near}".strip()) from None
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    if len(data) > MOST_SCENARIO_BYTES:
        raise CatalogueError(
            f"{path}: larger than {MOST_SCENARIO_BYTES:,} bytes, so not a scenario file. Give only what differs from the "
            "scenario that it extends."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ScenarioError(f"{path}:{line}: not text in UTF-8. Save the file as UTF-8 text.") from None
    if not text.strip():
        raise ScenarioError(f'{path}:1: the file is empty. Start with `extends = "{DEFAULT_SCENARIO}"`.')
    text = text.replace("\r\n", "\n")
    if excess := excess_in_toml(text):
        raise ScenarioError(f"{path}:{excess[0]}: {excess[1]}. {_IN_LIMITS}")
    try:
        file = _File(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path}: not valid TOML: {error}.") from None
    _check_limits(file.content, (file,))
    return file


_IN_LIMITS = "No scenario needs that; `caseload-sim explain` shows what one looks like."


def _check_limits(content: Mapping[str, Any], files: Sequence[_File], changes: Mapping[str, Any] | None = None) -> None:
    if excess := excess_in_content(content):
        path, what = excess
        place = f"{_place(path, files, changes or {})}: " if path else f"{files[0].path}: " if files else ""
        raise ScenarioError(f"{place}{what}. {_IN_LIMITS}")


def _chain(path: Path, paths: Sequence[Path]) -> tuple[_File, ...]:
    """The file and all that it extends, itself first."""
    files = [_read(path)]
    while (parent := files[-1].content.get("extends")) is not None:
        here = files[-1]
        place = f"{here.path}:{line_of(here.text, ('extends',))[0]}: extends"
        if not isinstance(parent, str):
            raise ScenarioError(f"{place}: {parent!r} is not a name. Give a scenario's name in quotes.")
        if parent.endswith(".toml"):
            if "/" in parent or "\\" in parent or ":" in parent:
                raise ScenarioError(
                    f"{place}: '{parent}' is outside the file's own folder. Give a scenario's name, "
                    "or the name of a file in the same folder."
                )
            following = here.path.parent / parent
            if os.path.islink(following):  # noqa: PTH114 - of a name that is too long, this says no, and reading says why
                raise ScenarioError(f"{place}: '{parent}' is a link. Extend a file that is in the folder itself.")
        else:
            try:
                following = _find(parent, paths)
            except CatalogueError as error:
                raise ScenarioError(f"{place}: {error}") from None
        if any(os.path.realpath(following) == os.path.realpath(file.path) for file in files):
            circle = " -> ".join([*(file.path.name for file in files), following.name])
            raise ScenarioError(f"{place}: '{parent}' leads in a circle ({circle}). Extend another scenario.")
        if len(files) > MOST_ANCESTORS:
            raise ScenarioError(
                f"{place}: more than {MOST_ANCESTORS} files that extend one another. Join some of them."
            )
        files.append(_read(following))
    return tuple(files)


def _merged(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """The parent's content with the child's differences; a number is replaced with its origin.

    A table of the child with `replace = true` takes the place of the parent's whole table.
    """
    if child.get("replace") is True:
        return {key: value for key, value in child.items() if key != "replace"}
    result = dict(parent)
    if "value" in child:
        result = {key: value for key, value in result.items() if key not in ORIGIN_KEYS}
    for key, value in child.items():
        old = result.get(key)
        if isinstance(value, Mapping):
            result[key] = _merged(old if isinstance(old, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def _with_likenesses(content: dict[str, Any], files: Sequence[_File]) -> dict[str, Any]:
    """Steps that say `like = "another"` filled up with what that other step has."""
    pathway = content.get("pathway")
    steps = pathway.get("steps") if isinstance(pathway, Mapping) else None
    if not isinstance(pathway, Mapping) or not isinstance(steps, Mapping):
        return content
    filled = dict(steps)
    for name, step in steps.items():
        if isinstance(step, Mapping) and "like" in step:
            other = steps.get(step["like"]) if isinstance(step["like"], str) else None
            if not isinstance(other, Mapping) or "like" in other:
                place = _place(("pathway", "steps", name, "like"), files, {})
                known = [key for key, one in steps.items() if isinstance(one, Mapping) and "like" not in one]
                raise ScenarioError(
                    f"{place}: {_shown(step['like'])} is not a step. {did_you_mean(str(step['like']), known)}"
                )
            filled[name] = _merged(other, {key: value for key, value in step.items() if key != "like"})
    return {**content, "pathway": {**pathway, "steps": filled}}


def _with_value(content: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The content with one value changed. `path` may stop at the number or go on to its `.value`.

    A value that is a table is merged in; it may be new, such as a shock, since the schema refuses what has no place.
    """
    if not isinstance(path, str):
        raise ScenarioError(f"{path!r}: a change needs a dotted path, as in 'population.prevalence.ptsd'.")
    parts = path.split(".")
    if len(parts) > MOST_DEPTH:
        raise ScenarioError(f"--set {path}: no path has more than {MOST_DEPTH} parts.")
    table: Any = content
    for depth, part in enumerate(parts):
        if not isinstance(table, Mapping) or part not in table:
            if isinstance(value, Mapping):
                break
            known = table if isinstance(table, Mapping) else ()
            here = ".".join(parts[:depth]) or "the scenario"
            raise ScenarioError(f"--set {path}: no '{part}' in {here}. {did_you_mean(part, known)}")
        table = table[part]
    if isinstance(value, Mapping):
        _check_limits(value, ())
        value = _as_users_own(value)
    elif isinstance(table, Mapping):
        if "value" not in table:
            raise ScenarioError(f"--set {path}: a group of values. Choose one: {', '.join(list(table)[:12])}.")
        parts.append("value")
    change: Any = {parts[-1]: value}
    if parts[-1] == "value":
        change["assumption"] = USERS_OWN
    for part in reversed(parts[:-1]):
        change = {part: change}
    return _merged(content, change)


def _as_users_own(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table with every number in it that has no origin marked as the user's own."""
    result = {key: _as_users_own(value) if isinstance(value, Mapping) else value for key, value in table.items()}
    if "value" in result and not any(key in result for key in ("source", "assumption", "fitted")):
        result["assumption"] = USERS_OWN
    return result


def _resolve(path: Path, paths: Sequence[Path], changes: Mapping[str, Any]) -> Scenario:
    files = _chain(path, paths)
    content: dict[str, Any] = {}
    for file in reversed(files):
        content = _merged(content, file.content)
    content.pop("extends", None)
    if "name" in content:
        named = next(file for file in files if "name" in file.content)
        line, _ = line_of(named.text, ("name",))
        raise ScenarioError(
            f"{named.path}:{line}: name: a scenario is called after its file; use `title` for a heading."
        )
    # Where file names are not read as UTF-8, letters beyond ASCII come as lone surrogates, which no file can hold.
    content["name"] = os.fsencode(path.stem).decode("utf-8", errors="replace")
    _check_limits(content, files)
    content = _with_likenesses(content, files)
    own = files[0].content
    for key in ("title", "summary", "look_at"):  # a user's short file need not repeat them
        if key not in own and len(files) > 1:
            content[key] = f"{path.stem}, from {files[1].path.stem}" if key == "title" else content.get(key, "")
    for dotted, value in changes.items():
        content = _with_value(content, dotted, value)
    return _checked(content, files, changes)


# --- checking, with the place of each error --------------------------------------------------------------


def _checked(content: Mapping[str, Any], files: Sequence[_File], changes: Mapping[str, Any]) -> Scenario:
    _check_limits(content, files, changes)
    try:
        scenario = Scenario.model_validate(content)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ScenarioError(_listed(_explained(detail, files, changes, content) for detail in details)) from None
    found = list(islice(contradictions(scenario, set(list_sources()) | set(scenario.sources)), 2 * MOST_EXPLAINED))
    # A target is an error where it is asked for; inherited, or met by a changed prevalence, it only stays for comparison.
    asked = any(path.startswith("population.targets") for path in changes)
    own = files[0].content if files and not any(path.startswith("population.prevalence") for path in changes) else {}
    found += [(path, message) for path, message in impossible_targets(scenario.population) if asked or _sets(own, path)]
    if found:
        raise ScenarioError(_listed(f"{_place(path, files, changes)}: {message}" for path, message in found))
    return scenario


def _sets(content: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a file itself sets a value."""
    table: Any = content
    for part in path:
        if not isinstance(table, Mapping) or part not in table:
            return False
        table = table[part]
    return True


def _listed(messages: Iterable[str]) -> str:
    """The first few that differ, each made only when it is shown: to explain thousands would take minutes."""
    unique: dict[str, None] = {}
    following = iter(messages)
    for message in islice(following, 2 * MOST_EXPLAINED):
        unique[message] = None
        if len(unique) > MOST_EXPLAINED:
            return "\n".join([*list(unique)[:MOST_EXPLAINED], "... and more."])
    return "\n".join([*unique, *["... and more."] * (next(following, None) is not None)])


def _place(path: tuple[str, ...], files: Sequence[_File], changes: Mapping[str, Any]) -> str:
    """File, line and dotted path of a value: the file that comes closest to it wins, the user's first."""
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


def _explained(
    detail: ErrorDetails, files: Sequence[_File], changes: Mapping[str, Any], content: Mapping[str, Any]
) -> str:
    """One of pydantic's errors in plain words: place, value, what is allowed, what to do."""
    path = tuple(str(part) for part in detail["loc"])
    if path[:2] == ("pathway", "steps"):
        path = tuple(part for i, part in enumerate(path) if not (i == 3 and part in _TAGS))
    place, kind, value = _place(path, files, changes), detail["type"], detail["input"]
    limits = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{place}: not a known key. {did_you_mean(path[-1], _keys_at(path[:-1]))}"
    if kind == "missing":
        if len(path) == 4 and path[:2] == ("population", "prevalence") and path[3] == "group":
            others = [name for name in content["population"]["prevalence"] if name != path[2]]
            return (
                f"{_place(path[:3], files, changes)}: not a known condition. {did_you_mean(path[2], others)} "
                "`caseload-sim list conditions` shows all. To add a new one, give its `group` as well."
            )
        if len(path) >= 3 and _keys_at(path[:-2]) and path[-2] not in _keys_at(path[:-2]):
            hint = did_you_mean(path[-2], _keys_at(path[:-2]))
            return f"{_place(path[:-1], files, changes)}: '{path[-1]}' is missing. {hint}"
        return f'{place}: missing. Give it a value, or put `extends = "{DEFAULT_SCENARIO}"` on the first line.'
    if kind == "value_error":
        return f"{place}: {str(detail['msg']).removeprefix('Value error, ')}."
    shown = _shown(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        hint = did_you_mean(path[-1], _keys_at(path[:-1]))
        return f'{place}: a step needs kind = "assessment" or kind = "course". {hint}'
    bounds = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most"),
              "greater_than": ("gt", "above"), "less_than": ("lt", "below")}  # fmt: skip
    if kind in bounds:
        key, words = bounds[kind]
        return f"{place}: {shown} is out of range; it must be {words} {limits[key]:g}."
    expected = {
        "float_type": "a number, without quotes", "int_type": "a whole number, without quotes",
        "finite_number": "a finite number", "string_type": "text in quotes",
        "model_type": "a table such as { value = 0.5, assumption = \"why\" }", "dict_type": "a table",
        "model_attributes_type": "a table such as { value = 0.5, assumption = \"why\" }",
        "date_type": "a date such as 2022-04-02", "bool_type": "true or false",
        "int_from_float": "a whole number", "tuple_type": "a list", "literal_error": str(limits.get("expected")),
        "too_long": f"of at most {limits.get('max_length')} entries",
    }  # fmt: skip
    return f"{place}: {shown} is not allowed here; it must be {expected.get(kind, str(detail['msg']))}."


def _shown(value: Any) -> str:
    """A value as the user may know it again, however long."""
    if isinstance(value, Mapping):
        return "a table"
    try:
        return repr(value)
    except ValueError:  # Python refuses to write out integers of thousands of digits
        return "a number of thousands of digits"


@cache
def _default_content() -> dict[str, Any]:
    return get_scenario().model_dump()


def _keys_at(path: tuple[str, ...]) -> list[str]:
    """The keys that the schema knows at a path, read off the default scenario."""
    table: Any = _default_content() if path else dict.fromkeys(Scenario.model_fields)
    for part in path:
        table = table.get(part, {}) if isinstance(table, Mapping) else {}
    return list(table) if isinstance(table, Mapping) else []
