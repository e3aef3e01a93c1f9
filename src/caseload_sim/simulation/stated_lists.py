"""Lists at opening that a scenario states: who of those in the queue is taken off, and who is added.

The queue is run over the two years before, as for a service whose lists are not stated, and whoever holds a place keeps
it. Then each stated list is made as long as it is said to be. Where there are too many, the longest waiting are taken
off; where there are too few, more people are drawn. Their waits are those of a list that grew: the pool's clients who were
served, but would be waiting still had they not been, the latest first, say which waits so far are added. So a list is
longest where nobody was served for two years. Where times waited are stated, lots decide within each time.

A list means that places are full: those that stood idle are filled with people who are in the middle of their courses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.draws.streams import START_IDS
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import NO_STEP, NOT_YET, NOT_YET_ENDED, Capacity, Plans
from caseload_sim.errors import RunError
from caseload_sim.pathway.demand import POOL_DAYS
from caseload_sim.scenario.pathway import ASSESSMENT
from caseload_sim.scenario.service import StatedList
from caseload_sim.simulation.pool import Pool, _days_until_leaving, _row_at, _stays_with_equal_waits
from caseload_sim.support.columns import rows_of

# People who are added are drawn as further pools, as large as the first. Their positions in random streams begin here.
MORE_IDS, IDS_OF_A_POOL = START_IDS + START_IDS // 2, 2**36
MOST_POOLS = 4
TIMES_IN_A_PART = (
    2  # so many times as many as the model has may have waited some time: who comes to a step differs by service
)
CHANCE = 4  # standard errors by which a list may be longer than the one that the clients drawn could make
WEEKS_LOOKED_BACK = 4  # for a working day before opening

Rows = NDArray[np.intp]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class People:
    """The clients of a pool with their plans, and their stays that began before opening."""

    pool: Pool
    plans: Plans
    stays: Episodes


@dataclass(frozen=True, slots=True)
class _OnList:
    """Stays of a pool at one step that began before opening and that the client's patience would not have ended by then.

    stay: (k,) row of the stay; client: (k,) row of the client; waits: (k,) bool, is waiting at opening
    waited_days: (k,) so far, had nobody been served; lot: (k,) of the client
    """

    stay: Rows
    client: Rows
    waits: NDArray[np.bool_]
    waited_days: Numbers
    lot: NDArray[np.float64]

    def within(self, part: StatedList) -> NDArray[np.bool_]:
        """Whose time waited is that of a part of a list, (k,) bool."""
        to_days = POOL_DAYS if part.to_days is None else part.to_days
        return (self.waited_days >= part.from_days) & (self.waited_days <= to_days)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be added at a step: to a part of its list, people who have waited so long; and people who hold a place.

    waited_days: ascending; n_held: who held a place on `on_day`, the last working day before opening
    """

    step: int
    part: StatedList
    waited_days: Numbers
    n_held: int = 0
    on_day: int = -1


def fit_to_stated_lists(ours: People, before: Capacity) -> tuple[Rows, list[People]]:
    """Rows of the pool's clients who are taken off their lists, and the people who are added, each where they are at opening.

    before: the capacity over the two years before
    Raises RunError for a list that is longer than it would be had nobody been served in these two years.
    """
    scenario = ours.pool.scenario
    taken_off: list[Rows] = []
    wanted: list[_Wanted] = []
    for name, parts in scenario.start.stated().items():
        step = scenario.steps.index(name)
        on_list = _on_list(ours, step)
        counted = np.zeros(len(on_list.client), dtype=bool)
        for part in parts:
            there = on_list.within(part)
            counted |= there
            off, added = _off_or_added(scenario.name, on_list, there, part)
            taken_off.append(off)
            wanted.append(_Wanted(step, part, added))
        whole = StatedList(f"start.waiting.{name}", sum(part.clients for part in parts))
        _refuse_if_longer(scenario.name, whole, len(on_list.client))
        taken_off.append(on_list.client[on_list.waits & ~counted])
        if any(part.clients for part in parts) and step != ASSESSMENT:
            n_idle, day = _idle(ours.stays, before, step)
            wanted.append(replace(wanted[-1], waited_days=np.empty(0, dtype=np.int64), n_held=n_idle, on_day=day))
    return np.concatenate(taken_off), _drawn(ours.pool, before, wanted)


