"""The rules of the day as one loop over arrays: the same answer as the SimPy engine, many times as fast.

One source, run two ways: compiled by numba, or interpreted on plain lists where numba is absent or the job is too
small to repay loading it. Rules are cited by number from docs/rules_of_the_day.md. Whole numbers only; draws nothing.

Rows of the Episodes table are numbered as they are written; everything that waits for a day hangs on a list of rows
linked through arrays: a waiting list for each step and priority, a calendar of courses that end, one of patiences that
end (only where leaving has a consequence: all others are noticed when their turn comes, or at the horizon), and one of
clients who return.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.capacity import Capacity
from caseload_sim.courses import GAVE_UP, NEVER, NOT_YET, NOT_YET_ENDED, Courses
from caseload_sim.episodes import Episodes, canonical

NOBODY = -1  # the end of a linked list
ROWS_EXHAUSTED = -1
# Client-runs from which compiled code repays loading numba: measured by `python -m benchmarks`, see docs/performance.md.
WORTH_COMPILING = 150_000

Columns = Any  # NumPy arrays when compiled, lists when interpreted: both are indexed alike


def run(
    courses: Courses,
    capacity: Capacity,
    *,
    compiled: bool | None = None,
    daily: NDArray[np.int32] | None = None,
    loop: Callable[..., int] | None = None,
) -> Episodes:
    """Let every client go their way until the horizon; the same table as the reference engine, row for row.

    compiled: with numba or interpreted; None decides by the number of clients
    daily: (2, days, s), filled with the engine's own counts at the end of each day, of places held and of clients waiting
    loop: the loop itself, replaced only by tests
    """
    n, n_steps = courses.course_days.shape
    if compiled is None:
        compiled = n >= WORTH_COMPILING and numba_is_there()
    the_loop: Callable[..., int] = loop or (_compiled() if compiled else pass_the_days)
    as_columns: Callable[[Any], Columns] = np.ascontiguousarray if compiled else (lambda array: array.tolist())
    horizon = capacity.places.shape[0]
    arrivals = np.flatnonzero((courses.joins_day != NOT_YET) & (courses.joins_day < horizon) & (horizon > 0))
    arrivals = arrivals[np.lexsort((arrivals, courses.joins_day[arrivals]))].astype(np.int32)
    ranks = np.unique(courses.priority, return_inverse=True)[1].reshape(-1).astype(np.int32)
    inputs = [
        courses.joins_day, courses.first_step, courses.course_days.ravel(), courses.patience_days.ravel(), ranks,
        courses.ending.ravel(), courses.inside_from.ravel(), courses.inside_to.ravel(), courses.next_inside.ravel(),
        courses.next_outside.ravel(), courses.started_day, courses.returns_as, courses.return_after_days, arrivals,
        capacity.places.ravel(),
    ]  # fmt: skip
    n_ranks = int(ranks.max()) + 1 if len(ranks) else 1
    n_rows = ROWS_EXHAUSTED
    room = n * (n_steps + 1)
    while n_rows == ROWS_EXHAUSTED:  # only clients who go in circles need more rows than this
        table = [np.full(room, fill, dtype=dtype) for fill, dtype in _TABLE]
        columns = [as_columns(column) for column in table]
        lists = [as_columns(column) for column in _lists(n, n_steps, n_ranks, horizon, room)]
        counts = [
            as_columns(np.zeros(size, dtype=np.int64)) for size in (n_steps, horizon * n_steps, horizon * n_steps)
        ]
        watched = int(daily is not None)
        n_rows = the_loop(horizon, n_steps, n_ranks, watched, *map(as_columns, inputs), *columns, *lists, *counts)
        room *= 2
    if daily is not None:
        daily[:] = np.reshape(counts[1:], (2, horizon, n_steps))
    return canonical(*(np.asarray(column[:n_rows], dtype=np.int64) for column in columns))


_TABLE: tuple[tuple[int, type], ...] = (
    (0, np.int32), (0, np.int8), (0, np.int32), (NOT_YET, np.int32), (NOT_YET, np.int32), (NOT_YET_ENDED, np.int8),
)  # fmt: skip


def _lists(n: int, n_steps: int, n_ranks: int, horizon: int, room: int) -> list[Any]:
    """Empty linked lists and counters, in the order of `pass_the_days`."""
    empty = [n_steps * n_ranks, n_steps * n_ranks, room, horizon, room, horizon, room, horizon, n]
    lists = [np.full(size, NOBODY, dtype=np.int32) for size in empty]
    return [*lists, *(np.zeros(size, dtype=np.int64) for size in (n_steps, n_steps, n, n))]


@cache
def numba_is_there() -> bool:
    """Whether numba is installed; it is not on every platform."""
    return find_spec("numba") is not None


@cache
def _compiled() -> Callable[..., int]:
    """The loop compiled, from numba's cache on disk after the first time."""
    from numba import njit

    try:
        compiled: Callable[..., int] = njit(cache=True, nogil=True)(pass_the_days)
    except RuntimeError:  # nowhere to keep a cache: neither beside the package nor in a home directory
        compiled = njit(nogil=True)(pass_the_days)
    return compiled


