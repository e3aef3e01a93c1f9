"""What a scenario says in vain: dates outside the days simulated, lists of a service that opens empty, what all providers say themselves."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from caseload_sim.definitions.times import days_of_month
from caseload_sim.errors import ScenarioWarning
from caseload_sim.pathway.demand import POOL_DAYS
from caseload_sim.scenario.assumptions import Assumptions
from caseload_sim.scenario.changes import USERS_OWN
from caseload_sim.scenario.numbers import Part, numbers
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.service import Period


def what_is_in_vain(scenario: Assumptions) -> list[str]:
    """A sentence for each part that changes nothing: with dates, all counted months of one kind, lists, what providers say.

    Parts with dates are surges, shocks and the like; a number that the user set is in vain if every provider says its own.

    Simulated are all days from opening to the end of follow-up, the warm-up included, and for a running start the two
    years before. A shock changes nothing either where all its days are in months whose referrals were counted.
    """
    run = scenario.run
    end = _day_before(run.opens, 1 - run.horizon_days)
    begins = run.opens
    simulated = f"the days simulated, {run.opens} to {end}"
    found = []
    if scenario.start.running and POLICIES[scenario.pathway.policy].steps:
        begins = _day_before(run.opens, POOL_DAYS)
        simulated += f", and the two years before, from {begins}, whose referrals and staff say who is there at opening"
    elif scenario.start.stated():
        found.append("start: nobody is there at opening, so the lists that it states change nothing.")
    for path, period in _periods(scenario, ""):
        dated = f"{path}, {period.from_date} to {period.to_date},"
        if period.to_date < begins or period.from_date > end:
            found.append(f"{dated} lies outside {simulated}. It changes nothing.")
        elif path.startswith("demand.shocks.") and _is_counted(
            scenario, max(period.from_date, begins), min(period.to_date, end)
        ):
            found.append(
                f"{dated} lies in months whose referrals are given in demand.monthly_referrals. It changes nothing."
            )
    found += [
        f"{path}: every provider says for itself what it is. To set it for the scenario changes nothing; set it for a provider, "
        f"as in providers.each.{code}.{path}."
        for code, path in _said_by_all(scenario)
    ]
    counts = {"demand.monthly_referrals": ("referrals", [*scenario.demand.monthly_referrals])}
    counts |= {f"staff.{kind}.monthly_wte": ("posts", [*staff.monthly_wte]) for kind, staff in scenario.staff.items()}
    for path, (what, months) in counts.items():
        outside = [one for one in months if days_of_month(one)[1] < begins or days_of_month(one)[0] > end]
        if outside:
            named = outside[0] if len(outside) == 1 else f"{len(outside)} of {len(months)} months, {_in_rows(outside)},"
            found.append(
                f"{path}: {named} {'lies' if len(outside) == 1 else 'lie'} outside {simulated}. "
                f"{'Its' if len(outside) == 1 else 'Their'} {what} change nothing."
            )
    return found


def _said_by_all(scenario: Assumptions) -> Iterator[tuple[str, str]]:
    """Paths of numbers that the user set, and all providers by name say for themselves; with the code of the first."""
    providers = scenario.providers.each if scenario.providers else {}
    theirs = [{path for path, _, _ in numbers(one)} for one in providers.values()]
    for path, number, _ in numbers(scenario):
        if providers and number.assumption == USERS_OWN and all(path in own for own in theirs):
            yield next(iter(providers)), path


def warn_of_what_is_in_vain(scenarios: Iterable[Assumptions]) -> None:
    """The same as warnings, for those who simulate from Python; each sentence once."""
    for sentence in dict.fromkeys(f"{one.name}: {sentence}" for one in scenarios for sentence in what_is_in_vain(one)):
        warnings.warn(sentence, ScenarioWarning, stacklevel=3)


def _periods(part: Any, path: str) -> Iterator[tuple[str, Period]]:
    """Every part of a scenario that is from one date to another, with its dotted path."""
    if isinstance(part, Period):
        yield path, part
    elif isinstance(part, Part | Mapping):
        items = (
            part.items()
            if isinstance(part, Mapping)
            else ((key, getattr(part, key)) for key in type(part).model_fields)
        )
        for key, value in items:
            yield from _periods(value, f"{path}.{key}".lstrip("."))


def _is_counted(scenario: Assumptions, first: date, last: date) -> bool:
    """Whether the referrals of all months from one day to another are counted."""
    counted, day = scenario.demand.monthly_referrals, first
    while day <= last:
        if f"{day:%Y-%m}" not in counted:
            return False
        day = _day_before(days_of_month(f"{day:%Y-%m}")[1], -1)
    return True


def _in_rows(months: list[str]) -> str:
    """Months that follow one another as the first and the last of them: "2018-04 to 2019-03 and 2030-01"."""
    rows = [[months[0]]]
    for month in months[1:]:
        if days_of_month(month)[0] == _day_before(days_of_month(rows[-1][-1])[1], -1):
            rows[-1].append(month)
        else:
            rows.append([month])
    return " and ".join(row[0] if len(row) == 1 else f"{row[0]} to {row[-1]}" for row in rows)


def _day_before(day: date, n_days: int) -> date:
    """So many days before a day, after it if negative; the last day there is where it would be beyond the calendar."""
    return date.fromordinal(max(1, min(day.toordinal() - n_days, date.max.toordinal())))
