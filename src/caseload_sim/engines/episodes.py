"""The Episodes table: who waited and who held a place at which step on which days."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.engines.plans import ENDINGS, GAVE_UP, NO_CLIENT, NOT_YET, NOT_YET_ENDED, Capacity, Plans
from caseload_sim.support.columns import blocks_of, rows_of, slice_of


def check_plans(plans: Plans) -> None:
    """Assert what engines rely on: every duration is at least a day (R5), and nobody left before opening (R0)."""
    assert plans.course_days.min(initial=1) >= 1, "rule R5: a course lasts at least a day"
    assert plans.patience_days.min(initial=1) >= 1, "rule R5: a patience lasts at least a day"
    assert plans.return_after_days.min(initial=1) >= 1, "rule R5: a return takes at least a day"
    early = np.flatnonzero((plans.joins_day < 0) & (plans.joins_day != NOT_YET) & (plans.first >= 0))
    row, joined, began = plans.first[early], plans.joins_day[early], plans.started_day[early]
    ends = began.astype(np.int64) + plans.course_days[row]
    well = np.maximum(joined.astype(np.int64) + plans.well_after[row], joined + 1)
    gives_up = np.minimum(joined.astype(np.int64) + plans.patience_days[row], well)
    held = began != NOT_YET
    assert np.all((began[held] >= joined[held]) & (began[held] < 0)), "rule R0: held since before opening"
    assert np.all(np.where(held, ends, gives_up) >= 0), "rule R0: whoever left before opening is not in the table"


@dataclass(frozen=True, slots=True)
class Episodes:
    """One row for each stay of a client at a step, waiting included, by client and then by day of joining.

    client: (m,) int32, row of the client; step: (m,) int8
    joined_day, started_day, ended_day: (m,) int32, NOT_YET when it did not happen by the horizon
    ending: (m,) int8, index into ENDINGS
    """

    client: NDArray[np.int32]
    step: NDArray[np.int8]
    joined_day: NDArray[np.int32]
    started_day: NDArray[np.int32]
    ended_day: NDArray[np.int32]
    ending: NDArray[np.int8]


def canonical(columns: list[NDArray[Any]]) -> Episodes:
    """The Episodes table sorted by client and then by day of joining, so that tables of two engines can be compared.

    columns: those of Episodes in their order. The list is emptied on the way, so that only one column at a time is in
        memory twice.
    """
    client, joined = columns[0], columns[2]
    order = client.astype(np.int64)  # sorting numbers is faster than a stable argsort
    order <<= 32
    order |= np.arange(len(order), dtype=np.uint32)
    order.sort()
    order &= 0xFFFFFFFF
    if not all(_is_in_order_of_time(client, joined, order[b.start : b.stop + 1]) for b in blocks_of(len(order))):
        order = order[np.lexsort((joined[order], client[order]))]  # engines write rows in order of time
    del client, joined
    types: tuple[Any, ...] = (np.int32, np.int8, np.int32, np.int32, np.int32, np.int8)
    in_order: list[Any] = [columns.pop(0)[order].astype(dtype, copy=False) for dtype in types]
    return Episodes(*in_order)


def _is_in_order_of_time(client: NDArray[np.int32], joined: NDArray[np.int32], order: NDArray[np.int64]) -> bool:
    """Whether, in this order, the rows of each client go from the earliest day of joining to the latest."""
    client, joined = client[order], joined[order]
    return not np.any((client[1:] == client[:-1]) & (joined[1:] < joined[:-1]))


def first_difference(ours: Episodes, theirs: Episodes, steps: tuple[str, ...]) -> str | None:
    """The first row in which two Episodes tables differ, in words; None when they are identical."""
    names = [field.name for field in fields(Episodes)]
    shorter = min(len(ours.client), len(theirs.client))
    unequal = np.zeros(shorter, dtype=bool)
    for name in names:
        unequal |= getattr(ours, name)[:shorter] != getattr(theirs, name)[:shorter]
    for row in np.flatnonzero(unequal)[:1].tolist():
        cells = [(name, int(getattr(ours, name)[row]), int(getattr(theirs, name)[row])) for name in names]
        different = [
            f"{name} {_said(name, a, steps)} against {_said(name, b, steps)}" for name, a, b in cells if a != b
        ]
        step = _said("step", int(ours.step[row]), steps)
        return (
            f"row {row}, client {ours.client[row]} at {step}, joined day {ours.joined_day[row]}: {'; '.join(different)}"
        )
    if len(ours.client) != len(theirs.client):
        return f"{len(ours.client)} rows against {len(theirs.client)}; the others are equal"
    return None


def _said(name: str, value: int, steps: tuple[str, ...]) -> str:
    if name == "step":
        return steps[value]
    if name == "ending":
        return ENDINGS[value]
    return "not yet" if value == NOT_YET else str(value)


def occupancy(episodes: Episodes, n_steps: int, horizon_days: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Clients holding a place, and clients waiting, at each step at the end of each day, both (days, s) int32.

    Stays that were over before opening are in neither.
    """

    def daily(days: NDArray[Any], steps: NDArray[np.int8]) -> NDArray[np.int64]:
        flat = np.bincount(days.astype(np.int64) * n_steps + steps, minlength=(horizon_days + 1) * n_steps)
        return flat.reshape(horizon_days + 1, n_steps)

    held, waiting = (np.zeros((horizon_days + 1, n_steps), dtype=np.int64) for _ in range(2))
    for some in blocks_of(len(episodes.client)):
        stays = slice_of(episodes, some)
        stays = rows_of(
            stays, np.flatnonzero((stays.ended_day == NOT_YET) | (stays.ended_day >= 0))
        )  # over: not counted
        ever = stays.started_day != NOT_YET
        last = np.where(stays.ended_day == NOT_YET, horizon_days, stays.ended_day)
        started = np.maximum(stays.started_day, 0)
        held += daily(started[ever], stays.step[ever]) - daily(last[ever], stays.step[ever])
        waiting += daily(np.maximum(stays.joined_day, 0), stays.step) - daily(np.where(ever, started, last), stays.step)
    return held.cumsum(axis=0, dtype=np.int32)[:-1], waiting.cumsum(axis=0, dtype=np.int32)[:-1]


