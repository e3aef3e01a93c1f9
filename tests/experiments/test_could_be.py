"""What figures could be: the clients of a run read by every structure of the outcome model."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from caseload_sim.definitions.quantities import DIFFERENCE, REMISSIONS, Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import Compared, compare
from caseload_sim.experiments.could_be import FEWEST, IN_USE, CouldBe, read_structures, structure_rows
from caseload_sim.experiments.replicate import replicate, simulate
from caseload_sim.experiments.sweep import flattened, sweep
from caseload_sim.measures.ladder import ladder_keys, ladder_values
from caseload_sim.measures.measure import measure
from caseload_sim.measures.rows import place_of, quantity_of, row_of
from caseload_sim.measures.simulation import Simulation
from caseload_sim.measures.table import Rows
from caseload_sim.outcomes.structures import all_structures, under
from caseload_sim.runs.kept_replications import begin, take_up
from caseload_sim.runs.tables import as_json
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.replication import counted_rows, only, read_again
from caseload_sim.support import threads
from small_services import scenario_of

UNLIKE = Quantity("first_contact_days_mean", "started", "", "", "all")
TWO = tuple(one for one in all_structures() if one.name in ("more_flicker", "treatment_makes_milder"))


@pytest.fixture(scope="module")
def found(small_simulation: Simulation) -> CouldBe:
    read = read_structures(small_simulation, TWO)
    assert read is not None
    return read


def counted_ladder(simulation: Simulation) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The ladder of all who are counted."""
    return ladder_values(only(simulation, counted_rows(simulation)), FEWEST)


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


def test_over_a_table_each_row_has_what_each_structure_adds_to_it(found: CouldBe, small_simulation: Simulation) -> None:
    rows = Rows([UNLIKE, *reversed(found.keys)])
    moved = found.over(rows)
    assert moved.shape == (3, len(rows.keys))
    assert np.isnan(moved[:, 0]).all(), "of a wait, structures say nothing"
    for place in (1, 2000, len(rows.keys) - 1):
        column = found.values[:, found.keys.index(rows.keys[place])]
        assert np.allclose(moved[:, place], column - column[0], rtol=0, atol=1e-7, equal_nan=True)


def test_over_few_clients_there_is_no_value(small_simulation: Simulation) -> None:
    """All are counted whom a group has: with more asked for than there are, nothing is left."""
    some = only(small_simulation, counted_rows(small_simulation))
    keys = ladder_keys(some)
    values, of_all, of_nobody = (ladder_values(some, fewest) for fewest in (FEWEST, 0, 10**6))
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
    some = rows[::every]
    expected = ladder_values(only(small_simulation, some), FEWEST, len(rows) / len(some))
    assert np.array_equal(read.values[0], expected, equal_nan=True)


def test_rows_of_the_table_are_the_rungs_of_those_who_finished(found: CouldBe) -> None:
    rows = structure_rows("some_service", found)
    assert [row.structure for row in rows] == list(found.names)
    assert np.isnan(rows[0].misfit)
    assert [row.misfit for row in rows[1:]] == [one.loss for one in TWO]
    for k, row in enumerate(rows):
        for rung, (value, gain) in zip(("recovery", *REMISSIONS), row.figures, strict=True):
            for figure, service in ((value, "service"), (gain, DIFFERENCE)):
                place = found.keys.index(Quantity(rung, "finished", "end", service, "all"))
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
    keys = ladder_keys(only(of_some_size[0], counted_rows(of_some_size[0])))
    rows = [
        i for i, key in enumerate(keys)
        if key.group == "all" and key.base == "finished" and key.measure in ("recovery", *REMISSIONS)
    ]  # fmt: skip
    assert len(rows) >= 18
    assert any(difference[rows].any() for difference in differences)  # the queue does differ
    beyond = np.abs(mean) - chance
    assert {keys[i]: mean[i] for i in rows if beyond[i] > MOVED_AT_MOST[name]} == {}
    assert np.abs(mean[rows]).max() < 0.02


def test_the_ladder_read_here_is_that_of_the_measures(small_simulation: Simulation) -> None:
    """The same figures are counted in two ways: for a run, and for structures, which need no more than the ladder."""
    some = only(small_simulation, counted_rows(small_simulation))
    table, values = measure(small_simulation), ladder_values(some, 0)
    expected = np.array([table[key].value for key in ladder_keys(some)])
    assert np.allclose(values, expected, rtol=0, atol=1e-12, equal_nan=True)
    assert (~np.isnan(values)).sum() > 10_000


