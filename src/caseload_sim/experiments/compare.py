"""Scenarios side by side on the same clients: what each measure is in each, and how far it lies from the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from caseload_sim.definitions.measures import MIDDLE, check_measures
from caseload_sim.definitions.quantities import HELPED, LADDER_TO_REFERRED, Quantity
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.experiments.in_short import as_html
from caseload_sim.experiments.replicate import Results, Summary, moved_apart, replicate_each
from caseload_sim.experiments.rounds import Request
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.trial import TrialRow, trial_rows
from caseload_sim.measures.arrow import Tabular
from caseload_sim.measures.rows import Row, quantity_of
from caseload_sim.measures.summary import lowest_and_highest, rows_that_are
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Columns, by_name
from caseload_sim.support.statistics import half_widths, mean_of, middle, variance_of

_ROUNDING = 1e-24  # relative variance of values that differ in the last digit or not at all
_TITLES = ("name", "title", "summary", "look_at", "sources")
_DAYS = {"warm_up_days": "warm-up", "data_collection_days": "data collection", "follow_up_days": "follow-up"}
# What is shown first: what goes before the ladder, then the ladder.
HEADLINES = (
    *HELPED,  # people first: shares alone mislead
    Quantity("finished_course_treatment", "all", group="all"),
    Quantity("ended_before_treatment", "all", group="all"),
    Quantity("first_contact_days_mean", "started", group="all"),
    Quantity("second_contact_days_mean", "finished", group="all"),
    *LADDER_TO_REFERRED,
)


@dataclass(frozen=True, slots=True)
class ComparisonRow(Row):
    """One figure of one scenario, and how far it lies from the same figure of another: the columns of `Row`, then seven.

    versus: the scenario compared with; empty in that scenario's own rows, whose differences are NaN
    difference: mean over replications of this scenario's value less the other's, in the unit of the row; of waits and lists the
        middle one
    difference_lower_95_ci, difference_upper_95_ci: paired t interval of it over replications, or interval of the middle
    difference_could_be_low, difference_could_be_high: its lowest and highest by other structures of the outcome model, each
        of which reads both scenarios; see `could_be_low` of `Row`
    variance_removed: 1 - variance of the paired difference / (sum of the two variances): what common draws save
        against two runs with different ones; 0.9 means a tenth of the replications for the same interval, below 0 that
        pairing does harm. NaN with fewer than two replications in which both have a value, and where neither varies.
    """

    versus: str
    difference: float
    difference_lower_95_ci: float
    difference_upper_95_ci: float
    difference_could_be_low: float
    difference_could_be_high: float
    variance_removed: float


@dataclass(frozen=True, slots=True)
class Compared(Tabular):
    """Several scenarios run on common random numbers.

    versus: name of the scenario that the others are compared with
    results: each scenario's own, in the order asked for; rows: all of them, scenario by scenario
    notes: in words, what makes some differences mean less
    own_start: each opened with its own lists; otherwise, where `start_of` allows it, with those of `versus`
    trial: the same scenarios compared on different people, each person in one arm by lot; empty unless asked for
    """

    row_type, table = ComparisonRow, "differences"
    versus: str
    results: tuple[Results, ...]
    rows: tuple[ComparisonRow, ...]
    notes: tuple[str, ...]
    own_start: bool
    trial: tuple[TrialRow, ...] = ()

    def __repr__(self) -> str:
        """A line, and the ladder of each scenario: all that is in it would be millions of characters."""
        about = f"{len(self.results)} scenarios compared with {self.versus}: .rows, .results, .to_arrow(), .to_pandas()"
        return "\n\n".join([about, *map(repr, self.results)])

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return "\n".join(map(as_html, self.results))


def compare(
    scenarios: Sequence[Scenario] | Mapping[str, Scenario],
    *,
    versus: str | None = None,
    seed: int | None = None,
    replications: int | None = None,
    own_start: bool = False,
    by_lot: bool = False,
    **how: Unpack[RunKeywords],
) -> Compared:
    """Run two scenarios or more on common random numbers, and compare each with the first, or with `versus`.

    The same client has the same draws whatever the scenario, so a difference is of scenarios and not of luck. The people who
    are there at opening are those of the scenario compared with, with their plans, where both describe people by the same
    steps, conditions and other labels. `notes` say where that cannot be kept.

    scenarios: of different names; or name -> scenario, which gives them these names: {"now": a, "with more staff": b}
    seed, replications: the same for all; those of the scenario compared with if None
    own_start: each opens with the lists and caseloads that it would have in the long run, instead of those of `versus`
    by_lot: also compare them as a trial would: each person is counted in one arm only, by the toss of a coin, so that the
        arms are of different people and the interval is wider (see `experiments/trial.py`)
    how: the keywords of `RunOptions`, see `replicate`; progress: called with (done, of) after each of each scenario

    Raises RunError for fewer than two, for a name that comes twice, and for an unknown `versus`.
    """
    chosen = _named(scenarios)
    requests = requests_for(chosen, versus, seed=seed, replications=replications, own_start=own_start)
    results = tuple(replicate_each(requests, RunOptions(**how)))
    reference = next(one for one in results if one.scenario.name == (versus or chosen[0].name))
    others = [one.scenario for one in results if one is not reference]
    notes = [note for other in others for note in _notes(reference.scenario, other, own_start=own_start)]
    rows, trial = tuple(differences(results, reference)), trial_rows(results, reference) if by_lot else ()
    return Compared(reference.scenario.name, results, rows, tuple(notes), own_start, trial)


def requests_for(
    chosen: Sequence[Scenario],
    versus: str | None = None,
    *,
    seed: int | None = None,
    replications: int | None = None,
    own_start: bool = False,
) -> list[Request]:
    """What must be run to compare scenarios; see `compare` for the arguments, and for what it raises."""
    check_names(chosen)
    names = [scenario.name for scenario in chosen]
    reference_name = names[0] if versus is None else versus
    if reference_name not in names:
        raise RunError(f"versus {reference_name}: not among those compared. {did_you_mean(reference_name, names)}")
    reference = chosen[names.index(reference_name)]
    seed = reference.run.seed if seed is None else seed
    n = reference.run.replications if replications is None else replications
    return [
        Request(with_run(scenario, seed, n), None if own_start else start_of(scenario, reference))
        for scenario in chosen
    ]


def differences(results: Sequence[Summary], reference: Summary) -> list[ComparisonRow]:
    """Every row of every scenario, scenario by scenario, with how far it lies from the reference's."""
    return [row for one in results for row in _rows(one, reference)]


