"""Contradictions that no single value shows: names that lead nowhere, shares that do not add up, staff shared twice."""

from collections.abc import Callable, Collection, Mapping
from math import exp, prod

from caseload_sim.definitions.measures import all_measures
from caseload_sim.definitions.times import LAST_DATE, days_waited, number_of_month
from caseload_sim.errors import did_you_mean
from caseload_sim.scenario.assumptions import Assumptions
from caseload_sim.scenario.checks_population import ROUNDING, Found, _impossible_population
from caseload_sim.scenario.costs import DEFAULT_STAFF
from caseload_sim.scenario.expected import staff_time_of_a_contact
from caseload_sim.scenario.numbers import Number, numbers
from caseload_sim.scenario.pathway import CourseStep
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.population import DEFAULT, DEPRIVATION

MOST_MISSED = 0.95
DAYS_PER_YEAR = 365
MOST_REFERRALS_PER_YEAR = 1_000_000
MOST_REFERRALS_PER_DAY = 100_000
MOST_PLACES = 1e8  # at one step of all providers together: they are counted in 32 bits
SHORTEST_MONTH_DAYS = 28


def contradictions(scenario: Assumptions, sources: Collection[str]) -> Found:
    """Every contradiction in a scenario, as (path, what is wrong and what to do)."""
    yield from _unknown_sources(scenario, sources)
    yield from _unknown_names(scenario)
    yield from _incomplete_tables(scenario)
    yield from _impossible_demand(scenario)
    yield from _impossible_population(scenario)
    yield from _impossible_pathway(scenario)
    yield from _impossible_distress(scenario)
    yield from _impossible_costs(scenario)


def _unknown_sources(scenario: Assumptions, sources: Collection[str]) -> Found:
    for path, number, _ in numbers(scenario):
        if number.source and number.source not in sources:
            yield (
                (*path.split("."), "source"),
                f"'{number.source}' is not a known source. {did_you_mean(number.source, sources)} "
                f"Add it as [sources.{number.source}] with a `citation`.",
            )


def _unknown_names(scenario: Assumptions) -> Found:
    conditions = set(scenario.population.prevalence)
    disorders = {n for n, p in scenario.population.prevalence.items() if p.group == "emotional_disorder"}
    routing, steps = scenario.pathway.routing, set(scenario.pathway.steps)
    groups = {p.group for p in scenario.population.prevalence.values()}
    named: list[tuple[tuple[str, ...], Collection[str], set[str], str]] = [
        (("population", "loading"), scenario.population.loading, conditions | groups, "condition or group"),
        (("population", "correlation"), scenario.population.correlation, conditions, "condition"),
        (("pathway", "attendance", "by_condition"), scenario.pathway.attendance.by_condition, conditions, "condition"),
        (("pathway", "routing", "disclosure"), routing.disclosure, conditions, "condition"),
        (("population", "state_share"), scenario.population.state_share, conditions | {DEFAULT}, "condition"),
        (("outcome", "remission", "by_condition"), scenario.outcome.remission.by_condition, conditions, "condition"),
        (("pathway", "routing", "high_intensity_problems"), routing.high_intensity_problems, disorders, "disorder"),
        (("pathway", "routing", "otherwise_recorded"), routing.otherwise_recorded, disorders, "disorder"),
        (("pathway", "policy"), (scenario.pathway.policy,), set(POLICIES), "policy"),
    ]
    targets = scenario.population.targets
    for kind_of_target, combinations in (("any_of", targets.any_of), ("all_of", targets.all_of)):
        for name, combination in combinations.items():
            here: tuple[str, ...] = ("population", "targets", kind_of_target, name, "conditions")
            named.append((here, combination.conditions, conditions, "condition"))
    for first, ratios in targets.odds_ratio.items():
        named.append((("population", "targets", "odds_ratio", first), ratios, conditions - {first}, "other condition"))
    named.append((("population", "targets", "odds_ratio"), targets.odds_ratio, conditions, "condition"))
    if scenario.population.fit:
        named.append((("population", "fit", "start"), scenario.population.fit.start, disorders, "disorder"))
    for first, others in scenario.population.correlation.items():
        named.append((("population", "correlation", first), others, conditions - {first}, "other condition"))
    for which in ("phq9", "gad7"):
        own = getattr(scenario.instruments, which).own_disorder
        named.append((("instruments", which, "own_disorder"), (own,), disorders, "disorder"))
    if scenario.population.eligibility:
        excluded = scenario.population.eligibility.excluded_conditions
        named.append((("population", "eligibility", "excluded_conditions"), excluded, conditions, "condition"))
    for name, step in scenario.pathway.steps.items():
        here = ("pathway", "steps", name)
        named.append(((*here, "staff"), (step.staff,), set(scenario.staff), "kind of staff"))
        for key in ("steps_up_to", "steps_down_to", "instead_of"):
            if (other := getattr(step, key, None)) is not None:
                named.append(((*here, key), (other,), steps - {name}, "other step"))
    named.append((("start", "waiting"), scenario.start.waiting, steps, "step"))
    for quantity, official in scenario.official.items():
        named.append((("official", quantity, "measure"), (official.measure,), set(all_measures()), "measure"))
    paths = {path for path, _, _ in numbers(scenario)}
    for soft, doubt in scenario.doubt.items():
        named.append((("doubt", soft, "paths"), doubt.paths, paths, "path of a number"))
    for path, names, known, kind in named:
        for name in names:
            if name not in known:
                found_at = (*path, name) if isinstance(names, Mapping) else path  # a table's key, or a value
                yield found_at, f"'{name}' is not a known {kind}. {did_you_mean(name, known)}"


