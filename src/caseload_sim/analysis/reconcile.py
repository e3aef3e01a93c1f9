"""Why the same clients give 50% by one definition and 10% by another: the way between two figures, mechanism by mechanism."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Unpack

import numpy as np

from caseload_sim.clients.questionnaires import below_caseness
from caseload_sim.clients.remission import illness_of
from caseload_sim.clients.severity import LAST, condition_of, passing_at, scores_on
from caseload_sim.definitions.quantities import BASES, LADDER, RUNGS, Quantity
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.measures.simulation import Simulation, within
from caseload_sim.outcomes.outcomes import Outcomes, recovered
from caseload_sim.outcomes.readings import Reading
from caseload_sim.scenario.changes import changed
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Columns, Flags
from caseload_sim.support.statistics import half_widths, mean_of

_RUNGS, _BASES = tuple(RUNGS), tuple(BASES)  # in order, from the mildest
# In the order of the waterfall. What each does when switched on is in `_Switches`.
MECHANISMS = {
    "who_is_counted": "who is counted",
    "interview": "questionnaire against interview",
    "other_disorders": "other disorders that persist",
    "partial_remission": "partial remission",
    "durability": "a year on: relapse and recovery",
}
PARTS = {
    "retest": "read again, nothing having changed",
    "natural_course": "natural course",
    "treatment": "treatment",
}
# Parts of a scenario that `reconcile_scenarios` exchanges together.
GROUPS = {
    "population": ("population",),
    "questionnaires": ("instruments",),
    "service": ("run", "demand", "start", "providers", "staff", "pathway"),
    "outcome": ("outcome",),
}


@dataclass(frozen=True, slots=True)
class ReconcileRow:
    """One bar of the waterfall: what a mechanism takes away or adds, as a share from 0 to 1.

    kind: "part" of the starting figure, "start", "mechanism", or "end"
    change: what it adds when mechanisms are switched on in the order of the waterfall, mean over replications
    shapley: what it adds on average over all orders; value: the figure once this mechanism is switched on
    """

    scenario: str
    kind: str
    name: str
    meaning: str
    value: float
    change: float
    change_lower_95_ci: float
    change_upper_95_ci: float
    shapley: float
    shapley_lower_95_ci: float
    shapley_upper_95_ci: float
    n_replications: int


def figure_in(text: str) -> Quantity:
    """A rung of the ladder as written: MEASURE/BASE/AT, as in recovery or all_remission/started/month_12.

    Raises RunError with what is known.
    """
    quantity = Quantity.parse(text)
    measure, base, at, service, group = (said or usual for said, usual in zip(quantity, LADDER[0], strict=True))
    if measure not in RUNGS:
        raise RunError(f"{text}: {measure} is not a rung of the ladder: {', '.join(RUNGS)}.")
    if base not in BASES:
        raise RunError(f"{measure} has no base '{base}'. {did_you_mean(base, BASES)}")
    if (service, group) != LADDER[0][3:]:
        raise RunError(f"{text}: a rung is of all clients with the service. Write MEASURE/BASE/AT.")
    return Quantity(measure, base, at, service, group)


def reconcile(
    scenario: Scenario,
    start: Quantity,
    end: Quantity,
    *,
    seed: int | None = None,
    replications: int | None = None,
    **how: Unpack[RunKeywords],
) -> tuple[ReconcileRow, ...]:
    """The way from one figure to another within the same simulated clients.

    Rows: what the starting figure is made of (a questionnaire figure only), the starting figure, one row for each
    mechanism in which the two differ, and the figure at the end. The order of mechanisms matters: `change` goes in the
    order of MECHANISMS, `shapley` is the mean over all orders.
    how: the keywords of `RunOptions`, see `replicate`
    Raises RunError for a scenario of several providers, and where the end is above the start on the ladder.
    """
    if scenario.providers is not None:
        raise RunError(f"{scenario.name}: reconcile one provider, not several.")
    mechanisms = _differing(start, end)
    request = Request(with_run(scenario, seed, replications), read=_AllShares(start, end, with_parts=True))
    with closing(finish_each([request], RunOptions(**how))) as each:
        finished, _ = next(each)
    tables = [{some: one.read[_name_of(some)] for some in _subsets(mechanisms)} for one in finished]
    parts = [{name: one.read[name] for name in PARTS} for one in finished] if start.measure == "recovery" else []
    rows = _part_rows(scenario.name, parts) if parts else []
    return (*rows, *_waterfall(scenario.name, str(start), str(end), mechanisms, MECHANISMS, tables))


def reconcile_scenarios(
    first: Scenario,
    second: Scenario,
    figure: Quantity,
    *,
    seed: int | None = None,
    replications: int | None = None,
    **how: Unpack[RunKeywords],
) -> tuple[ReconcileRow, ...]:
    """The way from a figure of one scenario to the same figure of another, by groups of inputs.

    Groups in which the two differ are exchanged one after the other, on common random numbers.
    how: the keywords of `RunOptions`, see `replicate`; progress counts the replications of all mixtures
    Raises RunError where a mixture of the two is no possible scenario.
    """
    differing = tuple(
        name for name, parts in GROUPS.items() if any(getattr(first, p) != getattr(second, p) for p in parts)
    )
    seed = first.run.seed if seed is None else seed
    n = first.run.replications if replications is None else replications
    mixtures = {chosen: _mixture(first, second, chosen) for chosen in _subsets(differing)}
    shares = _AllShares(figure, figure, with_parts=False)
    requests = [Request(with_run(mixed, seed, n), read=shares) for mixed in mixtures.values()]
    with closing(finish_each(requests, RunOptions(**how))) as each:
        columns = [[one.read[_name_of(frozenset())] for one in finished] for finished, _ in each]
    tables = [dict(zip(mixtures, values, strict=True)) for values in zip(*columns, strict=True)]
    name = f"{first.name} to {second.name}"
    words = {group: group if parts == (group,) else f"{group} ({', '.join(parts)})" for group, parts in GROUPS.items()}
    return _waterfall(name, f"{figure} in {first.name}", f"{figure} in {second.name}", differing, words, tables)


@dataclass(frozen=True, slots=True)
class _AllShares:
    """Reads the figure off a replication, once for every set of mechanisms: with none, with each alone, with two, and so on.

    with_parts: read also what the starting figure is made of, if it is a questionnaire figure
    """

    start: Quantity
    end: Quantity
    with_parts: bool

    def __call__(self, simulation: Simulation) -> dict[str, float]:
        mechanisms = _differing(self.start, self.end)
        read = {_name_of(some): _share(simulation, self.start, self.end, some) for some in _subsets(mechanisms)}
        if self.with_parts and self.start.measure == "recovery":
            draws = Draws(simulation.scenario.run.seed, simulation.replication)
            read |= _parts(simulation, self.start, self.end, draws)
        return read


def _name_of(mechanisms: frozenset[str]) -> str:
    return " + ".join(sorted(mechanisms)) or "none"


def _mixture(first: Scenario, second: Scenario, chosen: Iterable[str]) -> Scenario:
    parts = [part for group in chosen for part in GROUPS[group]]
    mixed = first.model_copy(update={part: getattr(second, part) for part in parts})
    return changed(mixed, {})


def _differing(start: Quantity, end: Quantity) -> tuple[str, ...]:
    """The mechanisms in which two figures differ, in the order of the waterfall."""
    low, high = _RUNGS.index(start.measure), _RUNGS.index(end.measure)
    if high < low:
        raise RunError(f"{start} to {end}: the ladder goes down. Give the stricter figure as the end.")
    if _BASES.index(end.base) < _BASES.index(start.base):
        raise RunError(f"{start} to {end}: the base goes from finished to started to referred.")
    if start.at != "end" and start.at != end.at:
        raise RunError(
            f"{start} to {end}: what is read at {start.at} cannot be compared with what is read at {end.at}."
        )
    rungs = ("interview", "other_disorders", "partial_remission")
    found = set(rungs[low:high])
    if start.base != end.base or (low == 0) != (high == 0):
        found.add("who_is_counted")
    if start.at != end.at:
        found.add("durability")
    return tuple(name for name in MECHANISMS if name in found)


def _subsets(names: Sequence[str]) -> list[frozenset[str]]:
    return [frozenset(some) for k in range(len(names) + 1) for some in combinations(names, k)]


def _share(simulation: Simulation, start: Quantity, end: Quantity, chosen: frozenset[str]) -> float:
    """The figure if the chosen mechanisms are as at the end and all others as at the start; NaN if nobody is counted."""
    out = simulation.outcomes
    counted = _counted(simulation, start, end, "who_is_counted" in chosen)
    well = _well(out, out.service, start, end, chosen) & counted
    n = int(counted.sum())
    return float(well.sum() / n) if n else float("nan")


def _counted(simulation: Simulation, start: Quantity, end: Quantity, switched: bool) -> Flags:
    """Who is in the denominator, (n,) bool: that of the starting figure, or if switched that of the figure at the end."""
    out = simulation.outcomes
    figure = end if switched else start
    if figure.measure == "recovery" and figure.base == "finished":  # official: referrals ended in the period
        return within(simulation, out.end_day) & out.finished & out.at_caseness
    cohort = within(simulation, simulation.clients.referral_day) & out.ended & out.at_caseness
    if figure.measure != "recovery":
        cohort &= out.principal >= 0
    return cohort & {"finished": out.finished, "started": out.started, "referred": np.ones_like(cohort)}[figure.base]


def _well(out: Outcomes, reading: Reading, start: Quantity, end: Quantity, chosen: frozenset[str]) -> Flags:
    """Who counts as well, (n,) bool.

    interview: the principal disorder absent, instead of both questionnaires below their cut-offs
    other_disorders: all other starting disorders absent as well
    partial_remission: whatever is asked of the interview is asked by the margin of full remission
    durability: on day 365 after the end (month_12), or without relapse until then (sustained)
    """
    rung = _RUNGS.index(start.measure)
    interview = rung >= 1 or "interview" in chosen
    others = rung >= 2 or "other_disorders" in chosen
    fully = rung >= 3 or "partial_remission" in chosen
    at = end.at if "durability" in chosen else start.at
    if at == "month_12":
        gone = reading.clear_month_12 if fully else reading.without_month_12
    else:
        gone = reading.clear if fully else reading.without
    well = np.ones(len(out.principal), dtype=bool)
    column = np.maximum(out.principal, 0)[:, None].astype(np.int64)
    if interview:
        well &= (out.principal >= 0) & np.take_along_axis(gone, column, axis=1)[:, 0]
    else:
        well &= recovered(out, reading) & out.finished
        if at != "end":
            well &= ~reading.relapsed
    if others:
        asked = out.diagnosed.copy()
        np.put_along_axis(asked, column, False, axis=1)
        well &= (out.principal >= 0) & (gone | ~asked).all(axis=1)
    return well & ~reading.relapsed if at == "sustained" else well


def _parts(simulation: Simulation, start: Quantity, end: Quantity, draws: Draws) -> dict[str, float]:
    """What a questionnaire figure is made of, by PARTS.

    First, who would be below caseness if simply read again at the first contact; then, who more would be by the end without
    treatment; then, who more is with it.
    """
    out, clients, scenario = simulation.outcomes, simulation.clients, simulation.scenario
    counted = _counted(simulation, start, end, False)
    first = np.where(out.contacts > 0, out.first_contact_day, clients.referral_day) - clients.referral_day
    who = condition_of(scenario, clients, illness_of(scenario, clients, draws), draws)
    phq9, gad7 = scores_on(scenario, who, passing_at(scenario, clients, LAST, draws), first.astype(np.int32))
    again = counted & out.finished & below_caseness(phq9, gad7)
    untreated = counted & out.finished & recovered(out, out.none)
    treated = counted & out.finished & recovered(out, out.service)
    n = max(int(counted.sum()), 1)
    shares = [some.sum() / n for some in (again, untreated, treated)]
    return dict(zip(PARTS, np.diff([0.0, *shares]).tolist(), strict=True))


def _part_rows(scenario: str, parts: Sequence[Mapping[str, float]]) -> list[ReconcileRow]:
    rows, so_far = [], 0.0
    for name, meaning in PARTS.items():
        values = np.array([[part[name]] for part in parts])
        so_far += float(mean_of(values)[0])
        rows.append(_row(scenario, "part", name, meaning, so_far, values, np.full_like(values, np.nan)))
    return rows


def _waterfall(
    scenario: str,
    start: str,
    end: str,
    mechanisms: Sequence[str],
    words: Mapping[str, str],
    tables: Sequence[Mapping[frozenset[str], float]],
) -> tuple[ReconcileRow, ...]:
    def column(chosen: Iterable[str]) -> Columns:
        return np.array([[table[frozenset(chosen)]] for table in tables])

    nothing = np.full((len(tables), 1), np.nan)
    first, last = column(()), column(mechanisms)
    rows = [_row(scenario, "start", start, "the figure to start from", float(mean_of(first)[0]), first, nothing)]
    for i, name in enumerate(mechanisms):
        before, after = column(mechanisms[:i]), column(mechanisms[: i + 1])
        shapley = _shapley(name, mechanisms, column)
        rows.append(_row(scenario, "mechanism", name, words[name], float(mean_of(after)[0]), after - before, shapley))
    return (*rows, _row(scenario, "end", end, "the figure at the end", float(mean_of(last)[0]), last - first, nothing))


def _shapley(name: str, mechanisms: Sequence[str], column: Callable[[Iterable[str]], Columns]) -> Columns:
    """What a mechanism adds on average, over all orders in which mechanisms can be switched on (Shapley 1953)."""
    others = [other for other in mechanisms if other != name]
    total, n = np.zeros_like(column(())), len(mechanisms)
    for some in _subsets(others):
        weight = factorial(len(some)) * factorial(n - len(some) - 1) / factorial(n)
        total = total + weight * (column(some | {name}) - column(some))
    return total


def _row(
    scenario: str, kind: str, name: str, meaning: str, value: float, change: Columns, shapley: Columns
) -> ReconcileRow:
    (mean, low, high), (average, average_low, average_high) = (_interval(values) for values in (change, shapley))
    return ReconcileRow(
        scenario=scenario,
        kind=kind,
        name=name,
        meaning=meaning,
        value=value,
        change=mean,
        change_lower_95_ci=low,
        change_upper_95_ci=high,
        shapley=average,
        shapley_lower_95_ci=average_low,
        shapley_upper_95_ci=average_high,
        n_replications=len(change),
    )


def _interval(values: Columns) -> tuple[float, float, float]:
    """Mean over replications and its 95% t interval."""
    mean, half = float(mean_of(values)[0]), float(half_widths(values)[0][0])
    return mean, mean - half, mean + half