def start_of(scenario: Scenario, reference: Scenario) -> Scenario | None:
    """The scenario whose people are there at opening: the reference's, or None where each must have its own.

    None where one of them opens empty, or where people of the one do not fit the tables of the other.
    """
    shared = scenario.start.running and reference.start.running and not _unlike(scenario, reference)
    return reference if shared else None


def _unlike(scenario: Scenario, reference: Scenario) -> list[str]:
    """In what the people of two scenarios are described by other columns or labels, in words."""
    pairs = zip(_described_by(scenario).items(), _described_by(reference).values(), strict=True)
    return [words for (words, ours), theirs in pairs if ours != theirs]


def _described_by(scenario: Scenario) -> dict[str, Any]:
    population, pathway = scenario.population, scenario.pathway
    return {
        "steps": scenario.steps,
        "conditions that occur": [(name, population.prevalence[name].group) for name in population.conditions()],
        "strata": {kind: tuple(strata) for kind, strata in population.strata.items()},
        "modalities": tuple(pathway.modalities),
        "conditions that can be disclosed": tuple(pathway.routing.disclosure),
        "numbers of providers": scenario.providers.how_many if scenario.providers else 1,
    }


def shown(rows: Sequence[ComparisonRow], measures: Sequence[str] = ()) -> tuple[ComparisonRow, ...]:
    """The rows that a table or a figure shows: the headlines, or every reading of `measures`, over all clients.

    A measure that has no row over all clients, such as a wait for each step, is shown for each group it has.
    With `measures`, `service` is "service" and "difference": with the service, and what it adds for the same clients.

    Raises RunError for an unknown measure.
    """
    check_measures(measures)
    if not measures:
        wanted = {headline: k for k, headline in enumerate(HEADLINES)}
        found = [row for row in rows if quantity_of(row) in wanted]
        return tuple(sorted(found, key=lambda row: wanted[quantity_of(row)]))
    of_all = {row.measure for row in rows if row.group == "all"}
    found = [
        row
        for row in rows
        if row.measure in measures and row.service != "none" and (row.group == "all" or row.measure not in of_all)
    ]
    order = {quantity: k for k, quantity in enumerate(dict.fromkeys(map(quantity_of, found)))}
    return tuple(sorted(found, key=lambda row: (measures.index(row.measure), order[quantity_of(row)])))


