"""The outcome in a scenario: questionnaires and interview, how problems end, what treatment adds, and official figures."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.scenario.numbers import (
    Correlation,
    Effect,
    Hazard,
    InSd,
    Multiple,
    Names,
    Number,
    OfFigure,
    Part,
    Points,
    Problems,
    ScorePoints,
    Share,
    Softness,
    Table,
    WeibullShape,
)
from caseload_sim.scenario.population import DEFAULT


class Instrument(Part):
    """How a questionnaire score is read from severities, in points before softening at the floor.

    score = softened(intercept + own_weight * max(own severity, -1) + others_weight * (1 - exp(-sum of sees * severity))
    + distress_weight * distress) + error, rounded. Only disorders that are present are seen, with diminishing returns.
    """

    own_disorder: str
    intercept: Points = Field(
        description="points of somebody at the threshold of the questionnaire's own disorder, in no distress"
    )
    own_weight: Points = Field(description="points per SD of the questionnaire's own disorder")
    others_weight: Points = Field(description="points, at most, that other disorders present add")
    sees: Table[InSd] = Field(description="how soon another disorder reaches that most, per SD of its severity")
    distress_weight: Points = Field(description="points per SD of distress")
    softness: Softness = Field(description="points over which the floor bends")
    error_sd: ScorePoints = Field(description="SD of the error of each reading, points")


class Instruments(Part):
    """The questionnaires and the diagnostic interview."""

    phq9: Instrument
    gad7: Instrument
    interview_error_sd: InSd = Field(description="SD of the interview's error, in SD of severity")
    full_remission_margin: InSd = Field(description="SD below threshold that counts as fully gone")


_Anything = Annotated[float, Field(ge=-1e6, le=1e9)]  # a published figure, or an end of a range of one


class Official(OfFigure):
    """A published figure about the service, the measure that stands for it here, and what it is used for.

    low, high: range that counts as met, where the figure comes with one; otherwise a tolerance is set by its unit
    fitted_by: paths of the numbers that `calibrate service` moves, all by the same amount, to meet it
    """

    value: _Anything
    service: str = ""
    low: _Anything | None = None
    high: _Anything | None = None
    role: Literal["fitted", "check"]
    fitted_by: Names = ()
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

    paths: Names = Field(min_length=1)
    low: _Anything
    high: _Anything
    multiplies: bool = False
    meaning: str
    assumption: str

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.low < self.high:
            raise ValueError("`low` must lie below `high`")
        return self


class Remission(Part):
    """How long each problem of a client would last: the cumulative hazard of its end against a random length.

    A problem is over from the day on which hazard * days + what treatment has taken reaches its length, which is
    exponential with mean 1; lengths of one client are alike (frailty).
    """

    monthly_hazard: Table[Hazard] = Field(description="rate a month at which a disorder ends, with no care at all")
    monthly_hazard_of_distress: Hazard = Field(
        description="rate a month at which the distress ends that brought the client, with no care at all"
    )
    usual_care: Multiple = Field(description="what usual care, such as a family doctor's, multiplies all rates by")
    shared: Share = Field(description="share of what decides a problem's length that all problems of a client share")
    per_emotional_disorder: Effect = Field(description="log of the rates, per emotional disorder above the reference")
    reference_disorders: Problems = Field(description="number of emotional disorders at which that is nothing")
    per_severity_sd: Effect = Field(description="log of a disorder's rate, per SD of its severity above 1, up to 3")
    per_deprivation_sd: Effect = Field(description="log of the rates, per SD of the area's deprivation")
    by_condition: Table[Effect] = Field(description="log of the rates for clients with the condition")
    hysteresis: InSd = Field(
        description="SD on either side of the threshold where hardly anybody stands: what is present is as far above"
    )
    depth_mean: InSd = Field(description="mean SD, beyond that, by which a disorder lies below its threshold once over")


class Distress(Part):
    """Distress that questionnaires see and that is no diagnosis, SD."""

    reactive: InSd = Field(description="what brought the client, until it is over")
    mood_sd: InSd = Field(description="SD of good and bad weeks, drawn anew for each reading")
    drift_sd: InSd = Field(
        description="SD of lasting change from first contact to the end, half of it by the start of a course"
    )
    per_deprivation_sd: Correlation = Field(description="correlation with the area's deprivation")


class Treatment(Part):
    """What a full course takes from the length of a problem, on top of what time takes."""

    full_course: Hazard = Field(description="cumulative hazard that a full course adds for the disorder treated")
    full_course_of_distress: Hazard = Field(description="the same for the distress that brought the client")
    distress_relief: InSd = Field(description="SD of distress that a full course takes away at once")
    severity_shift: InSd = Field(description="SD by which a full course lowers the severity of what is not over")
    fidelity: Share = Field(description="share of the effect that the delivered protocol keeps")
    therapist_sd: InSd = Field(description="SD of the multiplier of the effect, drawn for each client and step")
    per_deprivation_sd: Effect = Field(description="log of the effect, per SD of the area's deprivation")
    spill: Table[Share] = Field(description="share of the effect reaching a disorder that is not the target")


class Endings(Part):
    """How getting well moves the day on which a client leaves."""

    well_do_not_come: Share = Field(
        description="share who no longer come to a first session, of those whose principal disorder and distress are over"
    )
    one_more_look: Share = Field(
        description="share who are read once more, of those still at caseness at the planned end of treatment"
    )
    one_more_look_after_days: Annotated[int, Field(ge=1, le=365)]


class Relapse(Part):
    """When somebody who is well falls ill again: a Weibull time from the day it was over, whose hazard falls."""

    yearly_hazard: Hazard = Field(description="cumulative hazard of the first year, without residual symptoms")
    residual_symptoms: Multiple = Field(
        description="what residual symptoms (PHQ-9 of 5 or more) at the end multiply it by"
    )
    shape: WeibullShape = Field(description="Weibull shape; below 1 the hazard falls in time")


class Outcome(Part):
    """How severity changes, and when it is read."""

    remission: Remission
    distress: Distress
    treatment: Treatment
    endings: Endings
    relapse: Relapse
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
