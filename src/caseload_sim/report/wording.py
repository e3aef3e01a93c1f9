"""How numbers and lists are written for people who read no tables for a living. A dash where there is no number."""

from collections.abc import Iterable, Sequence
from math import isnan

from caseload_sim.measures.rows import Row

NONE = "\u2013"
MINUS = "\u2212"
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def percent(share: float, digits: int = 0) -> str:
    """A share, as 44%."""
    return NONE if isnan(share) else f"{_signless(100 * share, digits)}%"


def whole(number: float) -> str:
    """People or days, as 1,234."""
    return NONE if isnan(number) else _signless(number, 0)


def pounds(number: float) -> str:
    """As \u00a31,234."""
    return NONE if isnan(number) else f"{MINUS * (round(number) < 0)}\u00a3{abs(number):,.0f}"


def signed(number: float, digits: int = 0) -> str:
    """A change, as +12 or \u22120.6; 0 without a sign."""
    if isnan(number):
        return NONE
    said = _signless(number, digits)
    return f"+{said}" if number > 0 and float(said.replace(",", "")) else said


def between(low: float, high: float, digits: int = 0, *, sign: bool = False) -> str:
    """From the one to the other, as 39 to 47; empty where either is unknown."""
    if isnan(low) or isnan(high):
        return ""
    write = signed if sign else _signless
    return f"{write(low, digits)} to {write(high, digits)}"


def chance_of(row: Row, digits: int = 0) -> str:
    """The interval of a row in its own unit, shares as points of 100; a dash where one year alone was simulated."""
    scale = scale_of(row)
    return between(scale * row.lower_95_ci, scale * row.upper_95_ci, digits) or NONE


def scale_of(row: Row) -> int:
    """By how much a row is multiplied to be written: shares are points of 100."""
    return 100 if row.unit == "share" else 1


def years(n: int) -> str:
    """So many simulated years."""
    return f"{in_letters(n)} simulated year{'s' * (n != 1)}"


def in_letters(n: int) -> str:
    """A small number in letters."""
    return _SMALL[n] if n < len(_SMALL) else f"{n:,}"


def times(n: int) -> str:
    """So many times."""
    return "twice" if n == 2 else years(n).replace("simulated year", "time")


def days(n: float) -> str:
    """So many days."""
    return f"{whole(n)} day{'s' * (round(n) != 1)}"


def people(n: float) -> str:
    """So many people, without a sign."""
    return f"{whole(abs(n))} {'person' if round(abs(n)) == 1 else 'people'}"


def listed(words: Sequence[str]) -> str:
    """As a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def sentences(said: Iterable[str]) -> str:
    """One after the other, without those that are empty."""
    return " ".join(filter(None, said))


def capital(text: str) -> str:
    """With a capital first letter, all else as it was."""
    return text[:1].upper() + text[1:]


def _signless(number: float, digits: int) -> str:
    return f"{number:z,.{digits}f}".replace("-", MINUS)
