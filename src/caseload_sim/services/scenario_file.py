"""A scenario file of a real service: its own published figures, each with its source, and what was fitted to them.

What is published goes into the file as it is: referrals, deprivation of those referred, and the official figures that the
model is compared with. What is not published (posts, patience, attendance, how many sessions are planned) is fitted so that
the model meets some of those figures; the others are checks. Who is referred, and how people get better, is as in the parent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Unpack

from caseload_sim.analysis.calibrate_service import calibrate_service, runs_at_most_of
from caseload_sim.analysis.service_fit import ServiceFit, fragment_of
from caseload_sim.errors import CatalogueError
from caseload_sim.experiments.run_options import RunKeywords
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.service import Staff
from caseload_sim.services.published import Provider, Published
from caseload_sim.services.year import MONTHS, Made, ProviderYear, made_of, months_before, year_of

FEWEST_FINISHED = 200  # courses in a year: below, most figures of a month are suppressed
MEAN_OVER_90_DAYS = 150.0
MOST_MOVED = 1.5  # 4.5 times as many posts, or as few: where a figure hardly tells a number, it goes no further
MOST_REFERRALS_OF_A_FIT = 10_000.0  # a year: of more, a run takes longer and says hardly more
_COURSES = ("low_intensity", "group", "internet_guided")


@dataclass(frozen=True, slots=True)
class Count:
    """A count of the annual publication: of a group, or of a part of it, which measure."""

    kind: str
    group: str
    part: str = ""
    measure: str = "finished_course_treatment_count"


@dataclass(frozen=True, slots=True)
class Target:
    """A published figure of the service: of which measure of the model, and what is moved to meet it; nothing for a check.

    made: how it is made of monthly figures; annual: or of annual counts, a numerator over denominators, by group and part
    bands: or of annual counts by days waited, each with the mean days of its band
    """

    name: str
    measure: str
    moves: tuple[str, ...] = ()
    made: Made | None = None
    annual: tuple["Count", tuple["Count", ...]] | None = None
    bands: tuple[tuple["Count", float], ...] = ()
    less_than_one: bool = False
    base: str = ""
    at: str = ""
    group: str = ""

    @property
    def unit(self) -> str:
        return self.made.unit if self.made else "share"


def _share(top: str, under: str) -> Made:
    return Made("", "", "share", "share", tuple(top.split("+")), (under,))


def _mean(measure: str, unit: str, weight: str = "M076") -> Made:
    return Made("", "", unit, "mean", (measure,), (weight,))


def _of_steps(name: str) -> tuple[str, ...]:
    return tuple(f"pathway.steps.{step}.{name}" for step in _COURSES)


_PATHWAY, _SECOND = "Stepped Care Pathway", "First to Second treatment"
_LOW = Count(_PATHWAY, "Assessment to first low intensity therapy")
_HIGH = Count(_PATHWAY, "Assessment to first high intensity therapy")
_UP = Count(_PATHWAY, "Step up - Last low to first high intensity therapy")
_FINISHED, _CASES = Count("Total", "NULL"), Count("Total", "NULL", "", "at_caseness_count")

# Days from the first to the second contact are published in bands. Within a band the middle is taken, and above 90 days what
# makes the mean of England 61 days, as it is in national_2024_25.
_BANDS = tuple(
    (Count("Waiting Time", _SECOND, part), days)
    for part, days in (("<=28 days", 14.0), ("29-56 days", 42.5), ("57-90 days", 73.5), (">90 days", MEAN_OVER_90_DAYS))
)


def _total(measure: str) -> Count:
    return Count("Total", "NULL", "", measure)


TARGETS = (
    Target("ended_before_treatment", "ended_before_treatment", ("pathway.declined",), _share("M153", "M056")),
    Target("ended_after_one_contact", "ended_after_one_contact", ("pathway.attendance.intercept",), _share("M075", "M056")),
    Target("ended_after_finishing", "ended_after_finishing", (), _share("M076", "M056")),
    Target("reason_not_assessed", "reason_not_assessed", ("pathway.not_assessed",), _share("M342", "M056")),
    Target("reason_not_suitable", "reason_not_suitable", ("pathway.screening.not_suitable",), _share("M057+M058", "M056")),
    Target("reason_advice_or_elsewhere", "reason_advice_or_elsewhere",
           ("pathway.screening.advice_below_caseness", "pathway.screening.advice_at_caseness"), _share("M059+M060", "M056")),
    Target("reason_unplanned", "reason_unplanned", (*_of_steps("drop_out_per_session"),
           "pathway.steps.high_intensity.drop_out_per_session"), _share("M344", "M056")),
    Target("reason_declined", "reason_declined", (), _share("M061", "M056")),
    Target("low_intensity_first", "low_intensity_first", ("pathway.routing.direct_intercept",),
           annual=(_LOW, (_LOW, _HIGH))),
    Target("stepped_up", "stepped_up", _of_steps("step_up_acceptance"),
           annual=(_UP, (_LOW,))),
    Target("low_intensity_contacts", "coded_contacts_mean", _of_steps("planned_sessions_mean"),
           _mean("M120", "contacts"), group="intensity=low"),
    Target("high_intensity_contacts", "coded_contacts_mean", ("pathway.steps.high_intensity.planned_sessions_mean",),
           _mean("M112", "contacts"), group="intensity=high"),
    Target("contacts_mean", "contacts_mean", (), _mean("M141", "contacts")),
    Target("days_between_contacts", "days_between_contacts_mean", (), _mean("M351", "days")),
    Target("not_attended", "not_attended", ("pathway.missed.not_attended",), _share("M084", "M082")),
    Target("client_cancelled", "client_cancelled", ("pathway.missed.client_cancelled",), _share("M083", "M082")),
    Target("provider_cancelled", "provider_cancelled", ("pathway.missed.provider_cancelled",), _share("M085", "M082")),
    Target("first_contact_days_mean", "first_contact_days_mean", ("pathway.booking.mean_days",), _mean("M048", "days", "M031")),
    Target("first_contact_within_6_weeks", "first_contact_within_6_weeks", (), _share("M052", "M076")),
    Target("first_contact_within_18_weeks", "first_contact_within_18_weeks", (), _share("M054", "M076")),
    Target("second_contact_days_mean", "second_contact_days_mean", ("staff.psychological_wellbeing_practitioner.wte",), bands=_BANDS),
    Target("second_contact_over_28_days", "second_contact_over_28_days",
           annual=(Count("Waiting Time", _SECOND, "<=28 days"), (_FINISHED,)), less_than_one=True),
    Target("second_contact_over_90_days", "second_contact_over_90_days", (),
           annual=(Count("Waiting Time", _SECOND, ">90 days"), (_FINISHED,))),
    Target("assessment_to_high_intensity_days", "treatment_wait_days_mean", ("staff.high_intensity_therapist.wte",),
           _mean("M347", "days"), group="intensity=high"),
    Target("assessment_to_low_intensity_days", "treatment_wait_days_mean", (), _mean("M348", "days"), group="intensity=low"),
    Target("step_up_wait_days", "step_up_wait_days_mean", (), _mean("M350", "days")),
    Target("recovery", "recovery", annual=(_total("recovery_count"), (_CASES,)), base="finished", at="end"),
    Target("reliable_recovery", "reliable_recovery", annual=(_total("reliable_recovery_count"), (_CASES,)), base="finished", at="end"),
    Target("improvement", "improvement", annual=(_total("improvement_count"), (_FINISHED,)), base="finished", at="end"),
    Target("deterioration", "deterioration", annual=(_total("deterioration_count"), (_FINISHED,)), base="finished", at="end"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A target with its published value, and where that stands."""

    target: Target
    value: float
    where: str


