"""The pathway in a scenario: what happens to clients from referral to discharge, each number with its origin."""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from caseload_sim.definitions.labels import place_of
from caseload_sim.scenario.numbers import (
    DaysBetween,
    Effect,
    MeanDays,
    Minutes,
    Multiple,
    Names,
    Part,
    Patience,
    Problems,
    Sessions,
    Shape,
    Share,
    ShareMissed,
    Table,
    Threshold,
)

MOST_STEPS = 50
MOST_MODALITIES = 50  # as with steps, codes of eight bits tell 127 apart; nobody needs as many


class Missed(Part):
    """Booked contacts that do not take place, as shares of all booked; together below 0.95."""

    not_attended: ShareMissed = Field(description="share of booked contacts that the client misses without word (DNA)")
    client_cancelled: ShareMissed = Field(description="share of booked contacts that the client cancels")
    provider_cancelled: ShareMissed = Field(description="share of booked contacts that the service cancels")

    @property
    def total(self) -> float:
        """Share of booked contacts that do not take place."""
        return self.not_attended.value + self.client_cancelled.value + self.provider_cancelled.value


_ALL = Share(value=1, assumption="the staff does nothing else")
_NOTHING = Effect(value=0, assumption="complexity moves nothing")
_ONE_TO_ONE = Multiple(value=1, assumption="one client at a time, with the whole contact")


class AssessmentStep(Part):
    """A first appointment; a place is one appointment slot of one day."""

    kind: Literal["assessment"]
    staff: str
    share_of_staff: Share = Field(default=_ALL, description="share of the time of its staff that goes to this step")
    patience_mean_days: Patience = Field(description="mean days a client would wait before giving up")


class CourseStep(Part):
    """A course of treatment; a place is one caseload slot held from the offer to the last session."""

    kind: Literal["course"]
    staff: str
    share_of_staff: Share = Field(default=_ALL, description="share of the time of its staff that goes to this step")
    staff_time_per_contact: Multiple = Field(
        default=_ONE_TO_ONE,
        description="staff contacts that one client's contact takes, as 0.2 in a group of ten with two",
    )
    patience_mean_days: Patience = Field(description="mean days a client would wait before giving up")
    lag_days_mean: MeanDays = Field(description="mean days from the offer of a place until the client can first come")
    days_between_sessions: DaysBetween = Field(description="days between booked sessions")
    planned_sessions_mean: Sessions = Field(description="mean planned sessions (at least one)")
    planned_sessions_shape: Shape = Field(description="negative binomial shape of planned sessions beyond the first")
    drop_out_per_session: Share = Field(description="chance after each session that the client does not come back")
    effect: Table[Share] = Field(description="effect relative to the trials, by target disorder")
    sessions_for_95_percent: Sessions = Field(description="sessions that give 95% of the effect")
    effect_per_complexity: Effect = Field(
        default=_NOTHING, description="log of the effect, per point of complexity above 1"
    )
    drop_out_per_complexity: Effect = Field(
        default=_NOTHING, description="logit of dropping out after a session, per point of complexity above 3"
    )
    instead_of: str | None = None
    instead_share: Share | None = Field(
        default=None, description="share of those sent to the step it stands beside who come here instead"
    )
    steps_up_to: str | None = None
    step_up_acceptance: Share | None = Field(default=None, description="share of non-responders who step up")
    step_up_lag_days: MeanDays | None = Field(
        default=None, description="further mean days until those stepped up can come to the step above"
    )
    steps_down_to: str | None = None
    step_down_share: Share | None = Field(
        default=None, description="share of finished first courses followed by a lower step"
    )


Step = Annotated[AssessmentStep | CourseStep, Field(discriminator="kind")]
ASSESSMENT = 0  # number of the step that is the assessment, which comes first in whatever order steps are written


def _in_order_of_stepping(steps: dict[str, Step]) -> dict[str, Step]:
    """Steps with the assessment first and every step after those that lead up to it and the one that it stands beside.

    Steps of which neither is above the other follow the order of labels.
    """
    below: dict[str, set[str]] = {name: set() for name in steps}
    for name, step in steps.items():
        if isinstance(step, CourseStep):
            ways = ((step.steps_up_to, name), (name, step.steps_down_to), (name, step.instead_of))
            for upper, lower in ways:
                if upper in below and lower in below and upper != lower and upper is not None and lower is not None:
                    below[upper].add(lower)
    left = sorted(steps, key=lambda name: (steps[name].kind != "assessment", place_of(name)))
    placed: dict[str, Step] = {}
    while left:
        # None is free where steps lead in a circle, which is refused later with the name of the step.
        following = next((name for name in left if below[name] <= placed.keys()), left[0])
        left.remove(following)
        placed[following] = steps[following]
    return placed


class Booking(Part):
    """Days from referral until a client can be booked: most soon, a few much later."""

    mean_days: MeanDays = Field(description="mean days until most clients can be booked")
    shape: Shape = Field(description="shape of the gamma distribution of those days; 1 is exponential")
    slow_share: Share = Field(description="share of clients who can be booked only much later")
    slow_mean_days: MeanDays = Field(description="mean days until those can be booked (exponential)")


class Screening(Part):
    """What is decided at assessment before treatment is offered."""

    not_suitable: Share = Field(description="share of those assessed who turn out unsuitable")
    advice_below_caseness: Share = Field(
        description="share of those below caseness who are discharged with advice or sent elsewhere"
    )
    advice_at_caseness: Share = Field(description="the same share of those at caseness")


