"""Every number that a file may say has bounds: beyond them it is refused in words, and at them a small run still ends."""

import re
import warnings
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from caseload_sim.draws.distributions import _by_halving, counts_from_uniform, n_of_table, negative_binomial
from caseload_sim.engines.plans import LONGEST_DAYS
from caseload_sim.errors import RunError, ScenarioError, ScenarioWarning
from caseload_sim.experiments.replicate import simulate
from caseload_sim.experiments.workload import work_of
from caseload_sim.measures.counting import group_sums
from caseload_sim.measures.measure import measure
from caseload_sim.scenario.assumptions import MOST_KINDS_OF_STAFF
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.checks_population import MOST_STRATA
from caseload_sim.scenario.expected import count_distribution
from caseload_sim.scenario.numbers import Number, Part
from caseload_sim.scenario.pathway import MOST_MODALITIES, MOST_STEPS
from caseload_sim.scenario.population import MOST_CONDITIONS, MOST_KINDS_OF_STRATA
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.service import MOST_DAYS
from caseload_sim.simulation.intake import MOST_PLANS, check_countable

HARMS = (5e-324, 1e-14, 1e300, -5e-324, -1e300)
WHY = {"assumption": "x"}


def share(value: float) -> dict[str, Any]:
    return {"value": value, **WHY}


def with_everything() -> Scenario:
    """A small service that has every field that a scenario may have."""
    return get_scenario("national_2024_25").with_changes({
        "demand.referrals_per_year": 60,
        "demand.shocks": {"wave": {"from_date": "2023-04-10", "to_date": "2023-04-20", "factor": share(1.2)}},
        "demand.monthly_referrals": {"2023-05": share(8)},
        "demand.growth_per_year": 0.01,
        "run.warm_up_days": 40,
        "run.data_collection_days": 60,
        "run.follow_up_days": 100,
        "run.replications": 1,
        "providers": {"number": 2, "staff_log_sd": share(0.2)},
        "start.waiting": {"low_intensity": share(3), "high_intensity": {"under_28_days": share(1)}},
        "staff.assessor.wte": 1,
        "staff.assessor.trainees": 1,
        "staff.assessor.monthly_wte": {"2023-05": share(2)},
        "staff.psychological_wellbeing_practitioner.wte": 1,
        "staff.high_intensity_therapist.wte": 1,
        "staff.assessor.surge": {"team": {"from_date": "2023-04-10", "to_date": "2023-04-20", "wte": share(1)}},
        "pathway.returns.chance": 0.5,
        "outcome": {"read_everybody_after_days": 200},
        "costs.grant": {
            "gbp_a_year": share(38e6), "price_year": share(2021), "national_referrals": share(1.8e6),
            "shared_among": ["high_intensity_therapist"],
        },
    })  # fmt: skip


def fields_of(part: Part | Mapping[str, Any], path: str = "", kind: str = "") -> Iterator[tuple[str, str, list[float]]]:
    """Path, field of the schema and stated bounds of every number of a scenario that is no remark about another."""
    if isinstance(part, Number):
        yield f"{path}.value", kind, bounds_of(type(part), "value")
        return
    items = (
        part.items() if isinstance(part, Mapping) else ((name, getattr(part, name)) for name in type(part).model_fields)
    )
    for name, value in items:
        where = f"{path}.{name}".lstrip(".")
        own = f"{kind}.{'*' if isinstance(part, Mapping) else name}".lstrip(".")
        if isinstance(value, Part | Mapping):
            yield from fields_of(value, where, own)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield where, own, bounds_of(type(part), name)


def bounds_of(model: type[Any], name: str) -> list[float]:
    """What a field may be at least and at most, and just beyond."""
    field = model.model_fields[name]
    inner = [m for a in getattr(field.annotation, "__args__", ()) for m in getattr(a, "__metadata__", ())]
    stated = [*field.metadata, *(c for m in inner for c in getattr(m, "metadata", [m]))]
    return [
        value for rule in stated for key in ("ge", "gt", "le", "lt") if (value := getattr(rule, key, None)) is not None
    ]


EVERYTHING = with_everything()
ALL = list(fields_of(EVERYTHING))
ONE_OF_EACH = list({kind: (path, bounds) for path, kind, bounds in reversed(ALL)}.items())


def test_there_are_fields_to_try_and_each_states_two_bounds() -> None:
    assert len(ONE_OF_EACH) >= 120
    assert [kind for kind, (_, bounds) in ONE_OF_EACH if len(bounds) != 2] == []


def ends(scenario: Scenario) -> None:
    """A small run ends without a warning; a large one is spoken of beforehand."""
    if work_of([scenario]).is_remarkable:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ScenarioWarning)  # days at their bounds end before the shock begins
        try:
            simulation = simulate(scenario)
        except RunError as error:  # a list at opening for which there are too few people
            if re.search(r"says that [\d,]+ (wait|have waited so long); at most about [\d,]+ can", str(error)):
                return
            raise
        measure(simulation)


