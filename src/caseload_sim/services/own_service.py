"""A scenario file of one's own service: what its manager knows, and nothing that was not said.

Posts are the manager's own. How many contacts a post makes is typical of England until it is fitted to the service's waits.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Unpack

from caseload_sim.analysis.calibrate_service import calibrate_service, runs_at_most_of
from caseload_sim.analysis.service_fit import ServiceFit
from caseload_sim.errors import CatalogueError, ScenarioError
from caseload_sim.experiments.run_options import RunKeywords
from caseload_sim.experiments.settings import with_run, year_before
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.service import NOT_KNOWN
from caseload_sim.services.year import MONTHS

OURS = 'assumption = "our service"'
ALL_MONTHS = ""  # in place of a month, where a number is of no month
ASSESSORS, PRACTITIONERS, THERAPISTS = "assessor", "psychological_wellbeing_practitioner", "high_intensity_therapist"
LISTS = ("assessment", "low_intensity", "high_intensity")
MANY_REFERRALS = 6_000  # a year
MOST_MOVED = 1.5  # 4.5 times as many contacts, or as few: where a wait hardly tells a number, it goes no further
SCHEMA_FILE = "caseload-sim.schema.json"  # named on the first line, where editors look for it

ByMonth = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Known:
    """A published figure that a manager may know of last year: its measure here, and whose contacts a post are fitted to it."""

    name: str
    measure: str
    words: str
    unit: str
    staff: str = ""
    group: str = ""
    base: str = ""
    at: str = ""


LAST_YEAR = {
    one.name: one
    for one in (
        Known("first_contact", "first_contact_days_mean", "referral to first contact", "days", ASSESSORS),
        Known("second_contact", "second_contact_days_mean", "first to second contact", "days", PRACTITIONERS),
        Known("high_intensity", "treatment_wait_days_mean", "assessment to high intensity", "days", THERAPISTS, group="intensity=high"),
        Known("recovery", "recovery", "recovery that you published", "share", base="finished", at="end"),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnService:
    """What is known of a service. Whatever is empty is left as it is in the scenario that the file extends.

    opens: the day that the year to come begins
    referrals: by month as "2025-04", or for `ALL_MONTHS` in a mean month
    posts: of practitioners and of therapists by month, whole-time equivalents; trainees: the same, of no month
    assessing: share of the practitioners' week that goes to assessments
    waiting: on the list of each step, by days waited as `start.waiting` names them, or for "" in all
    caseload: clients in a course, by step; last_year: by name in `LAST_YEAR`, days or a share
    """

    opens: date
    referrals: ByMonth = field(default_factory=dict)
    posts: Mapping[str, ByMonth] = field(default_factory=dict)
    assessing: float | None = None
    trainees: Mapping[str, float] = field(default_factory=dict)
    waiting: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    caseload: Mapping[str, float] = field(default_factory=dict)
    last_year: Mapping[str, float] = field(default_factory=dict)

    @property
    def can_be_fitted(self) -> bool:
        """Whether there is a kind of staff whose contacts a post can be fitted: its posts and its wait are both known."""
        return any(_whose(LAST_YEAR[name].staff) in self.posts for name in self.last_year)


def fit_own_service(scenario: Scenario, **how: Unpack[RunKeywords]) -> ServiceFit:
    """Fit contacts a post to the waits of the last year, with the posts given.

    scenario: loaded from `own_service_text` without a fit; how: the keywords of `RunOptions`, see `replicate`
    """
    n = _replications(scenario.demand.referrals_per_year.value)
    return calibrate_service(year_before(scenario), replications=n, most_moved=MOST_MOVED, **how)


def work_of_own_fit(own: OwnService, parent: Scenario) -> tuple[Scenario, int]:
    """A scenario as large as that to which `fit_own_service` fits, and how often it is run at most."""
    a_year = _referrals_a_year(own)
    size = parent.with_changes({"demand.referrals_per_year": a_year}) if a_year is not None else parent
    n_fitted = sum(_whose(LAST_YEAR[name].staff) in own.posts for name in own.last_year)
    return with_run(size, None, _replications(size.demand.referrals_per_year.value)), runs_at_most_of(
        n_fitted, contacts_alone=True
    )


def _replications(referrals_a_year: float) -> int:
    """Of each run of a fit: of few clients chance is larger."""
    return 1 if referrals_a_year > MANY_REFERRALS else 2


def check_own_service(text: str, parent: Scenario) -> None:
    """Raises ScenarioError where the text of `own_service_text` says something that cannot be, before it is written."""
    content = tomllib.loads(text)
    content.pop("extends")
    try:
        parent.with_changes(content)
    except ScenarioError as error:  # which says how a value is usually changed
        raise ScenarioError(str(error).removeprefix("--set ")) from None


def own_service_text(own: OwnService, parent: Scenario, fit: ServiceFit | None = None) -> str:
    """The scenario file, with what was fitted if a fit is given.

    Raises CatalogueError where the parent has no staff or step of that name, or treats nobody.
    """
    _check(own, parent)
    lines = [
        f"#:schema ./{SCHEMA_FILE}",
        "# Your service over the next twelve months. Run it:  caseload-sim run this_file.toml",
        f"# What you do not say here is as in {parent.name}: `caseload-sim explain this_file.toml` shows all of it.",
        "# To say more, take away the # before a line and put your own number in.",
        "",
        f'extends = "{parent.name}"',
        'title = "Our service"',
        "",
        "[run]",
        f"opens = {own.opens}  # the day on which the year to come begins",
        "warm_up_days = 0  # and nothing before it is left out",
        "",
        *_demand(own),
        *_staff(own, parent, fit),
        *_lists(own),
        *_last_year(own, parent),
    ]
    return "\n".join(lines) + "\n"


def _check(own: OwnService, parent: Scenario) -> None:
    if not POLICIES[parent.pathway.policy].steps:
        raise CatalogueError(f"{parent.name}: nobody is treated in it, so it is no start for a service of your own.")
    staff, steps = {ASSESSORS, *own.posts, *own.trainees}, {*own.waiting, *own.caseload}
    for what, names, there in (("staff", staff, parent.staff), ("step", steps, parent.pathway.steps)):
        if missing := sorted(names - set(there)):
            raise CatalogueError(
                f"{parent.name}: has no {what} {missing[0]!r}. Extend another scenario, such as national_2024_25, with --from."
            )


def _demand(own: OwnService) -> Iterator[str]:
    by_month = {month: number for month, number in own.referrals.items() if month != ALL_MONTHS}
    yield "[demand]"
    yield "# People referred to you in a year, by themselves or by others."
    yield _line("referrals_per_year", _referrals_a_year(own), 5000)
    if by_month:
        yield ""
        yield "# And in each month that you know."
        yield "[demand.monthly_referrals]"
        yield from (_line(f'"{month}"', by_month[month]) for month in sorted(by_month))


def _referrals_a_year(own: OwnService) -> float | None:
    """Twelve times the mean month, of the last twelve that are known; None where none is."""
    known = [own.referrals[month] for month in sorted(own.referrals)][-MONTHS:]
    return MONTHS * sum(known) / len(known) if known else None


def _whose(kind: str) -> str:
    """Whose posts a kind of staff is part of: practitioners assess in a part of their week."""
    return PRACTITIONERS if kind == ASSESSORS else kind


def _posts(own: OwnService, parent: Scenario, kind: str) -> tuple[ByMonth, str]:
    """Posts of a kind by month, and where they are from; no month where nothing is known of them."""
    by_month = own.posts.get(_whose(kind), {})
    if kind not in (ASSESSORS, PRACTITIONERS):
        return by_month, OURS
    here = {one: parent.staff[one].wte.value for one in (ASSESSORS, PRACTITIONERS)}
    share, origin = own.assessing, OURS
    if share is None:
        share = here[ASSESSORS] / sum(here.values())
        origin = f'assumption = "our practitioners; what part of their week goes to assessments is as in {parent.name}"'
    part = share if kind == ASSESSORS else 1 - share
    return {month: part * wte for month, wte in by_month.items()}, origin


def _staff(own: OwnService, parent: Scenario, fit: ServiceFit | None) -> Iterator[str]:
    changes, a_year = fit.changes if fit else {}, _referrals_a_year(own)
    for kind, staff in parent.staff.items():
        by_month, origin = _posts(own, parent, kind)
        now = by_month[max(by_month)] if by_month else None
        if now is None and a_year is not None:
            now = staff.wte.value * a_year / parent.demand.referrals_per_year.value
            origin = f'assumption = "{NOT_KNOWN}as in {parent.name}, in proportion to referrals"'
        serves = [name for name, step in parent.pathway.steps.items() if step.staff == kind]
        yield ""
        yield f"[staff.{kind}]"
        yield f"# Posts, whole-time equivalents, for {', '.join(serves)}."
        yield _line("wte", now, 10, origin=origin)
        if kind in own.trainees:
            yield _line("trainees", own.trainees[kind])
        path = f"staff.{kind}.contacts_per_week"
        if path in changes:
            yield f'contacts_per_week = {{ value = {changes[path]:g}, fitted = "to the waits of last year below, with the posts given" }}'
        elif (held := _contacts_from_caseload(own, parent, kind)) is not None:
            yield f'contacts_per_week = {{ value = {held:.4g}, fitted = "to the caseload given, which so many contacts a post hold" }}'
        else:
            yield "# Contacts that a post books in a full week at work; fitted to your waits where posts and waits are known."
            yield _line("contacts_per_week", None, staff.contacts_per_week.value)
        if len(by_month) > 1:
            yield f"[staff.{kind}.monthly_wte]"
            yield from (_line(f'"{month}"', by_month[month], origin=origin) for month in sorted(by_month))


def _contacts_from_caseload(own: OwnService, parent: Scenario, kind: str) -> float | None:
    """Contacts a week of each post, if those in a course are seen as often as in the parent; None where that is not known.

    Each course takes contacts a day of `staff_time_per_contact` over `days_between_sessions`. All courses of these staff
    are counted, those whose caseload was not said in proportion to their share of staff.
    """
    by_month, _ = _posts(own, parent, kind)
    if not by_month or not by_month[max(by_month)]:
        return None
    steps = {name: step for name, step in parent.pathway.courses.items() if step.staff == kind}
    said = [name for name in steps if name in own.caseload]
    share = sum(steps[name].share_of_staff.value for name in said)
    if not share:
        return None
    a_day = sum(
        own.caseload[name] * steps[name].staff_time_per_contact.value / steps[name].days_between_sessions.value
        for name in said
    )
    staff = parent.staff[kind]
    filled = by_month[max(by_month)] * (1 - staff.vacancy_share.value)
    filled += own.trainees.get(kind, staff.trainees.value) * staff.trainee_share.value
    return a_day / share / filled * staff.contacts_per_week.value / staff.contacts_per_wte_day


def _lists(own: OwnService) -> Iterator[str]:
    yield ""
    yield "# Clients on each list on that day. Of a list that you do not know, as many wait as your staff leave waiting in"
    yield "# the long run."
    yield "[start.waiting]"
    names = dict.fromkeys((*LISTS, *own.waiting))
    for name in names:
        by_wait = own.waiting.get(name)
        if by_wait is None or set(by_wait) == {""}:
            yield _line(name, None if by_wait is None else by_wait[""], 100)
    for name, by_wait in own.waiting.items():
        if set(by_wait) != {""}:
            yield f"[start.waiting.{name}]"
            yield from (_line(band, number) for band, number in by_wait.items())


def _last_year(own: OwnService, parent: Scenario) -> Iterator[str]:
    if "first_contact" in own.last_year:
        longer, booking = own.last_year["first_contact"] / _published_wait(parent), parent.pathway.booking
        yield ""
        yield "[pathway.booking]"
        for name in ("mean_days", "slow_mean_days"):
            value = longer * getattr(booking, name).value
            yield f'{name} = {{ value = {value:.4g}, assumption = "the same part of the wait for a first contact as in {parent.name}" }}'
    yield ""
    yield "# What you know of the last twelve months. `caseload-sim calibrate service this_file.toml` keeps your posts and fits"
    yield "# contacts a post to your waits. England's own figures, to which posts are fitted there, do not hold here."
    yield "[official]"
    yield "replace = true"
    for name, known in LAST_YEAR.items():
        value = own.last_year.get(name)
        fitted = _whose(known.staff) in own.posts
        before = "" if value is not None else "# "
        yield ""
        yield f"{before}[official.{known.measure}{'_high' if known.group else ''}]  # {known.words}, {known.unit}"
        yield f'{before}measure = "{known.measure}"'
        for part in ("base", "at", "group"):
            if said := getattr(known, part):
                yield f'{before}{part} = "{said}"'
        yield f'{before}role = "{"fitted" if fitted else "check"}"'
        if fitted:
            yield f'{before}fitted_by = ["staff.{known.staff}.contacts_per_week"]'
        yield f"{before}value = {value if value is not None else 30 if known.unit == 'days' else 0.5:g}"
        yield f"{before}{OURS}"


def _published_wait(parent: Scenario) -> float:
    official = parent.official.get("first_contact_days_mean")
    return official.value if official else parent.pathway.booking.mean_days.value


def _line(name: str, value: float | None, example: float = 0.0, origin: str = OURS) -> str:
    """A number of ours; of one that nobody said, an example that a # keeps out."""
    before, shown, origin = ("# ", example, OURS) if value is None else ("", value, origin)
    return f"{before}{name} = {{ value = {shown:.7g}, {origin} }}"