def _named(scenarios: Sequence[Scenario] | Mapping[str, Scenario]) -> list[Scenario]:
    """The scenarios under the names they are compared by."""
    if isinstance(scenarios, Mapping):
        chosen = [scenario.model_copy(update={"name": name}) for name, scenario in scenarios.items()]
    else:
        chosen = list(scenarios)
    return chosen


def check_names(chosen: Sequence[Scenario]) -> None:
    """Raises RunError for fewer than two scenarios, and for two of one name."""
    if len(chosen) < 2:
        raise RunError(f"a comparison needs two scenarios or more; here {'is one' if chosen else 'are none'}.")
    for k, scenario in enumerate(chosen):
        twins = [other for other in chosen[:k] if other.name == scenario.name]
        if twins and twins[0] == scenario:
            raise RunError(f"{scenario.name}: given twice. Compare it with another scenario, or with a changed copy.")
        if twins:
            raise RunError(
                f"{scenario.name}: two scenarios have this name. Rename one file, or in Python give each a name, as in "
                'compare({"now": a, "changed": b}).'
            )


def _rows(one: Summary, reference: Summary) -> list[ComparisonRow]:
    """One scenario's rows with their distance from the reference's; groups that the reference lacks have none."""
    if one is reference:
        return [ComparisonRow(**by_name(row), **_difference("", *[np.nan] * 6)) for row in one.rows]
    column = {quantity_of(row): i for i, row in enumerate(reference.rows)}
    both = [(i, column[quantity_of(row)]) for i, row in enumerate(one.rows) if quantity_of(row) in column]
    ours, at = np.array(both, dtype=np.intp).reshape(-1, 2).T
    theirs = np.full_like(one.values, np.nan)
    theirs[:, ours] = reference.values[:, at]
    difference, half, removed = paired(one.values, theirs)
    lower, upper = difference - half, difference + half
    medians = rows_that_are(MIDDLE, [quantity_of(row) for row in one.rows])
    difference[medians], lower[medians], upper[medians] = middle((one.values - theirs)[:, medians])
    low, high = np.full((2, len(difference)), np.nan)
    low[ours], high[ours] = lowest_and_highest(moved_apart(one, reference, ours.tolist(), at.tolist()), len(both))
    low, high = difference + low, difference + high
    return [
        ComparisonRow(
            **by_name(row),
            **_difference(reference.scenario.name, difference[i], lower[i], upper[i], low[i], high[i], removed[i]),
        )
        for i, row in enumerate(one.rows)
    ]


def _difference(
    versus: str, difference: float, low: float, high: float, could_be_low: float, could_be_high: float, removed: float
) -> dict[str, Any]:
    return {
        "versus": versus,
        "difference": float(difference),
        "difference_lower_95_ci": float(low),
        "difference_upper_95_ci": float(high),
        "difference_could_be_low": float(could_be_low),
        "difference_could_be_high": float(could_be_high),
        "variance_removed": float(removed),
    }


