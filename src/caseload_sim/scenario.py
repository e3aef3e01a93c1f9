"""A scenario: everything that is assumed about clients, service and outcome, each number with its origin."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from caseload_sim.costs import Costs
from caseload_sim.operations import Demand, Providers, Run, Staff, Start
from caseload_sim.origin import (
    Amount,
    Correlation,
    Effect,
    Number,
    OddsRatio,
    Pair,
    Part,
    Points,
    Positive,
    Share,
)
from caseload_sim.pathway import Pathway

Group = Literal["emotional_disorder", "dependence", "personality_disorder", "childhood_abuse"]
DEFAULT = "default"
MOST_CONDITIONS = 50


class Prevalence(Share):
    """The share of referred clients who meet criteria, and what kind of condition it is."""

    group: Group


class Eligibility(Part):
    """Who is admitted at all, as a trial admits: only used by scenarios about trials."""

    emotional_disorders_min: Annotated[int, Field(ge=0, le=100)]
    emotional_disorders_max: Annotated[int, Field(ge=0, le=100)]
    excluded_conditions: tuple[str, ...] = Field(strict=False)
    principal_severity_min: Annotated[float, Field(ge=0, le=5)] = Field(
        default=0.0, description="severity of the worst disorder below which nobody is admitted, SD"
    )
    assumption: str


class Combination(Share):
    """A share of clients with any, or with all, of some conditions."""

    conditions: tuple[str, ...] = Field(strict=False)


class Targets(Part):
    """Published figures about the population. `count_mix` is fitted to, or else the means in `start_scores`.

    start_scores: phq9_mean, phq9_sd, gad7_mean, gad7_sd, at_caseness; of those whom assessment lets through to treatment
    start_scores_after: days from referral to the first score
    scores_by_problem: recorded problem -> phq9, gad7, mean at the start
    """

    count_mix: dict[str, Share] = Field(
        default_factory=dict,
        description="share with this many emotional disorders and dependences; the last key ends in +",
    )
    any_of: dict[str, Combination] = Field(
        default_factory=dict, description="share with at least one of the conditions"
    )
    all_of: dict[str, Combination] = Field(default_factory=dict, description="share with all of the conditions")
    odds_ratio: dict[str, dict[str, OddsRatio]] = Field(
        default_factory=dict, description="published odds ratio of two conditions"
    )
    start_scores: dict[str, Amount] = Field(default_factory=dict, description="official scores at the start")
    start_scores_after: Amount | None = Field(default=None, description="days from referral to the first score")
    scores_by_problem: dict[str, dict[str, Amount]] = Field(
        default_factory=dict, description="official mean scores at the start, by recorded problem"
    )


class Fit(Part):
    """How far `calibrate population` may move what is assumed."""

    loading_min: Correlation = Field(description="lowest loading of emotional disorders")
    loading_max: Correlation = Field(description="highest loading of emotional disorders")
    prevalence_shift_max: Amount = Field(description="largest shift of assumed prevalences, logits, one for all")
    start: dict[str, Share] = Field(description="assumed prevalences from which the shift is counted")


class Population(Part):
    """Who is referred: conditions, how they hang together, and the strata used in reports."""

    prevalence: dict[str, Prevalence] = Field(
        description="share of referred clients meeting criteria", max_length=MOST_CONDITIONS
    )
    loading: dict[str, Correlation] = Field(description="loading on the common distress factor, by group or condition")
    correlation: dict[str, dict[str, Pair]] = Field(
        default_factory=dict,
        description="how two liabilities hang together, replacing what the common factor implies",
    )
    prevalence_by: dict[str, dict[str, dict[str, Share]]] = Field(
        default_factory=dict, description="prevalence in each stratum: condition, kind of stratum, stratum"
    )
    targets: Targets = Targets()
    fit: Fit | None = None
    state_share: Share = Field(description="share of liability variance that is a transient state")
    state_correlation: Correlation = Field(description="correlation of the state at the start with that at the end")
    mean_severity: Positive = Field(description="mean severity of those with a disorder, SD above threshold")
    distress_correlation: Correlation = Field(description="correlation of general distress with the common factor")
    eligibility: Eligibility | None = None
    strata: dict[str, dict[str, Share]] = Field(description="share of referrals in each stratum")

    def conditions(self, *groups: Group) -> tuple[str, ...]:
        """Names of the conditions that occur (prevalence above 0), in file order; of all groups if none is named."""
        return tuple(name for name, p in self.prevalence.items() if p.value > 0 and (not groups or p.group in groups))

    def loading_of(self, condition: str) -> float:
        """The condition's own loading if it has one, else its group's."""
        own = self.loading.get(condition) or self.loading[self.prevalence[condition].group]
        return own.value


class Instrument(Part):
    """How a questionnaire score is read from severities."""

    own_disorder: str
    intercept: Points = Field(description="points, before softening at the floor")
    slope: Points = Field(description="points per SD")
    own_weight: Share = Field(description="weight of the questionnaire's own disorder against the mean of all")
    distress_weight: Amount = Field(description="weight of general distress")
    softness: Positive = Field(description="points over which the floor bends")
    error_sd: Amount = Field(description="SD of measurement error, points")


class Instruments(Part):
    """The questionnaires and the diagnostic interview."""

    phq9: Instrument
    gad7: Instrument
    interview_error_sd: Amount = Field(description="SD of the interview's error, in SD of severity")
    full_remission_margin: Amount = Field(description="SD below threshold that counts as fully gone")


class Official(Number):
    """A published figure about the service, the measure that stands for it here, and what it is used for.

    low, high: range that counts as met, where the figure comes with one; otherwise a tolerance is set by its unit
    fitted_by: paths of the numbers that `calibrate service` moves, all by the same amount, to meet it
    """

    value: Annotated[float, Field(ge=-1e6, le=1e9)]
    measure: str
    base: str = ""
    at: str = ""
    service: str = ""
    group: str = "all"
    low: float | None = None
    high: float | None = None
    role: Literal["fitted", "check"]
    fitted_by: tuple[str, ...] = Field(default=(), strict=False)
    note: str = ""

    @model_validator(mode="after")
    def _is_moved_only_if_fitted(self) -> Self:
        if self.fitted_by and self.role == "check":
            raise ValueError("a check is never fitted to: leave out `fitted_by`, or give it the role 'fitted'")
        if (self.low is None) != (self.high is None) or (self.low or 0) > (self.high or 0):
            raise ValueError("`low` and `high` go together, the lower one first")
        return self


class Doubt(Part):
    """A range for inputs that nobody has measured: values between low and high are all held possible.

    multiplies: the range is of a factor on the present values, not of the value itself
    """

    paths: tuple[str, ...] = Field(strict=False, min_length=1)
    low: float
    high: float
    multiplies: bool = False
    meaning: str
    assumption: str

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.low < self.high:
            raise ValueError("`low` must lie below `high`")
        return self


class NaturalCourse(Part):
    """Improvement in elapsed time, with or without a service."""

    at_six_months: Effect = Field(description="mean improvement of depression by day 182, SD")
    at_one_year: Annotated[Positive, Field(description="improvement by day 365, as a multiple of day 182")]
    by_disorder: dict[str, Amount] = Field(description="relative pace")

    @model_validator(mode="after")
    def _curve_is_concave(self) -> Self:
        if not 1 < self.at_one_year.value < 2:
            raise ValueError("at_one_year must lie between 1 and 2 (a saturating curve)")
        return self


class Spread(Part):
    """How much clients differ in their natural course, by day 182."""

    shared: Amount = Field(description="SD shared by all disorders of a client (skewed)")
    shared_shape: Positive = Field(description="shape of the gamma distribution of the shared part")
    own: Amount = Field(description="SD of each disorder's own part")
    distress_shared: Amount = Field(description="share of the shared part that moves general distress")
    distress_own: Amount = Field(description="SD of general distress's own change")


class Treatment(Part):
    """What a full course adds, in SD, beyond the natural course."""

    trial_effect: Amount = Field(description="effect of a full course on its target, SD")
    fidelity: Share = Field(description="share of the effect that the delivered protocol keeps")
    therapist_sd: Amount = Field(description="SD of the therapist's multiplier")
    spill: dict[str, Share] = Field(description="share of the effect reaching a disorder that is not the target")


class Outcome(Part):
    """How severity changes, and when it is read."""

    natural_course: NaturalCourse
    spread: Spread
    moderators: dict[str, Effect] = Field(description="change to the natural course by day 182, SD")
    treatment: Treatment
    relapse_unfinished: Share = Field(
        description="share of the remitted who relapse within 365 days, course unfinished"
    )
    relapse_untreated: Share = Field(description="share of the remitted who relapse within 365 days, never treated")
    measured_after_days: Annotated[int, Field(ge=1, le=3650)]
    read_everybody_after_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        default=None, description="read all clients so many days after referral, not when they end: for reference only"
    )


class Source(Part):
    """A published source."""

    citation: str
    doi: str | None = None
    note: str | None = None
    licence: str | None = None


class Scenario(Part):
    """One complete set of assumptions, ready to run.

    Built by `get_scenario` (shipped) or `load_scenario` (a file); change it with `with_changes`.
    """

    name: str
    title: str
    summary: str
    look_at: str
    run: Run
    demand: Demand
    start: Start
    providers: Providers | None = None
    population: Population
    instruments: Instruments
    staff: dict[str, Staff]
    pathway: Pathway
    outcome: Outcome
    costs: Costs
    doubt: dict[str, Doubt] = Field(default_factory=dict)
    official: dict[str, Official] = Field(default_factory=dict)
    sources: dict[str, Source] = Field(default_factory=dict)

    @property
    def disorders(self) -> tuple[str, ...]:
        """The emotional disorders that occur, in file order; remission is defined for these alone."""
        return self.population.conditions("emotional_disorder")

    @property
    def steps(self) -> tuple[str, ...]:
        """Steps of the pathway, in the order in which they fill their places."""
        return tuple(self.pathway.steps)

    def with_changes(self, changes: Mapping[str, Any]) -> "Scenario":
        """A new scenario with some values changed, marked as the user's own.

        changes: dotted path -> value, as in {"population.prevalence.ptsd.value": 0.3}
        Raises ScenarioError when a path does not exist or a value is impossible.
        """
        from caseload_sim.catalogue import changed

        return changed(self, changes)


def by_disorder(table: Mapping[str, Number], names: tuple[str, ...]) -> list[float]:
    """Values for the named disorders, the table's `default` standing in for those it does not list."""
    return [(table[name] if name in table else table[DEFAULT]).value for name in names]
