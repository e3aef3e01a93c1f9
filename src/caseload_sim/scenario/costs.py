"""What contacts and staff cost, in the prices of which year and of another, and what a year in each state is worth."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from caseload_sim.scenario.numbers import Figures, Level, Names, Number, OfFigure, Part, Share, Table

DEFAULT_STAFF = "default"  # stands for the kinds of staff that a table does not list


class Money(Number):
    """An amount in pounds, from 0 to a million million."""

    value: Annotated[float, Field(ge=0, le=1e12)]


class Referrals(Number):
    """Referrals of a country, from one to a thousand million."""

    value: Annotated[float, Field(ge=1, le=1e9)]


class PriceYear(Number):
    """The year in whose prices an amount is given: 2012 is the financial year 2012-13."""

    value: Annotated[float, Field(ge=1900, le=2200)]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.value != int(self.value):
            raise ValueError(f"{self.value:g} is not a year; give the one in which the financial year begins, as 2012")
        return self


class SessionCosts(Part):
    """What one contact costs, all of the service's expenses included."""

    price_year: PriceYear = Field(description="the year in whose prices contacts are given")
    low_intensity: Money = Field(description="pounds an attended session, one to one, at low intensity")
    high_intensity: Money = Field(description="pounds an attended session, one to one, at high intensity")
    assessment: Money = Field(description="pounds an attended assessment")
    missed_share: Share = Field(
        description="what a booked contact that is missed or cancelled costs, of an attended one"
    )


class StaffCosts(Part):
    """What staff in post cost."""

    price_year: PriceYear = Field(description="the year in whose prices staff are given")
    per_year: Table[Money] = Field(
        description="pounds a year per whole-time equivalent in post, with employer's costs and overheads"
    )

    def of(self, kind: str) -> float:
        """Pounds a year per whole-time equivalent of a kind of staff."""
        return (self.per_year[kind] if kind in self.per_year else self.per_year[DEFAULT_STAFF]).value


class Utility(Number):
    """What a year in a state of health is worth: 1 in full health, 0 as being dead, below 0 worse than that."""

    value: Annotated[float, Field(ge=-1, le=1)]


class Utilities(Part):
    """What a year in each state of depression is worth; which state a client is in is read by PHQ-9."""

    remission: Utility = Field(description="utility of depression in remission: PHQ-9 below 5")
    minor: Utility = Field(description="utility of minor depression: PHQ-9 from 5 to 9")
    mild: Utility = Field(description="utility of mild depression: PHQ-9 from 10 to 14")
    moderate: Utility = Field(description="utility of moderate depression: PHQ-9 from 15 to 19")
    severe: Utility = Field(description="utility of severe depression: PHQ-9 of 20 or more")

    def by_state(self) -> tuple[float, ...]:
        """The utilities from the mildest state to the worst."""
        states = (self.remission, self.minor, self.mild, self.moderate, self.severe)
        return tuple(state.value for state in states)


class PublishedCost(OfFigure):
    """A published cost, the measure that stands for it here, and the year of its prices; compared, never fitted to."""

    value: Annotated[float, Field(ge=0, le=1e12)]
    price_year: Annotated[int, Field(ge=1900, le=2200)]
    note: str = ""


class Grant(Part):
    """National money for more staff, of which a service has its share by referrals; `extra_wte` says what that buys."""

    gbp_a_year: Money = Field(description="pounds a year, for all of England")
    price_year: PriceYear = Field(description="the year in whose prices that is given")
    national_referrals: Referrals = Field(description="referrals a year in England")
    shared_among: Names

    @model_validator(mode="after")
    def _is_for_somebody(self) -> Self:
        if not self.shared_among:
            raise ValueError("shared_among is empty; name the kinds of staff that the money is for")
        return self


class Costs(Part):
    """What the service costs, by session or by staff, and the prices in which it is reported."""

    basis: Literal["sessions", "wte"]
    report_year: Annotated[int, Field(ge=1900, le=2200, description="the year in whose prices costs are reported")]
    sessions: SessionCosts
    wte: StaffCosts
    utilities: Utilities
    index: Table[Level] = Field(description="price level of the financial year that begins then")
    published: Figures[PublishedCost] = Field(default_factory=dict)
    grant: Grant | None = None

    @model_validator(mode="after")
    def _index_has_every_year(self) -> Self:
        years = [self.report_year, self.sessions.price_year.value, self.wte.price_year.value]
        years += [one.price_year for one in self.published.values()]
        years += [self.grant.price_year.value] if self.grant else []
        for year in map(int, years):
            if str(year) not in self.index:
                raise ValueError(
                    f"index has no {year}; it has {', '.join(self.index) or 'no year'}. Add it or choose another year"
                )
        return self

    def inflated(self, price_year: float) -> float:
        """What an amount in the prices of a year is multiplied by to be in the prices that are reported."""
        return self.index[str(self.report_year)].value / self.index[str(int(price_year))].value


def financial_year(year: float) -> str:
    """The financial year that begins in a year.

    >>> financial_year(2024)
    '2024-25'
    """
    return f"{int(year)}-{(int(year) + 1) % 100:02d}"


def extra_wte(costs: Costs, referrals_per_year: float, posts: dict[str, float]) -> dict[str, float]:
    """Whole-time equivalents that a service's share of a grant buys, so that each kind of staff grows by the same share.

    referrals_per_year: of the service; posts: kind of staff -> whole-time equivalents before
    The share is referrals over national referrals, said in the prices in which staff costs are given. Staff that all grow
    by one share cost that share of their payroll.
    Returns kind -> more whole-time equivalents; of the kinds in `grant.shared_among` only.
    """
    grant = costs.grant
    assert grant is not None
    deflator = costs.inflated(grant.price_year.value) / costs.inflated(costs.wte.price_year.value)
    money = grant.gbp_a_year.value * deflator * referrals_per_year / grant.national_referrals.value
    payroll = sum(costs.wte.of(kind) * posts[kind] for kind in grant.shared_among)
    return {kind: posts[kind] * money / payroll for kind in grant.shared_among}