def paired(ours: Columns, theirs: Columns) -> tuple[Columns, Columns, Columns]:
    """Mean difference, half-width of its 95% t interval, and share of variance that pairing removed.

    ours, theirs: (replications, rows); a replication counts in a row where both have a value
    Returns three (rows,) float64; see `ComparisonRow` for where they are NaN.
    """
    difference = ours - theirs
    both = ~np.isnan(difference)
    half, _ = half_widths(difference)
    apart = variance_of(np.where(both, ours, np.nan)) + variance_of(np.where(both, theirs, np.nan))
    varies = apart > _ROUNDING * (mean_of(ours) ** 2 + mean_of(theirs) ** 2)
    removed = np.where(varies, 1 - variance_of(difference) / np.where(varies, apart, 1), np.nan)
    return mean_of(difference), half, removed


def _notes_on_opening(reference: Scenario, other: Scenario) -> list[str]:
    """What a comparison cannot keep of who is there at opening, in words."""
    name, versus = other.name, reference.name
    opens_with_people = {
        one.name: one.start.running and bool(POLICIES[one.pathway.policy].steps) for one in (reference, other)
    }
    if not reference.start.running and not other.start.running:
        return []
    if not reference.start.running or not other.start.running:
        empty = versus if other.start.running else name
        return [f"{empty} opens empty: the other has people on its lists from the first day on."]
    if unlike := _unlike(other, reference):
        return [
            f"{name} and {versus} have other {' and other '.join(unlike)}: each opens with people of its own, not with the same, "
            "so until these have left, partly other people are counted."
        ]
    if opens_with_people[name] and not opens_with_people[versus]:
        return [
            f"{name} opens empty too, because nobody is there at the opening of {versus}. Give --own-start for its own."
        ]
    if other.start != reference.start:
        return [
            f"{name} says otherwise who is there at opening (start), but opens with the people of {versus}. Give --own-start for "
            "its own."
        ]
    return []


def _notes(reference: Scenario, other: Scenario, *, own_start: bool) -> list[str]:
    """What makes the differences of a scenario from the reference mean less than they seem, in words.

    own_start: the caller asked that each opens with its own people
    """
    ours, theirs = reference.model_dump(mode="json"), other.model_dump(mode="json")
    name, versus = other.name, reference.name
    notes = []
    if all(ours[part] == theirs[part] for part in ours if part not in _TITLES):
        notes.append(f"{name} and {versus} have the same inputs: every difference is 0 by construction.")
    before, now = reference.demand.referrals_per_year.value, other.demand.referrals_per_year.value
    if ours["demand"]["monthly_referrals"] != theirs["demand"]["monthly_referrals"]:
        notes.append(
            f"{name} and {versus} have other counts of referrals by month: a client is referred on another day, so partly other "
            "people are counted, and pairing removes little."
        )
    elif before != now:
        notes.append(
            f"{name} has {now:,.10g} referrals a year, {versus} {before:,.10g}: a client is referred on another day, so partly "
            "other people are counted, and pairing removes little."
        )
    days = [
        f"{words} {getattr(other.run, key)} days against {getattr(reference.run, key)}"
        for key, words in _DAYS.items()
        if getattr(other.run, key) != getattr(reference.run, key)
    ]
    if days:
        notes.append(
            f"{name} and {versus} count other days ({', '.join(days)}): partly other people, or with another time to end."
        )
    if not own_start:
        notes += _notes_on_opening(reference, other)
    if ours["population"]["eligibility"] != theirs["population"]["eligibility"]:
        notes.append(f"{name} and {versus} admit by other rules: they compare other people.")
    if ours["instruments"] != theirs["instruments"]:
        notes.append(
            f"{name} and {versus} have other questionnaires or another interview: some of a difference is measurement."
        )
    return notes
