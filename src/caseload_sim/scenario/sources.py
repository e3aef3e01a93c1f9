"""The shipped list of sources, and how one file is read: its size, its text, its TOML."""

import tomllib
from pathlib import Path

from caseload_sim.errors import CatalogueError, ScenarioError, did_you_mean
from caseload_sim.scenario.files import _File, shipped_folder
from caseload_sim.scenario.messages import _IN_LIMITS, DEFAULT_SCENARIO, _check_limits
from caseload_sim.scenario.outcome import Source
from caseload_sim.support.limits import MOST_SCENARIO_BYTES, excess_in_toml, numbers_as_in_toml, read_regular


def list_sources() -> dict[str, Source]:
    """All shipped sources by key."""
    content = _read(shipped_folder() / "sources.toml").content
    return {key: Source.model_validate(entry) for key, entry in content.items()}


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
        raise ScenarioError(f"{path}: not valid TOML: {error}.{_advice(text)}") from None
    _check_limits(file.content, (file,))
    return file


def _advice(text: str) -> str:
    """What to do about a text that is no TOML, if its numbers alone are to blame; else nothing."""
    try:
        tomllib.loads(numbers_as_in_toml(text))
    except tomllib.TOMLDecodeError:
        return ""
    return (
        " A number has digits before and after its point, and no zeros in front: write 0.5 for .5, and 5 for 5. or 05."
    )