def changed_or_refused(path: str, value: float, scenario: Scenario | None = None) -> Scenario | None:
    """The scenario with that value, or None where it is refused, which it is in words."""
    try:
        return (scenario or EVERYTHING).with_changes({path: value})
    except ScenarioError as error:
        message = str(error)
    assert re.match(r"(--set )?[^:]+: .{10,}\.", message), message
    return None


@pytest.mark.parametrize("section", sorted({kind.split(".")[0] for kind, _ in ONE_OF_EACH}))
def test_vast_and_minute_numbers_are_refused_in_words(section: str) -> None:
    mine = [(path, bounds) for kind, (path, bounds) in ONE_OF_EACH if kind.split(".")[0] == section]
    for path, bounds in mine:
        beyond = (max(bounds) * 1.01 + 1, min(bounds) - 1, 1e300, -1e300)
        assert [changed_or_refused(path, value) for value in beyond] == [None] * 4, path
        if path.endswith(".value"):
            assert [changed_or_refused(path, value) for value in (5e-324, 1e-14, -1e-14)] == [None] * 3, path
        assert changed_or_refused(path, value_at(path)), path


def value_at(path: str) -> Any:
    now: Any = EVERYTHING.model_dump(mode="python")
    for part in path.split("."):
        now = now[part]
    return now


LARGE = ("providers.number",)


@pytest.mark.parametrize("which", [min, max])
@pytest.mark.parametrize(
    "section", ["costs", "instruments", "official", "outcome", "pathway", "population", "providers", "staff"]
)
def test_a_run_ends_with_every_number_of_a_section_at_its_bound(section: str, which: Any) -> None:
    """Of those that agree with the others, all at once: exponents and quotients are as large as they can be."""
    scenario, n_moved = EVERYTHING, 0
    for kind, (path, bounds) in ONE_OF_EACH:
        if kind.split(".")[0] == section and path not in LARGE:
            bound = which(bounds)
            moved = changed_or_refused(
                path, bound if path.endswith(".value") else type(value_at(path))(bound), scenario
            )
            scenario, n_moved = (moved, n_moved + 1) if moved else (scenario, n_moved)
    assert n_moved >= 1
    ends(scenario)


@pytest.mark.verification
@pytest.mark.parametrize(
    ("path", "bounds"), [pair for _, pair in ONE_OF_EACH], ids=lambda x: x if isinstance(x, str) else ""
)
def test_a_run_ends_with_any_one_number_at_its_bound(path: str, bounds: list[float]) -> None:
    is_whole = isinstance(value_at(path), int)
    for value in (*HARMS, *bounds):
        if scenario := changed_or_refused(path, int(value) if is_whole and value in bounds else value):
            ends(scenario)


def step_like_another(n: int) -> dict[str, Any]:
    """So many more steps, to which nobody goes and for which no staff has time."""
    extra = EVERYTHING.pathway.steps["low_intensity"].model_dump(mode="python", exclude_none=True)
    extra = {key: value for key, value in extra.items() if not key.startswith("step")}
    extra["share_of_staff"] = share(0)
    return {f"pathway.steps.extra_{k}": extra for k in range(n)}


ROOM = {
    "steps": MOST_STEPS - len(EVERYTHING.steps),
    "modalities": MOST_MODALITIES - len(EVERYTHING.pathway.modalities),
    "strata": MOST_KINDS_OF_STRATA - len(EVERYTHING.population.strata),
    "staff": MOST_KINDS_OF_STAFF - len(EVERYTHING.staff),
    "conditions": MOST_CONDITIONS - len(EVERYTHING.population.prevalence),
}


def more(of: str, n: int) -> dict[str, Any]:
    """Changes by which there are n more of something, none of which moves anybody."""
    modality = EVERYTHING.pathway.modalities["video"].model_dump(mode="python", exclude_none=True)
    entries = {
        "modalities": ("pathway.modalities", modality | {"share": share(0)}),
        "strata": ("population.strata", {f"part_{k}": share(1 / MOST_STRATA) for k in range(MOST_STRATA)}),
        "staff": ("staff", EVERYTHING.staff["assessor"].model_dump(mode="python", exclude_none=True)),
        "conditions": ("population.prevalence", {"group": "dependence", **share(0)}),
    }
    if of == "steps":
        return step_like_another(n)
    section, entry = entries[of]
    return {f"{section}.extra_{k}": entry for k in range(n)}


@pytest.mark.parametrize("of", list(ROOM))
def test_as_many_as_may_be_take_nobody_away_and_one_more_is_refused(of: str) -> None:
    """At the bound every code still tells all apart: with more of something that nobody has, all figures are as before."""
    assert max(MOST_STEPS, MOST_MODALITIES, MOST_STRATA, MOST_CONDITIONS, MOST_KINDS_OF_STAFF) <= np.iinfo(np.int8).max
    one = EVERYTHING.with_changes({"providers": {"number": 2, "staff_log_sd": share(0)}})
    before, after = (measure(simulate(s)) for s in (one, one.with_changes(more(of, ROOM[of]))))
    compared = [key for key in before if not key.measure.startswith("cost")]  # more staff costs more
    assert len(compared) > 5_000
    for key in compared:
        assert after[key] == pytest.approx(before[key], nan_ok=True), key
    with pytest.raises(ScenarioError, match=r"of at most (50|20) entries"):
        one.with_changes(more(of, ROOM[of] + 1))