def _on_list(people: People, step: int) -> _OnList:
    plans, stays = people.plans, people.stays
    rows = np.flatnonzero((stays.step == step) & (stays.joined_day < 0))
    client, joined = stays.client[rows].astype(np.intp), stays.joined_day[rows].astype(np.int64)
    leaves = joined + _days_until_leaving(plans, _row_at(plans, client, stays.step[rows]), joined)
    waits = (stays.started_day[rows] == NOT_YET) & (stays.ended_day[rows] == NOT_YET)
    some = np.flatnonzero(waits | (leaves > 0))
    client = client[some]
    by_referral = people.pool.scenario.start.waited_since == "referral"
    since = people.pool.referral_day[client].astype(np.int64) if by_referral else joined[some]
    lot = people.pool.draws.uniform("start_lot", people.pool.ids[client])
    return _OnList(rows[some], client, waits[some], -since, lot)


def _off_or_added(name: str, on_list: _OnList, there: NDArray[np.bool_], part: StatedList) -> tuple[Rows, Numbers]:
    """Who is taken off a part of a list, and the ascending times waited of those to be added to it; one of them is empty.

    name: of the scenario; there: who of the list belongs to the part
    """
    waiting, served = np.flatnonzero(there & on_list.waits), np.flatnonzero(there & ~on_list.waits)
    # The longest waiting come last, those who wait equally long by lot; lots alone decide where times waited are stated.
    by = (on_list.lot, on_list.waited_days) if part.is_whole else (on_list.lot,)
    waiting, served = (some[np.lexsort([column[some] for column in by])] for some in (waiting, served))
    missing = part.clients - len(waiting)
    if missing <= 0:
        return on_list.client[waiting[part.clients :]], np.empty(0, dtype=np.int64)
    most = len(waiting) + len(served)
    if not part.is_whole:
        _refuse_if_longer(name, part, most, TIMES_IN_A_PART)
    like_these = on_list.waited_days[np.concatenate([served, waiting])] if most else np.array([part.from_days])
    return np.empty(0, dtype=np.intp), np.sort(np.resize(like_these, missing))


def _refuse_if_longer(name: str, part: StatedList, unserved: int, times: int = 1) -> None:
    """Raises RunError for more people than could wait.

    unserved: how many of the pool would wait had nobody been served; times: how many times as many are let pass
    """
    most = times * unserved
    if part.clients > (np.sqrt(most) + CHANCE / 2) ** 2:  # the square root of a Poisson number has an SD of 1/2
        raise _too_long(name, part, most, unserved)


def _too_long(name: str, part: StatedList, most: int, unserved: int) -> RunError:
    waits = "wait" if part.is_whole else "have waited so long"
    which = "joined this list in the two years before opening" if part.is_whole else "joined this list so long ago"
    allowed = ", and twice as many may be stated" if most > unserved else ""
    return RunError(
        f"{name}: {part.path} says that {part.clients:,} {waits}; at most about {most:,} can. Of those who {which}, {unserved:,} "
        f"would be waiting still had nobody been served{allowed}; the others would have given up, or be well again. Give a "
        "shorter list, more referrals, or more patience (pathway.steps.STEP.patience_mean_days)."
    )


def _idle(stays: Episodes, before: Capacity, step: int) -> tuple[int, int]:
    """Places of a step that stood idle on the last working day before opening, and that day; 0 and -1 if there was none."""
    recent = before.places[-7 * WEEKS_LOOKED_BACK :, step]
    open_days = np.flatnonzero(recent)
    if len(open_days) == 0:
        return 0, -1
    day = int(open_days[-1]) - len(recent)
    return max(int(recent[day]) - int(_holds_place(stays, step, day).sum()), 0), day


def _holds_place(stays: Episodes, step: int, day: int) -> NDArray[np.bool_]:
    """Which stays hold a place of a step at the end of a day."""
    began = (stays.step == step) & (stays.started_day != NOT_YET) & (stays.started_day <= day)
    return np.asarray(began & ((stays.ended_day == NOT_YET) | (stays.ended_day > day)))