def service_text(published: Published, code: str, parent: Scenario, fit: ServiceFit | None = None) -> str:
    """The scenario file of a service, with what was fitted if a fit is given.

    Raises CatalogueError for a service without a full year, or with fewer than 200 finished courses in it.
    """
    provider = published.provider(code)
    year = _usable_year(published, provider)
    return "\n".join([
        *_head(year, parent), "", *_demand(published, year), "", *_deprivation(published, year, parent), "",
        *_staff(year, parent, fit), *_official(published, year), *_fitted(fit),
    ]) + "\n"  # fmt: skip


def fit_service(scenario: Scenario, **how: Unpack[RunKeywords]) -> ServiceFit:
    """Fit what is not published to what is, on a service of at most 10,000 referrals with staff in proportion.

    scenario: loaded from `service_text` without a fit
    how: the keywords of `RunOptions`, see `replicate`
    """
    share = _share_for_a_fit(scenario)
    posts = {path: staff.wte.value for path, staff in _posts(scenario).items()}
    found = calibrate_service(smaller_for_a_fit(scenario), replications=1, most_moved=MOST_MOVED, **how)
    whole = {path: round(value / share, 4) if path in posts else value for path, value in found.changes.items()}
    return replace(found, changes=whole, in_use=found.in_use | {path: posts[path] for path in posts if path in whole})


