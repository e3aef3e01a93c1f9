"""Before a release: queueing theory on a grid of loads and seeds, quantile plots of waits, and a known truth recovered by the fit of the outcome.

Run with `pytest -m verification`; what each check shows and its chance of a false alarm is in docs/verification.md.
"""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from building import check_legible
from caseload_sim.analysis.calibrate_service import calibrate_service
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import GAVE_UP, NOT_YET
from caseload_sim.experiments.replicate import replicate
from caseload_sim.scenario.catalogue import get_scenario
from queue_theory import Sampler, days_on_list, erlang_c_wait, expected_waiting, geometric, queue, relaxation_days

pytestmark = pytest.mark.verification
ENGINE = "kernel compiled"  # the tests of every commit show that all engines are one
N_RUNS = 40
SMALLEST_P = 1e-3


@pytest.fixture(scope="module")
def plots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: the folder given by --plots, or a temporary one."""
    given = request.config.getoption("--plots")
    folder = Path(given) if given else tmp_path_factory.mktemp("plots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def assert_near(runs: list[float], expected: float) -> None:
    """Within four standard errors of the mean over runs (by chance 1 in 3,600 with 40), and these are no more than a third."""
    standard_error = np.std(runs, ddof=1) / np.sqrt(len(runs))
    assert abs(np.mean(runs) - expected) < 4 * standard_error, (np.mean(runs), expected, standard_error)
    assert 4 * standard_error < expected / 3, "too few runs to notice much"


def counted_waits(episodes: Episodes, first: int, last: int, horizon: int) -> tuple[float, float]:
    """Mean days on the list, and share who gave up, of those who joined from `first` to before `last`."""
    rows = (episodes.joined_day >= first) & (episodes.joined_day < last)
    return float(days_on_list(episodes, horizon)[rows].mean()), float((episodes.ending[rows] == GAVE_UP).mean())


@pytest.mark.parametrize("load", [0.5, 0.7, 0.85])
@pytest.mark.parametrize("places", [1, 2, 6])
def test_waits_are_those_of_m_m_c(places: int, load: float) -> None:
    mean_days = 10.0
    rate = load * places / mean_days
    expected = expected_waiting(rate, mean_days, places, most=150) / rate
    warm_up = int(10 * relaxation_days(rate, mean_days, places)) + 1
    days = 40_000
    runs = []
    for seed in range(N_RUNS):
        episodes = queue(ENGINE, 1000 + seed, rate, geometric(mean_days), places, warm_up + days)
        runs.append(counted_waits(episodes, warm_up, warm_up + days * 9 // 10, warm_up + days)[0])
    assert_near(runs, expected)


@pytest.mark.parametrize("load", [0.5, 0.8, 1.0, 1.2])
@pytest.mark.parametrize("places", [1, 3, 8])
@pytest.mark.parametrize("patience", [15.0, 60.0])
def test_waits_and_leavers_are_those_of_m_m_c_with_abandonment(places: int, load: float, patience: float) -> None:
    mean_days = 10.0
    rate = load * places / mean_days
    waiting = expected_waiting(rate, mean_days, places, patience, most=120)
    warm_up, days = 1500, 20_000
    on_list, gave_up = [], []
    for seed in range(N_RUNS):
        episodes = queue(ENGINE, 2000 + seed, rate, geometric(mean_days), places, warm_up + days, geometric(patience))
        waited, left = counted_waits(episodes, warm_up, warm_up + days * 9 // 10, warm_up + days)
        on_list.append(waited)
        gave_up.append(left)
    assert_near(on_list, waiting / rate)
    assert_near(gave_up, waiting / rate / patience)


def _always_seven(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    return np.full(n, 7)


def _two_kinds(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    return np.where(rng.random(n) < 0.1, 40, 2)


def _from_one_to_nineteen(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    return rng.integers(1, 20, n)


@pytest.mark.parametrize("load", [0.4, 0.6, 0.8])
@pytest.mark.parametrize(
    ("service", "mean", "square"),
    [(_always_seven, 7.0, 49.0), (_two_kinds, 5.8, 163.6), (_from_one_to_nineteen, 10.0, 130.0)],
    ids=["constant", "two kinds", "even"],
)
def test_waits_are_those_of_pollaczek_and_khinchine(service: Sampler, mean: float, square: float, load: float) -> None:
    """Mean wait in whole days at one place: rate * E[B^2] / (2 (1 - load)), for any distribution of courses."""
    rate = load / mean
    expected = rate * square / (2 * (1 - load))
    warm_up = int(10 * (square / mean) / (1 - np.sqrt(load)) ** 2) + 1
    days = 40_000
    runs = []
    for seed in range(N_RUNS):
        episodes = queue(ENGINE, 3000 + seed, rate, service, 1, warm_up + days)
        runs.append(counted_waits(episodes, warm_up, warm_up + days * 9 // 10, warm_up + days)[0])
    assert_near(runs, expected)


@pytest.mark.parametrize(("places", "load"), [(1, 0.7), (4, 0.8), (4, 0.9)])
def test_the_whole_distribution_of_waits_is_that_of_m_m_c(places: int, load: float, plots: Path) -> None:
    """One wait from each of 400 independent runs, so that they are independent, against Erlang C: some do not wait at all,
    the others exponentially. Courses are long (60 days), so that whole days matter little.
    """
    mean_days, n = 60.0, 400
    rate = load * places / mean_days
    longest = int(10 * relaxation_days(rate, mean_days, places)) + 4000
    waits = []
    for seed in range(n):
        episodes = queue(ENGINE, 4000 + seed, rate, geometric(mean_days), places, longest)
        started = np.flatnonzero(episodes.started_day != NOT_YET)
        # The last to join early enough that by the end all have started: chosen by the day, whatever the wait.
        row = started[episodes.joined_day[started] < longest - 3000][-1]
        waits.append(int(episodes.started_day[row] - episodes.joined_day[row]))
    falls = places / mean_days * (1 - load)
    waiting = erlang_c_wait(rate, mean_days, places) * falls

    def share_within(days: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(days < 0, 0.0, 1 - waiting * np.exp(-falls * np.maximum(days, 0)))

    ordered = np.sort(waits)
    ranks = (np.arange(n) + 0.5) / n
    theory = np.where(ranks <= 1 - waiting, 0.0, -np.log(np.maximum(1 - ranks, 1e-12) / waiting) / falls)
    draw_quantiles(theory, ordered, f"Waits at {places} place{'s' * (places > 1)}, load {load:.0%}", plots)
    # At the edge of a day the empirical share is compared, so that rounding down is no difference.
    edges = np.unique(ordered)
    distance = np.max(np.abs(np.searchsorted(ordered, edges, side="right") / n - share_within(edges + 0.5)))
    assert distance < stats.kstwo(n).isf(SMALLEST_P)


def draw_quantiles(theory: NDArray[np.float64], simulated: NDArray[np.int64], title: str, folder: Path) -> None:
    """A quantile plot, as PNG: on the line where simulation and theory agree."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    top = float(max(theory.max(), simulated.max())) * 1.05
    ax.plot([0, top], [0, top], color="#000000", linestyle="--", label="equal")
    ax.plot(theory, simulated, ".", color="#0072B2", label="one of 400 clients")
    ax.set(xlabel="wait by theory (days)", ylabel="wait simulated (days)", title=title)
    ax.legend()
    check_legible(figure)
    figure.savefig(folder / f"{title.lower().replace(' ', '_').replace(',', '').replace('%', '')}.png")