def test_days_add_up_to_what_patience_can_outlast() -> None:
    days = {"run.warm_up_days": 36_500, "run.data_collection_days": 100, "run.weekends_off": False}
    rest = MOST_DAYS - 36_600
    assert EVERYTHING.with_changes({**days, "run.follow_up_days": rest}).run.horizon_days == MOST_DAYS < LONGEST_DAYS
    with pytest.raises(ScenarioError, match=r"add up to 73,001 days; at most 73,000, which are two hundred years"):
        EVERYTHING.with_changes({**days, "run.follow_up_days": rest + 1})


WAVE = {"from_date": "2024-06-01", "to_date": "2024-06-20", "factor": share(10)}
PRACTITIONER = "staff.psychological_wellbeing_practitioner"
PARTS = [f"part_{i}" for i in range(20)]
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "shocks that multiply": (
        {"demand.shocks": {f"wave_{k}": WAVE for k in range(7)}}, "referrals would come on one day; at most 100,000 can be",
    ),
    "months that add up to too many": (
        {"demand.monthly_referrals": {f"2024-{month:02d}": share(1e5) for month in range(1, 12)}},
        "demand.monthly_referrals: the months of 2024 add up to 1.1e+06 referrals; at most 1,000,000 can be",
    ),
    "more places than can be counted": (
        {f"{PRACTITIONER}.wte": 1e5, f"{PRACTITIONER}.contacts_per_week": 500}, "; at most 1e+08 can be",
    ),
    "distress that hangs wholly on two others": (
        {"population.distress_correlation": 0.9, "outcome.distress.per_deprivation_sd": 0.9},
        "leaves nothing of distress to itself",
    ),
    "kinds of people without end": (
        {
            "population.strata": {f"kind_{k}": dict.fromkeys(PARTS, share(0.05)) for k in range(3)},
            "population.prevalence_by": {
                name: {f"kind_{k}": dict.fromkeys(PARTS, share(EVERYTHING.population.prevalence[name].value))}
                for k, name in enumerate(("ptsd", "ocd", "social_anxiety"))
            },
        },
        "make 8,000 kinds of people; at most 1,000",
    ),
    "a target of no conditions": (
        {"population.targets.any_of": {"none": {"conditions": [], **share(0.2)}}}, "is empty; name the conditions"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_together_has_no_end_is_refused(case: str) -> None:
    changes, message = REFUSED[case]
    with pytest.raises(ScenarioError, match=re.escape(message)):
        EVERYTHING.with_changes(changes)


def test_counts_of_conditions_that_all_hang_together_are_refused_where_they_would_take_hours() -> None:
    names = EVERYTHING.disorders
    chain = {first: {second: share(0.45)} for first, second in pairwise(names)}
    scenario = EVERYTHING.with_changes({"population.correlation": chain})
    with pytest.raises(RunError, match=r"7 conditions hang together by named correlations; .* at most 6"):
        count_distribution(scenario.population, names)


def test_more_clients_than_can_be_counted_are_refused_even_beyond_the_limits() -> None:
    many = {"demand.referrals_per_year": 1e6, "demand.growth_per_year": 0, "run.follow_up_days": 36_500}
    scenario = EVERYTHING.with_changes({**many, "run.weekends_off": False, "providers.number": 2})
    assert 2 * scenario.run.horizon_days * 1e6 / 365 * len(EVERYTHING.steps) < MOST_PLANS
    check_countable(scenario)
    with pytest.raises(RunError, match=r"clients at 5 steps are more than can be counted\. Use fewer referrals a year"):
        simulate(scenario.with_changes({"providers.number": 6}))


def test_a_table_of_counts_ends_where_no_draw_reaches() -> None:
    for mean, shape in ((0.5, 0.1), (364, 0.1), (364, 1e5), (100_000, np.inf)):
        n = n_of_table(mean, shape)
        assert n < 300_000
        assert counts_from_uniform(np.array([1 - 2.0**-33]), mean, shape)[0] < n - 1


def test_halving_finds_the_counts_that_a_sum_finds() -> None:
    draws = np.random.default_rng(5)
    u, successes = draws.random(400), draws.integers(1, 150, 400).astype(np.int32)
    missed = draws.random(400) * 0.95
    assert np.array_equal(_by_halving(u, successes, missed), negative_binomial(u, successes, missed))
    many_missed = negative_binomial(np.array([0.5]), np.array([50_000], dtype=np.int32), np.array([0.95]))
    assert many_missed[0] == pytest.approx(950_000, rel=0.01)


def test_sums_are_exact_where_somebody_has_thousands_of_something() -> None:
    sessions = np.full(20_000, 4_001, dtype=np.int64)
    everybody = np.ones(20_000, dtype=bool)
    assert group_sums([(sessions, everybody)], [everybody])[0, 0] == 4_001 * 20_000
