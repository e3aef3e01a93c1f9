"""What the queue needs to know of each client, in whole numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOT_YET = np.iinfo(np.int32).min  # a day that has not happened
NEVER = np.iinfo(np.int32).max  # a patience without end
NO_STEP = -1
NO_CLIENT = -1
NOT_YET_ENDED, GAVE_UP, ASSESSED, FINISHED, DROPPED_OUT = range(5)
ENDINGS = ("not_yet", "gave_up", "assessed", "finished", "dropped_out")
LONGEST_DAYS = 100_000

Days = NDArray[np.int32]
Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Courses:
    """What the engine needs to know of each client, in whole numbers (n clients, s steps).

    joins_day: (n,) day of joining the first list; NOT_YET for a return whose day the engine finds
    first_step: (n,) index of the first step, NO_STEP if never joining
    course_days: (n, s) days a place is held, >= 1; patience_days: (n, s) >= 1, or NEVER
    priority: (n, s) lower starts first; ending: (n, s) index into ENDINGS when the course ends by itself
    inside_from, inside_to: (n, s) days from joining the first list to ending, both inclusive, on which `next_inside`
        follows; else `next_outside`
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
    inside_to: Days
    next_inside: Codes
    next_outside: Codes
    started_day: Days
    returns_as: Days
    return_after_days: Days


def check_courses(courses: Courses) -> None:
    """Assert what engines rely on: rule R5, and in a running start nothing that ended before opening (rule R0)."""
    assert courses.course_days.min(initial=1) >= 1, "rule R5: a course lasts at least a day"
    assert courses.patience_days.min(initial=1) >= 1, "rule R5: a patience lasts at least a day"
    assert courses.return_after_days.min(initial=1) >= 1, "rule R5: a return takes at least a day"
    early = np.flatnonzero((courses.joins_day < 0) & (courses.joins_day != NOT_YET) & (courses.first_step >= 0))
    step, joined, began = courses.first_step[early], courses.joins_day[early], courses.started_day[early]
    ends = began.astype(np.int64) + courses.course_days[early, step]
    gives_up = joined.astype(np.int64) + courses.patience_days[early, step]
    held = began != NOT_YET
    assert np.all((began[held] >= joined[held]) & (began[held] < 0)), "rule R0: held since before opening"
    assert np.all(np.where(held, ends, gives_up) >= 0), "rule R0: whoever left before opening is not in the table"
