"""The rules of the day as one loop over arrays: the same answer as the SimPy engine, many times as fast.

The same source is run in two ways: compiled by numba, or interpreted on plain lists where numba is absent or the job is
too small to repay loading it. Rules are cited by number from docs/rules_of_the_day.md. Nothing is drawn here.

Each stay is a row. Rows wait in linked lists held in arrays: in a waiting list for each step and priority, and in calendars
with one list for each day. One calendar holds courses that end on the day, one patiences that end, or clients who are well,
one clients who come back. To follow the list of day 5: `row = ends_on[5]`, then `row = next_row[row]`, until it is NOBODY.
A patience is in the calendar only where its end has a consequence, such as a return. Everybody else who has given up is
noticed when their turn comes, or at the horizon.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.engines.episodes import Episodes, canonical
from caseload_sim.engines.plans import (
    GAVE_UP,
    NEVER,
    NO_CLIENT,
    NOT_YET,
    NOT_YET_ENDED,
    Capacity,
    Plans,
)
from caseload_sim.support.compiled import Compiled, numba_is_there

NOBODY = -1  # the end of a linked list
ROWS_EXHAUSTED = -1
MOST_IN_16_BITS = 65_535
# Client-runs from which compiled code repays loading numba: measured by `python -m benchmarks`, see docs/performance.md.
WORTH_COMPILING = 150_000

Columns = Any  # NumPy arrays when compiled, lists when interpreted: both are indexed alike


def run(
    plans: Plans,
    capacity: Capacity,
    *,
    compiled: bool | None = None,
    daily: NDArray[np.int32] | None = None,
    loop: Callable[..., int] | None = None,
) -> Episodes:
    """Run the queue until the horizon. The table is the same as the reference engine's, row for row.

    compiled: with numba or interpreted; None decides by the number of clients
    daily: (2, days, s), filled with the engine's own counts at the end of each day, of places held and of clients waiting
    loop: the loop itself, replaced only by tests
    """
    n, m, (horizon, n_steps) = len(plans.joins_day), len(plans.client), capacity.places.shape
    if compiled is None:
        compiled = n >= WORTH_COMPILING and numba_is_there()
    the_loop: Callable[..., int] = loop or (pass_the_days_compiled if compiled else pass_the_days)
    as_columns: Callable[[Any], Columns] = np.ascontiguousarray if compiled else (lambda array: array.tolist())
    as_rows: Callable[[Any], Columns] = _as_unsigned if compiled else as_columns
    arrivals = _sort_by_arrival(plans.joins_day, horizon)
    ranks = np.unique(plans.priority) if np.any(plans.priority) else np.zeros(1, dtype=np.int32)
    rank = np.searchsorted(ranks, plans.priority).astype(np.int32) if len(ranks) > 1 else np.zeros_like(plans.priority)
    inputs = (
        *map(as_columns, (plans.joins_day, plans.first)),
        *map(as_rows, (plans.client, plans.step)),
        *map(as_columns, (
            plans.course_days, plans.patience_days, rank, plans.ending, plans.inside_from, plans.well_after,
            plans.next_inside, plans.next_outside, plans.started_day, plans.returns_as, plans.return_after_days,
        )),
        as_rows(arrivals),
        as_columns(capacity.places.ravel()),
    )  # fmt: skip
    watched = int(daily is not None)
    everybody_leaves = bool(watched or np.any(plans.returns_as != NO_CLIENT))
    n_rows, room = ROWS_EXHAUSTED, max(m, 1)
    while n_rows == ROWS_EXHAUSTED:  # only clients who go in circles need more rows than there are plans
        table = tuple(as_columns(np.full(room, fill, dtype=dtype)) for fill, dtype in _TABLE)
        lists = tuple(map(as_columns, _lists(n, n_steps, len(ranks), horizon, room, everybody_leaves)))
        counts = tuple(
            as_columns(np.zeros(size, dtype=np.int64)) for size in (n_steps, horizon * n_steps, horizon * n_steps)
        )
        n_rows = the_loop(horizon, n_steps, len(ranks), watched, inputs, table, lists, counts)
        room *= 2
    if daily is not None:
        daily[:] = np.reshape(counts[1:], (2, horizon, n_steps))
    columns: list[NDArray[Any]] = [
        np.asarray(column[:n_rows], dtype=dtype) for column, (_, dtype) in zip(table, _TABLE, strict=True)
    ]
    del inputs, lists, counts, table  # what follows needs as much memory as they fill
    columns[:1] = [plans.client[columns[0]], plans.step[columns[0]]]
    return canonical(columns)


def _sort_by_arrival(joins_day: NDArray[np.int32], horizon: int) -> NDArray[np.int32]:
    """Rows of the clients who join a first list before the horizon, by the day of joining; within a day, in ascending order."""
    arrivals = np.flatnonzero((joins_day != NOT_YET) & (joins_day < horizon) & (horizon > 0)).astype(np.int32)
    day = joins_day[arrivals]
    if len(day) and int(day.max()) - int(day.min()) <= MOST_IN_16_BITS:  # which numpy sorts in one pass
        day = (day - day.min()).astype(np.uint16)
    return arrivals[np.argsort(day, kind="stable")]


def _as_unsigned(rows: NDArray[Any]) -> Columns:
    """Row numbers, none below 0, as numbers without a sign.

    With a sign, numba would check for each whether it is below 0, because -1 would mean the last row.
    """
    return np.ascontiguousarray(rows).view(np.dtype(f"u{rows.dtype.itemsize}"))


_TABLE: tuple[tuple[int, type], ...] = (
    (0, np.uint32), (0, np.int32), (NOT_YET, np.int32), (NOT_YET, np.int32), (NOT_YET_ENDED, np.int8),
)  # fmt: skip


def _lists(n: int, n_steps: int, n_ranks: int, horizon: int, room: int, everybody_leaves: bool) -> list[Any]:
    """Empty linked lists and counters, in the order in which `pass_the_days` unpacks them."""
    empty = [n_steps * n_ranks, n_steps * n_ranks, room, horizon, horizon, room if everybody_leaves else 0, horizon, n]
    lists = [np.full(size, NOBODY, dtype=np.int32) for size in empty]
    in_days = [np.zeros(size, dtype=np.int32) for size in (n, n, room)]
    return [*lists, *(np.zeros(n_steps, dtype=np.int64) for _ in range(2)), *in_days]


def pass_the_days(
    horizon: int,
    n_steps: int,
    n_ranks: int,
    watched: int,
    inputs: tuple[Columns, ...],
    table: tuple[Columns, ...],
    lists: tuple[Columns, ...],
    counts: tuple[Columns, ...],
) -> int:
    """Go through the days and write a row for each stay. Returns how many, or ROWS_EXHAUSTED if the table is too short.

    watched: 1 to count each day how many wait; every patience must then be in the calendar
    inputs: only read; table: the rows of stays, written here; counts: those by day, written here
    lists: linked lists and counters, empty at the start and of no use afterwards

    `entered` holds the day each client joined the first list, from which `inside_from` and `well_after` count.
    A row is on a waiting list or, once started, in the calendar of endings, never in both; so `next_row` serves for both.
    `joiners` holds the plans of those who join on one day, `gives_up` the day on which each row would leave its list, for
    patience or because the client is well, and the horizon if that is later.
    """
    (
        joins_day, first_plan, client, step, course_days, patience_days, rank, ending_of, inside_from, well_after,
        next_inside, next_outside, began_day, returns_as, return_after_days, arrivals, places,
    ) = inputs  # fmt: skip
    plan, joined, started, ended, ending = table
    (
        list_head, list_tail, next_row, ends_on, leaves_on, leaves_next, returns_on, returns_next,
        held, first_rank, joiners, entered, gives_up,
    ) = lists  # fmt: skip
    waiting, held_each_day, waiting_each_day = counts
    n_rows = 0
    next_arrival = 0
    for day in range(-1, horizon):  # day -1 stands for everything before opening (rule R0)
        n_joiners = 0
        if day >= 0:
            # R2: courses that end free their places, and the client goes on, or leaves and may return
            row = ends_on[day]
            while row >= 0:
                at = plan[row]
                who = client[at]
                held[step[at]] -= 1
                ended[row] = day
                ending[row] = ending_of[at]
                following = next_outside[at]
                if inside_from[at] <= day - entered[who]:
                    following = next_inside[at]
                if following >= 0:
                    joiners[n_joiners] = following
                    n_joiners += 1
                elif returns_as[who] >= 0 and day + return_after_days[who] < horizon:
                    back = day + return_after_days[who]
                    returns_next[returns_as[who]] = returns_on[back]
                    returns_on[back] = returns_as[who]
                row = next_row[row]
            # R2: those whose patience ends, or who are well again, leave
            row = leaves_on[day]
            while row >= 0:
                if started[row] == NOT_YET:
                    ended[row] = day
                    ending[row] = GAVE_UP
                    who = client[plan[row]]
                    waiting[step[plan[row]]] -= 1
                    if returns_as[who] >= 0 and day + return_after_days[who] < horizon:
                        back = day + return_after_days[who]
                        returns_next[returns_as[who]] = returns_on[back]
                        returns_on[back] = returns_as[who]
                row = leaves_next[row]
            # R2: clients who return join again
            who = returns_on[day]
            while who >= 0:
                entered[who] = day
                if first_plan[who] >= 0:
                    joiners[n_joiners] = first_plan[who]
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
            if first_plan[who] >= 0:
                joiners[n_joiners] = first_plan[who]
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
            if n_rows == len(plan):
                return ROWS_EXHAUSTED
            row = n_rows
            n_rows += 1
            at = today[k]
            who = client[at]
            where = step[at]
            plan[row] = at
            joined[row] = day if day >= 0 else joins_day[who]
            if day < 0 and began_day[who] != NOT_YET:  # R0: people held keep their places, even above capacity
                started[row] = began_day[who]
                held[where] += 1
                last = began_day[who] + course_days[at]
                if last < horizon:
                    next_row[row] = ends_on[last]
                    ends_on[last] = row
                continue
            waiting[where] += 1
            last = horizon if patience_days[at] == NEVER else joined[row] + patience_days[at]
            if well_after[at] != NEVER:  # whoever is well again leaves then, but not on the day of joining (R5)
                well = entered[who] + well_after[at]
                if well <= joined[row]:
                    well = joined[row] + 1
                if well < last:
                    last = well
            if last > horizon:  # a patience may go beyond 32 bits
                last = horizon
            gives_up[row] = last
            if (watched or returns_as[who] >= 0) and last < horizon:
                leaves_next[row] = leaves_on[last]
                leaves_on[last] = row
            queue = where * n_ranks + rank[at]
            if list_head[queue] == NOBODY:
                list_head[queue] = row
            else:
                next_row[list_tail[queue]] = row
            list_tail[queue] = row
            if rank[at] < first_rank[where]:
                first_rank[where] = rank[at]
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
                list_head[queue] = next_row[row]
                at = plan[row]
                if gives_up[row] <= day:
                    ended[row] = gives_up[row]  # gave up then, and is taken off the list now
                    ending[row] = GAVE_UP
                    continue
                started[row] = day
                waiting[where] -= 1
                held[where] += 1
                last = day + course_days[at]
                if last < horizon:
                    next_row[row] = ends_on[last]
                    ends_on[last] = row
            held_each_day[day * n_steps + where] = held[where]
            waiting_each_day[day * n_steps + where] = waiting[where]
    # Those still on a list who left it by the horizon; R7: all else stays NOT_YET
    for row in range(n_rows):
        if started[row] == NOT_YET and ended[row] == NOT_YET and gives_up[row] < horizon:
            ended[row] = gives_up[row]
            ending[row] = GAVE_UP
    return n_rows


pass_the_days_compiled = Compiled(pass_the_days)
