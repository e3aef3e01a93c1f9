"""What there is to list, as rows of plain values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def scenarios(paths: list[Path]) -> Rows:
    """Every scenario, also those that cannot be read, with the reason."""
    from caseload_sim.catalogue import get_scenario, list_scenarios
    from caseload_sim.errors import CaseloadError

    rows = []
    for name in list_scenarios(paths):
        try:
            scenario = get_scenario(name, paths=paths)
            rows.append({"name": name, "title": scenario.title, "look_at": scenario.look_at})
        except CaseloadError as error:
            rows.append({"name": name, "title": "cannot be used", "look_at": str(error).splitlines()[0]})
    return rows


def conditions(paths: list[Path]) -> Rows:
    from caseload_sim.catalogue import get_scenario

    prevalence = get_scenario().population.prevalence
    return [
        {"name": name, "group": p.group, "prevalence": p.value, "origin": p.origin()} for name, p in prevalence.items()
    ]


def measures(paths: list[Path]) -> Rows:
    from dataclasses import asdict

    from caseload_sim.definitions import MEASURES

    return [asdict(measure) for measure in MEASURES]


def figures(paths: list[Path]) -> Rows:
    from caseload_sim.gallery import FIGURES

    return [
        {"name": name, "shows": picture.description, "of": f"a {picture.kind}"} for name, picture in FIGURES.items()
    ]


def policies(paths: list[Path]) -> Rows:
    from caseload_sim.policies import POLICIES

    return [{"name": name, "description": policy.description} for name, policy in POLICIES.items()]


def sources(paths: list[Path]) -> Rows:
    from caseload_sim.catalogue import list_sources

    return [{"key": key, **source.model_dump(exclude_none=True)} for key, source in list_sources().items()]


LISTINGS: dict[str, Callable[[list[Path]], Rows]] = {
    "scenarios": scenarios,
    "conditions": conditions,
    "measures": measures,
    "figures": figures,
    "policies": policies,
    "sources": sources,
}
