"""The answer of a run in few lines: who comes, who gets well and who says so, how long they wait, what it costs.

Everything is read from the rows of the run; what prints, shows or writes a short answer has it from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np

from caseload_sim.definitions.published import EIGHTEEN_WEEKS, ENGLAND, SIX_WEEKS
from caseload_sim.definitions.quantities import LADDER, Quantity
from caseload_sim.definitions.times import DAYS_PER_YEAR
from caseload_sim.errors import RunError
from caseload_sim.measures.rows import Row, row_of
from caseload_sim.measures.stability import stability_of
from caseload_sim.scenario.catalogue import list_scenarios
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.text_columns import in_columns, shortened

# Each rung as its line begins. Those set in continue the line above.
_LABELS = (
    "Recovered by the service's questionnaires (model)",
    "Main disorder gone, by interview",
    "All disorders gone, by interview",
    "All clearly gone, by interview",
)
OF_FINISHERS = dict(zip((*_LABELS, "  of all who were seen", "  and no relapse within a year"), LADDER, strict=True))
# Where nobody finishes, as without any service, the same of all referred.
OF_REFERRED = {label: rung._replace(base="referred") for label, rung in OF_FINISHERS.items() if label in _LABELS}
OF_REFERRED["  and no relapse within a year"] = LADDER[-1]._replace(base="referred")
WIDTH = 80
_LABEL, _WITH, _WITHOUT, _COULD_BE = 50, 8, 10, 11  # columns


@dataclass(frozen=True, slots=True)
class Rung:
    """One definition of getting well: shares with the service and of the same clients untreated, NaN where there is none.

    could_be_low, could_be_high: by other structures of the outcome model; see `Row`
    """

    label: str
    quantity: Quantity
    with_service: float
    untreated: float
    could_be_low: float
    could_be_high: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How a service stands to a national standard: its share, and that of the standard."""

    label: str
    share: float
    standard: float

    @property
    def is_missed(self) -> bool:
        """Whether less than the standard asks for; False where nobody was seen."""
        return self.share < self.standard


@dataclass(frozen=True, slots=True)
class Headline:
    """What is answered first. Numbers of people are of a year; shares lie between 0 and 1.

    is_own: of a scenario that is not shipped, or says how its service stands today: lists and standards come first
    published: sentences about published figures of the first rung
    helped_by_questionnaire, helped_by_interview: people beyond no service, see the measures `helped_to_...`
    chance: half the 95% interval of the first rung, in points of 100; days_to_second_contact: median
    """

    scenario: str
    title: str
    is_own: bool
    n_runs: int
    referred: float
    seen: float
    finished: float
    lists: str
    rungs: tuple[Rung, ...]
    published: tuple[str, ...]
    helped_by_questionnaire: float
    helped_by_interview: float
    standards: tuple[Standing, ...]
    days_to_second_contact: float
    gbp_per_referral: float
    chance: float

    def lines(self) -> list[str]:
        """At most 16 lines of at most 80 columns, unless lists have more to say than a line."""
        waits = [self._of_waits(), self._of_days_and_cost()]
        first, second = (waits, []) if self.is_own else ([], waits)
        people = [self._of_people(), *wrap(self.lists, WIDTH)]
        return [self._heading(), *people, *first, *self._ladder(), self._of_help(), *second, self._note()]

    def _heading(self) -> str:
        room = WIDTH - len(self.title) - len(self.scenario)
        return self.title + " " * room + self.scenario if room >= 2 else shortened(self.title, WIDTH)

    def _of_people(self) -> str:
        return f"{self.referred:,.0f} are referred in a year, {self.seen:,.0f} are seen, {self.finished:,.0f} finish."

    def _ladder(self) -> list[str]:
        whom = "Of those who finish:" if self.finished else "Of all referred, as nobody finishes:"
        lines = [_cells("", "with the", "un-", "could"), _cells(whom, "service", "treated", "be*")]
        for rung in self.rungs:
            low, high = (_points(share) for share in (rung.could_be_low, rung.could_be_high))
            could_be = "-" if np.isnan(rung.could_be_low) else f"{low}-{high}%"
            lines.append(_cells(rung.label, percent(rung.with_service), percent(rung.untreated), could_be))
            if rung is self.rungs[0]:
                lines += [f"  {said}" for said in self.published]
        return lines

    def _of_help(self) -> str:
        recover, lose = (
            "-" if np.isnan(number) else f"{number:,.0f}"
            for number in (self.helped_by_questionnaire, self.helped_by_interview)
        )
        return f"A year, beyond no service: {recover} recover, {lose} lose their main disorder."

    def _of_waits(self) -> str:
        if not self.seen:
            return "Nobody has a first contact."
        said = []
        for one, word in zip(self.standards, ("standard ", ""), strict=True):
            verdict = "MISSED: " if one.is_missed else word
            said.append(f"{one.label} {percent(one.share)} ({verdict}{percent(one.standard)})")
        return f"First contact {', '.join(said)}."

    def _of_days_and_cost(self) -> str:
        wait = self.days_to_second_contact
        second = (
            ""
            if np.isnan(wait)
            else f"Half wait {wait:.0f} day{'s' * (round(wait) != 1)} or less from first to second contact. "
        )
        return f"{second}GBP {self.gbp_per_referral:,.0f} a referral."

    def _note(self) -> str:
        if np.isnan(self.rungs[0].could_be_low):
            return "* not known here: `caseload-sim uncertainty` asks how sure this is."
        chance = "" if np.isnan(self.chance) else f"; chance alone: {self.chance:.1f} points either way"
        return f"* other outcome models that fit as well{chance}."