def joined_first(plans: Plans, episodes: Episodes, horizon_days: int) -> NDArray[np.int32]:
    """The day on which each client joined the first list, (n,) int32; NOT_YET for second referrals that did not come.

    Clients who join no list have the day on which they would have joined. For a second referral the day follows from the
    first: somebody who left on day 100 and comes back after 60 days joins on day 160.
    """
    joined = plans.joins_day.copy()
    left = np.where(plans.first < 0, np.where(joined == NOT_YET, NOT_YET, np.maximum(joined, 0)), NOT_YET)
    left[episodes.client] = episodes.ended_day  # rows are in order of time, so the last one stays
    parents = np.flatnonzero(plans.returns_as >= 0)
    while len(parents):
        children = plans.returns_as[parents]
        back = left[parents].astype(np.int64) + plans.return_after_days[parents]
        came = (left[parents] != NOT_YET) & (back < horizon_days) & (joined[children] == NOT_YET)
        joined[children[came]] = back[came]
        at_once = came & (plans.first[children] < 0)
        left[children[at_once]] = back[at_once]
        parents = children[came & (plans.returns_as[children] >= 0)]
    return joined


def check_invariants(
    episodes: Episodes, plans: Plans, capacity: Capacity
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Assert what must hold whatever the scenario: conservation, order of days, and rule R6. Returns the `occupancy`."""
    horizon, n_steps = capacity.places.shape
    joined, started, ended = episodes.joined_day, episodes.started_day, episodes.ended_day
    did_start, did_end = started != NOT_YET, ended != NOT_YET
    assert np.all(joined < horizon), "joined after the horizon"
    assert np.all(started[did_start] >= joined[did_start]), "started before joining"
    assert np.all(ended[did_end] < horizon), "ended after the horizon"
    both = did_start & did_end
    assert np.all(ended[both] > started[both]), "rule R5: a course lasts at least a day"
    gave_up = episodes.ending == GAVE_UP
    assert np.all(ended[gave_up] > joined[gave_up]), "rule R5: a patience lasts at least a day"
    assert not np.any(gave_up & did_start), "gave up after starting"
    assert np.all((episodes.ending == NOT_YET_ENDED) == ~did_end), "an ending without a day, or a day without an ending"
    # Everybody who was to join is accounted for once as a first stay, and one stay follows another.
    expected = np.flatnonzero((plans.first >= 0) & (plans.joins_day != NOT_YET) & (plans.joins_day < horizon))
    first = np.concatenate([[True], episodes.client[1:] != episodes.client[:-1]]) if len(joined) else np.empty(0, bool)
    seen = np.zeros(len(plans.joins_day), dtype=bool)
    seen[episodes.client] = True
    assert np.all(seen[expected]), "a client was lost"
    follows = ~first
    assert np.all(joined[follows] == ended[np.flatnonzero(follows) - 1]), "a stay that does not follow the one before"
    held, waiting = occupancy(episodes, n_steps, horizon)
    begins = np.zeros(held.shape, dtype=bool)
    fresh = did_start & (started >= 0)
    begins[started[fresh], episodes.step[fresh]] = True
    assert np.all(~begins | (held <= capacity.places)), "rule R6: somebody started while held >= open"
    return held, waiting


def stays_of(episodes: Episodes, rows: NDArray[np.intp]) -> Episodes:
    """The stays of the clients in these ascending rows, their rows counted anew from 0."""
    if len(rows) == 0:
        return slice_of(episodes, slice(0, 0))
    first, after = np.searchsorted(episodes.client, [rows[0], rows[-1] + 1])
    stays = slice_of(episodes, slice(int(first), int(after)))
    new_row = np.full(int(rows[-1] - rows[0]) + 1, NO_CLIENT, dtype=np.int32)
    new_row[rows - rows[0]] = np.arange(len(rows), dtype=np.int32)
    client = new_row[stays.client - rows[0]]
    kept = np.flatnonzero(client != NO_CLIENT)
    return replace(rows_of(stays, kept), client=client[kept])
