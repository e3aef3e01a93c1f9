"""A scenario: everything that is assumed about clients, service and outcome, each number with its origin."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from caseload_sim.origin import (
    Amount,
    Correlation,
    DaysLong,
    Effect,
    Factor,
    Number,
    OddsRatio,
    Pair,
    Part,
    Points,
    Positive,
    Share,
    ShareMissed,
    YearlyChange,
    YearlyRate,
)

Group = Literal["emotional_disorder", "dependence", "personality_disorder", "childhood_abuse"]
DEFAULT = "default"
DAYS_PER_WEEK = 7
ROUNDING = 1e-9  # by which sums of decimal fractions may miss 1
FIRST_DATE, LAST_DATE = date(1978, 1, 1), date(2100, 12, 31)  # between which England's bank holidays are known


def _as_date(value: Any) -> Any:
    """A date as TOML writes it, or the same in quotes; anything else is left for the schema to refuse."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r:.40} is not a date; write it as 2022-04-02") from None
    if type(value) is date and not FIRST_DATE <= value <= LAST_DATE:
        raise ValueError(f"{value} is out of range; it must be from {FIRST_DATE} to {LAST_DATE}")
    return value


Date = Annotated[date, BeforeValidator(_as_date)]


class Prevalence(Share):
    """The share of referred clients who meet criteria, and what kind of condition it is."""

    group: Group


