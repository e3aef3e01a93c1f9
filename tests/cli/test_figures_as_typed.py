"""Every command that takes a figure takes the same spellings, and says the same of the same mistake."""

from collections.abc import Callable
from pathlib import Path

import pytest

from caseload_sim.analysis.reconcile import figure_in
from caseload_sim.analysis.solve import solve
from caseload_sim.definitions.goals import goal_from
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.precision import precision_from, replicate_until
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.experiments.sweep import sweep
from caseload_sim.measures.rows import place_of
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.outcome import Official
from caseload_sim.scenario.scenario import Scenario
from commands import call_here

PATH = "demand.referrals_per_year"
COMMANDS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "run --precision": lambda figure: ("run", "--precision", f"{figure}=1pp"),
    "solve --target": lambda figure: ("solve", "hepgul_2016", "--vary", PATH, "--target", f"{figure}>=0.5"),
    "sweep --measure": lambda figure: ("sweep", "hepgul_2016", PATH, "300,400", "--measure", figure),
    "reconcile --from": lambda figure: ("reconcile", "--from", figure),
    "reconcile --to": lambda figure: ("reconcile", "--to", figure),
    "rank --by": lambda figure: ("rank", "--by", figure),
}


def official(figure: str) -> Quantity:
    return Official(measure=figure, value=0.5, role="check", assumption="a test").quantity


READ: dict[str, Callable[[str], Quantity]] = {
    "solve": lambda figure: goal_from(f"{figure}>=0.5").quantity,
    "precision": lambda figure: precision_from(f"{figure}=1pp").quantity,
    "reconcile and rank": figure_in,
    "official": official,
    "sweep": Quantity.parse,
}


@pytest.fixture(scope="module")
def small() -> Scenario:
    return get_scenario("hepgul_2016").with_changes(
        {"demand.referrals_per_year": 300, "run.warm_up_days": 30, "run.follow_up_days": 400}
    )


@pytest.fixture(scope="module")
def results(small: Scenario) -> Results:
    return replicate(small, replications=1)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("recovry/finished", "recovry: no such measure. Did you mean 'recovery'?"),
        ("recovery/finishd", "recovery/finishd: 'finishd' is not a base. Did you mean 'finished'?"),
        ("recovery/finished/month_21", "'month_21' is not a reading. Did you mean 'month_12'?"),
        ("recovery/finished/end/ptsd", "'ptsd' is not a group: all, or NAME=VALUE."),
        ("recovery/finished/end/all/nobody", "'nobody' is not a service. Known: difference, none, service."),
        ("recovery/finished/end/all/none/more", "too many parts. Write MEASURE/BASE/AT/GROUP"),
    ],
)
def test_the_same_mistake_is_told_in_the_same_words_before_any_run(
    command: str, figure: str, message: str, tmp_path: Path
) -> None:
    said = call_here(*COMMANDS[command](figure), folder=tmp_path)
    assert said.returncode == 2
    assert message in said.stderr
    with pytest.raises(RunError) as told:
        Quantity.parse(figure)
    assert said.stderr.strip() == f"RunError: {told.value}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_colons_do_with_a_note_of_the_spelling_of_now(command: str, tmp_path: Path) -> None:
    said = call_here(*COMMANDS[command]("recovery:finishd:end"), folder=tmp_path)
    note, error = said.stderr.splitlines()[:2]
    option = command.split()[1]
    assert note.startswith(f"{option} recovery:finishd:end")
    assert "colons still do; it is now written recovery/finishd/end" in note
    assert "'finishd' is not a base" in error


@pytest.mark.parametrize("read", READ.values(), ids=READ)
@pytest.mark.parametrize(
    ("spellings", "base"),
    [
        (("recovery", "recovery/finished", "recovery/finished/end", "recovery//end", "recovery/finished/end/all"), "finished"),
        (("recovery/started", "recovery/started/end", " recovery / started ", "recovery/started/end/all/service"), "started"),
    ],
)  # fmt: skip
def test_the_same_spellings_lead_to_the_same_row(
    read: Callable[[str], Quantity], spellings: tuple[str, ...], base: str, results: Results
) -> None:
    official_row = results.find("recovery", base=base, at="end", service="service")
    places = {place_of(results.rows, read(spelling)) for spelling in spellings}
    assert [results.rows[place] for place in places] == [official_row]


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("at_caseness/started", r"at_caseness has no base 'started'\. Known: finished\."),
        ("recovery/finished/end/ptds=yes", r"recovery has no group 'ptds=yes'\. Did you mean 'ptsd=yes'\?"),
    ],
)
def test_a_figure_that_the_scenario_has_not_is_told_in_the_same_words(
    figure: str, message: str, small: Scenario, results: Results
) -> None:
    quantity = Quantity.parse(figure)
    for look in (
        lambda: sweep(small, {PATH: (300,)}, figure, replications=1),
        lambda: solve(small, f"{figure}>=0.5", PATH, replications=1),
        lambda: replicate_until(small, precision_from(f"{figure}=1pp"), most=2),
        lambda: results.find(quantity.measure, base=quantity.base, at=quantity.at, group=quantity.group or "all"),
    ):
        with pytest.raises(RunError, match=f"^{message}$"):
            look()


def test_a_sweep_takes_the_whole_address_and_its_options_add_to_it(small: Scenario, tmp_path: Path) -> None:
    (whole,) = sweep(small, {PATH: (300,)}, "recovery/started/end/ptsd=yes", replications=1).points
    (parts,) = sweep(small, {PATH: (300,)}, "recovery", base="started", group="ptsd=yes", replications=1).points
    assert repr(whole.rows) == repr(parts.rows)
    assert [row.service for row in whole.rows] == ["service", "none", "difference"]
    (one,) = sweep(small, {PATH: (300,)}, "recovery/started///difference", replications=1).points
    assert [(row.base, row.service) for row in one.rows] == [("started", "difference")]
    (waits,) = sweep(
        small, {PATH: (300,)}, "first_contact_days_mean", base="referred", at="sustained", replications=1
    ).points
    assert len(waits.rows) == 1, "base and at do not count where the measure has one"
    words = ("sweep", "hepgul_2016", PATH, "300,400", "--measure", "recovery/started")
    said = call_here(*words, "--base", "finished", folder=tmp_path)
    assert "--base finished: --measure recovery/started says started. Leave one of the two out." in said.stderr


def test_an_official_figure_says_its_address_once() -> None:
    assert official("recovery/started/end//none") == Quantity("recovery", "started", "end", "none", "all")
    with pytest.raises(
        ValueError, match=r"`base` is said twice: in `measure`, recovery/started, and by itself\. Say it once"
    ):
        Official(measure="recovery/started", base="finished", value=0.5, role="check", assumption="a test")
    with pytest.raises(ValueError, match=r"'finishd' is not a base\. Did you mean 'finished'\?"):
        official("recovery/finishd")
