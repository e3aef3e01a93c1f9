"""A scenario file of a real service: its own published figures, each with its source, and what was fitted to them.

What is published goes into the file as it is: referrals, deprivation of those referred, and the official figures that the
model is compared with. What is not published (posts, patience, attendance, how many sessions are planned) is fitted so that
the model meets some of those figures; the others are checks. Who is referred, and how people get better, is as in the parent.
"""

import tomllib
from collections.abc import Iterator
from datetime import date, timedelta

from caseload_sim.analysis.service_fit import ServiceFit, fragment_of
from caseload_sim.errors import CatalogueError
from caseload_sim.pathway.demand import DAYS_PER_YEAR
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.service import NOT_KNOWN
from caseload_sim.services.published import Provider, Published
from caseload_sim.services.targets import annual_of, targets_of
from caseload_sim.services.year import MONTHS, MOST_MISSING, ProviderYear, months_before, year_of

FEWEST_FINISHED = 200  # courses in a year: below, most figures of a month are suppressed


def service_text(
    published: Published, code: str, parent: Scenario, fit: ServiceFit | None = None, last_month: str | None = None
) -> str:
    """The scenario file of a service, with what was fitted if a fit is given.

    last_month: of the year that it is made of, the last published if None
    Raises CatalogueError as `usable_year`.
    """
    year = usable_year(published, published.provider(code), last_month)
    return "\n".join([
        *_head(year, parent), "", *_demand(published, year), "", *_deprivation(published, year, parent), "",
        *_modality(published, year, parent), *_staff(year, parent, fit), *_lists(published, year), "", *_official(published, year, parent), *_fitted(fit),
    ]) + "\n"  # fmt: skip


def service_scenario(published: Published, code: str, parent: Scenario, last_month: str | None = None) -> Scenario:
    """The scenario that the file of a service holds, without a fit, data collection being its year. See `service_text`."""
    content = tomllib.loads(service_text(published, code, parent, last_month=last_month))
    content.pop("extends")
    year = usable_year(published, published.provider(code), last_month)
    begins = date.fromisoformat(f"{year.first_month}-01")
    content["run"] = {"opens": begins - timedelta(days=parent.run.warm_up_days), "data_collection_days": DAYS_PER_YEAR}
    return parent.with_changes(content).model_copy(update={"name": code})


def usable_year(published: Published, provider: Provider, last_month: str | None = None) -> ProviderYear:
    """A provider's year, if a scenario can be made of it.

    Raises CatalogueError where more than two months are missing, or fewer than 200 finished courses are published.
    """
    year = year_of(published, provider, last_month)
    if len(year.missing) > MOST_MISSING or not year.value("finished_course_treatment") >= FEWEST_FINISHED:
        raise CatalogueError(
            f"{provider.code}, {provider.name}: no year with at least {MONTHS - MOST_MISSING} months and {FEWEST_FINISHED} finished "
            f"courses is published (up to {year.last_month}), so there is too little to fit to. Write your own file with "
            "`caseload-sim new FILE`."
        )
    return year