# --- known truths: for the population and the service see tests/clients/test_population.py, tests/pathway/test_service.py ---


@pytest.mark.parametrize(("untreated", "effect"), [(0.05, 0.8), (0.10, 0.3)])
def test_calibrate_outcome_recovers_the_truth_that_made_its_targets(untreated: float, effect: float) -> None:
    """Figures made by the model at a known natural course and effect are met from elsewhere, and both found again.

    Shares of some thousand clients move in steps, so the effect is found to within 0.05 lengths, the hazard to within 0.005 a month.
    """
    course, treatment = "outcome.remission.monthly_hazard.major_depression", "outcome.treatment.full_course"
    anchored = get_scenario("trial_anchored", changes={"demand.referrals_per_year": 3000})
    truth = replicate(anchored.with_changes({course: untreated, treatment: effect}), replications=1)
    figures = {}
    for name, figure in anchored.official.items():
        found = truth.find(figure.measure, base=figure.base, at=figure.at, service=figure.service, group=figure.group)
        figures[name] = figure.model_copy(update={"value": found.value})
    fit = calibrate_service(anchored.model_copy(update={"official": figures}), part="outcome", replications=1)
    assert fit.after == pytest.approx(fit.target, abs=0.005)
    assert fit.changes[course] == pytest.approx(untreated, abs=0.005)
    assert fit.changes[treatment] == pytest.approx(effect, abs=0.05)
