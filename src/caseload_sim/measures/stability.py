"""Whether a service stands still: its lists are steady, or they are not, or too few runs were made to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from caseload_sim.definitions.quantities import words
from caseload_sim.measures.rows import Row

LITTLE = 1.0  # clients a week: a list that changes by less is steady
MOST_RUNS = 1_000


@dataclass(frozen=True, slots=True)
class Stability:
    """One of three answers: steady where both lists are empty, not steady, or that it cannot be told.

    moving: for each step whose list moves beyond chance, by how many clients a week
    unclear: steps of which it cannot be told; runs: that were made; enough: about how many would tell
    """

    moving: dict[str, float]
    unclear: tuple[str, ...]
    runs: int
    enough: int

    @property
    def answer(self) -> str:
        """steady, not steady, or cannot tell."""
        return "not steady" if self.moving else "cannot tell" if self.unclear else "steady"

    def in_short(self) -> str:
        """The answer in one line, without the names of lists of which it cannot be told."""
        if self.answer != "cannot tell":
            return self.in_words()
        return f"Whether lists grow, {_runs(self.runs)} cannot tell; {self._would_tell()}."

    def in_words(self) -> str:
        """The answer in a sentence, with the lists that it is about."""
        if self.answer == "steady":
            return f"Lists are steady: none grows or falls by {LITTLE:.0f} client a week or more."
        if self.answer == "not steady":
            said = (f"{step} {'grows' if by > 0 else 'falls'} by {abs(by):.0f}" for step, by in self.moving.items())
            return f"Lists are not steady: {', '.join(said)} clients a week."
        lists = ", ".join(self.unclear)
        return (
            f"Whether lists grow, {_runs(self.runs)} cannot tell ({lists}); {self._would_tell()}, with --replications."
        )

    def _would_tell(self) -> str:
        if self.enough > MOST_RUNS:
            return f"it would take more than {MOST_RUNS:,}"
        return f"about {self.enough:,} would"


def stability_of(growth: Sequence[Row]) -> Stability:
    """The answer by the rows of `waiting_list_growth`, one for each step, with their 95% intervals over runs."""
    runs = min((row.n_replications for row in growth), default=0)
    moving = {_step(row): row.value for row in growth if _moves(row)}
    unclear = [row for row in growth if not _stands(row) and not _moves(row)]
    enough = max(map(runs_to_tell, unclear), default=runs)
    return Stability(moving, tuple(map(_step, unclear)), runs, enough)


def runs_to_tell(row: Row) -> int:
    """About how many runs would tell whether this list is steady, in tens; more than `MOST_RUNS` where it is beyond that.

    As many as it takes for the interval, which narrows with the root of their number, to leave out 0 where the list
    seems to move, and else a change of `LITTLE`. With one run, which has no interval, ten are to be tried.
    """
    half = (row.upper_95_ci - row.lower_95_ci) / 2
    if np.isnan(half):
        return 10
    room = abs(row.value) if abs(row.value) >= LITTLE else LITTLE - abs(row.value)
    if row.n_replications * half**2 > MOST_RUNS * room**2:
        return MOST_RUNS + 1
    return 10 * ceil(max(row.n_replications * (half / room) ** 2, row.n_replications + 1) / 10)


def _moves(row: Row) -> bool:
    return abs(row.value) >= LITTLE and (row.lower_95_ci > 0 or row.upper_95_ci < 0)


def _stands(row: Row) -> bool:
    """Whether the interval leaves out every change worth naming; or there is no list at all, whose growth is not a number."""
    return bool(np.isnan(row.value) or (row.lower_95_ci > -LITTLE and row.upper_95_ci < LITTLE))


def _step(row: Row) -> str:
    return words(row.group.removeprefix("step="))


def _runs(n: int) -> str:
    return f"{n} run{'s' * (n != 1)}"
