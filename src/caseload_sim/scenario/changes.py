"""Change values of a scenario by their dotted paths, mark them as the user's own, and check the result like a file."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from pydantic import ValidationError

from caseload_sim.errors import ScenarioError, did_you_mean
from caseload_sim.scenario.assumptions import Assumptions, Provider
from caseload_sim.scenario.checks import contradictions
from caseload_sim.scenario.checks_population import impossible_targets
from caseload_sim.scenario.files import _File
from caseload_sim.scenario.messages import (
    _IN_LIMITS,
    MOST_EXPLAINED,
    _check_limits,
    _explain,
    _list_first,
    _locate,
    _shown,
)
from caseload_sim.scenario.numbers import ORIGIN_KEYS, Number, Part, numbers
from caseload_sim.scenario.sources import list_sources
from caseload_sim.support.limits import MOST_DEPTH, excess_in_toml, numbers_as_in_toml

USERS_OWN = "set by the user"


S = TypeVar("S", bound=Assumptions)
P = TypeVar("P", bound=Part)


def changed(scenario: S, changes: Mapping[str, Any]) -> S:
    """The scenario with some values changed, each marked as the user's own; see `Assumptions.with_changes`."""
    content = scenario.model_dump(mode="python", exclude_none=True)
    for path, value in changes.items():
        content = _with_value(content, path, value)
    return _check(type(scenario), content, (), changes)


def parse_value(text: str) -> Any:
    """The value of a text after `--set path=`: read as TOML, so 0.3 is a number; if it is no TOML, the text itself.

    A number may be written as people do and TOML does not allow: .3, 5. or 007.
    """
    if excess := excess_in_toml(text):
        raise ScenarioError(f"--set {text[:40]}...: {excess[1]}. {_IN_LIMITS}")
    for written in (text, numbers_as_in_toml(text)):
        try:
            return tomllib.loads(f"value = {written}")["value"]
        except ValueError:
            pass
    return text


