"""One replication of a scenario: draw the clients, run the queue, read the outcomes, count what measures need."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial, reduce
from hashlib import sha256
from operator import add

import numpy as np

from caseload_sim.clients.population import Clients, people
from caseload_sim.clients.remission import illness_of
from caseload_sim.clients.severity import condition_of
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.engine import Engine, load
from caseload_sim.engines.episodes import Episodes, check_invariants, check_plans, stays_of
from caseload_sim.engines.plans import NOT_YET, Capacity, plans_of_stretch
from caseload_sim.errors import RunError
from caseload_sim.measures.measure import Tally, measured, tally
from caseload_sim.measures.service import over_time
from caseload_sim.measures.simulation import OverTime, Replication, Simulation
from caseload_sim.measures.table import MeasureTable, together
from caseload_sim.outcomes.contacts import leaving
from caseload_sim.outcomes.outcomes import Outcomes, numbered_from, of_clients, one_after_the_other, read_outcomes
from caseload_sim.pathway.care import Drawn, draw_people, in_order_of
from caseload_sim.pathway.own_policy import chosen_policy
from caseload_sim.pathway.staffing import places
from caseload_sim.scenario.policies import POLICIES, Decide, Policy, is_own
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import (
    Intake,
    Referred,
    Rows,
    check_countable,
    draw_intake,
    draw_referrals,
)
from caseload_sim.simulation.pool import Pool, referred_in_pool
from caseload_sim.simulation.providers import percentiles, pooled, provider_scenarios
from caseload_sim.simulation.returns import with_returns
from caseload_sim.simulation.running_start import Opening, add_history, opening_of, running_start
from caseload_sim.support.columns import Days, by_name, fit_one_block, rows_of, slice_of, stacked
from caseload_sim.support.provenance import Digest, digest
from caseload_sim.support.threads import each_in_order, products_by_one_thread, run_in_background


@dataclass(frozen=True, slots=True)
class CountedReplication(Replication):
    """One replication whose clients have been counted: enough for every measure."""

    counted: Tally

    def measures(self) -> MeasureTable:
        """Every measure."""
        return measured(self, self.counted)


@products_by_one_thread()
def run_once(
    scenario: Scenario,
    replication: int,
    engine: Engine,
    start_of: Scenario | None = None,
    policy: Decide | None = None,
    *,
    all_tables: bool,
) -> tuple[MeasureTable, OverTime, dict[str, str], Simulation | None]:
    """Run one replication. Returns its measures, its days, the digests of its tables, and its tables.

    A scenario of several providers is run provider by provider, and counted as one service.
    all_tables: return the tables of all clients too, which take much memory; without it the last value is None
    """
    load(engine)
    check_countable(scenario)
    if scenario.providers is None:
        one, every = _simulate(scenario, replication, engine, start_of, policy, all_tables=all_tables)
        return one.measures(), over_time(one), one.digests, every
    number, draws = scenario.providers.how_many, Draws(scenario.run.seed, replication)
    starts: Sequence[Scenario | None] = [start_of] * number
    if start_of and start_of.providers and start_of.providers.how_many == number:
        starts = provider_scenarios(start_of, draws)  # each opens with the people of the same provider
    each = [
        _simulate(provider, replication * number + k, engine, start, policy, all_tables=all_tables)
        for k, (provider, start) in enumerate(zip(provider_scenarios(scenario, draws), starts, strict=True))
    ]
    all_of_them = _add_up(scenario, replication, [one for one, _ in each])
    every = pooled([every for _, every in each if every], all_of_them) if all_tables else None
    table = together(all_of_them.measures(), percentiles([one.measures() for one, _ in each]))
    return table, over_time(all_of_them), all_of_them.digests, every


def _add_up(scenario: Scenario, replication: int, each: Sequence[CountedReplication]) -> CountedReplication:
    """Count several providers as one: add up their clients, their places and their days."""
    capacity = each[0].capacity
    summed = {
        f.name: sum(getattr(one.capacity, f.name) for one in each)
        for f in fields(Capacity)
        if isinstance(getattr(capacity, f.name), np.ndarray)
    }
    held, waiting = (np.stack([one.daily[k] for one in each]).sum(axis=0, dtype=np.int32) for k in range(2))
    digests = {
        name: sha256("".join(one.digests[name] for one in each).encode()).hexdigest() for name in each[0].digests
    }
    return CountedReplication(
        scenario=scenario,
        replication=replication,
        capacity=replace(capacity, **summed),
        daily=(held, waiting),
        digests=digests,
        counted=reduce(add, (one.counted for one in each)),
    )


def _simulate(
    scenario: Scenario,
    replication: int,
    engine: Engine,
    start_of: Scenario | None,
    decide: Decide | None,
    *,
    all_tables: bool,
) -> tuple[CountedReplication, Simulation | None]:
    """Run one replication of one provider; see `run_once`."""
    draws = Draws(scenario.run.seed, replication)
    policy = chosen_policy(scenario, decide) or POLICIES[scenario.pathway.policy]
    intake, capacity = everybody(scenario, draws, policy, start_of, keep=all_tables)
    plans = intake.plans()
    check_plans(plans)
    large = not fit_one_block(len(plans.joins_day))
    with run_in_background(partial(digest, plans), worth_it=large) as digest_of_plans:
        queue = engine(plans, capacity)
        digest_of_courses = digest_of_plans()
    if len(intake.parents):
        queue = with_returns(intake, plans, capacity, queue, engine)
        digest_of_courses = digest(plans)
    intake = intake.with_days_of_return(plans, queue)
    digest_of_clients = intake.digest_of_clients()
    with run_in_background(partial(digest, queue), worth_it=large) as digest_of_queue:
        daily = check_invariants(
            queue, plans, capacity
        )  # without stays over before opening, which hold no place on any day
        del plans  # nothing needs them any more, and they are half of what a large service fills
        episodes = add_history(queue, intake.history) if intake.history else queue
        rows = _rows_to_count(scenario, intake, episodes)
        digests = {"clients": digest_of_clients, "courses": digest_of_courses, "episodes": digest_of_queue()}
    one = Replication(scenario, replication, capacity, daily, digests)  # that of outcomes is added below
    read = _Reader(one, intake, episodes)
    if all_tables:
        every = read.read_all()
        some = only(every, rows)
        digests["outcomes"] = digest(some.outcomes)
        return CountedReplication(**by_name(one), counted=tally(some)), every

    def read_and_counted(part: Rows) -> tuple[Outcomes, Tally]:
        simulation = read.read_part(part)
        return simulation.outcomes, tally(simulation)

    digest_of_outcomes, n, tallies = Digest(), 0, []
    for outcomes, counted in each_in_order(read_and_counted, intake.parts_of(rows)):
        digest_of_outcomes.add(numbered_from(outcomes, n))
        n += len(outcomes.end_day)
        tallies.append(counted)
    digests["outcomes"] = digest_of_outcomes.hexdigest()
    return CountedReplication(**by_name(one), counted=reduce(add, tallies)), None


def everybody(
    scenario: Scenario, draws: Draws, policy: Policy, start_of: Scenario | None = None, *, keep: bool = False
) -> tuple[Intake, Capacity]:
    """Draw everybody who comes to the service, and the places that there are for them.

    start_of: the scenario whose running start is used, this one if None. With another scenario, for example today's
        service, both begin on day 0 with the same people on their lists and differ only from then on. The order in which
        these people are served is that of this scenario's policy.
    policy: decides about this scenario, and about its own running start; another scenario's start has its own policy
    """
    start_of = start_of or scenario
    policy_at_start = policy if start_of is scenario else POLICIES[start_of.pathway.policy]
    begun = start_of.start.running and bool(policy_at_start.steps)
    who, most = draw_referrals(scenario, draws), referred_in_pool(start_of) if begun else 0

    def intake_of(drawn: Drawn | None = None) -> Intake:
        return draw_intake(scenario, draws, policy, who, drawn=drawn, most_at_opening=most, keep=keep)

    there: Opening | None
    if begun and start_of is scenario and fit_one_block(len(who.ids) + most) and not is_own(policy):
        pool = Pool(scenario, draws, policy)
        ours, theirs = _drawn_at_once(pool, who, policy)
        intake, there = intake_of(ours), opening_of(pool, theirs)
    else:
        opening = partial(running_start, start_of, draws, policy_at_start) if begun else lambda: None
        with run_in_background(opening, worth_it=not fit_one_block(most)) as already_there:
            intake = intake_of()
            there = already_there()
    capacity = places(scenario, draws, intake.disorders)
    if there is None:
        return intake, capacity
    if start_of is not scenario:
        order, plans = in_order_of(policy, scenario, there.clients, there.care, draws), there.plans
        there = replace(there, plans=replace(plans, priority=order[plans.client, plans.step]))
    return intake.with_opening(there), capacity


def check_lists(scenario: Scenario) -> None:
    """Raises RunError where a list that the scenario states is longer than it can be, by those drawn for the first replication."""
    draws = Draws(scenario.run.seed, 0)
    policy = POLICIES[scenario.pathway.policy]
    if not (scenario.start.stated() and scenario.start.running and policy.steps):
        return
    if scenario.providers is None:
        running_start(scenario, draws, policy)
        return
    every = provider_scenarios(scenario, draws)
    for k, one in enumerate(every if scenario.providers.each else every[:1]):
        running_start(one, Draws(scenario.run.seed, k), policy)


def _drawn_at_once(pool: Pool, who: Referred, policy: Policy) -> tuple[Drawn, Drawn]:
    """Draw the clients referred and the pool in one go: for small services that takes hardly longer than one of them."""
    ids, days = np.concatenate([who.ids, pool.ids]), np.concatenate([who.referral_day, pool.referral_day])
    clients, plans, care = draw_people(pool.scenario, ids, days, pool.draws, policy)
    ours, theirs = (
        (slice_of(clients, some), plans_of_stretch(plans, some), slice_of(care, some))
        for some in (slice(0, len(who.ids)), slice(len(who.ids), len(ids)))
    )
    return ours, theirs


def mean_disorders(scenario: Scenario, clients: Clients) -> float:
    """How many emotional disorders these clients have on average, 0 with no clients; how many staff leave depends on it."""
    counts = clients.count(scenario, "emotional_disorder")
    return float(counts.mean()) if len(counts) else 0.0


def _rows_to_count(scenario: Scenario, intake: Intake, episodes: Episodes) -> Rows:
    """Rows of clients whose referral was open on some day of the data collection period. No measure counts the others."""
    day = intake.referral_day
    end_day, _ = leaving(scenario, day, intake.exit, intake.booking_days, episodes)
    return _open_in_period(scenario, day, end_day)


def _open_in_period(scenario: Scenario, referral_day: Days, end_day: Days) -> Rows:
    first, after = scenario.run.period
    came = (referral_day != NOT_YET) & (referral_day < after)
    return np.flatnonzero(came & ((end_day == NOT_YET) | (end_day >= first)))


def counted_rows(simulation: Simulation) -> Rows:
    """Rows of those whom measures count; see `_rows_to_count`."""
    return _open_in_period(simulation.scenario, simulation.clients.referral_day, simulation.outcomes.end_day)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the outcomes of clients, once the queue has been run."""

    replication: Replication
    intake: Intake
    episodes: Episodes

    def read_part(self, part: Rows) -> Simulation:
        """All tables of the clients of one part of `Intake.parts_of`."""
        of, clients, care = self.intake.tables_of(part)
        draws = self.intake.draws
        who = condition_of(of, clients, illness_of(of, clients, draws), draws)
        stays = stays_of(self.episodes, part)
        outcomes = read_outcomes(self.replication.scenario, clients, who, care, stays, draws)
        return Simulation(**by_name(self.replication), clients=clients, care=care, episodes=stays, outcomes=outcomes)

    def read_all(self) -> Simulation:
        """All tables of all clients."""
        parts = list(each_in_order(self.read_part, self.intake.parts_of(np.arange(len(self.intake.referral_day)))))
        clients, care = stacked(*(one.clients for one in parts)), stacked(*(one.care for one in parts))
        outcomes = one_after_the_other([one.outcomes for one in parts])
        return Simulation(
            **by_name(self.replication), clients=clients, care=care, episodes=self.episodes, outcomes=outcomes
        )