def _incomplete_tables(scenario: Assumptions) -> Found:
    disorders = scenario.disorders
    tables: list[tuple[tuple[str, ...], dict[str, Number]]] = [
        (("outcome", "remission", "monthly_hazard"), dict(scenario.outcome.remission.monthly_hazard)),
        (("outcome", "treatment", "spill"), dict(scenario.outcome.treatment.spill)),
    ]
    for name, step in scenario.pathway.courses.items():
        tables.append((("pathway", "steps", name, "effect"), dict(step.effect)))
    for which, one in (("phq9", scenario.instruments.phq9), ("gad7", scenario.instruments.gad7)):
        tables.append((("instruments", which, "sees"), {one.own_disorder: one.own_weight, **one.sees}))
    for path, table in tables:
        for name in table:
            if name != DEFAULT and name not in scenario.population.prevalence:
                known = [*scenario.population.prevalence, DEFAULT]
                yield (*path, name), f"not a known disorder. {did_you_mean(name, known)}"
        missing = [name for name in disorders if name not in table]
        if missing and DEFAULT not in table:
            yield path, f"says nothing of '{missing[0]}'. Add a line for it, or one called `default`."
    for name, prevalence in scenario.population.prevalence.items():
        if name not in scenario.population.loading and prevalence.group not in scenario.population.loading:
            yield ("population", "loading"), f"says nothing of '{name}' or its group '{prevalence.group}'."


def _impossible_demand(scenario: Assumptions) -> Found:
    """A run beyond the known calendar, or growth to more referrals, at either end of it, than can be simulated."""
    demand, run = scenario.demand, scenario.run
    days_known = (LAST_DATE - run.opens).days + 1
    if run.weekends_off and run.horizon_days > days_known:
        yield (
            ("run", "opens"),
            f"{run.horizon_days:,} days from {run.opens} end after {LAST_DATE}, beyond which bank holidays are not known. "
            "Open earlier, run for fewer days, or set weekends_off = false.",
        )
    yield from _impossible_labels(scenario)
    growth = 1 + demand.growth_per_year.value
    half = run.data_collection_days / 2
    ends = ((half + run.follow_up_days) / DAYS_PER_YEAR, -(half + run.warm_up_days) / DAYS_PER_YEAR)
    most = demand.referrals_per_year.value * max(growth**years for years in ends)
    if most > MOST_REFERRALS_PER_YEAR:
        yield (
            ("demand", "growth_per_year", "value"),
            f"{demand.growth_per_year.value:g} a year makes {most:.3g} referrals a year within the run; "
            f"at most {MOST_REFERRALS_PER_YEAR:,} can be.",
        )
    index = demand.monthly_index.values()
    per_day = most * (max(index) / sum(index) / SHORTEST_MONTH_DAYS if demand.seasonal else 1 / DAYS_PER_YEAR)
    shocked = _most_by_shocks(scenario)
    if per_day * shocked > MOST_REFERRALS_PER_DAY:
        yield (
            ("demand", "shocks" if shocked > 1 else "monthly_index"),
            f"{per_day * shocked:.3g} referrals would come on one day; at most {MOST_REFERRALS_PER_DAY:,} can be.",
        )