def pass_the_days(
    horizon: int, n_steps: int, n_ranks: int, watched: int,
    joins_day: Columns, first_step: Columns, course_days: Columns, patience_days: Columns, rank: Columns,
    ending_of: Columns, inside_from: Columns, inside_to: Columns, next_inside: Columns, next_outside: Columns,
    began_day: Columns, returns_as: Columns, return_after_days: Columns, arrivals: Columns, places: Columns,
    client: Columns, step: Columns, joined: Columns, started: Columns, ended: Columns, ending: Columns,
    list_head: Columns, list_tail: Columns, list_next: Columns, ends_on: Columns, ends_next: Columns,
    leaves_on: Columns, leaves_next: Columns, returns_on: Columns, returns_next: Columns,
    held: Columns, first_rank: Columns, joiners: Columns, entered: Columns, waiting: Columns, held_each_day: Columns,
    waiting_each_day: Columns,
) -> int:  # fmt: skip
    """Write the Episodes table; returns the number of rows, or ROWS_EXHAUSTED when there is no room for more.

    watched: 1 to count who waits each day, for which everybody's patience stands in the calendar
    `entered` holds the day each client joined the first list, from which `inside_from` and `inside_to` count.
    Client by step columns are flat: client * n_steps + step. `joiners` holds such numbers too, for one day at a time.
    """
    n_rows = 0
    next_arrival = 0
    for day in range(-1, horizon):  # day -1 stands for everything before opening (rule R0)
        n_joiners = 0
        if day >= 0:
            # R2: courses that end free their places, and the client goes on, or leaves and may return
            row = ends_on[day]
            while row != NOBODY:
                at = client[row] * n_steps + step[row]
                held[step[row]] -= 1
                ended[row] = day
                ending[row] = ending_of[at]
                following = next_outside[at]
                if inside_from[at] <= day - entered[client[row]] <= inside_to[at]:
                    following = next_inside[at]
                if following >= 0:
                    joiners[n_joiners] = client[row] * n_steps + following
                    n_joiners += 1
                elif returns_as[client[row]] >= 0 and day + return_after_days[client[row]] < horizon:
                    back = day + return_after_days[client[row]]
                    returns_next[returns_as[client[row]]] = returns_on[back]
                    returns_on[back] = returns_as[client[row]]
                row = ends_next[row]
            # R2: those whose patience ends leave
            row = leaves_on[day]
            while row != NOBODY:
                if started[row] == NOT_YET:
                    ended[row] = day
                    ending[row] = GAVE_UP
                    waiting[step[row]] -= 1
                    if returns_as[client[row]] >= 0 and day + return_after_days[client[row]] < horizon:
                        back = day + return_after_days[client[row]]
                        returns_next[returns_as[client[row]]] = returns_on[back]
                        returns_on[back] = returns_as[client[row]]
                row = leaves_next[row]
            # R2: clients who return join again
            who = returns_on[day]
            while who != NOBODY:
                entered[who] = day
                if first_step[who] >= 0:
                    joiners[n_joiners] = who * n_steps + first_step[who]
                    n_joiners += 1
                elif returns_as[who] >= 0 and day + return_after_days[who] < horizon:
                    back = day + return_after_days[who]
                    returns_next[returns_as[who]] = returns_on[back]
                    returns_on[back] = returns_as[who]
                who = returns_next[who]
        # R2: new referrals join
        while next_arrival < len(arrivals) and joins_day[arrivals[next_arrival]] <= day:
            who = arrivals[next_arrival]
            next_arrival += 1
            entered[who] = joins_day[who]
            if first_step[who] >= 0:
                joiners[n_joiners] = who * n_steps + first_step[who]
                n_joiners += 1
            elif returns_as[who] >= 0:
                back = max(day, 0) + return_after_days[who]
                if back < horizon:
                    returns_next[returns_as[who]] = returns_on[back]
                    returns_on[back] = returns_as[who]
        # R3: in whatever order they came, they join in order of client; before opening, in order of joining
        today = joiners[:n_joiners]
        if day >= 0:
            today.sort()
        for k in range(n_joiners):
            if n_rows == len(client):
                return ROWS_EXHAUSTED
            row = n_rows
            n_rows += 1
            who = today[k] // n_steps
            where = today[k] % n_steps
            at = today[k]
            client[row] = who
            step[row] = where
            joined[row] = day if day >= 0 else joins_day[who]
            if day < 0 and began_day[who] != NOT_YET:  # R0: people held keep their places, even above capacity
                started[row] = began_day[who]
                held[where] += 1
                last = began_day[who] + course_days[at]
                if last < horizon:
                    ends_next[row] = ends_on[last]
                    ends_on[last] = row
                continue
            waiting[where] += 1
            last = horizon if patience_days[at] == NEVER else joined[row] + patience_days[at]
            if (watched or returns_as[who] >= 0) and last < horizon:
                leaves_next[row] = leaves_on[last]
                leaves_on[last] = row
            queue = where * n_ranks + rank[at]
            if list_head[queue] == NOBODY:
                list_head[queue] = row
            else:
                list_next[list_tail[queue]] = row
            list_tail[queue] = row
            first_rank[where] = min(first_rank[where], rank[at])
        if day < 0:
            continue
        # R4: each step, in order, fills its free places by (priority, joined_day, client)
        for where in range(n_steps):
            while held[where] < places[day * n_steps + where]:  # R6: nobody starts while held >= open
                while first_rank[where] < n_ranks and list_head[where * n_ranks + first_rank[where]] == NOBODY:
                    first_rank[where] += 1
                if first_rank[where] == n_ranks:
                    break
                queue = where * n_ranks + first_rank[where]
                row = list_head[queue]
                list_head[queue] = list_next[row]
                at = client[row] * n_steps + where
                if patience_days[at] != NEVER and joined[row] + patience_days[at] <= day:
                    ended[row] = joined[row] + patience_days[at]  # gave up then, and is taken off the list now
                    ending[row] = GAVE_UP
                    continue
                started[row] = day
                waiting[where] -= 1
                held[where] += 1
                last = day + course_days[at]
                if last < horizon:
                    ends_next[row] = ends_on[last]
                    ends_on[last] = row
            held_each_day[day * n_steps + where] = held[where]
            waiting_each_day[day * n_steps + where] = waiting[where]
    # Those still on a list whose patience ended by the horizon; R7: all else stays NOT_YET
    for row in range(n_rows):
        at = client[row] * n_steps + step[row]
        last = horizon if patience_days[at] == NEVER else joined[row] + patience_days[at]
        if started[row] == NOT_YET and ended[row] == NOT_YET and last < horizon:
            ended[row] = last
            ending[row] = GAVE_UP
    return n_rows