RUNGS = [
    Quantity(measure, "finished", "end", service, "all")
    for measure in ("recovery", *REMISSIONS)
    for service in ("service", "none", DIFFERENCE)
]


DROP_OUT = "drop_out_per_session"
SWEPT = f"pathway.steps.high_intensity.{DROP_OUT}"


@pytest.fixture(scope="module")
def two_of_one_service() -> list[Scenario]:
    """A small service, and the same with three times the drop-out."""
    quick = scenario_of("hepgul_2016")
    worse = quick.with_changes(
        {path: 3 * number.value for path, number, _ in numbers(quick) if path.endswith(DROP_OUT)}
    )
    return [quick, worse.model_copy(update={"name": "worse"})]


@pytest.fixture(scope="module")
def compared(two_of_one_service: list[Scenario]) -> Compared:
    return compare(two_of_one_service, replications=2)


def test_every_rung_says_what_it_could_be_and_lies_between(compared: Compared) -> None:
    reference, other = compared.results
    of_first = read_structures(reference.first)
    assert of_first is not None
    moved = of_first.moved()
    for key in RUNGS:
        row = row_of(reference.rows, key)
        of_key = moved[:, of_first.keys.index(key)]
        assert row.could_be_low == pytest.approx(row.value + of_key.min(), abs=1e-7)
        assert row.could_be_high == pytest.approx(row.value + of_key.max(), abs=1e-7)
        assert row.could_be_low <= row.value <= row.could_be_high
    assert other.moved is not None


def test_what_structures_say_nothing_of_has_no_range(compared: Compared) -> None:
    ladder = {key.measure for key in ladder_keys(compared.results[0].first)}
    others = [row for row in compared.results[0].rows if row.measure not in ladder]
    assert len({row.measure for row in others}) > 20
    assert all(np.isnan(row.could_be_low) and np.isnan(row.could_be_high) for row in others)


def test_a_difference_could_be_what_one_structure_makes_of_both(compared: Compared) -> None:
    """A structure that doubts how well treatment works doubts it in both: the range of a difference is of pairs."""
    (reference, other), versus = compared.results, compared.versus
    assert reference.moved is not None
    assert other.moved is not None
    rows = [row for row in compared.rows if row.scenario == other.scenario.name]
    for key in RUNGS:
        place, row = place_of(reference.rows, key), row_of(rows, key)
        assert row.versus == versus
        apart = other.moved[:, place] - reference.moved[:, place]
        assert row.difference_could_be_low == pytest.approx(row.difference + apart.min(), abs=1e-7)
        assert row.difference_could_be_high == pytest.approx(row.difference + apart.max(), abs=1e-7)
        assert row.difference_could_be_low <= row.difference <= row.difference_could_be_high
    own = [row for row in compared.rows if row.scenario == versus]
    assert np.isnan([row.difference_could_be_low for row in own]).all()


def test_a_sweep_has_ranges_and_a_second_replication_changes_none(two_of_one_service: list[Scenario]) -> None:
    quick = two_of_one_service[0]
    swept = sweep(quick, {SWEPT: [0.01, 0.05]}, "recovery", replications=1)
    for point in swept.points:
        results = replicate(quick.with_changes(point.at), replications=2)
        for row in point.rows:
            again = row_of(results.rows, quantity_of(row))
            assert row.could_be_high - row.value == pytest.approx(again.could_be_high - again.value, abs=1e-7)
            assert row.could_be_low < row.could_be_high


def test_kept_replications_keep_what_structures_add(two_of_one_service: list[Scenario], tmp_path: Path) -> None:
    quick, kept = two_of_one_service[0], begin(tmp_path / "kept", {})
    swept = partial(sweep, quick, {SWEPT: [0.01]}, "recovery", replications=2)
    first = swept(kept=kept)
    again, damaged = take_up(tmp_path / "kept", {})
    assert (len(again), damaged) == (4, 0), "those of the value, and of the scenario as it is"
    assert as_json(flattened(swept(kept=again))) == as_json(flattened(first))
    assert first.points[0].rows[0].could_be_low < first.points[0].rows[0].could_be_high
