"""Numbers with an origin: every claim about the world carries its source, or says that it is assumed or fitted."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from caseload_sim.definitions.labels import Place, in_order, names_in_order, place_of
from caseload_sim.definitions.measures import all_measures
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError

T = TypeVar("T")
# Tables and lists of names in the order of labels, so that the order of lines in a file decides about nothing.
Table = Annotated[dict[str, T], AfterValidator(in_order)]
Names = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(names_in_order)]

ORIGIN_KEYS = ("source", "where", "assumption", "fitted", "n")
NEAREST_TO_NOTHING = 1e-9  # a number is 0, or at least so far from it: nearer, quotients and logarithms overflow


class Part(BaseModel):
    """Frozen and strict: unknown keys, NaN, infinity, and strings or booleans as numbers are refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Number(Part):
    """A claim about the world: a value with a source and the place in it, or marked as assumed, or as fitted."""

    value: float
    n: Annotated[int, Field(ge=1, le=10**9)] | None = None
    source: str | None = None
    where: str | None = None
    assumption: str | None = None
    fitted: str | None = None

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if sum(map(bool, (self.source, self.assumption, self.fitted))) != 1:
            raise ValueError("a number needs either `source` with `where`, or `assumption`, or `fitted`")
        if self.source and not self.where:
            raise ValueError("a number with a `source` also says `where` in it")
        return self

    @model_validator(mode="after")
    def _is_not_minute(self) -> Self:
        if 0 < abs(self.value) < NEAREST_TO_NOTHING:
            raise ValueError(
                f"{self.value:g} is too near 0 to mean anything; it must be 0, or at least {NEAREST_TO_NOTHING:g} away from it"
            )
        return self

    def origin(self) -> str:
        """Where the number comes from, in words."""
        if self.assumption or self.fitted:
            return f"assumption: {self.assumption}" if self.assumption else f"fitted: {self.fitted}"
        return f"{self.source}: {self.where}" + (f" (n={self.n})" if self.n else "")


class Share(Number):
    """A number from 0 to 1."""

    value: Annotated[float, Field(ge=0, le=1)]


class ShareMissed(Number):
    """A share of booked contacts, from 0 to 0.95: at 1 nobody would ever be seen."""

    value: Annotated[float, Field(ge=0, le=0.95)]


class Points(Number):
    """Points of a questionnaire, from -100 to 100."""

    value: Annotated[float, Field(ge=-100, le=100)]


class Amount(Number):
    """A number of people or referrals, from 0 to a million."""

    value: Annotated[float, Field(ge=0, le=1e6)]


class WholeTime(Number):
    """Whole-time equivalents of one kind of staff, from 0 to 100,000: ten times all who treat in England."""

    value: Annotated[float, Field(ge=0, le=100_000)]


class WeeklyContacts(Number):
    """Contacts a week, from 0 to 500: one every twenty minutes, day and night."""

    value: Annotated[float, Field(ge=0, le=500)]


class Problems(Number):
    """A number of disorders, from 0 to 50, which is as many as a scenario may name."""

    value: Annotated[float, Field(ge=0, le=50)]


class Multiple(Number):
    """What something is multiplied by, from a hundredth to a hundred."""

    value: Annotated[float, Field(ge=0.01, le=100)]


class Level(Number):
    """A price index, whatever its base: from a hundredth to a million."""

    value: Annotated[float, Field(ge=0.01, le=1e6)]


class Factor(Number):
    """What something is multiplied by, from 0 to 10."""

    value: Annotated[float, Field(ge=0, le=10)]


class DaysLong(Number):
    """A length of at least a week, up to a century."""

    value: Annotated[float, Field(ge=7, le=36_500)]


class MeanDays(Number):
    """A mean of days, from 0 to ten years: a few clients have twenty times as many, and no run is longer than that."""

    value: Annotated[float, Field(ge=0, le=3650)]


class Vacancy(Number):
    """Mean days that a post stays vacant, from 0 to a million, which stands for never filled again."""

    value: Annotated[float, Field(ge=0, le=1e6)]


class Patience(Number):
    """Mean days that somebody would wait, from a quarter of an hour to a million, which stands for a patience without end."""

    value: Annotated[float, Field(ge=0.01, le=1e6)]


class DaysBetween(Number):
    """Days from one booked session to the next, from a tenth to a year."""

    value: Annotated[float, Field(ge=0.1, le=365)]


class Sessions(Number):
    """A number of sessions, from a tenth to 365."""

    value: Annotated[float, Field(ge=0.1, le=365)]


class Minutes(Number):
    """Minutes of one contact, from one to a whole day."""

    value: Annotated[float, Field(ge=1, le=1440)]


class Shape(Number):
    """The shape of a distribution, from 0.1 (nearly all have next to nothing, a few all) to 100,000 (all have the mean)."""

    value: Annotated[float, Field(ge=0.1, le=100_000)]


class WeibullShape(Number):
    """The shape of a Weibull time, from 0.1 (nearly all at once, or hardly ever) to 10 (all at about the same time)."""

    value: Annotated[float, Field(ge=0.1, le=10)]


class Hazard(Number):
    """A cumulative hazard, from 0 to 1,000: already 20 leaves none in a thousand million."""

    value: Annotated[float, Field(ge=0, le=1000)]


