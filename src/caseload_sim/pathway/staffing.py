"""Who is at work, and the places that makes: posts that fall vacant and are filled again, trainees, and surge teams."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.times import DAYS_PER_WEEK
from caseload_sim.draws.streams import START_IDS, Draws
from caseload_sim.engines.plans import Capacity
from caseload_sim.pathway.working_days import Dates, dates, working_days
from caseload_sim.scenario.expected import staff_time_of_a_contact
from caseload_sim.scenario.pathway import CourseStep
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.service import Staff
from caseload_sim.support.columns import Floats

DAYS_PER_YEAR = 365
MOST_PLACES = 1e8
WHOLE_PLACE = 1e-6  # so that nine places are nine although 3 x 30 x 0.7 / 7 is a hair less in floating point
_MONDAY = 3  # 1 January 1970, day 0 of datetime64, was a Thursday: weeks begin three days before it

_STATES = "staff_replacing", "staff_leaving"  # what is drawn for a post that is vacant, and for one that is filled
TURNS_AT_ONCE = 4  # of a few posts, as fast as one
_FEWEST_BLOCKS, _MOST_SPELLS_KEPT = 16, 1_000_000
BYTES_OF_A_BLOCK = 8 * TURNS_AT_ONCE * len(_STATES)  # for each post

Booleans = NDArray[np.bool_]
Numbers = NDArray[np.int64]


def places(
    scenario: Scenario, draws: Draws, clients_mean_disorders: float, *, before_opening: bool = False
) -> Capacity:
    """Places by day: WTE at work x contacts a week x share of weeks at work x weeks between booked sessions.

    clients_mean_disorders: emotional disorders that referred clients have on average; moves how many staff leave
    before_opening: see `wte_at_work`

    A course holds a place for months: its number is rounded down. An assessment holds one for a day, so its places are
    appointments, and none is lost to rounding: 6.4 a day are six on some days and seven on others. The appointments of a
    week fall on its working days: bank holidays cost none, since they are already in the share of time on leave.
    Contacts longer than the standard, and assessments by structured interview, leave room for fewer.
    """
    time_each = staff_time_of_a_contact(scenario)
    by_interview = POLICIES[scenario.pathway.policy].records == "by_interview"
    time_assessing = scenario.pathway.routing.interview_assessment_time.value if by_interview else 1.0
    working, days = working_days(scenario), dates(scenario)
    in_post = {
        name: wte_at_work(scenario, name, draws, clients_mean_disorders, before_opening=before_opening)
        for name in scenario.staff
    }
    contacts = {name: scenario.staff[name].contacts_per_wte_day * wte for name, wte in in_post.items()}
    staffed, opened = [], []
    for step in scenario.pathway.steps.values():
        mine = step.share_of_staff.value * contacts[step.staff]
        if isinstance(step, CourseStep):
            per_place = step.staff_time_per_contact.value * time_each / step.days_between_sessions.value
            whole = np.floor(np.minimum(mine / per_place + WHOLE_PLACE, MOST_PLACES))
            staffed.append(whole)
            opened.append(np.where(working, whole, 0))
        else:
            appointments = _appointments(np.minimum(mine / (time_each * time_assessing), MOST_PLACES), working, days)
            staffed.append(appointments)
            opened.append(appointments)
    return Capacity(
        places=np.stack(opened, axis=1).astype(np.int32),
        steps=scenario.steps,
        staffed=np.stack(staffed, axis=1).astype(np.int32),
        in_post=np.stack(list(in_post.values()), axis=1),
    )


def wte_at_work(
    scenario: Scenario, kind: str, draws: Draws, clients_mean_disorders: float, *, before_opening: bool = False
) -> Floats:
    """Staff of a kind on each day in whole-time equivalents of the qualified, leave and sickness not yet taken off.

    kind: a key of `scenario.staff`; clients_mean_disorders: see `places`
    before_opening: the scenario's last day is the one before a service opens; the posts then filled are those filled at
        its opening. Told backwards from there, since posts filled and vacant in turn look the same either way in time
    Returns (days,) float64. In a month of `monthly_wte` there are so many posts. All are filled for good with `run.staff_turnover = false`.
    """
    staff, days = scenario.staff[kind], dates(scenario)
    in_post = np.full(len(days), staff.wte.value)
    if scenario.run.staff_turnover:
        leaving, first_id = leaving_per_year(staff, clients_mean_disorders), START_IDS if before_opening else 0
        in_post = _wte_in_post(staff, kind, len(days), leaving, draws, first_id)
        in_post = in_post[::-1] if before_opening else in_post
    month = days.astype("datetime64[M]").astype(np.int64)
    for number, wte in staff.counted().items():  # as many of them vacant as of the usual posts
        here = np.asarray(month == number)
        in_post = np.where(here, in_post * wte / staff.wte.value if staff.wte.value else wte, in_post)
    in_post = in_post + staff.trainee_share.value * staff.trainees.value
    for surge in staff.surge.values():
        here = (days >= np.datetime64(surge.from_date)) & (days <= np.datetime64(surge.to_date))
        in_post = in_post + np.where(here, surge.wte.value, 0.0)
    return np.asarray(in_post)


def leaving_per_year(staff: Staff, clients_mean_disorders: float) -> float:
    """How often a year somebody in post leaves, higher when clients have more disorders than the reference; >= 0."""
    above = clients_mean_disorders - staff.reference_disorders.value
    return staff.leavers_per_year.value * max(1 + staff.leavers_per_disorder.value * above, 0.0)


def _wte_in_post(staff: Staff, kind: str, horizon: int, leaving: float, draws: Draws, first_id: int) -> Floats:
    """WTE in post on each day, (days,) float64; the last post may be a fraction of one.

    first_id: place of the first post in the streams of later spells; the first spell is the same for all

    Each post is filled and vacant in turn, for exponential times. Its draws have the post's number as their place in a
    stream for each turn, so a post more or fewer leaves the others as they were. On the day somebody qualifies, the
    vacant post of the lowest number is theirs.
    """
    size = _sizes(staff.wte.value)
    ids = np.arange(len(size), dtype=np.int64)
    filled = draws.uniform(f"staff_start:{kind}", ids) >= staff.vacancy_share.value
    lasts = _Spells(
        kind, first_id + ids, DAYS_PER_YEAR / leaving if leaving else np.inf, staff.days_to_replace.value, draws
    )
    turn = np.zeros(len(size), dtype=np.int64)
    until = lasts.days(ids, turn, filled)
    change = np.zeros(horizon + 1)
    change[0] = size[filled].sum()

    def turn_over(posts: Numbers, on: Numbers) -> None:
        filled[posts] = ~filled[posts]
        np.add.at(change, on, np.where(filled[posts], size[posts], -size[posts]))
        turn[posts] += 1

    for day, n_qualified in _qualifying(staff, kind, horizon, draws):
        due = np.flatnonzero(until <= day)
        while len(due):
            turn_over(due, np.minimum(np.ceil(until[due]), horizon).astype(np.int64))
            until[due] += lasts.days(due, turn[due], filled[due])
            due = due[until[due] <= day]
        taken = np.flatnonzero(~filled)[:n_qualified]
        turn_over(taken, np.full(len(taken), day))
        until[taken] = day + lasts.days(taken, turn[taken], filled[taken])
    return np.cumsum(change)[:-1]


class _Spells:
    """How long each spell of each post lasts, drawn some turns at a time as they are asked for."""

    def __init__(self, kind: str, ids: Numbers, mean_filled: float, mean_vacant: float, draws: Draws) -> None:
        self._kind, self._ids, self._draws = kind, ids, draws
        self._means = np.array([mean_vacant, mean_filled])
        self._logs: dict[int, Floats] = {}  # of some turns each, the last ones that were asked for
        self._most = blocks_kept(len(ids))

    def days(self, posts: Numbers, turn: Numbers, filled: Booleans) -> Floats:
        """Days that the spells of these posts last, (posts,) float64; endless when nobody ever leaves."""
        state, log = filled.astype(np.intp), np.empty(len(posts))
        block, within = np.divmod(turn, TURNS_AT_ONCE)
        for number in np.unique(block).tolist():
            rows = np.flatnonzero(block == number)
            log[rows] = self._logs_of(number)[within[rows], state[rows], posts[rows]]
        return np.asarray(-self._means[state] * log)

    def _logs_of(self, block: int) -> Floats:
        """Of the turns of a block, drawn again if they have been forgotten."""
        if block not in self._logs:
            if len(self._logs) >= self._most:
                del self._logs[next(iter(self._logs))]
            self._logs[block] = self._drawn(block)
        return self._logs[block]

    def _drawn(self, block: int) -> Floats:
        turns = range(TURNS_AT_ONCE * block, TURNS_AT_ONCE * (block + 1))
        purposes = [f"{purpose}:{turn}:{self._kind}" for turn in turns for purpose in _STATES]
        drawn = self._draws.uniforms(purposes, self._ids)
        return np.log(drawn).reshape(len(turns), len(_STATES), len(self._ids))


def blocks_kept(n_posts: int) -> int:
    """How many blocks of turns are kept of so many posts: 16, and of few posts as many as a million numbers' worth."""
    return max(_FEWEST_BLOCKS, _MOST_SPELLS_KEPT // max(n_posts, 1))


def _sizes(wte: float) -> Floats:
    """Posts of one WTE each, the last the fraction that remains, (posts,) float64."""
    size = np.ones(int(np.ceil(wte - WHOLE_PLACE)))
    size[-1:] = wte - (len(size) - 1)
    return size


def _qualifying(staff: Staff, kind: str, horizon: int, draws: Draws) -> Iterator[tuple[int, int]]:
    """Days on which trainees qualify, with how many, ascending; at the end the horizon, with none.

    At opening every trainee is somewhere in the course; the next one begins when one qualifies.
    """
    slots = np.arange(len(_sizes(staff.trainees.value)), dtype=np.int64)
    length = staff.training_days.value
    first = draws.uniform(f"staff_training:{kind}", slots) * length
    qualify = np.zeros(horizon, dtype=np.int64)
    for k in range(int(horizon / length) + 1):
        moments = first + length * k
        days = np.ceil(moments[moments <= horizon - 1]).astype(np.int64)
        qualify += np.bincount(days, minlength=horizon)
    for day in np.flatnonzero(qualify).tolist():
        yield day, int(qualify[day])
    yield horizon, 0


def _appointments(contacts: Floats, working: Booleans, days: Dates) -> Floats:
    """Whole appointments by day, (days,): the contacts of each week spread over its working days.

    A week without a working day hands its contacts on to the next, as at an opening on a Saturday.
    """
    a_day = contacts
    if not working.all():
        week = (days.astype(np.int64) + _MONDAY) // DAYS_PER_WEEK
        week = week - week[:1]
        in_week, n_working = np.bincount(week, contacts), np.bincount(week, working)
        for number in np.flatnonzero(n_working[:-1] == 0).tolist():
            in_week[number + 1] += in_week[number]
        a_day = np.where(working, (in_week / np.maximum(n_working, 1))[week], 0.0)
    so_far = np.floor(np.concatenate([[0.0], np.cumsum(a_day)]) + WHOLE_PLACE)
    return np.diff(so_far)
