"""What a picture is of, and how it was made. Loads neither matplotlib nor what simulates."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from caseload_sim.definitions.labels import in_words
from caseload_sim.support.row_table import RowTable

if TYPE_CHECKING:
    from caseload_sim.scenario.scenario import Scenario

_A_YEAR = range(360, 372)  # days
_LETTERS_OF_A_DIGEST = 6
_MOST_NAMED = 3
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Made:
    """What a picture is of, and how it was made. Whatever is not known is empty, and is not said.

    of: the scenario in words; opens, period: its first day, and the days of data collection counted from it
    n_runs: how many times the period was simulated; digest: of the tables, a few letters
    """

    of: str = ""
    opens: date | None = None
    period: tuple[int, int] | None = None
    n_runs: int = 0
    seed: int | None = None
    digest: str = ""

    @property
    def subtitle(self) -> str:
        """Scenario, year and number of runs, as "England 2024-25, April 2024 to March 2025; 5 simulated years"."""
        when = in_months(self.opens, self.period) if self.opens and self.period else ""
        return "; ".join(
            filter(None, (", ".join(filter(None, (self.of, when))), runs_in_words(self.n_runs, self.period)))
        )

    @property
    def foot(self) -> str:
        """Version, seed and digest."""
        seed = "" if self.seed is None else f"seed {self.seed}"
        return " \u00b7 ".join(filter(None, (f"caseload-sim {version('caseload-sim')}", seed, self.digest)))


def made_of(scenario: "Scenario", n_runs: int, tables: Any = None) -> Made:
    """What a picture of one scenario is of. tables: digests of its tables, or whatever else is plain and says which it is."""
    run = scenario.run
    return Made(scenario.title, run.opens, run.period, n_runs, run.seed, digest_of(tables) if tables else "")


def made_of_run(scenario: "Scenario", digests: Sequence[Mapping[str, str]]) -> Made:
    """How a run was made, by the digests of the tables of each of its replications."""
    return made_of(scenario, len(digests), list(digests))


def made_of_comparison(scenario: "Scenario", digests: Mapping[str, Sequence[Mapping[str, str]]]) -> Made:
    """How a comparison was made: with which seed, and over which days; its scenarios are named by its rows.

    scenario: that with which others are compared
    """
    plain = {name: list(each) for name, each in digests.items()}
    return replace(made_of(scenario, max(map(len, plain.values()), default=0), plain), of="")


def made_of_table(scenario: "Scenario", *tables: Sequence[Any], of: str | None = None) -> Made:
    """How tables of a command were made that says the number of replications in its rows, if it has any.

    of: what they are of, where it is not simply the scenario
    """
    made = made_of(scenario, 0, tuple(list(table) for table in tables))
    return made if of is None else replace(made, of=of)


def made_of_rows(rows: Sequence[Any]) -> Made:
    """What rows say of it: their scenarios and their replications."""
    names = dict.fromkeys(_column(rows, "scenario"))
    counts = list(_column(rows, "n_replications")) or list(_column(rows, "n_draws"))
    some = [in_words(name) for name in names][:_MOST_NAMED]
    more = [f"{len(names) - len(some)} more"] if len(names) > len(some) else []
    return Made(of=", ".join([*some, *more]), n_runs=max(counts, default=0))


def digest_of(tables: Any) -> str:
    """A few letters that are others when a table is another, and the same when it was saved and read back.

    tables: plain, such as digests by name; or a tuple of tables, each a list of dataclasses
    """
    if isinstance(tables, tuple):
        tables = [[[_as_saved(getattr(row, field.name)) for field in fields(row)] for row in table] for table in tables]
    return sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()[:_LETTERS_OF_A_DIGEST]


def _as_saved(value: Any) -> str:
    """A value with as many digits as files have."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def runs_in_words(n: int, period: tuple[int, int] | None = None) -> str:
    """How many times a year, or another period, was simulated; empty where it is not known.

    >>> runs_in_words(5), runs_in_words(1), runs_in_words(2, (60, 120))
    ('5 simulated years', 'one simulated year', '2 simulated periods of 60 days')
    """
    if not n:
        return ""
    days = period[1] - period[0] if period else _A_YEAR[0]
    what = "year" if days in _A_YEAR else "period"
    of_days = "" if days in _A_YEAR else f" of {days:,} day{'s' * (days != 1)}"
    return f"{'one' if n == 1 else f'{n:,}'} simulated {what}{'s' * (n != 1)}{of_days}"


def in_months(opens: date, period: tuple[int, int]) -> str:
    """The days of data collection, by their months.

    >>> in_months(date(2023, 4, 2), (365, 730))
    'April 2024 to March 2025'
    """
    with suppress(ValueError, OverflowError):
        first, last = (date.fromordinal(opens.toordinal() + day) for day in (period[0], max(period[1] - 1, period[0])))
        said = [f"{day:%B} {day.year}" for day in (first, last)]
        return " to ".join(dict.fromkeys(said))
    return ""


def _column(rows: Sequence[Any], name: str) -> Iterator[Any]:
    if isinstance(rows, RowTable):  # which would make all its rows to give one
        with suppress(ValueError, KeyError, AttributeError):
            yield from rows.column(name)
        return
    for row in rows:
        if hasattr(row, name):
            yield getattr(row, name)


def date_in_words(day: date) -> str:
    """A date, as "2 Apr 2023"."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def month_label(month: int) -> str:
    """A month by its number from January 1970 on, as "1970-01"."""
    return f"{1970 + month // 12}-{month % 12 + 1:02d}"