class InSd(Number):
    """So many standard deviations, from 0 to 10."""

    value: Annotated[float, Field(ge=0, le=10)]


class MeanInSd(Number):
    """A mean that is divided into, in standard deviations, from 0.01 to 10."""

    value: Annotated[float, Field(ge=0.01, le=10)]


class Logits(Number):
    """How far something may be moved on the scale of logits, from 0 to 10."""

    value: Annotated[float, Field(ge=0, le=10)]


class Threshold(Number):
    """Points of a score that counts what the service knows, from 0 to 10,000."""

    value: Annotated[float, Field(ge=0, le=10_000)]


class LogSd(Number):
    """The SD of a logarithm, from 0 to 2: with 2, one in twenty has fifty times the median."""

    value: Annotated[float, Field(ge=0, le=2)]


class ScorePoints(Number):
    """Points of a questionnaire, or their SD, or a share of those scored, from 0 to 100."""

    value: Annotated[float, Field(ge=0, le=100)]


class Softness(Number):
    """Points over which a questionnaire's floor bends, from 0.01, which is a sharp corner, to 100."""

    value: Annotated[float, Field(ge=0.01, le=100)]


class YearlyRate(Number):
    """How often a year something happens, up to once a month."""

    value: Annotated[float, Field(ge=0, le=12)]


class YearlyChange(Number):
    """Growth a year as a share, from -0.5 (halved) to 1 (doubled)."""

    value: Annotated[float, Field(ge=-0.5, le=1)]


class RelativeRise(Number):
    """By what share something rises with one more of another, from -1 (gone) to 1 (doubled)."""

    value: Annotated[float, Field(ge=-1, le=1)]


class Effect(Number):
    """An effect in SD or logits, from -10 to 10."""

    value: Annotated[float, Field(ge=-10, le=10)]


class OddsRatio(Number):
    """An odds ratio, from 0.0001 to 10,000."""

    value: Annotated[float, Field(ge=1e-4, le=1e4)]


_Inside = Annotated[float, Field(ge=0.001, le=0.999)]


class Pair(Number):
    """How two conditions hang together: a tetrachoric correlation, or an odds ratio at given prevalences.

    An odds ratio says how strongly liabilities correlate only together with the prevalences at which it was found, so
    `at` gives those; the correlation it implies is kept when a scenario changes a prevalence.
    """

    value: Annotated[float, Field(ge=-1, le=1e4)]
    measured_as: Literal["tetrachoric", "odds_ratio"] = "tetrachoric"
    at: tuple[_Inside, _Inside] | None = Field(default=None, strict=False)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.measured_as == "tetrachoric":
            if not -1 < self.value < 1:
                raise ValueError(f"{self.value:g} is out of range; a correlation lies between -1 and 1")
        elif self.at is None:
            raise ValueError("an odds ratio needs `at`, the two prevalences at which it holds")
        elif not 1e-4 <= self.value <= 1e4:
            raise ValueError(f"{self.value:g} is out of range; an odds ratio lies between 0.0001 and 10,000")
        return self


class Correlation(Number):
    """A correlation between liabilities, strictly between -1 and 1."""

    value: Annotated[float, Field(gt=-1, lt=1)]


class OfFigure(Number):
    """A number that is published of a figure of the model; `measure` may be the whole address, MEASURE/BASE/AT/GROUP."""

    measure: str
    base: str = ""
    at: str = ""
    group: str = "all"

    @model_validator(mode="before")
    @classmethod
    def _address_in_parts(cls, table: Any) -> Any:
        if not isinstance(table, dict) or "/" not in str(table.get("measure", "")):
            return table
        try:
            parts = {name: part for name, part in Quantity.parse(table["measure"])._asdict().items() if part}
        except RunError as error:
            raise ValueError(str(error).rstrip(".")) from None
        for name in [name for name in parts if name != "measure" and name in table]:
            raise ValueError(f"`{name}` is said twice: in `measure`, {table['measure']}, and by itself. Say it once")
        return table | parts

    @property
    def quantity(self) -> Quantity:
        """Which figure of the model it is to be compared with."""
        return Quantity(self.measure, self.base, self.at, group=self.group)


FigureT = TypeVar("FigureT", bound=OfFigure)


def _by_measure(figures: dict[str, FigureT]) -> dict[str, FigureT]:
    """Published figures in the order of the measures that stand for them, those of one measure by their other parts."""
    place = {name: k for k, name in enumerate(all_measures())}

    def place_of_figure(label: str) -> tuple[int, str, Place]:
        one = figures[label]
        return place.get(one.measure, len(place)), ".".join(map(str, one.quantity)), place_of(label)

    return {label: figures[label] for label in sorted(figures, key=place_of_figure)}


Figures = Annotated[dict[str, FigureT], AfterValidator(_by_measure)]


def numbers(part: Part | Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Number, str]]:
    """Every number of a scenario with its dotted path and what it means."""
    if isinstance(part, Part):
        items = [(k, getattr(part, k), f.description or "") for k, f in type(part).model_fields.items()]
    else:
        items = [(k, v, "") for k, v in part.items()]
    for key, value, meaning in items:
        where = f"{path}.{key}" if path else key
        if isinstance(value, Number):
            yield where, value, meaning
        elif isinstance(value, Part | Mapping):
            for deeper, number, own_meaning in numbers(value, where):
                yield deeper, number, own_meaning or meaning
