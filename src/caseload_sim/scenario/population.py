"""The population in a scenario: prevalences, who is eligible, and what a fit may move to reach which targets."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from caseload_sim.definitions.labels import in_order, leading_number
from caseload_sim.scenario.numbers import (
    Correlation,
    Logits,
    MeanDays,
    MeanInSd,
    Names,
    OddsRatio,
    Pair,
    Part,
    ScorePoints,
    Share,
    Table,
)

Group = Literal["emotional_disorder", "dependence", "personality_disorder", "childhood_abuse"]
DEFAULT = "default"
DEPRIVATION = "deprivation_decile"  # kind of stratum, the lowest the least deprived, as NHS England counts them
MOST_CONDITIONS = 50
MOST_KINDS_OF_STRATA = 20


class Prevalence(Share):
    """The share of referred clients who meet criteria, and what kind of condition it is."""

    group: Group


class Stratum(Share):
    """The share of referred clients in a stratum, and where it stands among the others of its kind."""

    rank: Annotated[float, Field(ge=-1e6, le=1e6)] | None = Field(
        default=None,
        description="place among the strata of its kind, the lowest first; without it the number a name begins with",
    )


def _by_rank(strata: dict[str, Stratum]) -> dict[str, Stratum]:
    """Strata of one kind by their ranks if they have them, else by their names."""
    ranks = [stratum.rank for stratum in strata.values() if stratum.rank is not None]
    if not ranks:
        return in_order(strata)
    if len(set(ranks)) < len(strata):
        raise ValueError("either no stratum of a kind has a `rank`, or each has one of its own; put this right")
    return dict(sorted(strata.items(), key=lambda one: one[1].rank or 0.0))


Strata = Annotated[dict[str, Stratum], AfterValidator(_by_rank)]


class Eligibility(Part):
    """Who is admitted at all, as a trial admits: only used by scenarios about trials."""

    emotional_disorders_min: Annotated[int, Field(ge=0, le=100)]
    emotional_disorders_max: Annotated[int, Field(ge=0, le=100)]
    excluded_conditions: Names
    principal_severity_min: Annotated[float, Field(ge=0, le=5)] = Field(
        default=0.0, description="severity of the worst disorder below which nobody is admitted, SD"
    )
    assumption: str


class Combination(Share):
    """A share of clients with any, or with all, of some conditions."""

    conditions: Names


class Targets(Part):
    """Published figures about the population. `count_mix` is fitted to, or else the means in `start_scores`.

    start_scores: phq9_mean, phq9_sd, gad7_mean, gad7_sd, at_caseness; at the first session of therapy courses
    start_scores_after: days from referral to the first course; later_course_after: from its end to the one after a step up
    scores_by_problem: recorded problem -> phq9, gad7, mean at the start
    """

    count_mix: Table[Share] = Field(
        default_factory=dict,
        description="share with this many emotional disorders and dependences; the last key ends in +",
    )
    any_of: Table[Combination] = Field(default_factory=dict, description="share with at least one of the conditions")
    all_of: Table[Combination] = Field(default_factory=dict, description="share with all of the conditions")
    odds_ratio: Table[Table[OddsRatio]] = Field(
        default_factory=dict, description="published odds ratio of two conditions"
    )
    start_scores: Table[ScorePoints] = Field(default_factory=dict, description="official scores at the start")
    start_scores_after: MeanDays | None = Field(default=None, description="days from referral to the first course")
    later_course_after: MeanDays | None = Field(
        default=None, description="days from the end of a course to the one after stepping up"
    )
    scores_by_problem: Table[Table[ScorePoints]] = Field(
        default_factory=dict, description="official mean scores at the start, by recorded problem"
    )


class Fit(Part):
    """How far `calibrate population` may move what is assumed."""

    loading_min: Correlation = Field(description="lowest loading of emotional disorders")
    loading_max: Correlation = Field(description="highest loading of emotional disorders")
    prevalence_shift_max: Logits = Field(description="largest shift of assumed prevalences, logits, one for all")
    start: Table[Share] = Field(description="assumed prevalences from which the shift is counted")


class Population(Part):
    """Who is referred: conditions, how they hang together, and the strata used in reports."""

    prevalence: Table[Prevalence] = Field(
        description="share of referred clients meeting criteria", max_length=MOST_CONDITIONS
    )
    loading: Table[Correlation] = Field(description="loading on the common distress factor, by group or condition")
    correlation: Table[Table[Pair]] = Field(
        default_factory=dict,
        description="how two liabilities hang together, replacing what the common factor implies",
    )
    prevalence_by: Table[Table[Table[Share]]] = Field(
        default_factory=dict, description="prevalence in each stratum: condition, kind of stratum, stratum"
    )
    targets: Targets = Targets()
    fit: Fit | None = None
    state_share: Table[Share] = Field(
        description="share of liability variance that is passing: drawn anew for each reading"
    )
    deprivation_correlation: Correlation = Field(
        description="correlation of the common factor with the area's deprivation"
    )
    mean_severity: MeanInSd = Field(description="mean severity of those with a disorder, SD above threshold")
    distress_correlation: Correlation = Field(description="correlation of general distress with the common factor")
    eligibility: Eligibility | None = None
    strata: Table[Strata] = Field(description="share of referrals in each stratum", max_length=MOST_KINDS_OF_STRATA)

    def conditions(self, *groups: Group) -> tuple[str, ...]:
        """Names of the conditions that occur (prevalence above 0); of all groups if none is named."""
        return tuple(name for name, p in self.prevalence.items() if p.value > 0 and (not groups or p.group in groups))

    def steps_from_the_middle(self, kind: str) -> list[float]:
        """How far each stratum of a kind lies above the middle of the lowest and the highest, by rank or by name.

        Of deciles named 1 to 10, -4.5 to 4.5, in whatever order they are written. Strata without a number are at the middle.
        """
        places = [
            stratum.rank if stratum.rank is not None else leading_number(name)
            for name, stratum in self.strata.get(kind, {}).items()
        ]
        known = [place for place in places if place is not None]
        middle = (min(known) + max(known)) / 2 if known else 0.0
        return [0.0 if place is None else place - middle for place in places]

    def state_share_of(self, condition: str) -> float:
        """The passing share of a condition's liability variance."""
        return (self.state_share[condition] if condition in self.state_share else self.state_share[DEFAULT]).value

    def loading_of(self, condition: str) -> float:
        """The condition's own loading if it has one, else its group's."""
        own = self.loading.get(condition) or self.loading[self.prevalence[condition].group]
        return own.value
