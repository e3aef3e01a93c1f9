"""Sourced numbers as they were read the second time, without looking at the first."""

import tomllib
from pathlib import Path

from caseload_sim.scenario.catalogue import list_scenarios
from caseload_sim.scenario.files import shipped_folder

READINGS = {path.stem: path for path in (Path(__file__).with_name("second_reading")).glob("*.toml")}


def parent_of(name: str) -> str | None:
    """The scenario that a shipped one extends, None for one that stands by itself."""
    content = tomllib.loads((shipped_folder() / f"{name}.toml").read_text("utf-8"))
    extends: str | None = content.get("extends")
    return extends


def second_readings(name: str) -> dict[str, dict[str, float]]:
    """Second readings that hold for a scenario, by dotted path: a file called after a scenario is for those that extend it."""
    chain: list[str] = []
    scenario: str | None = name
    while scenario is not None:
        chain.insert(0, scenario)
        scenario = parent_of(scenario)
    of_all = [stem for stem in READINGS if stem not in list_scenarios()]
    files = [READINGS[stem] for stem in (*of_all, *chain) if stem in READINGS]
    return {path: entry for file in files for path, entry in tomllib.loads(file.read_text("utf-8")).items()}