class Attendance(Part):
    """Logit of taking up treatment, among those assessed and offered it."""

    intercept: Effect = Field(description="logit")
    per_emotional_disorder: Effect = Field(description="logit per emotional disorder")
    per_deprivation_sd: Effect = Field(description="logit per SD of the area's deprivation")
    by_condition: Table[Effect] = Field(description="logit for clients with the condition")
    incomplete_share: Share = Field(description="share of those who do not that leave before assessment is complete")


class Influence(Part):
    """How something depends on the client; a switch leaves the whole mechanism out.

    Effects are on the log of patience, on the logit of a booked contact being missed, or of dropping out after a session.
    """

    switched_on: bool
    per_emotional_disorder: Effect = Field(description="for each emotional disorder above the reference")
    per_deprivation_decile: Effect = Field(description="for each decile towards the most deprived, from the middle")
    reference_disorders: Problems = Field(description="number of emotional disorders at which there is no effect")


class Influences(Part):
    """What patience, missed contacts and dropping out depend on."""

    patience: Influence
    missed: Influence
    drop_out: Influence


class Modality(Part):
    """How contacts take place; effects are on logits, against face to face."""

    share: Share = Field(description="share of clients offered this, where they can be reached by it")
    reach: Share = Field(description="share of clients who have what it takes: a connection, a telephone, a way there")
    reach_per_deprivation_decile: Effect = Field(
        description="logit of being reached for each decile towards the least deprived, from the middle"
    )
    contact_minutes: Minutes = Field(description="minutes of staff time that a contact takes")
    missed: Effect = Field(description="logit of a booked contact being missed")
    drop_out: Effect = Field(description="logit of dropping out after a session")


class Returns(Part):
    """Clients who fall ill again and are referred again, on top of `demand`."""

    chance: Share = Field(
        description="share of treated clients who relapse that are referred again, on the day they do"
    )


class Complexity(Part):
    """Weights of the complexity score, in points, and the score from which clients count as complex."""

    high_intensity_problem: Effect = Field(description="points when the recorded problem is sent to high intensity")
    per_phq9_point: Effect = Field(description="points per point of PHQ-9")
    per_gad7_point: Effect = Field(description="points per point of GAD-7")
    per_flag: Effect = Field(description="points per disclosed condition")
    threshold: Threshold = Field(description="points from which policy `stratified` starts a client at high intensity")


class Routing(Part):
    """What the service writes down at assessment, and how it sends clients on."""

    right_problem: Share = Field(description="chance that the recorded problem is the principal one, when looked for")
    right_problem_by_interview: Share = Field(
        description="the same after a structured interview, as policy `diagnose_first` has it"
    )
    interview_assessment_time: Multiple = Field(
        description="time of an assessment with a structured interview, as a multiple of one without"
    )
    otherwise_recorded: Names
    disclosure: Table[Share] = Field(description="chance that a condition is disclosed at assessment")
    high_intensity_problems: Names
    direct_intercept: Effect = Field(description="logit of going straight to high intensity with any other problem")
    direct_per_phq9_sd: Effect = Field(description="logit per 6 points of PHQ-9 above 15")
    direct_per_gad7_sd: Effect = Field(description="logit per 5 points of GAD-7 above 13")
    direct_per_flag: Effect = Field(description="logit per disclosed condition")
    roulette_high_intensity: Share = Field(description="share that policy `roulette` starts at high intensity")
    complexity: Complexity
    assessment_coded_low: Share = Field(
        description="share of those sent straight to high intensity whose assessment is coded as low intensity"
    )


class Pathway(Part):
    """What happens to clients from referral to discharge."""

    policy: str
    booking: Booking
    not_suitable: Share = Field(description="share of referrals found unsuitable before any contact")
    declined: Share = Field(description="share of referrals who decline before any contact")
    not_assessed: Share = Field(description="share of referrals who never come to an assessment")
    screening: Screening
    attendance: Attendance
    reason_not_recorded: Share = Field(
        description="share of ended referrals with no reason recorded, or one that this model does not tell apart"
    )
    routing: Routing
    missed: Missed
    influences: Influences
    standard_contact_minutes: Minutes = Field(
        description="minutes of the contacts that `contacts_per_week` of staff counts"
    )
    modalities: Table[Modality] = Field(max_length=MOST_MODALITIES)
    returns: Returns
    steps: Annotated[dict[str, Step], AfterValidator(_in_order_of_stepping)] = Field(max_length=MOST_STEPS)

    @property
    def courses(self) -> dict[str, CourseStep]:
        """The steps that are courses of treatment, by name, in order."""
        return {name: step for name, step in self.steps.items() if isinstance(step, CourseStep)}

    def each_course(self) -> Iterator[tuple[int, str, CourseStep]]:
        """Every course of treatment: its number among all steps, its name, and what is assumed of it."""
        for s, (name, step) in enumerate(self.steps.items()):
            if isinstance(step, CourseStep):
                yield s, name, step

    @property
    def is_course(self) -> NDArray[np.bool_]:
        """Which steps are courses of treatment, (s,) bool."""
        return np.array([isinstance(step, CourseStep) for step in self.steps.values()], dtype=bool)