def _merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """The parent's content with what the child changes, for scenario files that extend one another.

    If the child gives a number a new `value`, the parent's source for that number is dropped with the old value. A table of
    the child with `replace = true` replaces the parent's table instead of changing it.
    """
    if child.get("replace") is True:
        return {key: value for key, value in child.items() if key != "replace"}
    result = dict(parent)
    if "value" in child:
        result = {key: value for key, value in result.items() if key not in ORIGIN_KEYS}
    for key, value in child.items():
        old = result.get(key)
        if isinstance(value, Mapping):
            result[key] = _merge(old if isinstance(old, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def _with_likenesses(content: dict[str, Any], files: Sequence[_File]) -> dict[str, Any]:
    """Fill up steps that say `like = "another"` with everything of that other step which they do not say themselves."""
    pathway = content.get("pathway")
    steps = pathway.get("steps") if isinstance(pathway, Mapping) else None
    if not isinstance(pathway, Mapping) or not isinstance(steps, Mapping):
        return content
    filled = dict(steps)
    for name, step in steps.items():
        if isinstance(step, Mapping) and "like" in step:
            other = steps.get(step["like"]) if isinstance(step["like"], str) else None
            if not isinstance(other, Mapping) or "like" in other:
                location = _locate(("pathway", "steps", name, "like"), files, {})
                known = [key for key, one in steps.items() if isinstance(one, Mapping) and "like" not in one]
                raise ScenarioError(
                    f"{location}: {_shown(step['like'])} is not a step. {did_you_mean(str(step['like']), known)}"
                )
            filled[name] = _merge(other, {key: value for key, value in step.items() if key != "like"})
    return {**content, "pathway": {**pathway, "steps": filled}}


def _with_value(content: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The content with one value changed. The path may name a number, or go on to its `.value`.

    A value may also be a table, which changes the table at that path, or is added, such as a new shock. A table where none
    belongs is refused later, by the schema.
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
    return _merge(content, change)


def _as_users_own(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table with every number marked as the user's own that has no source, assumption or fit."""
    result = {key: _as_users_own(value) if isinstance(value, Mapping) else value for key, value in table.items()}
    if "value" in result and not any(key in result for key in ("source", "assumption", "fitted")):
        result["assumption"] = USERS_OWN
    return result


def _check(kind: type[S], content: Mapping[str, Any], files: Sequence[_File], changes: Mapping[str, Any]) -> S:
    _check_limits(content, files, changes)
    scenario = _validated(kind, content, files, changes, ())
    sources = set(list_sources()) | set(scenario.sources)
    found = list(islice(contradictions(scenario, sources), 2 * MOST_EXPLAINED))
    # An impossible target is an error if this change or file asks for it. If it is inherited, or became impossible because a
    # prevalence was changed, it stays in the scenario and is only compared with.
    asked = any(path.startswith("population.targets") for path in changes)
    own = files[0].content if files and not any(path.startswith("population.prevalence") for path in changes) else {}
    found += [(path, message) for path, message in impossible_targets(scenario.population) if asked or _sets(own, path)]
    if found:
        raise ScenarioError(_list_first(f"{_locate(path, files, changes)}: {message}" for path, message in found))
    _check_own(scenario, files, changes, sources)
    return scenario


def own_scenarios(scenario: S) -> list[S]:
    """One scenario for each of the scenario's providers by name, in the order of their codes: what it says for itself wins.

    So a change of the scenario, such as `--set demand.referrals_per_year=20000`, is one for those providers that say nothing
    of that number. Costs are the scenario's.
    """
    assert scenario.providers is not None
    return [
        _replaced(scenario, _own_tables(one)).model_copy(update={"title": one.title, "providers": None})
        for one in scenario.providers.each.values()
    ]


def _own_tables(provider: Provider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in type(provider).model_fields if name != "title"}


def _replaced(part: P, own: Mapping[str, Any]) -> P:
    """A part of a scenario with some of its numbers replaced, each of the same kind as before."""

    def of(old: Any, new: Any) -> Any:
        if isinstance(old, Number):
            return old.model_copy(update=new.model_dump())
        if isinstance(old, Part):
            return _replaced(old, new)
        return {name: of(one, new[name]) if name in new else one for name, one in old.items()}

    return part.model_copy(update={name: of(getattr(part, name), one) for name, one in own.items() if one})


def _check_own(scenario: Assumptions, files: Sequence[_File], changes: Mapping[str, Any], sources: set[str]) -> None:
    """Raises ScenarioError for a number of a provider by name that the scenario does not have, or that it could not have."""
    providers = scenario.providers
    if providers is None or not providers.each:
        return
    # Each is checked as if all were like it, so that places of all of them together are counted.
    alike = {"number": len(providers.each), "staff_log_sd": {"value": 0, "assumption": "alike"}}
    content = scenario.model_dump(mode="python", exclude_none=True) | {"providers": alike}
    known = {path for path, _, _ in numbers(scenario)}
    for code, provider in providers.each.items():
        here, own = ("providers", "each", code), _own_tables(provider)
        leaves = list(_leaves(own, ()))
        if strange := [path for path, _ in leaves if ".".join(path) not in known]:
            location, dotted = _locate((*here, *strange[0]), files, changes), ".".join(strange[0])
            raise ScenarioError(f"{location}: not a number of the scenario. {did_you_mean(dotted, known)}")
        merged = _merge(content, provider.model_dump(mode="python", exclude_none=True, exclude={"title"}))
        one = _validated(type(scenario), merged, files, changes, here)
        found = [(path, message) for path, message in islice(contradictions(one, sources), 2 * MOST_EXPLAINED)]
        found += [
            (path, "needs a value and where it is from, and nothing else.")
            for path, leaf in leaves
            if not isinstance(leaf, Number)
        ]
        if one.population.conditions() != scenario.population.conditions():
            found.append(
                (("population", "prevalence"), "the same conditions occur at every provider: 0 at none, or at all.")
            )
        if found:
            raise ScenarioError(
                _list_first(f"{_locate((*here, *path), files, changes)}: {said}" for path, said in found)
            )


def _leaves(table: Mapping[str, Any], here: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What stands at the ends of tables of numbers, with its path."""
    for name, one in table.items():
        if isinstance(one, Mapping) and "value" not in one:
            yield from _leaves(one, (*here, name))
        else:
            yield (*here, name), one


def _validated(
    kind: type[S],
    content: Mapping[str, Any],
    files: Sequence[_File],
    changes: Mapping[str, Any],
    within: tuple[str, ...],
) -> S:
    """The scenario that the content makes. within: the path of the provider whose scenario it is, empty for the whole one."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ScenarioError(
            _list_first(_explain(detail, files, changes, content, within) for detail in details)
        ) from None


def _sets(content: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a file itself sets a value."""
    table: Any = content
    for part in path:
        if not isinstance(table, Mapping) or part not in table:
            return False
        table = table[part]
    return True