def work_of_fit(published: Published, code: str, parent: Scenario) -> tuple[Scenario, int]:
    """A scenario as large as that to which `fit_service` fits, and how often it is run at most. Raises as `service_text`."""
    year = _usable_year(published, published.provider(code))
    referrals = min(year.value("referrals_received"), MOST_REFERRALS_OF_A_FIT)
    n_fitted = sum(bool(one.target.moves) for one in targets_of(published, year))
    return parent.with_changes({"demand.referrals_per_year": referrals}), runs_at_most_of(n_fitted)


def smaller_for_a_fit(scenario: Scenario) -> Scenario:
    """The service with at most 10,000 referrals a year, and staff in proportion."""
    share = _share_for_a_fit(scenario)
    if share == 1:
        return scenario
    posts = {path: share * staff.wte.value for path, staff in _posts(scenario).items()}
    return scenario.with_changes(
        posts | {"demand.referrals_per_year": share * scenario.demand.referrals_per_year.value}
    )


def _share_for_a_fit(scenario: Scenario) -> float:
    return min(MOST_REFERRALS_OF_A_FIT / scenario.demand.referrals_per_year.value, 1.0)


def _posts(scenario: Scenario) -> dict[str, Staff]:
    return {f"staff.{kind}.wte": staff for kind, staff in scenario.staff.items()}


def _usable_year(published: Published, provider: Provider) -> ProviderYear:
    year = year_of(published, provider)
    finished = year.value("finished_course_treatment")
    if not year.is_full or not finished >= FEWEST_FINISHED:
        raise CatalogueError(
            f"{provider.code}, {provider.name}: no full year with at least {FEWEST_FINISHED} finished courses is published "
            f"(up to {year.last_month}), so there is too little to fit to. Write your own file with `caseload-sim new FILE`."
        )
    return year


def _head(year: ProviderYear, parent: Scenario) -> list[str]:
    one = year.provider
    return [
        f"# {one.code}, {_plain(one.name)}, {_plain(one.town)}: its year from {year.first_month} to {year.last_month}.",
        "# Figures with source nhse2025 are its own, as NHS England published them (Open Government Licence v3.0).",
        f"# What is not said here is as in {parent.name}: `caseload-sim explain this_file.toml` shows all of it.",
        "",
        f'extends = "{parent.name}"',
        f'title = "{_plain(one.name)} ({one.code}), {year.first_month} to {year.last_month}"',
    ]


def _plain(text: str) -> str:
    """A name that can stand in a quoted text and in a comment."""
    return "".join(" " if letter in '"\\' or not letter.isprintable() else letter for letter in text)


def _demand(published: Published, year: ProviderYear) -> Iterator[str]:
    series = published.series(year.provider.code)["M001"]
    months = months_before(year.last_month)
    total = sum(series[month] for month in months)
    yield "[demand]"
    yield f'referrals_per_year = {{ value = {total:.0f}, source = "nhse2025", where = "monthly, M001 of {year.provider.code}, {months[0]} to {months[-1]}" }}'
    yield ""
    yield "[demand.monthly_index]"
    for month in sorted(months, key=lambda one: one[5:]):
        index = len(months) * series[month] / total
        yield f'{_MONTHS[int(month[5:]) - 1]} = {{ value = {index:.3f}, source = "nhse2025", where = "monthly, M001 of {year.provider.code}, {month}" }}'


_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")  # fmt: skip


def _deprivation(published: Published, year: ProviderYear, parent: Scenario) -> Iterator[str]:
    """Referrals by decile as NHS England counts them, 01 the least deprived; none where a decile is suppressed."""
    provider, annual_year = year.provider, annual_year_of(year.last_month)
    annual = published.annual(provider.code, annual_year)
    by_decile = {
        int(group[:2]): value
        for (kind, group, _, measure), value in annual.items()
        if kind == "Indices of Deprivation Decile" and measure == "referrals_received_count" and group[:2].isdigit()
    }
    labels = parent.population.strata.get("deprivation_decile", {})
    if len(by_decile) != len(labels) or not labels:
        yield f"# How deprived its clients are is not fully published, so it is as in {parent.name}."
        return
    total = sum(by_decile.values())
    yield "[population.strata.deprivation_decile]"
    for label in labels:
        decile = int(label.split("_")[0])
        yield f'{label} = {{ value = {by_decile[decile] / total:.4f}, source = "nhse2025", where = "annual {annual_year}, referrals by decile, {provider.code}, {by_decile[decile]:.0f} of {total:.0f}" }}'


