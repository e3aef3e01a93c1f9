"""The outcome in a scenario: questionnaires, effects, the course without care; official figures, doubts, sources."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.scenario.numbers import Amount, Effect, Number, OfFigure, Part, Points, Positive, Share
from caseload_sim.scenario.population import DEFAULT


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


class Official(OfFigure):
    """A published figure about the service, the measure that stands for it here, and what it is used for.

    low, high: range that counts as met, where the figure comes with one; otherwise a tolerance is set by its unit
    fitted_by: paths of the numbers that `calibrate service` moves, all by the same amount, to meet it
    """

    value: Annotated[float, Field(ge=-1e6, le=1e9)]
    service: str = ""
    low: float | None = None
    high: float | None = None
    role: Literal["fitted", "check"]
    fitted_by: tuple[str, ...] = Field(default=(), strict=False)
    note: str = ""

    @property
    def quantity(self) -> Quantity:
        """Which figure of the model it is to be compared with."""
        return super().quantity._replace(service=self.service)

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


def by_disorder(table: Mapping[str, Number], names: tuple[str, ...]) -> list[float]:
    """Values for the named disorders, the table's `default` standing in for those it does not list."""
    return [(table[name] if name in table else table[DEFAULT]).value for name in names]
