"""What an engine is told: how many places each step has on each day, and the plan of each client."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.support.columns import Codes, Days


@dataclass(frozen=True, slots=True)
class Capacity:
    """Places at each step on each day, and the names of the steps.

    places: (days, s) int32, open for starting: what an engine sees; 0 on days that are no working days (rule R6)
    staffed: (days, s) int32, for which there is staff, on days off too: what use is measured against. Appointments are
        staffed on working days only. None in tests that give an engine places without a service around them.
    in_post: (days, kinds of staff in the scenario's order) float64, whole-time equivalents, those on leave or sick
        included; a trainee counts as the share of a qualified one's work that a trainee does. None as for `staffed`.
    """

    places: NDArray[np.int32]
    steps: tuple[str, ...]
    staffed: NDArray[np.int32] | None = None
    in_post: NDArray[np.float64] | None = None

    @property
    def counted(self) -> NDArray[np.int32]:
        """The places that use is measured against, (days, s) int32: `staffed`, or `places` where that is None."""
        return self.places if self.staffed is None else self.staffed


NOT_YET = np.iinfo(np.int32).min  # a day that has not happened
NEVER = np.iinfo(np.int32).max  # a patience without end
NO_STEP = -1
NO_CLIENT = -1
NOT_YET_ENDED, GAVE_UP, ASSESSED, FINISHED, DROPPED_OUT = range(5)
ENDINGS = ("not_yet", "gave_up", "assessed", "finished", "dropped_out")
LONGEST_DAYS = 100_000


ROWS_OF_A_CLIENT = 1.5  # of plans, with room to spare: some 1.3 in the services that are shipped


@dataclass(frozen=True, slots=True)
class Courses:
    """What each client would receive at each step, drawn before the queue is run (n clients, s steps; whole numbers).

    joins_day: (n,) day of joining the first list; NOT_YET for a return whose day the engine finds
    first_step: (n,) index of the first step, NO_STEP if never joining
    course_days: (n, s) days a place is held, >= 1; patience_days: (n, s) >= 1, or NEVER
    priority: (n, s) lower starts first; ending: (n, s) index into ENDINGS when the course ends by itself
    inside_from: (n, s) days from joining the first list, from which on an ending is followed by `next_inside`; before
        by `next_outside`
    well_after: (n, s) days from joining the first list, from which on a client who waits for this step leaves, being well
        again, though not on the day of joining (rule R5); NEVER where that does not happen
    started_day: (n,) for a running start, the day (< 0) on which the first course began, else NOT_YET
    returns_as: (n,) row that this client returns as after leaving, or NO_CLIENT; return_after_days: (n,) >= 1
    """

    joins_day: Days
    first_step: Codes
    course_days: Days
    patience_days: Days
    priority: Days
    ending: Codes
    inside_from: Days
    well_after: Days
    next_inside: Codes
    next_outside: Codes
    started_day: Days
    returns_as: Days
    return_after_days: Days


@dataclass(frozen=True, slots=True)
class Plans:
    """Courses without the steps that a client can never come to: a row for each client and step, by client and then by step.

    joins_day, started_day, returns_as, return_after_days: (n,), as in Courses
    first: (n,) int32, row of the first step, NO_STEP if never joining
    client: (m,) int32; step: (m,) int8
    course_days, patience_days, priority, ending, inside_from, well_after: (m,), as in Courses
    next_inside, next_outside: (m,) int32, the row that follows, or NO_STEP
    """

    joins_day: Days
    started_day: Days
    returns_as: Days
    return_after_days: Days
    first: Days
    client: Days
    step: Codes
    course_days: Days
    patience_days: Days
    priority: Days
    ending: Codes
    inside_from: Days
    well_after: Days
    next_inside: Days
    next_outside: Days


def plans_of(courses: Courses) -> Plans:
    """These courses as `Plans`: one row for each step that each client can come to."""
    n, n_steps = courses.course_days.shape
    rows = np.flatnonzero(np.ascontiguousarray(_find_reachable(courses)))
    client = rows // max(n_steps, 1)
    step = rows - client * n_steps
    at = step * n + client  # where the cells of these steps lie in tables laid out column by column
    # The row of each client and step: a column for each step, and before them one for NO_STEP (-1), where nothing follows.
    row_of = np.full((1 + n_steps) * n, NO_STEP, dtype=np.int32)
    row_of[n + at] = np.arange(len(client), dtype=np.int32)

    def of(table: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(table.ravel(order="F").take(at))

    def row_at(who: NDArray[Any], there: Codes) -> Days:
        return np.asarray(row_of.take((there.astype(np.intp) + 1) * n + who))

    return Plans(
        joins_day=courses.joins_day,
        started_day=courses.started_day,
        returns_as=courses.returns_as,
        return_after_days=courses.return_after_days,
        first=row_at(np.arange(n), courses.first_step),
        client=client.astype(np.int32),
        step=step.astype(np.int8),
        course_days=of(courses.course_days),
        patience_days=of(courses.patience_days),
        priority=of(courses.priority),
        ending=of(courses.ending),
        inside_from=of(courses.inside_from),
        well_after=of(courses.well_after),
        next_inside=row_at(client, of(courses.next_inside)),
        next_outside=row_at(client, of(courses.next_outside)),
    )


def _find_reachable(courses: Courses) -> NDArray[np.bool_]:
    """Which steps each client can come to, (n, s) bool."""
    n, n_steps = courses.course_days.shape
    reached = np.zeros(n * n_steps, dtype=bool)  # step by step: tables lie column by column
    ways = [table.ravel(order="F") for table in (courses.next_inside, courses.next_outside)]

    def come(client: NDArray[np.intp], step: Codes) -> NDArray[np.intp]:
        goes = np.flatnonzero(step != NO_STEP)
        there = step[goes].astype(np.intp) * n + client[goes]
        new: NDArray[np.intp] = there[~reached[there]]
        reached[new] = True
        return new

    here = come(np.arange(n), courses.first_step)
    while len(here):
        client = here % n
        here = np.concatenate([come(client, way[here]) for way in ways])
    return reached.reshape(n, n_steps, order="F")


def plans_from(plans: Plans, clients: NDArray[np.intp], first: Days) -> Plans:
    """The plans of some clients from the step on at which they now are; earlier steps are left out.

    A client who is past the assessment has only the rows of courses left. Days stay as they are.
    clients: ascending rows, of whom none returns; first: (k,) the row of the step at which each is
    """
    reached = np.zeros(len(plans.client), dtype=bool)
    here = first[first != NO_STEP]
    while len(here):
        reached[here] = True
        following = np.concatenate([plans.next_inside[here], plans.next_outside[here]])
        following = following[following != NO_STEP]
        here = following[~reached[following]]
    rows = np.flatnonzero(reached)
    new_row = np.full(1 + len(reached), NO_STEP, dtype=np.int32)  # before those of all rows, that of NO_STEP (-1)
    new_row[1 + rows] = np.arange(len(rows), dtype=np.int32)
    new_client = np.empty(len(plans.joins_day), dtype=np.int32)
    new_client[clients] = np.arange(len(clients), dtype=np.int32)
    some = {f.name: getattr(plans, f.name)[rows] for f in fields(Plans) if f.name not in _OF_CLIENTS}
    return Plans(
        **{name: getattr(plans, name)[clients] for name in _OF_CLIENTS if name != "first"},
        **some
        | {
            "first": new_row[1 + first],
            "client": new_client[some["client"]],
            "next_inside": new_row[1 + some["next_inside"]],
            "next_outside": new_row[1 + some["next_outside"]],
        },
    )


def plans_of_stretch(plans: Plans, some: slice) -> Plans:
    """The plans of a stretch of clients, their rows counted anew from 0. Whoever comes back does so as a client of the stretch."""
    rows = slice(*np.searchsorted(plans.client, [some.start, some.stop]).tolist())
    columns = {f.name: getattr(plans, f.name)[some if f.name in _OF_CLIENTS else rows] for f in fields(Plans)}
    return _renumber(Plans(**columns), -some.start, -rows.start)


def _renumber(plans: Plans, clients: int, rows: int) -> Plans:
    """These plans with `clients` added to every row number of a client, and `rows` to every row number of a plan."""
    by = dict.fromkeys(("client", "returns_as"), clients) | dict.fromkeys(
        ("first", "next_inside", "next_outside"), rows
    )
    moved: dict[str, Any] = {name: _shift(getattr(plans, name), n) for name, n in by.items() if n}
    return replace(plans, **moved)


# Columns that have one value for each client; all others have one for each row.
_OF_CLIENTS = ("joins_day", "started_day", "returns_as", "return_after_days", "first")


class PlansInParts:
    """One table of plans, written part by part: say, the plans of 65,536 clients, then those of the next.

    Memory for all is taken at the start. Joining parts at the end would need room for ten million clients twice.
    Nobody comes back as a client of another part.
    """

    def __init__(self, n_clients: int) -> None:
        """n_clients: how many there will be. More may come, but then what has been written is copied to a larger table."""
        self.n_clients, self.n_rows = 0, 0
        self._columns: dict[str, NDArray[Any]] = {}
        self._expected = n_clients

    def add(self, part: Plans) -> None:
        """Write one more part after those before it."""
        part = _renumber(part, self.n_clients, self.n_rows)
        for f in fields(Plans):
            self._write(f.name, getattr(part, f.name))
        self.n_clients, self.n_rows = self.n_clients + len(part.joins_day), self.n_rows + len(part.client)

    def _write(self, name: str, column: NDArray[Any]) -> None:
        start, room = self.n_rows, int(self._expected * ROWS_OF_A_CLIENT)
        if name in _OF_CLIENTS:
            start, room = self.n_clients, self._expected
        end = start + len(column)
        if name not in self._columns:
            self._columns[name] = np.empty(room, dtype=column.dtype)
        if end > len(self._columns[name]):
            more = np.empty(end - start + start // 4, dtype=column.dtype)
            self._columns[name] = np.concatenate([self._columns[name][:start], more])
        self._columns[name][start:end] = column

    def combine(self) -> Plans:
        """All parts as one table. Can be called once: no copy is made, and nothing is kept here."""
        columns, self._columns = self._columns, {}
        return Plans(**{
            name: column[: self.n_clients if name in _OF_CLIENTS else self.n_rows] for name, column in columns.items()
        })  # fmt: skip


def _shift(rows: Days, by: int) -> Days:
    return rows + (rows >= 0) * np.int32(by)
