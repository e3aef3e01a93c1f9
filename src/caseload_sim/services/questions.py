"""The eight questions about one's own service: what is asked, and how an answer is read. Options of `new` take the same answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from caseload_sim.errors import RunError
from caseload_sim.services.own_service import ALL_MONTHS, LISTS, PRACTITIONERS, THERAPISTS, OwnService

UNKNOWN = ("", "-", "?")
MOST = 1e6


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its name, also that of the option, its words, an example, and how an answer is taken up.

    parts: how many numbers an answer may have, separated by spaces or commas, "-" for one that is not known
    """

    name: str
    words: str
    example: str
    parts: int
    take_up: Callable[[OwnService, list[float | None]], OwnService]


def _referrals(own: OwnService, said: list[float | None]) -> OwnService:
    return own if said[0] is None else replace(own, referrals={ALL_MONTHS: said[0]})


def _practitioners(own: OwnService, said: list[float | None]) -> OwnService:
    if said[1] is not None and not 0 <= said[1] <= 100:
        raise RunError(f"{said[1]:g}% of the week is out of range; it must be from 0 to 100")
    if said[0] is None:
        if said[1] is not None:
            raise RunError("a share of the week means nothing without posts; give both, or - for both")
        return own
    share = None if said[1] is None else said[1] / 100
    return replace(own, posts={**own.posts, PRACTITIONERS: {ALL_MONTHS: said[0]}}, assessing=share)


def _therapists(own: OwnService, said: list[float | None]) -> OwnService:
    return own if said[0] is None else replace(own, posts={**own.posts, THERAPISTS: {ALL_MONTHS: said[0]}})


def _trainees(own: OwnService, said: list[float | None]) -> OwnService:
    kinds = zip((PRACTITIONERS, THERAPISTS), said, strict=True)
    return replace(own, trainees={kind: number for kind, number in kinds if number is not None})


def _waiting(own: OwnService, said: list[float | None]) -> OwnService:
    known = zip(LISTS, said, strict=True)
    return replace(own, waiting={name: {"": number} for name, number in known if number is not None})


def _days(own: OwnService, said: list[float | None]) -> OwnService:
    names = zip(("first_contact", "second_contact", "high_intensity"), said, strict=True)
    days = {name: number for name, number in names if number is not None}
    if not all(days.values()):
        raise RunError("a mean wait of 0 days cannot be; give - where you do not know it")
    return replace(own, last_year={**own.last_year, **days})


def _recovery(own: OwnService, said: list[float | None]) -> OwnService:
    if said[0] is None:
        return own
    if not 1 <= said[0] <= 100:
        raise RunError(f"{said[0]:g}% is out of range; it must be from 1 to 100, as 50 for half")
    return replace(own, last_year={**own.last_year, "recovery": said[0] / 100})


QUESTIONS = (
    Question("referrals", "Referrals a month", "410", 1, _referrals),
    Question("practitioners", "Posts (WTE) of psychological wellbeing practitioners, and % of their week on assessments", "22,30", 2, _practitioners),
    Question("therapists", "Posts (WTE) of high-intensity therapists", "27", 1, _therapists),
    Question("trainees", "Trainees (WTE): low intensity, high intensity", "2,3", 2, _trainees),
    Question("waiting", "People waiting today for: assessment, low intensity, high intensity", "120,300,210", 3, _waiting),
    Question("days", "Mean days last year: referral to first contact, first to second contact, assessment to high intensity", "21,60,95", 3, _days),
    Question("recovery", "Recovery that you published for last year, %", "48", 1, _recovery),
)  # fmt: skip
OPENS = "opens", "The day, or month, in which the year to come begins", "2026-12"  # the eighth


def answered(own: OwnService, question: Question, answer: str) -> OwnService:
    """What is known of the service with this answer. Raises RunError, with an example, for an answer that cannot be."""
    if answer.strip() in UNKNOWN:
        return own
    parts = re.split(r"[\s,;]+", answer.replace("%", "").strip())
    try:
        if len(parts) > question.parts:
            raise RunError(f"{len(parts)} numbers, where there are {question.parts} at most")
        said = [_number(part) for part in parts] + [None] * (question.parts - len(parts))
        return question.take_up(own, said)
    except RunError as error:
        raise RunError(f"{answer[:60]}: {error}. For example {question.example}") from None


def _number(text: str) -> float | None:
    if text in UNKNOWN:
        return None
    try:
        number = float(text)
    except ValueError:
        raise RunError(f"'{text[:30]}' is not a number") from None
    if not 0 <= number <= MOST:
        raise RunError(f"{text[:30]} is out of range; it must be from 0 to {MOST:,.0f}")
    return number


def day_of(answer: str, today: date) -> date:
    """The day that the year to come begins: today where nothing is said, the first of a month. Raises RunError for no date."""
    text = answer.strip()
    if text in UNKNOWN:
        return today
    try:
        return date.fromisoformat(f"{text}-01" if re.fullmatch(r"\d{4}-\d{2}", text) else text)
    except ValueError:
        raise RunError(f"{text[:60]}: not a day or month. For example {OPENS[2]} or {OPENS[2]}-01") from None
