"""What one value alone cannot show: names that lead nowhere, shares that do not add up, impossible correlations."""

from collections.abc import Collection, Iterator, Mapping

from caseload_sim.errors import did_you_mean
from caseload_sim.policies import POLICIES
from caseload_sim.scenario import DEFAULT, CourseStep, Number, Scenario, numbers

Found = Iterator[tuple[tuple[str, ...], str]]
SMALLEST_PREVALENCE = 0.005


def contradictions(scenario: Scenario, sources: Collection[str]) -> Found:
    """Every contradiction in a scenario, as (path, what is wrong and what to do)."""
    yield from _unknown_sources(scenario, sources)
    yield from _unknown_names(scenario)
    yield from _incomplete_tables(scenario)
    yield from _impossible_population(scenario)
    yield from _impossible_pathway(scenario)


def _unknown_sources(scenario: Scenario, sources: Collection[str]) -> Found:
    for path, number, _ in numbers(scenario):
        if number.source and number.source not in sources:
            yield (
                (*path.split("."), "source"),
                f"'{number.source}' is not a known source. {did_you_mean(number.source, sources)} "
                f"Add it as [sources.{number.source}] with a `citation`.",
            )


def _unknown_names(scenario: Scenario) -> Found:
    conditions = set(scenario.population.prevalence)
    disorders = {n for n, p in scenario.population.prevalence.items() if p.group == "emotional_disorder"}
    routing, steps = scenario.pathway.routing, set(scenario.pathway.steps)
    groups = {p.group for p in scenario.population.prevalence.values()}
    named: list[tuple[tuple[str, ...], Collection[str], set[str], str]] = [
        (("population", "loading"), scenario.population.loading, conditions | groups, "condition or group"),
        (("population", "correlation"), scenario.population.correlation, conditions, "condition"),
        (("pathway", "attendance", "by_condition"), scenario.pathway.attendance.by_condition, conditions, "condition"),
        (("pathway", "routing", "disclosure"), routing.disclosure, conditions, "condition"),
        (("outcome", "moderators"), scenario.outcome.moderators, conditions, "condition"),
        (("pathway", "routing", "high_intensity_problems"), routing.high_intensity_problems, disorders, "disorder"),
        (("pathway", "routing", "otherwise_recorded"), routing.otherwise_recorded, disorders, "disorder"),
        (("pathway", "policy"), (scenario.pathway.policy,), set(POLICIES), "policy"),
    ]
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
        if isinstance(step, CourseStep) and step.steps_up_to is not None:
            named.append(((*here, "steps_up_to"), (step.steps_up_to,), steps - {name}, "other step"))
    for path, names, known, kind in named:
        for name in names:
            if name not in known:
                place = (*path, name) if isinstance(names, Mapping) else path  # a table's key, or a value
                yield place, f"'{name}' is not a known {kind}. {did_you_mean(name, known)}"


def _incomplete_tables(scenario: Scenario) -> Found:
    disorders = scenario.disorders
    tables: list[tuple[tuple[str, ...], dict[str, Number]]] = [
        (("outcome", "natural_course", "by_disorder"), dict(scenario.outcome.natural_course.by_disorder)),
        (("outcome", "treatment", "spill"), dict(scenario.outcome.treatment.spill)),
    ]
    for name, step in scenario.pathway.steps.items():
        if isinstance(step, CourseStep):
            tables.append((("pathway", "steps", name, "effect"), dict(step.effect)))
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


def _impossible_population(scenario: Scenario) -> Found:
    population = scenario.population
    for name, p in population.prevalence.items():
        at_edge = 0 < p.value < SMALLEST_PREVALENCE or p.value > 1 - SMALLEST_PREVALENCE
        if p.group == "emotional_disorder" and at_edge:
            yield (
                ("population", "prevalence", name, "value"),
                f"{p.value:g} is too close to {round(p.value)} for severities to be scaled; use 0 to leave the "
                f"disorder out, or a value from {SMALLEST_PREVALENCE} to {1 - SMALLEST_PREVALENCE}.",
            )
    if not scenario.disorders:
        yield ("population", "prevalence"), "needs at least one emotional disorder with a prevalence above 0."
    for name, shares in population.strata.items():
        total = sum(share.value for share in shares.values())
        if abs(total - 1) > 0.005:
            yield ("population", "strata", name), f"the shares add up to {total:g}; they must add up to 1."
    loadings_known = all(
        n in population.loading or p.group in population.loading for n, p in population.prevalence.items()
    )
    if loadings_known and all(set(o) <= set(population.prevalence) for o in population.correlation.values()):
        from caseload_sim.dependence import faults

        for path, message in faults(population):
            yield ("population", *path), message
    rules = population.eligibility
    if rules and rules.emotional_disorders_min > rules.emotional_disorders_max:
        yield ("population", "eligibility", "emotional_disorders_min"), "is above emotional_disorders_max."


def _impossible_pathway(scenario: Scenario) -> Found:
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
    if kinds.count("assessment") != 1 or kinds[0] != "assessment":
        yield ("pathway", "steps"), "the first step, and only the first, must be of kind 'assessment'."
    served: dict[str, str] = {}
    for name, step in pathway.steps.items():
        if step.staff in served:
            yield (
                ("pathway", "steps", name, "staff"),
                f"'{step.staff}' already serves {served[step.staff]}; give each step a kind of staff of its own.",
            )
        served[step.staff] = name
        if not isinstance(step, CourseStep):
            continue
        if (step.steps_up_to is None) != (step.step_up_acceptance is None):
            yield (
                ("pathway", "steps", name),
                "steps_up_to and step_up_acceptance go together: give both or neither.",
            )
        seen, following = {name}, step.steps_up_to
        while following in pathway.steps and following is not None:
            if following in seen:
                yield ("pathway", "steps", name, "steps_up_to"), "leads in a circle."
                break
            seen.add(following)
            further = pathway.steps[following]
            following = further.steps_up_to if isinstance(further, CourseStep) else None
