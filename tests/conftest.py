"""Shared scenarios: small enough to run often, large enough to be a service."""

import signal

import pytest

from caseload_sim.experiments.replicate import Results, replicate, simulate
from caseload_sim.measures.simulation import Simulation
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario

SMALL = {
    "demand.referrals_per_year": 1200,
    "staff.assessor.wte": 1.4,
    "staff.psychological_wellbeing_practitioner.wte": 1.4,
    "staff.high_intensity_therapist.wte": 2.5,
    "run.warm_up_days": 200,
    "run.data_collection_days": 200,
    "run.follow_up_days": 700,
    "run.replications": 2,
    "run.staff_turnover": False,  # with so few posts, one leaver would be most of what a test sees
}


# Test processes of pytest-xdist ignore Ctrl-C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def small() -> Scenario:
    """hepgul_2016 at about a ninth of its size."""
    return get_scenario(changes=SMALL)


@pytest.fixture(scope="session")
def small_simulation(small: Scenario) -> Simulation:
    return simulate(small)


@pytest.fixture(scope="session")
def small_results(small: Scenario) -> Results:
    return replicate(small)


@pytest.fixture(scope="session")
def baseline() -> Results:
    """The default scenario at its full size, one replication."""
    return replicate(get_scenario(), replications=1)


# The longest files first: a file goes to one process, and a long one that begins last is waited for by all others.
LONGEST = (
    "test_notebooks",
    "test_solve",
    "test_compare",
    "test_faults",
    "test_cli",
    "test_dask",
    "test_reconcile",
    "test_benchmarks",
)


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # pytest-xdist would begin with the files of most tests, which are short


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plots", default=None, help="folder for the quantile plots of the verification suite")
