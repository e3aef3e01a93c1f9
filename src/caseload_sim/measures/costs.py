"""What clients cost, and what a recovery, a remission or a year in full health costs, by each definition.

Money and results are of the same people: referrals ended in the period. Contacts are counted as whole numbers and priced
at the end, so that sums do not depend on their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import BASES, READINGS, REMISSIONS, Quantity
from caseload_sim.engines.plans import NOT_YET, Capacity
from caseload_sim.measures.counting import Counts, Summand, ratios
from caseload_sim.measures.qalys import N_COLUMNS, qaly_columns, qaly_keys, qaly_numbers, qalys_of_sums
from caseload_sim.measures.simulation import Simulation, low_steps, scored, within
from caseload_sim.outcomes.outcomes import recovered
from caseload_sim.pathway.staffing import DAYS_PER_YEAR
from caseload_sim.scenario.pathway import ASSESSMENT
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Columns, Flags


@dataclass(frozen=True, slots=True)
class Prices:
    """Pounds for each contact at each step, in the prices that are reported.

    attended, missed: (s,) float64; idle: pounds of staff who saw nobody, borne by all referrals alike
    """

    attended: Columns
    missed: Columns
    idle: float = 0.0


@dataclass(frozen=True, slots=True)
class _Event:
    """What is paid for: which rows of the table, and who counts, with the service less untreated if that is asked."""

    measure: str
    at: str
    extra: bool = False


def _all_events() -> Iterator[_Event]:
    yield _Event("cost_per_finished_course", "")
    yield _Event("cost_per_recovery", "end")
    yield _Event("cost_per_extra_recovery", "end", extra=True)
    for rung in REMISSIONS:
        for at in READINGS:
            yield _Event(f"cost_per_{rung}", at)
            yield _Event(f"cost_per_extra_{rung}", at, extra=True)
    yield _Event(PER_QALY, "", extra=True)


PER_REFERRAL, PER_QALY = "cost_per_referral", "cost_per_qaly"
EVENTS = tuple(_all_events())  # QALYs are last: they are no flags of clients


def paid(simulation: Simulation) -> tuple[list[Summand], dict[str, Flags], Counts]:
    """What is summed by base and group for costs, the groups it is summed in beside `groups`, and contacts of all.

    Contacts and results of referrals ended in the period: for each base, columns, and at the end the base itself
    """
    out = simulation.outcomes
    ended = within(simulation, out.end_day)
    attended, missed = contacts_by_step(simulation)
    columns = [*attended.T, *missed.T, *_results(simulation), *qaly_columns(simulation)]
    bases = [flags & ended for flags in (out.finished, out.started, out.ended)]
    return [(column, base) for base in bases for column in (*columns, base)], _courses(simulation), {
        "attended": attended[ended].sum(axis=0),
        "missed": missed[ended].sum(axis=0),
        "referrals_ended": np.array([np.count_nonzero(ended)]),
    }  # fmt: skip


def cost_keys(names: tuple[str, ...]) -> Iterator[Quantity]:
    """The rows of every cost and of QALYs, in the order of `cost_numbers`, for groups of these names."""
    for base in BASES:
        yield from qaly_keys(base, names)
        for group in names if base == "referred" else ():
            yield Quantity(PER_REFERRAL, base, "", "", group)
        for group in names:
            yield from (Quantity(event.measure, base, event.at, "", group) for event in EVENTS)


def cost_numbers(scenario: Scenario, capacity: Capacity, counts: Counts) -> Columns:
    """Numerator, denominator and value of every cost, and of QALYs, (rows, 3), for every base and group of clients."""
    prices = prices_of_contacts(scenario, capacity, counts["attended"], counts["missed"])
    n_steps, n_ended = len(scenario.steps), int(counts["referrals_ended"][0])
    parts = []
    for base, sums in zip(BASES, np.split(counts["paid"], len(BASES)), strict=True):
        *reached, number = sums[2 * n_steps :]
        qalys = qalys_of_sums(np.array(reached[-N_COLUMNS:]))
        money = _priced(sums, n_steps, prices)
        parts.append(qaly_numbers(qalys, number))
        if base == "referred":
            money = money + prices.idle * number / max(n_ended, 1)
            parts.append(ratios(money, number))
        of_events = np.array([*reached[:-N_COLUMNS], qalys[0] - qalys[1]])
        each = ratios(np.broadcast_to(money[:, None], (len(money), len(EVENTS))), of_events.T)
        nothing_gained = np.array([event.extra for event in EVENTS]) & (each[..., 1] <= 0)
        each[nothing_gained, 2] = np.nan
        parts.append(each.reshape(-1, 3))
    return np.concatenate(parts)


def contacts_by_step(simulation: Simulation) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Attended, and missed or cancelled, contacts of each client at each step, both (n, s) int64."""
    out, care, episodes = simulation.outcomes, simulation.care, simulation.episodes
    attended = out.sessions.astype(np.int64)
    attended[:, ASSESSMENT] = out.contacts - out.sessions.sum(axis=1, dtype=np.int64)
    began = (episodes.started_day != NOT_YET) & (episodes.ended_day != NOT_YET)
    who, step = episodes.client[began].astype(np.int64), episodes.step[began]
    n, n_steps = attended.shape
    missed = np.bincount(who * n_steps + step, weights=care.missed[who, step], minlength=n * n_steps)
    return attended, missed.astype(np.int64).reshape(n, n_steps)


