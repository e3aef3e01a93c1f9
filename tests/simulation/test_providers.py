"""Several providers in one run: every client is one client in every table, whoever treats them, and is drawn as alone."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from caseload_sim.analysis.event_log import NO_PLACE, EventRow, event_log
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.draws.streams import IDS_OF_A_PROVIDER, RETURN_IDS, START_IDS, Draws
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import compare
from caseload_sim.experiments.replicate import replicate, simulate
from caseload_sim.measures.measure import measure
from caseload_sim.measures.simulation import Simulation
from caseload_sim.pathway.assessment import DECLINED
from caseload_sim.runs.tables import write_csv, write_events, write_tables
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.changes import own_scenarios
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.providers import PERCENTILES, provider_scenarios
from caseload_sim.simulation.replication import read_again
from small_services import alike

FEW = {
    "demand.referrals_per_year": 300, "staff.assessor.wte": 0.5, "staff.psychological_wellbeing_practitioner.wte": 0.6,
    "staff.high_intensity_therapist.wte": 0.9, "run.warm_up_days": 60, "run.data_collection_days": 200,
    "run.follow_up_days": 200, "run.replications": 1,
}  # fmt: skip
ELIGIBLE = {
    "population.eligibility": {
        "emotional_disorders_min": 2, "emotional_disorders_max": 5, "excluded_conditions": [], "assumption": "x",
    }
}  # fmt: skip
SERVICES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "with returns": {"pathway.returns.chance": 0.9, "outcome.relapse.yearly_hazard": 3},
    "opening empty": {"start.running": False},
    "opening with lists of a given length": {
        "start.waiting": {"high_intensity": {"value": 12, "assumption": "x"}}, "pathway.returns.chance": 0.5,
    },
    "for some alone": ELIGIBLE,
    "by name": {"providers": {"replace": True, "each": {
        "BIG": {"title": "Large", "demand": {"referrals_per_year": {"value": 500}},
                "staff": {"high_intensity_therapist": {"wte": {"value": 2}}}},
        "MID": {"title": "Like the scenario", "pathway": {"steps": {"low_intensity": {"lag_days_mean": {"value": 9}}}}},
        "SML": {"title": "Small", "demand": {"referrals_per_year": {"value": 200}}, "pathway": {"declined": {"value": 0.4}}},
    }}},
}  # fmt: skip


def scenario_of(name: str) -> Scenario:
    return get_scenario("national_2024_25", changes={**FEW, **alike(3), **SERVICES[name]})


@pytest.fixture(scope="module", params=list(SERVICES))
def simulation(request: pytest.FixtureRequest) -> Simulation:
    return simulate(scenario_of(request.param))


def test_no_two_clients_have_one_id_and_each_has_a_provider(simulation: Simulation) -> None:
    clients, scenario = simulation.clients, simulation.scenario
    assert scenario.providers is not None
    assert len(set(clients.id.tolist())) == len(clients.id) > 300
    assert set(clients.provider.tolist()) == {1, 2, 3}
    assert np.all(np.diff(clients.id) > 0)
    kinds = clients.id % IDS_OF_A_PROVIDER
    if scenario.start.running:
        assert set(clients.provider[kinds >= START_IDS].tolist()) == {1, 2, 3}, "those there at opening too"
    if scenario.pathway.returns.chance.value:
        assert set(clients.provider[(kinds >= RETURN_IDS) & (kinds < START_IDS)].tolist()) == {1, 2, 3}


def test_clients_are_those_that_each_provider_has_alone(simulation: Simulation) -> None:
    scenario = simulation.scenario
    for k, alone in enumerate(provider_scenarios(scenario, Draws(scenario.run.seed, 0))):
        one, rows = simulate(alone, replication=k), simulation.clients.provider == k + 1
        assert np.array_equal(simulation.clients.id[rows] % IDS_OF_A_PROVIDER, one.clients.id)
        assert set(one.clients.provider.tolist()) == {1}
        assert np.array_equal(simulation.clients.conditions[rows], one.clients.conditions)
        assert np.array_equal(simulation.outcomes.end_day[rows], one.outcomes.end_day)
        assert np.array_equal(simulation.outcomes.service.last_phq9[rows], one.outcomes.service.last_phq9)


def test_the_files_of_a_run_join_on_id_one_to_one(simulation: Simulation, tmp_path: Path) -> None:
    write_tables(tmp_path, simulation)
    write_events(tmp_path / "events.parquet", event_log(simulation))
    with (tmp_path / "events.csv").open("w", encoding="utf-8", newline="") as file:
        write_csv(event_log(simulation).rows(), EventRow, file)
    tables = {
        name: pq.read_table(tmp_path / f"{name}.parquet") for name in ("clients", "episodes", "outcomes", "events")
    }
    provider_of = dict(zip(*(tables["clients"][name].to_pylist() for name in ("id", "provider")), strict=True))
    assert len(provider_of) == tables["clients"].num_rows == tables["outcomes"].num_rows
    assert len(set(tables["outcomes"]["id"].to_pylist())) == tables["outcomes"].num_rows
    for name, key in (("outcomes", "id"), ("episodes", "id"), ("events", "entity_id")):
        pairs = set(zip(tables[name][key].to_pylist(), tables[name]["provider"].to_pylist(), strict=True))
        assert pairs <= set(provider_of.items()), name
        assert len({provider for _, provider in pairs}) == 3
    with (tmp_path / "events.csv").open(encoding="utf-8", newline="") as file:
        text = [(int(row["entity_id"]), int(row["provider"])) for row in csv.DictReader(file)]
    assert text == list(
        zip(tables["events"]["entity_id"].to_pylist(), tables["events"]["provider"].to_pylist(), strict=True)
    )


def test_nobody_is_in_two_places_and_no_place_has_two_clients_or_providers(simulation: Simulation) -> None:
    where: dict[int, tuple[str, int]] = {}
    holders: dict[tuple[str, int], int] = {}
    providers_of_a_place: dict[tuple[str, int], set[int]] = defaultdict(set)
    arrived: set[int] = set()
    rows = event_log(simulation).rows()
    for row in sorted(
        rows, key=lambda row: (row.time, row.event_type != "resource_use_end")
    ):  # rule R2: ends come first
        if row.event == "arrival":
            assert row.entity_id not in arrived
            assert row.time > NOT_YET, "who never came back never arrives"
            arrived.add(row.entity_id)
        elif row.event_type == "resource_use":
            assert row.resource_id is not None
            place = (row.event, row.resource_id)
            assert row.entity_id not in where
            assert place not in holders
            where[row.entity_id], holders[place] = place, row.entity_id
            providers_of_a_place[place].add(row.provider)
        elif row.event_type == "resource_use_end":
            del holders[where.pop(row.entity_id)]
    assert len(arrived) > 300
    assert len(providers_of_a_place) > 10
    assert all(len(providers) == 1 for providers in providers_of_a_place.values())
    assert event_log(simulation).resource_id.max() > NO_PLACE


def test_those_there_at_opening_keep_their_ids_in_a_comparison() -> None:
    """Two services that share the people there at opening: the same person has the same id in both."""
    now = scenario_of("as it is")
    changed = now.with_changes({"staff.high_intensity_therapist.wte": 1.5})
    one, other = simulate(now), simulate(changed, start_of=now)
    there = [one.clients.id[one.clients.id % IDS_OF_A_PROVIDER >= START_IDS] for one in (one, other)]
    assert np.array_equal(there[0], there[1])
    assert len(there[0]) > 30
    compared = compare({"now": now, "more": changed}, replications=1)
    assert compared.results[0].digests == replicate(now, replications=1).digests, (
        "each provider opens with its own people"
    )
    assert compared.notes == ()


def test_people_of_several_providers_are_not_read_again_as_those_of_one(simulation: Simulation) -> None:
    alone = simulation.scenario.model_copy(update={"providers": None})
    with pytest.raises(RunError, match="several providers cannot be read again"):
        read_again(simulation, alone)


# --- by name --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_name() -> Simulation:
    return simulate(scenario_of("by name"))


def test_each_provider_is_as_large_as_its_own_referrals_say(by_name: Simulation) -> None:
    first_referral = by_name.clients.id % IDS_OF_A_PROVIDER < RETURN_IDS
    received = np.bincount(by_name.clients.provider[first_referral])[1:]
    days = by_name.scenario.run.horizon_days
    for n, a_year in zip(received, (500, 300, 200), strict=True):  # in the order of their codes
        mean = a_year * days / 365
        assert abs(n - mean) < 4 * mean**0.5 + 0.1 * mean, "a Poisson number, and months of the year"


def test_what_a_provider_says_is_what_its_clients_meet(by_name: Simulation) -> None:
    """Twice as many decline at the small one, and nothing else differs in who is referred."""
    shares = [np.mean(by_name.care.exit[by_name.clients.provider == k] == DECLINED) for k in (1, 2, 3)]
    declined = by_name.scenario.pathway.declined.value
    assert declined < 0.25
    assert shares[2] > 0.3 > 0.25 > max(shares[:2])


def test_both_engines_agree_on_providers_of_different_size() -> None:
    scenario = scenario_of("by name")
    kernel, reference = (simulate(scenario, engine=engine) for engine in ("kernel", "reference"))
    assert kernel.digests == reference.digests
    assert len(kernel.clients.id) > 500


def test_percentiles_are_those_of_the_providers_alone(by_name: Simulation) -> None:
    ended = Quantity("ended_before_treatment", "all", "", "", "all")
    each = [
        measure(simulate(alone, replication=k))[ended].value for k, alone in enumerate(own_scenarios(by_name.scenario))
    ]
    assert len(set(each)) == 3
    rows = replicate(by_name.scenario, replications=1)
    for name, at in PERCENTILES.items():
        found = rows.find("ended_before_treatment", group=f"providers={name}").value
        assert found == pytest.approx(np.quantile(each, at)), name