def _staff(year: ProviderYear, parent: Scenario, fit: ServiceFit | None) -> Iterator[str]:
    """Posts that were fitted; others as in the parent, in proportion to referrals, which is where the fit begins."""
    share = year.value("referrals_received") / parent.demand.referrals_per_year.value
    changes = fit.changes if fit else {}
    for kind, (path, staff) in zip(parent.staff, _posts(parent).items(), strict=True):
        yield f"[staff.{kind}]"
        if path in changes:
            yield f'wte = {{ value = {changes[path]:g}, fitted = "to the waits below: posts are not published" }}'
        else:
            yield f'wte = {{ value = {staff.wte.value * share:.4f}, assumption = "not published: as in {parent.name}, in proportion to referrals" }}'
        yield ""


def targets_of(published: Published, year: ProviderYear) -> list[Found]:
    """The figures of the service that are published, in the order of `TARGETS`."""
    code, months = year.provider.code, months_before(year.last_month)
    annual_year = annual_year_of(year.last_month)
    series, annual, found = published.series(code), published.annual(code, annual_year), []
    for target in TARGETS:
        if target.made:
            value, n = made_of(target.made, series, months)
            parts = "+".join(target.made.of), "+".join(target.made.over), "+".join(target.made.less)
            of = f" of {parts[1]}" if parts[1] and target.made.how == "share" else ""
            where = (
                f"monthly, {parts[0]}{of}{' less ' + parts[2] if parts[2] else ''}, {code}, {n} months to {months[-1]}"
            )
        elif target.bands:
            counts = [_annual_count(annual, one) for one, _ in target.bands]
            n = 0 if None in counts else MONTHS
            weighted = sum((k or 0) * days for k, (_, days) in zip(counts, target.bands, strict=True))
            value = weighted / sum(k or 0 for k in counts) if n else float("nan")
            where = f"annual {annual_year}, waiting time, {_SECOND}, bands with assumed means, {code}"
        else:
            assert target.annual is not None
            top, *unders = (_annual_count(annual, one) for one in (target.annual[0], *target.annual[1]))
            n = 0 if None in (top, *unders) else MONTHS
            under = sum(one or 0 for one in unders)
            value = (top or 0) / under if n and under else float("nan")
            value = 1 - value if target.less_than_one else value
            one = target.annual[0]
            what = ", ".join(filter(None, (one.kind.lower(), one.group.replace("NULL", ""), one.part)))
            where = f"annual {annual_year}, {what}, {one.measure}, {code}"
        if n and value == value:
            found.append(Found(target, value, where))
    return found


def annual_year_of(last_month: str) -> str:
    """The financial year of the annual publication that had ended by then.

    >>> annual_year_of("2025-03"), annual_year_of("2025-02")
    ('2024-25', '2023-24')
    """
    ended = int(last_month[:4]) - (int(last_month[5:]) < 3)
    return f"{ended - 1}-{ended % 100:02d}"


def _annual_count(annual: Mapping[tuple[str, str, str, str], float], one: Count) -> float | None:
    """That many; None where it is suppressed."""
    return annual.get((one.kind, one.group, one.part, one.measure))


def _official(published: Published, year: ProviderYear) -> Iterator[str]:
    yield "# Published figures of this service. `fitted_by` names what was moved to meet a figure; a check never is."
    yield "[official]"
    yield "replace = true"
    for one in targets_of(published, year):
        target = one.target
        yield ""
        yield f"[official.{target.name}]"
        yield f'measure = "{target.measure}"'
        for part in ("base", "at", "group"):
            if said := getattr(target, part):
                yield f'{part} = "{said}"'
        yield f'role = "{"fitted" if target.moves else "check"}"'
        if target.moves:
            yield f"fitted_by = [{', '.join(f'{chr(34)}{path}{chr(34)}' for path in target.moves)}]"
        yield f"value = {one.value:.4g}"
        yield 'source = "nhse2025"'
        yield f'where = "{one.where}"'


def _fitted(fit: ServiceFit | None) -> list[str]:
    if fit is None:
        return []
    others = {path: value for path, value in fit.changes.items() if not path.startswith("staff.")}
    _, *lines = fragment_of(
        "", others, "to this service's published figures"
    ).splitlines()  # what it extends is said above
    return ["", "# Not published: fitted to the figures above that say `fitted_by`.", *lines]
