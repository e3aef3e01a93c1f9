"""Named scenarios: found by name or path, read, joined with what they extend, and checked."""

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from caseload_sim.errors import CatalogueError, ScenarioError, ScenarioWarning, did_you_mean
from caseload_sim.scenario.changes import _check, _merge, _with_likenesses, _with_value
from caseload_sim.scenario.files import _File, line_of, shipped_folder
from caseload_sim.scenario.messages import DEFAULT_SCENARIO, _check_limits
from caseload_sim.scenario.numbers import Number
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.service import NOT_KNOWN
from caseload_sim.scenario.sources import _read
from caseload_sim.support.limits import UNSEEN_IN_KEYS
from caseload_sim.support.surroundings import at_home

MOST_ANCESTORS = 10


_NOT_CALIBRATED = (
    "{file}: the posts of {kinds} are its own; what a post does is typical of England, not fitted to its waits. Read "
    "differences between runs, not levels. To fit: caseload-sim calibrate service {file}"
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_NOT_SCENARIOS = {"sources"}


def list_scenarios(paths: Sequence[Path] = ()) -> tuple[str, ...]:
    """Names of all scenarios, shipped ones first, then those in the folders `paths`."""
    names: dict[str, None] = {}
    for folder in (shipped_folder(), *map(at_home, paths)):
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
    return _resolve(at_home(path), paths, changes or {})


def open_scenario(
    name_or_file: str, *, paths: Sequence[Path] = (), changes: Mapping[str, Any] | None = None
) -> Scenario:
    """A scenario by name, or by file when the argument looks like one: what the command line accepts."""
    looks_like_file = name_or_file.lower().endswith(".toml") or "/" in name_or_file or "\\" in name_or_file
    open_one = load_scenario if looks_like_file else get_scenario
    return open_one(name_or_file, paths=paths, changes=changes)


def _find(name: str, paths: Sequence[Path]) -> Path:
    if not _NAME.fullmatch(name):
        raise CatalogueError(f"{name!r} is not a scenario name. `caseload-sim list scenarios` shows all.")
    for folder in (*map(at_home, paths), shipped_folder()):
        if (file := folder / f"{name}.toml").is_file() and name not in _NOT_SCENARIOS:
            return file
    hint = did_you_mean(name, list_scenarios(paths))
    raise CatalogueError(f"{name}: no such scenario. {hint} `caseload-sim list scenarios` shows all.")


def _chain(path: Path, paths: Sequence[Path]) -> tuple[_File, ...]:
    """The file and all that it extends, itself first."""
    files = [_read(path)]
    while (parent := files[-1].content.get("extends")) is not None:
        here = files[-1]
        location = f"{here.path}:{line_of(here.text, ('extends',))[0]}: extends"
        if not isinstance(parent, str):
            raise ScenarioError(f"{location}: {parent!r} is not a name. Give a scenario's name in quotes.")
        if parent.endswith(".toml"):
            if "/" in parent or "\\" in parent or ":" in parent:
                raise ScenarioError(
                    f"{location}: '{parent}' is outside the file's own folder. Give a scenario's name, "
                    "or the name of a file in the same folder."
                )
            following = here.path.parent / parent
            if os.path.islink(following):  # noqa: PTH114 - of a name that is too long, this says no, and reading says why
                raise ScenarioError(f"{location}: '{parent}' is a link. Extend a file that is in the folder itself.")
        else:
            try:
                following = _find(parent, paths)
            except CatalogueError as error:
                raise ScenarioError(f"{location}: {error}") from None
        if any(os.path.realpath(following) == os.path.realpath(file.path) for file in files):
            circle = " -> ".join([*(file.path.name for file in files), following.name])
            raise ScenarioError(f"{location}: '{parent}' leads in a circle ({circle}). Extend another scenario.")
        if len(files) > MOST_ANCESTORS:
            raise ScenarioError(
                f"{location}: more than {MOST_ANCESTORS} files that extend one another. Join some of them."
            )
        files.append(_read(following))
    return tuple(files)


def _resolve(path: Path, paths: Sequence[Path], changes: Mapping[str, Any]) -> Scenario:
    files = _chain(path, paths)
    content: dict[str, Any] = {}
    for file in reversed(files):
        content = _merge(content, file.content)
    content.pop("extends", None)
    if "name" in content:
        named = next(file for file in files if "name" in file.content)
        line, _ = line_of(named.text, ("name",))
        raise ScenarioError(
            f"{named.path}:{line}: name: a scenario is called after its file; use `title` for a heading."
        )
    # Where file names are not read as UTF-8, letters beyond ASCII come as lone surrogates, which no file can hold.
    content["name"] = name = os.fsencode(path.stem).decode("utf-8", errors="replace")
    if found := UNSEEN_IN_KEYS.search(name):
        raise CatalogueError(f"{name!a}.toml: its name has the control character {found[0]!a}. Rename the file.")
    _check_limits(content, files)
    content = _with_likenesses(content, files)
    own = files[0].content
    for key in ("title", "summary", "look_at"):  # a user's short file need not repeat them
        if key not in own and len(files) > 1:
            content[key] = f"{path.stem}, from {files[1].path.stem}" if key == "title" else content.get(key, "")
    for dotted, value in changes.items():
        content = _with_value(content, dotted, value)
    scenario = _check(Scenario, content, files, changes)
    if kinds := _posts_not_calibrated(scenario, files):
        warnings.warn(_NOT_CALIBRATED.format(file=path.name, kinds=" and ".join(kinds)), ScenarioWarning, stacklevel=3)
    return scenario


def _is_unknown(posts: Number) -> bool:
    return (posts.assumption or "").startswith(NOT_KNOWN)


def _posts_not_calibrated(scenario: Scenario, files: Sequence[_File]) -> list[str]:
    """Kinds of staff whose posts are given in a file of the user's, and what a post does is not fitted to anything."""
    own = [file for file in files if file.path.parent != shipped_folder()]
    given = {
        kind
        for file in own
        for kind, staff in file.content.get("staff", {}).items()
        if isinstance(staff, Mapping) and "wte" in staff
    }
    return [
        kind.replace("_", " ")
        for kind, staff in scenario.staff.items()
        if kind in given and not (staff.wte.fitted or staff.contacts_per_week.fitted or _is_unknown(staff.wte))
    ]