def _impossible_labels(scenario: Assumptions) -> Found:
    """Labels that are no months, or no times waited, or overlap; more referrals in a year of counted months than can be simulated."""
    here, start = ("demand", "monthly_referrals"), scenario.start.waiting
    labelled: list[tuple[tuple[str, ...], Collection[str], Callable[[str], object]]] = [
        (here, scenario.demand.monthly_referrals, number_of_month),
        *(
            (("staff", kind, "monthly_wte"), staff.monthly_wte, number_of_month)
            for kind, staff in scenario.staff.items()
        ),
        *((("start", "waiting", step), one, days_waited) for step, one in start.items() if isinstance(one, Mapping)),
    ]
    unread = 0
    for path, label, read in ((path, label, read) for path, table, read in labelled for label in table):
        try:
            read(label)
        except ValueError as error:
            unread += 1
            yield (*path, label), f"{error}."
    for one, other in () if unread else scenario.start.overlaps():
        yield tuple(other.split(".")), f"overlaps with {one}. Count everybody once, in times that follow one another."
    of_year: dict[str, float] = {}
    for label, count in scenario.demand.monthly_referrals.items():
        of_year[label[:4]] = of_year.get(label[:4], 0.0) + count.value
    for year, total in of_year.items():
        if total > MOST_REFERRALS_PER_YEAR:
            yield (
                here,
                f"the months of {year} add up to {total:.3g} referrals; at most {MOST_REFERRALS_PER_YEAR:,} can be.",
            )


def _most_by_shocks(scenario: Assumptions) -> float:
    """The largest multiple of referrals on any day; shocks of the same day multiply each other."""
    shocks = [shock for shock in scenario.demand.shocks.values() if shock.factor.value > 1]
    return max((prod(one.factor.value for one in shocks if one.from_date <= day <= one.to_date)
                for day in {shock.from_date for shock in shocks}), default=1.0)  # fmt: skip


def _impossible_pathway(scenario: Assumptions) -> Found:
    pathway = scenario.pathway
    before = pathway.not_suitable.value + pathway.declined.value + pathway.not_assessed.value
    if before > 1:
        yield (
            ("pathway", "not_suitable"),
            (f"not_suitable, declined and not_assessed add up to {before:g}; together they may be at most 1."),
        )
    if not scenario.pathway.routing.otherwise_recorded:
        yield ("pathway", "routing", "otherwise_recorded"), "needs at least one disorder."
    for needed in POLICIES[pathway.policy].steps if pathway.policy in POLICIES else ():
        if needed not in pathway.steps:
            yield ("pathway", "policy"), f"policy '{pathway.policy}' needs a step called '{needed}'."
    kinds = [step.kind for step in pathway.steps.values()]
    if kinds.count("assessment") != 1:
        yield ("pathway", "steps"), "one step, and only one, must be of kind 'assessment'."
    yield from _impossible_shares(scenario)
    without_contacts = [*_modalities_that_reach_nobody(scenario)]
    yield from without_contacts
    if not without_contacts:
        yield from _places_lost(scenario)
        yield from _too_many_places(scenario)
    yield from _staff_shared_too_often(scenario)
    for name, step in pathway.courses.items():
        for first, second in _TOGETHER:
            if (getattr(step, first) is None) != (getattr(step, second) is None):
                yield ("pathway", "steps", name), f"{first} and {second} go together: give both or neither."
        seen, following = {name}, step.steps_up_to
        while following in pathway.steps and following is not None:
            if following in seen:
                yield ("pathway", "steps", name, "steps_up_to"), "leads in a circle."
                break
            seen.add(following)
            further = pathway.courses.get(following)
            following = further.steps_up_to if further else None


_TOGETHER = (
    ("steps_up_to", "step_up_acceptance"),
    ("steps_down_to", "step_down_share"),
    ("instead_of", "instead_share"),
)


def _impossible_shares(scenario: Assumptions) -> Found:
    """Shares of one whole that add up to more than it, or to nothing."""
    pathway = scenario.pathway
    missed = pathway.missed.total
    if missed > MOST_MISSED:
        yield (
            ("pathway", "missed"),
            f"not_attended, client_cancelled and provider_cancelled add up to {missed:g}; at most {MOST_MISSED:g}, or nobody would ever be seen.",
        )
    beside: dict[str, float] = {}
    for name, step in pathway.courses.items():
        if step.instead_of is not None and step.instead_share is not None:
            beside[step.instead_of] = beside.get(step.instead_of, 0.0) + step.instead_share.value
            if beside[step.instead_of] > 1:
                yield (
                    ("pathway", "steps", name, "instead_share"),
                    f"the shares of those who go elsewhere than to {step.instead_of} add up to {beside[step.instead_of]:g}; at most 1.",
                )


