"""Contradictions in a population: impossible correlations, counts and targets, names that clash."""

from collections.abc import Iterator
from math import prod

from caseload_sim.definitions.labels import leading_number
from caseload_sim.errors import did_you_mean
from caseload_sim.scenario.assumptions import Assumptions
from caseload_sim.scenario.population import DEPRIVATION, Population

Found = Iterator[tuple[tuple[str, ...], str]]
SMALLEST_PREVALENCE = 0.005
MOST_STRATA = 100
MOST_KINDS_OF_PEOPLE = 1_000  # by strata that prevalences differ by: expected counts are reckoned for each


# Names of groups and columns in results, which no condition and no kind of stratum may take.
RESERVED_NAMES = frozenset(
    ("all", "disorders", "emotional_disorders", "dependence", "childhood_abuse", "step", "id", "referral_day", "distress",
     "recorded_problem", "modality", "provider")
)  # fmt: skip
ROUNDING = 5e-4  # published shares are rounded


def _impossible_population(scenario: Assumptions) -> Found:
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
    yield from _clashing_names(population)
    for kind_of_target, combinations in (("any_of", population.targets.any_of), ("all_of", population.targets.all_of)):
        for name, combination in combinations.items():
            if not combination.conditions:
                yield ("population", "targets", kind_of_target, name, "conditions"), "is empty; name the conditions."
    for name, shares in population.strata.items():
        if len(shares) > MOST_STRATA:
            yield ("population", "strata", name), f"has {len(shares)} strata; at most {MOST_STRATA} can be told apart."
        total = sum(share.value for share in shares.values())
        if abs(total - 1) > 0.005:
            yield ("population", "strata", name), f"the shares add up to {total:g}; they must add up to 1."
    loadings_known = all(
        n in population.loading or p.group in population.loading for n, p in population.prevalence.items()
    )
    if loadings_known and all(set(o) <= set(population.prevalence) for o in population.correlation.values()):
        from caseload_sim.scenario.correlations import faults

        for path, message in faults(population):
            yield ("population", *path), message
    yield from _impossible_strata(population)
    rules = population.eligibility
    if rules and rules.emotional_disorders_min > rules.emotional_disorders_max:
        yield ("population", "eligibility", "emotional_disorders_min"), "is above emotional_disorders_max."


def _clashing_names(population: Population) -> Found:
    """Names that would be taken for one another in results, and pairs that are given twice."""
    for kind, names in (("prevalence", population.prevalence), ("strata", population.strata)):
        for name in names:
            if name in RESERVED_NAMES or name.startswith(("severity_", "diagnosed_")):
                yield ("population", kind, name), "is a name that results use for something else; choose another."
    for name in set(population.prevalence) & set(population.strata):
        yield ("population", "strata", name), "is the name of a condition; choose another."
    for first, others in population.correlation.items():
        for second in others:
            if first < second and first in population.correlation.get(second, {}):
                yield (
                    ("population", "correlation", second, first),
                    f"is given as population.correlation.{first}.{second} too; give each pair once.",
                )


