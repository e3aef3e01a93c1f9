"""A scenario in words, and what two scenarios assume differently: every input with its meaning and its origin."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import getdoc
from textwrap import fill
from typing import Any

from caseload_sim.scenario.numbers import ORIGIN_KEYS, Number, Part, numbers
from caseload_sim.scenario.outcome import Source
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario

WIDTH, INDENT = 100, " " * 6


def explain(scenario: Scenario, sources: Mapping[str, Source]) -> str:
    """The resolved scenario as plain text, section by section, with the references it cites at the end."""
    run = scenario.run
    lines = [
        f"{scenario.name}: {scenario.title}",
        "",
        scenario.summary.strip(),
        f"Look at: {scenario.look_at}",
        "",
        f"Runs {run.replications} replications with seed {run.seed}: {run.warm_up_days} days of warm-up, then "
        f"{run.data_collection_days} days of data collection, then {run.follow_up_days} days to let referrals end.",
        f"Opens on {run.opens}. {_calendar(scenario)}",
        f"Policy {scenario.pathway.policy}: {POLICIES[scenario.pathway.policy].description}.",
        f"Steps: {', '.join(_step(scenario, name) for name in scenario.steps)}.",
        f"Recorded when the right problem is not: {', '.join(scenario.pathway.routing.otherwise_recorded)}. "
        f"Sent to high intensity by the rule: {', '.join(scenario.pathway.routing.high_intensity_problems) or 'none'}.",
        f"Those never seen are read {scenario.outcome.measured_after_days} days after referral.",
    ]
    if rules := scenario.population.eligibility:
        lines.append(
            f"Admitted only with {rules.emotional_disorders_min} to {rules.emotional_disorders_max} emotional disorders, the "
            f"worst of severity {rules.principal_severity_min:g} SD or more, and without "
            f"{', '.join(rules.excluded_conditions) or 'any exclusion'} (assumption: {rules.assumption})."
        )
    lines = [fill(line, WIDTH) for line in lines]
    section = None
    for path, number, meaning in numbers(scenario):
        parent, _, name = path.rpartition(".")
        if parent != section:
            section = parent
            lines += ["", f"[{parent}]"]
        lines.append(f"  {name} = {number.value:g}{f'  {meaning}' if meaning else ''}")
        lines.append(fill(_origin(number), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT))
    cited = {number.source for _, number, _ in numbers(scenario) if number.source}
    lines += ["", "Sources"]
    for key in sorted(cited):
        source = {**sources, **scenario.sources}[key]
        reference = f"{key}: {source.citation}{f' doi:{source.doi}' if source.doi else ''}"
        lines.append(fill(reference, WIDTH, initial_indent="  ", subsequent_indent=INDENT, break_long_words=False))
    every = [number for _, number, _ in numbers(scenario)]
    assumed, fitted = sum(bool(n.assumption) for n in every), sum(bool(n.fitted) for n in every)
    sourced = len(every) - assumed - fitted
    lines += ["", f"{len(every)} numbers: {sourced} with a source, {fitted} fitted, {assumed} assumptions."]
    return "\n".join(lines)


def _origin(number: Number) -> str:
    return f"{'source ' if number.source else ''}{number.origin()}"


def _calendar(scenario: Scenario) -> str:
    """When clients are referred and seen, in words."""
    return " ".join(
        [
            "Referrals follow the months of the year."
            if scenario.demand.seasonal
            else "Referrals are the same in every month.",
            *_counted_months(scenario),
            "Nobody starts on a weekend or bank holiday."
            if scenario.run.weekends_off
            else "Every day is a working day.",
            "Staff leave and are replaced." if scenario.run.staff_turnover else "All posts are filled for good.",
            *(f"Shock {name}: {s.from_date} to {s.to_date}." for name, s in scenario.demand.shocks.items()),
            *(
                f"Surge {name} of {kind}: {s.from_date} to {s.to_date}."
                for kind, staff in scenario.staff.items()
                for name, s in staff.surge.items()
            ),
            *(
                f"Posts of {kind} as counted in {len(staff.monthly_wte)} months, from {min(staff.monthly_wte)} to {max(staff.monthly_wte)}."
                for kind, staff in scenario.staff.items()
                if staff.monthly_wte
            ),
        ]
    )


def _counted_months(scenario: Scenario) -> list[str]:
    months = [*scenario.demand.monthly_referrals]
    if not months:
        return []
    return [f"Months as counted, instead of by the year: {len(months)}, from {months[0]} to {months[-1]}."]


def _step(scenario: Scenario, name: str) -> str:
    step = scenario.pathway.steps[name]
    stepping = POLICIES[scenario.pathway.policy].steps_up and step.kind == "course" and step.steps_up_to
    up = f", steps up to {stepping}" if stepping else ""
    return f"{name} ({step.kind} by {step.staff}{up})"


_HEADINGS = ("name", "title", "summary", "look_at")  # what a scenario is called, not what it assumes
_ABSENT = "not there"
PUBLISHED = ("official.", "population.targets.")  # figures to compare with, not inputs
# What a fit or a person makes inputs from: nothing that is simulated depends on it.
_BEHIND_INPUTS = ("population.fit.", "costs.grant.", "sources.")
_ORIGINS = "of origin alone"
_WORDS_OF_ORIGIN = ("source", "where", "assumption", "fitted", "note")


@dataclass(frozen=True, slots=True)
class Difference:
    """One input that differs: its dotted path, as for --set, and its value and origin in each of two scenarios.

    first, second: a number, text, a list, or None where a scenario has no such input
    first_origin, second_origin: source, assumption or fit of a number; empty for what is no claim about the world
    matters: whether a simulated figure can depend on it; not on published figures to compare with, nor on origins
    """

    path: str
    meaning: str
    first: Any
    second: Any
    first_origin: str
    second_origin: str
    matters: bool


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
            matters = not _besides(path, same_value=a.value == b.value)
            found.append(Difference(path, a.meaning or b.meaning, a.value, b.value, a.origin, b.origin, matters))
    return tuple(found)


def _besides(path: str, *, same_value: bool) -> str:
    """What an input is on which no simulated figure depends, if only this differs; empty where one may depend on it."""
    if parts := [part for part in (*PUBLISHED, *_BEHIND_INPUTS) if path.startswith(part)]:
        return parts[0].rstrip(".")
    if same_value or path.rpartition(".")[2] in _WORDS_OF_ORIGIN:
        return _ORIGINS
    return ""


def differences_in_words(first: Scenario, second: Scenario, *, everything: bool = False) -> str:
    """What differs, as plain text: path and meaning, then the value in each scenario with its origin.

    What no simulated figure depends on is counted in the last lines, and told like the rest with `everything`.
    """
    found = what_differs(first, second)
    if not found:
        return f"{first.name} and {second.name}: nothing differs. Every input is the same, with the same origin."
    inputs, rest = ([one for one in found if one.matters is matters] for matters in (True, False))
    number = f"{len(inputs)} input{' differs' if len(inputs) == 1 else 's differ'}" if inputs else "no input differs"
    lines = [f"{first.name} against {second.name}: {number}."]
    names = (first.name, second.name) if first.name != second.name else ("first", "second")
    for one in inputs:
        lines += ["", *_told(one, names)]
    if rest:
        parts = Counter(_besides(one.path, same_value=one.first == one.second) for one in rest)
        counted = ", ".join(f"{n} {'' if part == _ORIGINS else 'in '}{part}" for part, n in parts.items())
        text = f"No simulated figure depends on what else differs: {counted}."
        lines += ["", fill(text if everything else f"{text} `caseload-sim diff --all` shows it.", WIDTH)]
        for one in rest if everything else []:
            lines += ["", *_told(one, names)]
    return "\n".join(lines)


def _told(one: Difference, names: tuple[str, str]) -> Iterator[str]:
    """One difference in words: path and meaning, then a line for each scenario."""
    yield fill(f"{one.path}{f': {one.meaning}' if one.meaning else ''}", WIDTH, subsequent_indent=INDENT)
    sides = zip(names, (one.first, one.second), (one.first_origin, one.second_origin), strict=True)
    for name, value, origin in sides:
        text = f"{name}: {_said(value)}{f' ({origin})' if origin else ''}"
        yield fill(text, WIDTH, initial_indent="  ", subsequent_indent=INDENT)


def _leaves(value: Any, path: str, meaning: str) -> Iterator[tuple[str, _Leaf]]:
    """Every input below a part of a scenario; what a table means holds for what is in it."""
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