def headline(scenario: Scenario, rows: Sequence[Row]) -> Headline:
    """The answer of a run; rows: every measure, summarised, as `Results.rows`."""

    def value(measure: str, base: str, at: str = "", service: str = "", group: str = "all") -> float:
        found = _found(rows, Quantity(measure, base, at, service, group))
        return found.value if found else np.nan

    per_year = DAYS_PER_YEAR / scenario.run.data_collection_days
    first = _found(rows, LADDER[0])
    within = {"within 6 weeks": SIX_WEEKS, "within 18 weeks": EIGHTEEN_WEEKS}
    seen = _found(rows, SIX_WEEKS.quantity)
    finished = value("finished_course_treatment", "all")
    ladder = OF_FINISHERS if finished else OF_REFERRED
    growth = [row for row in rows if row.measure == "waiting_list_growth"]
    return Headline(
        scenario=scenario.name,
        title=scenario.title,
        is_own=bool(scenario.start.stated()) or scenario.name not in list_scenarios(),
        n_runs=scenario.run.replications,
        referred=per_year * value("referrals_received", "all"),
        seen=per_year * float(np.nan_to_num(seen.denominator if seen else 0)),
        finished=per_year * finished,
        lists=stability_of(growth).in_short(),
        rungs=tuple(_rung(rows, label, rung) for label, rung in ladder.items()),
        published=_published(scenario),
        helped_by_questionnaire=value("helped_to_recovery", "referred", "end"),
        helped_by_interview=value("helped_to_remission", "referred", "end"),
        standards=tuple(Standing(label, _share(rows, one.quantity), one.share) for label, one in within.items()),
        days_to_second_contact=value("second_contact_days_median", "finished"),
        gbp_per_referral=value("cost_per_referral", "referred"),
        chance=50 * (first.upper_95_ci - first.lower_95_ci) if first else np.nan,
    )


def _found(rows: Sequence[Row], quantity: Quantity | None) -> Row | None:
    """The row of a figure; None where this scenario has no such row."""
    try:
        return row_of(rows, quantity) if quantity else None
    except RunError:
        return None


def _rung(rows: Sequence[Row], label: str, rung: Quantity) -> Rung:
    ours, theirs = (_found(rows, rung._replace(service=service)) for service in ("service", "none"))
    if ours is None or theirs is None:
        return Rung(label, rung, *[np.nan] * 4)
    return Rung(label, rung, ours.value, theirs.value, ours.could_be_low, ours.could_be_high)


def _share(rows: Sequence[Row], quantity: Quantity | None) -> float:
    found = _found(rows, quantity)
    return found.value if found else np.nan


def _published(scenario: Scenario) -> tuple[str, ...]:
    """What this service publishes, where its file says so, and what England does."""
    own = scenario.official.get("recovery")
    england = f"{ENGLAND.found_by}: {100 * ENGLAND.value:.1f}% published"
    if own is None or own.value == ENGLAND.value:
        return (england,)
    return (f"this service: {100 * own.value:.1f}% published; {england}",)


def _cells(label: str, with_service: str, untreated: str, could_be: str) -> str:
    return in_columns((label, -_LABEL), (with_service, _WITH), (untreated, _WITHOUT), (could_be, _COULD_BE))


def _points(share: float) -> str:
    return f"{100 * share:.0f}"


def percent(share: float) -> str:
    """As 44%; a dash where there is none."""
    return "-" if np.isnan(share) else f"{_points(share)}%"