def impossible_targets(population: Population) -> Found:
    """Targets that no population with these prevalences can have, with the bounds and the nearest value.

    Not a contradiction of a scenario: a published figure stays what it was when somebody changes a prevalence. It is an
    error only to ask for it, by calibrating or by setting the target.
    """
    targets = population.targets
    if not (targets.any_of or targets.all_of or targets.count_mix):
        return
    from caseload_sim.scenario.expected import bounds_of_all, bounds_of_any, nearest_count_mix

    known = population.prevalence
    for kind, combinations, bounds in (
        ("any_of", targets.any_of, bounds_of_any),
        ("all_of", targets.all_of, bounds_of_all),
    ):
        for name, combination in combinations.items():
            if not combination.conditions or not set(combination.conditions) <= set(known):
                continue
            low, high = bounds([known[condition].value for condition in combination.conditions])
            if not low - ROUNDING <= combination.value <= high + ROUNDING:
                nearest = min(max(combination.value, low), high)
                yield (
                    ("population", "targets", kind, name, "value"),
                    f"no population with these prevalences has {combination.value:g}: with "
                    f"{', '.join(combination.conditions)} the share lies between {low:.3g} and {high:.3g}. "
                    f"The nearest possible is {nearest:.3g}.",
                )
    mix = {group: share.value for group, share in targets.count_mix.items()}
    if not mix:
        return
    here = ("population", "targets", "count_mix")
    covered = sorted(k for group in mix for k in _counts(group))
    if covered != list(range(max(covered, default=-1) + 1)) or not any(group.endswith("+") for group in mix):
        yield here, 'the groups must cover every count once, as in "0-1", "2" and "3+".'
    elif abs(sum(mix.values()) - 1) > 0.005:
        yield here, f"the shares add up to {sum(mix.values()):g}; they must add up to 1."
    else:
        counted = [p.value for p in known.values() if p.group in ("emotional_disorder", "dependence") and p.value > 0]
        nearest_mix = nearest_count_mix(counted, tuple(mix), tuple(mix.values()))
        if max(abs(a - b) for a, b in zip(nearest_mix, mix.values(), strict=True)) > 0.005:
            shown = ", ".join(f"{group}: {share:.3f}" for group, share in zip(mix, nearest_mix, strict=True))
            yield (
                here,
                (
                    f"no population with these prevalences has this mix (they add up to {sum(counted):.2f} disorders a client). "
                    f"The nearest possible is {shown}."
                ),
            )


def _counts(group: str) -> list[int]:
    """The counts of a group such as "0-1", "2" or "3+" (of which only the first); none if it cannot be read."""
    low, dash, high = group.rstrip("+").partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 2 for part in (low, *([high] if dash else []))):
        return [-1]
    return list(range(int(low), (int(high) if dash else int(low)) + 1))


def _deciles_without_order(population: Population) -> Found:
    """Areas by deprivation, which much depends on, in no order, or in one that their own names contradict."""
    deciles, here = population.strata.get(DEPRIVATION, {}), ("population", "strata", DEPRIVATION)
    if any(decile.rank is not None for decile in deciles.values()):
        return  # each has one of its own
    if len(deciles) > 1:
        numbers = [leading_number(name) for name in deciles]
        for name, number in zip(deciles, numbers, strict=True):
            if number is None or numbers.count(number) > 1:
                yield (
                    (*here, name),
                    "does not say how deprived it is. Begin its name with a number of its own, 1 being the least deprived, "
                    "or give each stratum a `rank`.",
                )
                return
        for word, k in (("least", 0), ("most", -1)):
            for name in deciles:
                if word in name and name != list(deciles)[k]:
                    yield (
                        (*here, name),
                        f"is called the {word} deprived, but its number puts it elsewhere: the lowest is the least deprived. "
                        "Number the strata so, or give each a `rank`.",
                    )


def _impossible_strata(population: Population) -> Found:
    """Deciles must say which is the least deprived; prevalences by stratum name known conditions and strata, all of their
    parts, and average to the whole.
    """
    yield from _deciles_without_order(population)
    kinds = {kind for tables in population.prevalence_by.values() for kind in tables}
    together = prod(len(population.strata.get(kind, {})) or 1 for kind in kinds)
    if together > MOST_KINDS_OF_PEOPLE:
        yield (
            ("population", "prevalence_by"),
            f"prevalences differ by {' and '.join(sorted(kinds))}, which make {together:,} kinds of people; at most "
            f"{MOST_KINDS_OF_PEOPLE:,}.",
        )
    for condition, tables in population.prevalence_by.items():
        here = ("population", "prevalence_by", condition)
        if condition not in population.prevalence:
            yield here, f"not a known condition. {did_you_mean(condition, population.prevalence)}"
            continue
        if len(tables) != 1:
            yield here, "give the prevalence by one kind of stratum, not by several."
            continue
        ((kind, by_part),) = tables.items()
        parts = population.strata.get(kind, {})
        if set(by_part) != set(parts):
            odd = next(iter(set(by_part) ^ set(parts)))
            yield (*here, kind), f"must give exactly the strata {', '.join(parts) or 'none'}; see '{odd}'."
            continue
        average = sum(parts[part].value * share.value for part, share in by_part.items())
        whole = population.prevalence[condition].value
        if abs(average - whole) > ROUNDING:
            yield (
                (*here, kind),
                f"averages to {average:.4g} over the strata, but the prevalence is {whole:g}; make them agree.",
            )