def prices_of_contacts(
    scenario: Scenario, capacity: Capacity, attended: NDArray[np.int64], missed: NDArray[np.int64]
) -> Prices:
    """Pounds a contact, by session as given, or by staff: what those in post cost over the contacts they gave.

    attended, missed: (s,), contacts of all the referrals that bear the costs
    By staff, a booked contact costs the same whether it is attended or missed, since the time was kept for it.
    """
    costs, pathway, steps = scenario.costs, scenario.pathway, scenario.pathway.steps
    if not POLICIES[pathway.policy].steps:  # a policy without a service, whatever staff the file lists
        return Prices(np.zeros(len(steps)), np.zeros(len(steps)))
    time = np.ones(len(steps))
    for s, _, course in pathway.each_course():
        time[s] = course.staff_time_per_contact.value
    if costs.basis == "sessions":
        inflated = costs.inflated(costs.sessions.price_year.value)
        low, session = low_steps(scenario), costs.sessions
        by_kind = np.where(low, session.low_intensity.value, session.high_intensity.value)
        each = inflated * time * np.where(pathway.is_course, by_kind, session.assessment.value)
        return Prices(each, session.missed_share.value * each)
    pounds = staff_pounds(scenario, capacity)
    booked = time * (attended + missed)
    given = {kind: sum(booked[s] for s, step in enumerate(steps.values()) if step.staff == kind) for kind in pounds}
    each = time * np.array(
        [pounds[step.staff] / given[step.staff] if given[step.staff] else 0.0 for step in steps.values()]
    )
    return Prices(each, each, float(sum(pounds[kind] for kind in pounds if not given[kind])))


def staff_pounds(scenario: Scenario, capacity: Capacity) -> dict[str, float]:
    """What each kind of staff cost over the period, in pounds at the prices that are reported."""
    in_post = capacity.in_post
    assert in_post is not None
    first, after = scenario.run.period
    wte, inflated = scenario.costs.wte, scenario.costs.inflated(scenario.costs.wte.price_year.value)
    years = in_post[first:after].sum(axis=0) / DAYS_PER_YEAR
    return {kind: inflated * wte.of(kind) * float(years[k]) for k, kind in enumerate(scenario.staff)}


def _results(simulation: Simulation) -> list[NDArray[np.int8]]:
    """Who counts in each event of EVENTS but the last, each (n,) int8."""
    out = simulation.outcomes
    ladder = (out.principal >= 0) & out.at_caseness
    columns = [out.finished.view(np.int8)]

    def with_extra(service: Flags, none: Flags) -> None:
        columns.append(service.view(np.int8))
        columns.append(service.view(np.int8) - none.view(np.int8))

    ready = scored(simulation)
    with_extra(*(recovered(out, reading) & ready for reading in (out.service, out.none)))
    for rung in REMISSIONS:
        for at in READINGS:
            with_extra(*(getattr(reading, at)[rung] & ladder for reading in (out.service, out.none)))
    return columns


def _courses(simulation: Simulation) -> dict[str, Flags]:
    """Groups by the courses a client had, as cost studies divide them."""
    out = simulation.outcomes
    begun = out.first_course >= 0
    low = low_steps(simulation.scenario)[np.maximum(out.first_course, 0)] & begun
    moved = out.stepped_up | out.stepped_down
    return {
        "course=low intensity only": low & ~moved,
        "course=high intensity only": begun & ~low & ~moved,
        "course=stepped up": out.stepped_up,
        "course=stepped down": out.stepped_down,
    }


def _priced(sums: Columns, n_steps: int, prices: Prices) -> Columns:
    """Pounds for the contacts in each column of sums: attended by step, then missed by step, (groups,)."""
    money = np.zeros(sums.shape[1])
    for s in range(n_steps):  # in a fixed order: pounds are no whole numbers
        money += sums[s] * prices.attended[s] + sums[n_steps + s] * prices.missed[s]
    return money