def _drawn(pool: Pool, before: Capacity, wanted: Sequence[_Wanted]) -> list[People]:
    """People for all that is wanted, from as many further pools as it takes."""
    added: list[People] = []
    for k in range(MOST_POOLS):
        wanted = [one for one in wanted if len(one.waited_days) or one.n_held]
        if not wanted:
            break
        more = pool.another(MORE_IDS + k * IDS_OF_A_POOL)
        plans, _ = more.plans()
        people = People(more, plans, _stays_with_equal_waits(pool.scenario, plans, before))
        chosen, wanted = _choose(people, wanted, anybody=k == MOST_POOLS - 1)
        added.append(chosen)
    for one in wanted:
        if missing := len(one.waited_days):
            found = one.part.clients - missing
            raise _too_long(pool.scenario.name, one.part, found, found)
    return added


def _choose(people: People, wanted: Sequence[_Wanted], *, anybody: bool) -> tuple[People, list[_Wanted]]:
    """Those of a further pool who are wanted, and what is then still wanted.

    anybody: whoever waits on the right list will do, however long
    """
    stays = people.stays
    free = np.ones(len(people.pool.ids), dtype=bool)
    now = np.full(len(free), NO_STEP, dtype=np.int64)  # the stay in which each of those chosen is at opening
    waits = np.zeros(len(free), dtype=bool)
    left = []
    for one in wanted:
        if one.n_held:
            rows = np.flatnonzero(_holds_place(stays, one.step, one.on_day))
            rows = rows[free[stays.client[rows]]]
            lot = people.pool.draws.uniform("start_lot", people.pool.ids[stays.client[rows]])
            rows = rows[np.argsort(lot)[: one.n_held]]
            free[stays.client[rows]] = False
            still = rows[stays.ended_day[rows] == NOT_YET]  # the others ended between that day and opening
            now[stays.client[still]] = still
            left.append(replace(one, n_held=one.n_held - len(rows)))
            continue
        on_list = _on_list(people, one.step)
        those = np.flatnonzero(on_list.within(one.part) & free[on_list.client])
        those = those[np.lexsort((on_list.lot[those], on_list.waited_days[those]))]
        matched, found = _match(one.waited_days, on_list.waited_days[those], anybody=anybody)
        client = on_list.client[those[found]]
        free[client], waits[client], now[client] = False, True, on_list.stay[those[found]]
        left.append(replace(one, waited_days=np.delete(one.waited_days, matched)))
    return People(people.pool, people.plans, _until_now(stays, now, waits)), left


def _match(wanted: Numbers, there: Numbers, *, anybody: bool) -> tuple[Rows, Rows]:
    """Pairs of equal or next longer times waited, nobody used twice: positions in `wanted` and in `there`, both ascending.

    anybody: whoever is left over is paired with what is left over
    """
    position = np.searchsorted(there, wanted)
    # Nobody twice: each takes the first position at or after its own that is behind the one before. Of positions 2, 2, 2, 9
    # that makes 2, 3, 4, 9.
    steps = np.arange(len(wanted))
    position = np.maximum.accumulate(position - steps) + steps
    matched = np.flatnonzero(position < len(there))
    found = position[matched]
    if anybody:
        rest_wanted, rest_there = np.delete(steps, matched), np.delete(np.arange(len(there)), found)
        n = min(len(rest_wanted), len(rest_there))
        matched = np.concatenate([matched, rest_wanted[:n]])
        found = np.concatenate([found, rest_there[len(rest_there) - n :]])
    return matched, found


def _until_now(stays: Episodes, now: Numbers, waits: NDArray[np.bool_]) -> Episodes:
    """The stays of those chosen up to the one in which they are at opening; whoever waits there was not served.

    now: (n,) row of that stay, NO_STEP for all others; waits: (n,) bool
    """
    last = now[stays.client]
    rows = np.flatnonzero((last != NO_STEP) & (stays.joined_day <= stays.joined_day[last]))
    kept = rows_of(stays, rows)
    unserved = (rows == last[rows]) & waits[kept.client]
    return replace(
        kept,
        started_day=np.where(unserved, NOT_YET, kept.started_day).astype(np.int32),
        ended_day=np.where(unserved, NOT_YET, kept.ended_day).astype(np.int32),
        ending=np.where(unserved, NOT_YET_ENDED, kept.ending).astype(np.int8),
    )