def only(every: Simulation, rows: Rows) -> Simulation:
    """All tables, cut down to these ascending rows."""
    return replace(
        every,
        clients=rows_of(every.clients, rows),
        care=rows_of(every.care, rows),
        episodes=stays_of(every.episodes, rows),
        outcomes=of_clients(every.outcomes, rows),
    )


def read_again(
    simulation: Simulation, scenario: Scenario, draws: Draws | None = None, *, by_course: bool = True
) -> Simulation:
    """The same people with the same stays, read by another outcome model: what the queue made of them stays as it was.

    scenario: one that differs in how clients get better and are read, not in who comes or in what the service does
    draws: of this replication, where the caller keeps them; by_course: see `read_outcomes`
    Raises RunError for several providers, whose clients belong to scenarios of their own.
    """
    if scenario.providers is not None or simulation.scenario.providers is not None:
        raise RunError(f"{scenario.name}: several providers cannot be read again; use one.")
    draws = draws or Draws(scenario.run.seed, simulation.replication)
    clients = people(scenario, draws, simulation.clients.id, simulation.clients.referral_day)
    who = condition_of(scenario, clients, illness_of(scenario, clients, draws), draws)
    care, stays = simulation.care, simulation.episodes
    received = simulation.outcomes.received
    outcomes = read_outcomes(scenario, clients, who, care, stays, draws, by_course=by_course, known=received)
    return replace(simulation, scenario=scenario, clients=clients, outcomes=outcomes)
