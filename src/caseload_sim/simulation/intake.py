"""The intake: everybody who comes to the service in a replication, drawn a block at a time and kept as plans.

Clients and their care fill ten times as much memory as the plans that the queue needs. So after drawing a block only its
plans are kept; when outcomes are read, clients and care are drawn a second time, with the same result.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients, draw_population, ids_of_clients, people
from caseload_sim.draws.streams import RETURN_IDS, Draws
from caseload_sim.engines.episodes import Episodes, joined_first
from caseload_sim.engines.plans import NOT_YET, Plans, PlansInParts
from caseload_sim.errors import RunError
from caseload_sim.pathway.care import Care, Drawn, draw_care, draw_people
from caseload_sim.pathway.demand import referral_days, referrals_per_day
from caseload_sim.scenario.policies import Policy, is_own
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.pool import referred_in_pool
from caseload_sim.simulation.providers import of_each
from caseload_sim.simulation.running_start import Opening
from caseload_sim.support.columns import Codes, Days, Ids, blocks_of, fit_one_block, rows_of, stacked
from caseload_sim.support.provenance import Digest
from caseload_sim.support.threads import each_in_order

MOST_PLANS = np.iinfo(np.int32).max  # a row for each client and step that they may come to


def draw_clients(scenario: Scenario, draws: Draws) -> Clients:
    """Everybody referred from opening to the horizon.

    Raises RunError when hardly anybody is eligible.
    """
    referral_day = referral_days(scenario, draws)
    return replace(draw_population(scenario, draws, len(referral_day)), referral_day=referral_day)


def check_countable(scenario: Scenario) -> None:
    """Raises RunError where clients are so many that their plans could not be told apart in 32 bits."""

    def clients_of(one: Scenario) -> float:
        referred = float(referrals_per_day(one).sum()) * (1 + one.pathway.returns.chance.value)
        return referred + referred_in_pool(one)

    clients = sum(of_each(scenario, clients_of))
    if clients * len(scenario.steps) > MOST_PLANS:
        raise RunError(
            f"{scenario.name}: {clients:,.0f} clients at {len(scenario.steps)} steps are more than can be counted. Use fewer "
            "referrals a year, days or providers."
        )


Rows = NDArray[np.intp]
Tables = tuple[Clients, Care]


@dataclass(frozen=True, slots=True)
class Intake:
    """The clients of a replication, one row each: first referrals, then those who come back, then those there at opening.

    policy: who decides
    ids: (n_ours,) int64, the position of each client in every random stream
    parents: rows of the first referrals of those who come back
    referral_day, booking_days: (n,) int32; exit: (n,) int8, see Care
    parts: the plans of everybody, until `plans` combines them into one table
    disorders: how many emotional disorders a first referral has on average
    opening: those who are there at opening, with their past
    kept: clients and care of all others, where a caller wants all tables or the clients are few; None where they are
        drawn again when they are read
    """

    scenario: Scenario
    draws: Draws
    policy: Policy
    ids: Ids
    parents: Rows
    referral_day: Days
    booking_days: Days
    exit: Codes
    parts: PlansInParts
    disorders: float
    clients_digest: Digest
    opening: Opening | None = None
    kept: Tables | None = None

    @property
    def n_ours(self) -> int:
        """How many were not there at opening."""
        return len(self.ids)

    @property
    def n_first(self) -> int:
        """How many are first referrals from opening on."""
        return len(self.ids) - len(self.parents)

    @property
    def history(self) -> Episodes | None:
        """Stays that were over before opening."""
        if self.opening is None:
            return None
        past = self.opening.history
        return replace(past, client=past.client + np.int32(self.n_ours))

    def parts_of(self, rows: Rows) -> list[Rows]:
        """Cut ascending rows into parts, each small enough to be drawn and read at once.

        No part holds clients of two kinds, because first referrals, returns and those there at opening are drawn in
        different ways. With 100 first referrals and 20 returns, rows 90 to 110 become 90 to 99 and 100 to 110. Where the
        tables of everybody are kept, nothing is drawn, and kinds may be mixed.
        """
        if self.kept is not None and (self.opening is None or self._opening_is_like_the_others):
            return [rows[some] for some in blocks_of(len(rows))] or [rows]
        edges = np.searchsorted(rows, [self.n_first, self.n_ours])
        return [part[some] for part in np.split(rows, edges) for some in blocks_of(len(part))] or [rows]

    @property
    def _opening_is_like_the_others(self) -> bool:
        """Whether those there at opening may be in one part with the others: same scenario, and few clients."""
        assert self.opening is not None
        return self.opening.start_of is self.scenario and fit_one_block(self.n_ours)

    def tables_of(self, rows: Rows) -> tuple[Scenario, Clients, Care]:
        """Clients and care of one part of `parts_of`, and the scenario that they belong to."""
        ours, theirs = np.split(rows, np.searchsorted(rows, [self.n_ours]))
        if len(theirs):
            assert self.opening is not None
            there = rows_of((self.opening.clients, self.opening.care), theirs - self.n_ours)
            if not len(ours):
                return self.opening.start_of, *there
        if self.kept is not None:
            tables = rows_of(self.kept, ours)
            clients, care = stacked(tables, there) if len(theirs) else tables
            return self.scenario, replace(clients, referral_day=self.referral_day[rows]), care
        days = self.referral_day[rows]
        not_known_yet = len(rows) > 0 and rows[0] >= self.n_first  # when they were first drawn
        clients = people(
            self.scenario, self.draws, self.ids[rows], np.full_like(days, NOT_YET) if not_known_yet else days
        )
        care = draw_care(self.scenario, clients, self.draws, self.policy)
        return self.scenario, replace(clients, referral_day=days), care

    def with_opening(self, there: Opening) -> "Intake":
        """This intake with those who are there at opening added after all others."""
        self.parts.add(there.plans)
        self.clients_digest.add(_columns_to_digest(there.clients))
        return replace(
            self,
            referral_day=np.concatenate([self.referral_day, there.clients.referral_day]),
            booking_days=np.concatenate([self.booking_days, there.care.booking_days]),
            exit=np.concatenate([self.exit, there.care.exit]),
            opening=there,
        )

    def plans(self) -> Plans:
        """The plans of everybody, for an engine. Can be called only once: to save memory, no copy is kept here.

        Nobody comes back yet: who does is known from how clients end, see `returns`.
        """
        return self.parts.combine()

    def with_days_of_return(self, plans: Plans, queue: Episodes) -> "Intake":
        """This intake with the days on which clients came back. They are known only after the queue has been run."""
        unknown = self.referral_day == NOT_YET
        if not unknown.any():
            return self
        joined = joined_first(plans, queue, self.scenario.run.horizon_days)
        came = unknown & (joined != NOT_YET)
        return replace(
            self, referral_day=np.where(came, joined - self.booking_days, self.referral_day).astype(np.int32)
        )

    def digest_of_clients(self) -> str:
        """The digest of who they are and when they were referred."""
        self.clients_digest.add({"referral_day": self.referral_day})
        return self.clients_digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Referred:
    """Who is referred from opening on, first referrals before those who may come back.

    ids: (n,) int64, the position of each client in every random stream
    referral_day: (n,) int32, NOT_YET for those who may come back
    parents: (n,) rows of the first referrals of those who may come back
    """

    ids: Ids
    referral_day: Days
    parents: Rows


def draw_referrals(scenario: Scenario, draws: Draws) -> Referred:
    """Everybody referred from opening on. Whoever may come back has a second row, for the second referral."""
    days = referral_days(scenario, draws)
    ids = ids_of_clients(scenario, draws, len(days))
    parents = _who_come_back(scenario, ids, draws)
    return Referred(
        np.concatenate([ids, ids[parents] + RETURN_IDS]),
        np.concatenate([days, np.full(len(parents), NOT_YET, dtype=np.int32)]),
        parents,
    )


def draw_intake(
    scenario: Scenario,
    draws: Draws,
    policy: Policy,
    who: Referred,
    *,
    drawn: Drawn | None = None,
    most_at_opening: int = 0,
    keep: bool = False,
) -> Intake:
    """Draw everybody referred: who they are, their plans and their care.

    drawn: these three, if they have been drawn already
    most_at_opening: how many `Intake.with_opening` may add: room is made for them, which fills no memory until it is used
    keep: keep clients and care of everybody, because the caller wants all tables. They are kept anyway where the clients
        fit in one block, and where a user's own policy decides
    """
    ids, days, n_first = who.ids, who.referral_day, len(who.ids) - len(who.parents)
    blocks = [slice(0, len(ids))] if drawn or is_own(policy) else blocks_of(len(ids))
    keep = keep or len(blocks) < 2  # little enough to hold

    def each(some: slice) -> Drawn:
        return drawn or draw_people(scenario, ids[some], days[some], draws, policy)

    parts, kept = PlansInParts(len(ids) + most_at_opening), []
    booking, exits = np.empty(len(ids), dtype=np.int32), np.empty(len(ids), dtype=np.int8)
    digest, disorders = Digest(), 0
    for clients, plans, care in each_in_order(each, blocks or [slice(0, 0)]):
        emotional = clients.count(scenario, "emotional_disorder")
        disorders += int(emotional[: max(n_first - parts.n_clients, 0)].sum())
        here = slice(parts.n_clients, parts.n_clients + len(clients.id))
        booking[here], exits[here] = care.booking_days, care.exit
        parts.add(plans)
        digest.add(_columns_to_digest(clients))
        if keep:
            kept.append((clients, care))
    tables = tuple(stacked(*columns) for columns in zip(*kept, strict=True)) if kept else None
    return Intake(
        scenario, draws, policy, ids, who.parents, days, booking, exits, parts,
        disorders / n_first if n_first else 0.0, digest, kept=tables,
    )  # fmt: skip


def _columns_to_digest(clients: Clients) -> dict[str, Any]:
    """The columns that the digest of clients is made of; without the day of referral, which may not be known yet."""
    return {"id": clients.id, "conditions": clients.conditions, "strata": clients.strata}


def _who_come_back(scenario: Scenario, ids: Ids, draws: Draws) -> Rows:
    """Rows of those who would come back if they relapse after treatment.

    A person who returns is as ill as at the first referral, and has draws of their own for all that follows.
    """
    chance = scenario.pathway.returns.chance.value
    if chance == 0:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero(draws.uniform("returns", ids) < chance)