class Run(Part):
    """How long is simulated, from which day on, how often, and with which seed."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    replications: Annotated[int, Field(ge=1, le=100_000)]
    warm_up_days: Annotated[int, Field(ge=0, le=36_500)]
    data_collection_days: Annotated[int, Field(ge=1, le=36_500)]
    follow_up_days: Annotated[int, Field(ge=0, le=36_500)]
    opens: Date = Field(description="the date of day 0")
    weekends_off: bool = Field(description="nobody starts on weekends and bank holidays of England")
    staff_turnover: bool = Field(description="staff leave and are replaced; otherwise all posts are filled for good")

    @property
    def horizon_days(self) -> int:
        """Days simulated: warm-up, data collection and follow-up."""
        return self.warm_up_days + self.data_collection_days + self.follow_up_days


class MonthlyIndex(Part):
    """Referrals of each calendar month, as a multiple of the mean month; only their proportions count."""

    january: Amount = Field(description="referrals of the month, of the mean month")
    february: Amount = Field(description="referrals of the month, of the mean month")
    march: Amount = Field(description="referrals of the month, of the mean month")
    april: Amount = Field(description="referrals of the month, of the mean month")
    may: Amount = Field(description="referrals of the month, of the mean month")
    june: Amount = Field(description="referrals of the month, of the mean month")
    july: Amount = Field(description="referrals of the month, of the mean month")
    august: Amount = Field(description="referrals of the month, of the mean month")
    september: Amount = Field(description="referrals of the month, of the mean month")
    october: Amount = Field(description="referrals of the month, of the mean month")
    november: Amount = Field(description="referrals of the month, of the mean month")
    december: Amount = Field(description="referrals of the month, of the mean month")

    def values(self) -> list[float]:
        """The twelve numbers, January first."""
        return [getattr(self, month).value for month in type(self).model_fields]

    @model_validator(mode="after")
    def _is_not_all_zero(self) -> Self:
        if not any(self.values()):
            raise ValueError("all months are 0; at least one must be above 0")
        return self


class Period(Part):
    """From one date to another, both included."""

    from_date: Date
    to_date: Date

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.to_date < self.from_date:
            raise ValueError(f"to_date {self.to_date} is before from_date {self.from_date}; give the earlier first")
        return self


class Shock(Period):
    """A time in which referrals are some multiple of what they would have been."""

    factor: Factor = Field(description="referrals, as a multiple of what they would have been")


class Demand(Part):
    """How many clients are referred, and when."""

    referrals_per_year: Amount = Field(description="referrals a year, at the middle of data collection")
    growth_per_year: YearlyChange = Field(description="growth of referrals a year, as a share")
    seasonal: bool = Field(description="referrals follow the months of the year")
    monthly_index: MonthlyIndex
    shocks: dict[str, Shock] = Field(default_factory=dict)


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

    start_scores: phq9_mean, phq9_sd, gad7_mean, gad7_sd, at_caseness; of those with at least one emotional disorder
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

    prevalence: dict[str, Prevalence] = Field(description="share of referred clients meeting criteria")
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


class Surge(Period):
    """Extra staff for a time, on top of the posts: none of them leaves before its end."""

    wte: Amount = Field(description="whole-time equivalents added for a time")


_NOT_GIVEN = "none, as the scenario does not say"


class Staff(Part):
    """Posts of one kind, who fills them, and the contacts they leave room for.

    Turnover and trainees are none for a kind of staff of one's own that does not mention them.
    """

    wte: Amount = Field(description="posts funded, whole-time equivalents")
    contacts_per_week: Amount = Field(description="booked contacts a week per WTE, when at work")
    leave_share: Share = Field(description="share of working time on annual leave and bank holidays")
    sickness_share: Share = Field(description="share of working time lost to sickness")
    training_and_admin_share: Share = Field(description="share of working time for training and administration")
    vacancy_share: Share = Field(
        default=Share(value=0, assumption=_NOT_GIVEN), description="share of posts vacant at opening"
    )
    leavers_per_year: YearlyRate = Field(
        default=YearlyRate(value=0, assumption=_NOT_GIVEN), description="leavers a year per person in post"
    )
    leavers_per_disorder: Effect = Field(
        default=Effect(value=0, assumption=_NOT_GIVEN),
        description="relative rise of leaving for each emotional disorder that clients have above the reference",
    )
    reference_disorders: Amount = Field(
        default=Amount(value=0, assumption=_NOT_GIVEN),
        description="emotional disorders of the mean client at which `leavers_per_year` holds",
    )
    days_to_replace: Amount = Field(
        default=Amount(value=0, assumption=_NOT_GIVEN), description="mean days that a post stays vacant"
    )
    trainees: Amount = Field(
        default=Amount(value=0, assumption=_NOT_GIVEN), description="trainees, whole-time equivalents"
    )
    trainee_share: Share = Field(
        default=Share(value=0, assumption=_NOT_GIVEN), description="contacts of a trainee, as a share of the qualified"
    )
    training_days: DaysLong = Field(
        default=DaysLong(value=365, assumption="a year, as the scenario does not say"),
        description="days until a trainee qualifies",
    )
    surge: dict[str, Surge] = Field(default_factory=dict)

    @property
    def available_share(self) -> float:
        """Share of working time left for clients, 0 to 1."""
        return 1 - (self.leave_share.value + self.sickness_share.value + self.training_and_admin_share.value)

    @property
    def contacts_per_wte_day(self) -> float:
        """Contacts that one WTE can book, averaged over all days of the year."""
        return self.contacts_per_week.value * self.available_share / DAYS_PER_WEEK

    @model_validator(mode="after")
    def _has_time_for_clients(self) -> Self:
        lost = 1 - self.available_share
        if lost > 1 + ROUNDING or (lost > 1 - ROUNDING and self.wte.value > 0):
            raise ValueError(
                f"leave_share, sickness_share and training_and_admin_share add up to {lost:g}; they must leave some time "
                "for clients, so together be below 1"
            )
        return self


_ALL = Share(value=1, assumption="the staff does nothing else")
_ONE_TO_ONE = Positive(value=1, assumption="one client at a time, with the whole contact")


class AssessmentStep(Part):
    """A first appointment; a place is one appointment slot of one day."""

    kind: Literal["assessment"]
    staff: str
    share_of_staff: Share = Field(default=_ALL, description="share of the time of its staff that goes to this step")
    patience_mean_days: Positive = Field(description="mean days a client would wait before giving up")
    missed_share: ShareMissed = Field(description="share of booked appointments missed or cancelled")


class CourseStep(Part):
    """A course of treatment; a place is one caseload slot held from first to last session."""

    kind: Literal["course"]
    staff: str
    share_of_staff: Share = Field(default=_ALL, description="share of the time of its staff that goes to this step")
    staff_time_per_contact: Positive = Field(
        default=_ONE_TO_ONE,
        description="staff contacts that one client's contact takes, as 0.2 in a group of ten with two",
    )
    patience_mean_days: Positive = Field(description="mean days a client would wait before giving up")
    missed_share: ShareMissed = Field(description="share of booked sessions missed or cancelled")
    days_between_sessions: Positive = Field(description="days between booked sessions")
    planned_sessions_mean: Positive = Field(description="mean planned sessions (at least one)")
    planned_sessions_shape: Positive = Field(description="negative binomial shape of planned sessions beyond the first")
    drop_out_per_session: Share = Field(description="chance after each session that the client does not come back")
    effect: dict[str, Share] = Field(description="effect relative to the trials, by target disorder")
    sessions_for_95_percent: Positive = Field(description="sessions that give 95% of the effect")
    relapse_within_a_year: Share = Field(description="share of the remitted who relapse within 365 days")
    steps_up_to: str | None = None
    step_up_acceptance: Share | None = Field(default=None, description="share of non-responders who step up")


Step = Annotated[AssessmentStep | CourseStep, Field(discriminator="kind")]


class Attendance(Part):
    """Logit of going on to a second contact, among those assessed and offered treatment."""

    intercept: Effect = Field(description="logit")
    per_emotional_disorder: Effect = Field(description="logit per emotional disorder")
    by_condition: dict[str, Effect] = Field(description="logit for clients with the condition")


class Routing(Part):
    """What the service writes down at assessment, and how it sends clients on."""

    right_problem: Share = Field(description="chance that the recorded problem is the principal one, when looked for")
    otherwise_recorded: tuple[str, ...] = Field(strict=False)
    disclosure: dict[str, Share] = Field(description="chance that a condition is disclosed at assessment")
    high_intensity_problems: tuple[str, ...] = Field(strict=False)
    direct_intercept: Effect = Field(description="logit of going straight to high intensity with any other problem")
    direct_per_phq9_sd: Effect = Field(description="logit per 6 points of PHQ-9 above 15")
    direct_per_flag: Effect = Field(description="logit per disclosed condition")


class Pathway(Part):
    """What happens to clients from referral to discharge."""

    policy: str
    booking_days_mean: Amount = Field(description="mean days from referral until the client can be booked")
    not_suitable: Share = Field(description="share of referrals found unsuitable before any contact")
    declined: Share = Field(description="share of referrals who decline before any contact")
    not_assessed: Share = Field(description="share of referrals who never come to an assessment")
    discharged_with_advice: Share = Field(description="share of those assessed who are discharged with advice")
    attendance: Attendance
    routing: Routing
    steps: dict[str, Step]


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
    population: Population
    instruments: Instruments
    staff: dict[str, Staff]
    pathway: Pathway
    outcome: Outcome
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
