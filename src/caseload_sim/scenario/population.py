"""The population in a scenario: prevalences, who is eligible, and what a fit may move to reach which targets."""

from typing import Annotated, Literal

from pydantic import Field

from caseload_sim.scenario.numbers import Amount, Correlation, OddsRatio, Pair, Part, Positive, Share

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

    start_scores: phq9_mean, phq9_sd, gad7_mean, gad7_sd, at_caseness; at the first session of therapy courses
    start_scores_after: days from referral to the first course; later_course_after: from its end to the one after a step up
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
    start_scores_after: Amount | None = Field(default=None, description="days from referral to the first course")
    later_course_after: Amount | None = Field(
        default=None, description="days from the end of a course to the one after stepping up"
    )
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
    state_share: dict[str, Share] = Field(
        description="share of liability variance that is passing: drawn anew for each reading"
    )
    deprivation_correlation: Correlation = Field(
        description="correlation of the common factor with the area's deprivation"
    )
    mean_severity: Positive = Field(description="mean severity of those with a disorder, SD above threshold")
    distress_correlation: Correlation = Field(description="correlation of general distress with the common factor")
    eligibility: Eligibility | None = None
    strata: dict[str, dict[str, Share]] = Field(description="share of referrals in each stratum")

    def conditions(self, *groups: Group) -> tuple[str, ...]:
        """Names of the conditions that occur (prevalence above 0), in file order; of all groups if none is named."""
        return tuple(name for name, p in self.prevalence.items() if p.value > 0 and (not groups or p.group in groups))

    def state_share_of(self, condition: str) -> float:
        """The passing share of a condition's liability variance."""
        return (self.state_share[condition] if condition in self.state_share else self.state_share[DEFAULT]).value

    def loading_of(self, condition: str) -> float:
        """The condition's own loading if it has one, else its group's."""
        own = self.loading.get(condition) or self.loading[self.prevalence[condition].group]
        return own.value