def _modalities_that_reach_nobody(scenario: Assumptions) -> Found:
    """No modality, or none that is offered, or none that reaches anybody: then nobody could be seen."""
    here = ("pathway", "modalities")
    modalities = scenario.pathway.modalities.values()
    if not any(modality.share.value for modality in modalities):
        yield here, "no modality is offered; at least one needs a `share` above 0."
    elif not any(modality.reach.value for modality in modalities):
        yield here, "no modality reaches anybody; at least one needs a `reach` above 0."


def _too_many_places(scenario: Assumptions) -> Found:
    """Staff for more places than can be counted, all providers together."""
    providers = scenario.providers
    spread = providers.how_many * exp(providers.spread) if providers else 1.0
    for name, step in scenario.pathway.steps.items():
        staff = scenario.staff.get(step.staff)
        if staff is None:
            continue
        posts = max(wte.value for wte in (staff.wte, *staff.monthly_wte.values()))
        wte = posts + staff.trainees.value + sum(surge.wte.value for surge in staff.surge.values())
        made = wte * staff.contacts_per_wte_day * step.share_of_staff.value / staff_time_of_a_contact(scenario)
        if isinstance(step, CourseStep):
            made *= step.days_between_sessions.value / step.staff_time_per_contact.value
        if made * spread > MOST_PLACES:
            yield (
                ("staff", step.staff, "wte"),
                f"gives {made * spread:.2g} places at {name}; at most {MOST_PLACES:.0e} can be. Give fewer WTE, trainees, surge "
                "teams or contacts a week.",
            )


def _places_lost(scenario: Assumptions) -> Found:
    """Staff too few for a single place, which would be rounded down to none."""
    for name, step in scenario.pathway.courses.items():
        staff = scenario.staff.get(step.staff)
        if staff is None:
            continue
        contacts = staff.wte.value * staff.contacts_per_wte_day * step.share_of_staff.value
        time_each = step.staff_time_per_contact.value * staff_time_of_a_contact(scenario)
        made = contacts * step.days_between_sessions.value / time_each
        if 0 < made < 1 - 1e-6:
            yield (
                ("staff", step.staff, "wte"),
                f"gives {made:.2g} of one place at {name}, which is none; a place needs {staff.wte.value / made:.3g} WTE.",
            )


def _staff_shared_too_often(scenario: Assumptions) -> Found:
    """A kind of staff whose steps together ask for more than all of its time."""
    served: dict[str, list[str]] = {}
    for name, step in scenario.pathway.steps.items():
        served.setdefault(step.staff, []).append(name)
    for staff, names in served.items():
        total = sum(scenario.pathway.steps[name].share_of_staff.value for name in names)
        if total > 1 + ROUNDING:
            yield (
                ("pathway", "steps", names[-1], "staff"),
                f"'{staff}' serves {' and '.join(names)} with shares of its time that add up to {total:g}; give each of them "
                "a share_of_staff, together at most 1, or a kind of staff of its own.",
            )


def _impossible_distress(scenario: Assumptions) -> Found:
    """Distress that more than wholly depends on the common factor and on deprivation."""
    by_area = scenario.outcome.distress.per_deprivation_sd.value if DEPRIVATION in scenario.population.strata else 0.0
    shared = scenario.population.distress_correlation.value
    if shared**2 + by_area**2 > 1:
        yield (
            ("population", "distress_correlation", "value"),
            f"{shared:g}, with outcome.distress.per_deprivation_sd of {by_area:g}, leaves nothing of distress to itself; their "
            "squares together may be at most 1.",
        )


def _impossible_costs(scenario: Assumptions) -> Found:
    """Costs of staff that is not there, or staff without a cost."""
    per_year, staff = scenario.costs.wte.per_year, scenario.staff
    here = ("costs", "wte", "per_year")
    for name in per_year:
        if name not in staff and name != DEFAULT_STAFF:
            yield (*here, name), f"'{name}' is not a known kind of staff. {did_you_mean(name, [*staff, DEFAULT_STAFF])}"
    missing = [name for name in staff if name not in per_year]
    if missing and DEFAULT_STAFF not in per_year:
        yield here, f"says nothing of '{missing[0]}'. Add a line for it, or one called `{DEFAULT_STAFF}`."
    for name in scenario.costs.grant.shared_among if scenario.costs.grant else ():
        if name not in staff:
            yield (
                ("costs", "grant", "shared_among"),
                f"'{name}' is not a known kind of staff. {did_you_mean(name, staff)}",
            )
