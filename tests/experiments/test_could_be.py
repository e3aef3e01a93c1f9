"""What figures could be: the clients of a run read by every structure of the outcome model."""

import numpy as np
import pytest

from caseload_sim.definitions.quantities import DIFFERENCE, REMISSIONS, Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.could_be import FEWEST, IN_USE, CouldBe, read_structures, structure_rows
from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.ladder import ladder_of
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.structures import all_structures, under
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.simulation.replication import counted_rows, only, read_again
from caseload_sim.support import threads

TWO = tuple(one for one in all_structures() if one.name in ("more_flicker", "treatment_makes_milder"))


@pytest.fixture(scope="module")
def found(small_simulation: Simulation) -> CouldBe:
    read = read_structures(small_simulation, TWO)
    assert read is not None
    return read


def counted_ladder(simulation: Simulation) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The ladder of all who are counted."""
    return np.asarray(ladder_of(only(simulation, counted_rows(simulation)), FEWEST)[1])


def test_the_first_is_the_scenario_itself_and_a_second_reading_says_the_same(
    found: CouldBe, small_simulation: Simulation
) -> None:
    assert found.names == (IN_USE, *(one.name for one in TWO))
    assert np.array_equal(found.values[0], counted_ladder(small_simulation), equal_nan=True)
    again = read_again(small_simulation, small_simulation.scenario)
    assert np.array_equal(found.values[0], counted_ladder(again), equal_nan=True)


def test_each_other_is_the_same_people_and_stays_by_that_structure(
    found: CouldBe, small_simulation: Simulation
) -> None:
    for k, one in enumerate(TWO, start=1):
        again = read_again(small_simulation, under(small_simulation.scenario, one))
        assert np.array_equal(found.values[k], counted_ladder(again), equal_nan=True)
        assert again.episodes is small_simulation.episodes
        assert (found.values[k] != found.values[0])[~np.isnan(found.values[0])].any()


@pytest.mark.parametrize("n_threads", [1, 3])
def test_threads_do_not_matter(
    found: CouldBe, small_simulation: Simulation, n_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "threads_here", lambda: n_threads)
    again = read_structures(small_simulation, TWO)
    assert again is not None
    assert again.keys == found.keys
    assert np.array_equal(again.values, found.values, equal_nan=True)


def test_lowest_and_highest_hold_the_structure_in_use(found: CouldBe) -> None:
    bounds = found.bounds()
    assert set(bounds) == set(found.keys)
    key = Quantity("recovery", "finished", "end", "service", "all")
    moved = found.moved()[:, found.keys.index(key)]
    assert moved[0] == 0
    assert bounds[key] == (moved.min(), moved.max())
    assert all(low <= 0 <= high for low, high in bounds.values() if not np.isnan(low))


def test_over_few_clients_there_is_no_value(small_simulation: Simulation) -> None:
    """All are counted whom a group has: with more asked for than there are, nothing is left."""
    some = only(small_simulation, counted_rows(small_simulation))
    keys, values = ladder_of(some, FEWEST)
    _, of_all = ladder_of(some, 0)
    _, of_nobody = ladder_of(some, 10**6)
    assert np.isnan(of_nobody).all()
    assert 0 < np.isnan(values).sum() < len(keys)
    assert np.isnan(values).sum() > np.isnan(of_all).sum()
    both = ~np.isnan(values)
    assert np.array_equal(values[both], of_all[both])


def test_fewer_clients_are_read_if_fewer_are_asked_for(small_simulation: Simulation) -> None:
    read = read_structures(small_simulation, TWO, most_clients=300)
    assert read is not None
    rows = counted_rows(small_simulation)
    every = int(np.ceil(len(rows) / 300))
    assert every > 1
    _, expected = ladder_of(only(small_simulation, rows[::every]), FEWEST)
    assert np.array_equal(read.values[0], expected, equal_nan=True)


def test_rows_of_the_table_are_the_rungs_of_those_who_finished(found: CouldBe) -> None:
    rows = structure_rows("some_service", found)
    assert [row.structure for row in rows] == list(found.names)
    assert np.isnan(rows[0].misfit)
    assert [row.misfit for row in rows[1:]] == [one.loss for one in TWO]
    for k, row in enumerate(rows):
        for measure, (value, gain) in zip(("recovery", *REMISSIONS), row.figures, strict=True):
            for figure, service in ((value, "service"), (gain, DIFFERENCE)):
                place = found.keys.index(Quantity(measure, "finished", "end", service, "all"))
                assert figure == found.values[k, place]


def test_several_providers_are_not_read_again(small_simulation: Simulation) -> None:
    several = get_scenario("national_2024_25_providers")
    with pytest.raises(RunError, match="several providers cannot be read again"):
        read_again(small_simulation, several)


def test_without_structures_nothing_is_read(small_simulation: Simulation) -> None:
    assert read_structures(small_simulation, ()) is None


# Most that a queue of the structure's own moves a figure of finishers beyond chance; see the head of could_be.py.
MOVED_AT_MOST = {"complex_hardly_helped_by_low_intensity": 0.003, "treatment_makes_milder": 0.008}


@pytest.fixture(scope="module")
def of_some_size() -> list[Simulation]:
    """Four replications of a service of some 3,000 referrals a year, its staff in proportion."""
    scenario = get_scenario()
    share = 3000 / scenario.demand.referrals_per_year.value
    staff = {f"staff.{kind}.wte": one.wte.value * share for kind, one in scenario.staff.items()}
    changes = {**staff, "demand.referrals_per_year": 3000, "run.staff_turnover": False}
    return [simulate(scenario.with_changes(changes), replication=k) for k in range(4)]


@pytest.mark.parametrize("name", MOVED_AT_MOST)
def test_a_queue_of_its_own_would_hardly_change_what_a_structure_says(
    name: str, of_some_size: list[Simulation]
) -> None:
    """The same people and draws, read with the stays of the scenario and with those that the structure's own queue gives.

    Only who steps up, who is seen once more and who is well before the first session parts the two.
    """
    (one,) = [structure for structure in all_structures() if structure.name == name]
    differences = []
    for simulation in of_some_size:
        scenario = under(simulation.scenario, one)
        own = simulate(scenario, replication=simulation.replication)
        differences.append(counted_ladder(own) - counted_ladder(read_again(simulation, scenario)))
    mean = np.mean(differences, axis=0)
    chance = 3 * np.std(differences, axis=0, ddof=1) / np.sqrt(len(differences))  # many rows: three standard errors
    keys, _ = ladder_of(only(of_some_size[0], counted_rows(of_some_size[0])), FEWEST)
    rows = [
        i for i, key in enumerate(keys)
        if key.group == "all" and key.base == "finished" and key.measure in ("recovery", *REMISSIONS)
    ]  # fmt: skip
    assert len(rows) >= 18
    assert any(difference[rows].any() for difference in differences)  # the queue does differ
    beyond = np.abs(mean) - chance
    assert {keys[i]: mean[i] for i in rows if beyond[i] > MOVED_AT_MOST[name]} == {}
    assert np.abs(mean[rows]).max() < 0.02