def _head(year: ProviderYear, parent: Scenario) -> list[str]:
    one = year.provider
    missing = (
        [f"# Not published: {', '.join(year.missing)}. The other months stand for the whole year."]
        if year.missing
        else []
    )
    return [
        f"# {one.code}, {_plain(one.name)}, {_plain(one.town)}: its year from {year.first_month} to {year.last_month}.",
        *missing,
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
    """Referrals of the year and by month; a month that is not published is taken to be as the mean of the others."""
    code, series, months = (
        year.provider.code,
        published.series(year.provider.code)["M001"],
        months_before(year.last_month),
    )
    counts = [series[month] for month in months if month in series]
    mean = sum(counts) / len(counts)
    of = "" if len(counts) == MONTHS else f", as {MONTHS} times the mean of {len(counts)} months"
    yield "[demand]"
    yield f'referrals_per_year = {{ value = {MONTHS * mean:.0f}, source = "nhse2025", where = "monthly, M001 of {code}, {months[0]} to {months[-1]}{of}" }}'
    yield ""
    yield "[demand.monthly_index]"
    for month in sorted(months, key=lambda one: one[5:]):
        name = _MONTHS[int(month[5:]) - 1]
        if month in series:
            yield f'{name} = {{ value = {series[month] / mean:.3f}, source = "nhse2025", where = "monthly, M001 of {code}, {month}" }}'
        else:
            yield f'{name} = {{ value = 1, assumption = "{month} is not published: as the mean of the other months" }}'


_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")  # fmt: skip


def _deprivation(published: Published, year: ProviderYear, parent: Scenario) -> Iterator[str]:
    """Referrals by decile as NHS England counts them, 01 the least deprived; none where a decile is suppressed."""
    provider, (annual_year, annual) = year.provider, annual_of(published, year)
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


_MODALITY = {"face_to_face": "M1001", "telephone": "M1002", "video": "M1018"}


def _modality(published: Published, year: ProviderYear, parent: Scenario) -> Iterator[str]:
    """How contacts took place; as in the parent where that is not published, or the parent has other ways."""
    series, code = published.series(year.provider.code), year.provider.code
    counts = [series.get(measure, {}) for measure in _MODALITY.values()]
    months = [month for month in months_before(year.last_month) if all(month in one for one in counts)]
    total = sum(one[month] for one in counts for month in months)
    if list(parent.pathway.modalities) != list(_MODALITY) or not total:
        yield f"# How contacts take place is not published, so it is as in {parent.name}."
        yield ""
        return
    shares = [round(sum(one[month] for month in months) / total, 4) for one in counts]
    shares[-1] = round(1 - sum(shares[:-1]), 4)
    of = "+".join(_MODALITY.values())
    for (name, measure), share in zip(_MODALITY.items(), shares, strict=True):
        yield f"[pathway.modalities.{name}]"
        yield f'share = {{ value = {share:.4f}, source = "nhse2025", where = "monthly, {measure} of {of}, {code}, {len(months)} months to {months[-1]}" }}'
        yield ""


_LISTS = (("M039", "0 to 2 weeks"), ("M040", "2 to 4 weeks"), ("M041", "4 to 6 weeks"), ("M042", "6 to 12 weeks"), ("M043", "12 to 18 weeks"))  # fmt: skip


def _lists(published: Published, year: ProviderYear) -> Iterator[str]:
    """Lists at the end of the year as published: a comment, because they are not the lists of the model's steps."""
    series, month = published.series(year.provider.code), year.last_month

    def count(measure: str) -> float | None:
        return series.get(measure, {}).get(month)

    if (waiting := count("M038")) is None:
        yield f"# How many were waiting at the end of {month} is not published."
        return
    assessment = count("M029")
    first = f"; {assessment:,.0f} for an assessment (M029)" if assessment is not None else ""
    yield f"# At the end of {month}, as published: {waiting:,.0f} waited for a first treatment contact (M038){first}."
    parts, before = [], 0.0
    for measure, words in _LISTS:
        so_far = count(measure)
        if so_far is None:
            break
        parts.append(f"{words} {max(so_far - before, 0):,.0f}")
        before = so_far
    if parts:
        over = count("M044")
        yield f"# Since referral: {', '.join([*parts, *([f'over 18 weeks {over:,.0f}'] if over is not None else [])])} (M039 to M044)."
    yield "# Who has an assessment booked is among them; in the model they are booked and on no list. So these are not its lists: say"
    yield "# those of each step in [start.waiting], with `opens`, to begin from them."


def _staff(year: ProviderYear, parent: Scenario, fit: ServiceFit | None) -> Iterator[str]:
    """Posts that were fitted; others as in the parent, in proportion to referrals, which is where the fit begins."""
    share = year.of_twelve_months("referrals_received") / parent.demand.referrals_per_year.value
    changes = fit.changes if fit else {}
    for kind, staff in parent.staff.items():
        path = f"staff.{kind}.wte"
        yield f"[staff.{kind}]"
        if path in changes:
            yield f'wte = {{ value = {changes[path]:g}, fitted = "to the waits below: posts are not published" }}'
        else:
            yield f'wte = {{ value = {staff.wte.value * share:.4f}, assumption = "{NOT_KNOWN}as in {parent.name}, in proportion to referrals" }}'
        yield ""


def _official(published: Published, year: ProviderYear, parent: Scenario) -> Iterator[str]:
    yield "# Published figures of this service. `fitted_by` names what was moved to meet a figure; a check never is."
    yield "[official]"
    yield "replace = true"
    for one in targets_of(published, year, parent):
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
        if one.assumption:
            yield f'assumption = "{one.assumption}"'
        else:
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
