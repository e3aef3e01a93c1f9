"""Tables about clients: counted by hand, and true to what the run itself reports."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from building import check_legible
from caseload_sim.analysis.client_tables import People, comorbidity, people_of, prevalences, retention
from caseload_sim.errors import CatalogueError, RunError
from caseload_sim.experiments.replicate import Results
from caseload_sim.figures.clients import plot_comorbidity, plot_outcomes_by_disorders, plot_prevalences, plot_retention
from caseload_sim.figures.gallery import FIGURES, KINDS, FreshRun, figure_names, of_kind


def people(conditions: list[list[int]], contacts: list[int], **flags: list[bool]) -> People:
    has = np.array(conditions, dtype=bool)
    everybody = [True] * len(has)
    return People(
        condition_names=tuple("abcdef"[: has.shape[1]]),
        conditions=has,
        n_emotional=has.sum(axis=1, dtype=np.int64),
        contacts=np.array(contacts, dtype=np.int32),
        referred=np.array(flags.get("referred", everybody)),
        ended=np.array(flags.get("ended", everybody)),
    )


def test_comorbidity_by_hand() -> None:
    """Four have a, of whom one has b; two have b; five were referred, a sixth not in the period."""
    some = people(
        [[1, 1], [1, 0], [1, 0], [1, 0], [0, 1], [1, 1]], [1] * 6, referred=[True, True, True, True, True, False]
    )
    table = {(row.first, row.second): (row.share, row.n_clients) for row in comorbidity(some)}
    assert table == {("a", "a"): (0.8, 5), ("a", "b"): (0.25, 4), ("b", "a"): (0.5, 2), ("b", "b"): (0.4, 5)}


def test_of_a_condition_that_nobody_has_nothing_is_said() -> None:
    table = {(row.first, row.second): row.share for row in comorbidity(people([[1, 0], [1, 0]], [1, 1]))}
    assert np.isnan(table["b", "a"])
    assert table["b", "b"] == 0
    assert table["a", "b"] == 0


def test_retention_by_hand_leaves_out_who_never_came_who_is_still_there_and_who_came_outside_the_period() -> None:
    some = people(
        [[0, 0]] * 7,
        [0, 1, 2, 2, 4, 4, 4],
        referred=[True, True, True, True, True, True, False],
        ended=[True, True, True, True, True, False, True],
    )
    table = [row for row in retention(some) if row.group == "all starters"]
    assert [(row.contacts, row.share) for row in table] == [(1, 1.0), (2, 0.75), (3, 0.25), (4, 0.25)]
    assert all(row.n_clients == 4 for row in table)
    assert all(row.lower_95_ci <= row.share <= row.upper_95_ci for row in table)


def test_retention_by_number_of_disorders_adds_up_to_all() -> None:
    some = people([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], [1, 2, 3, 4])
    sizes = {row.group: row.n_clients for row in retention(some)}
    assert sizes == {
        "all starters": 4, "none or one emotional disorder": 2, "two emotional disorders": 1, "three or more": 1
    }  # fmt: skip
    assert retention(people([[0]], [0])) == ()


def test_those_who_attend_two_are_those_who_finish(small_results: Results) -> None:
    """Finishers over starters, from the denominators of the ladder: all starters at caseness with a disorder."""
    out, counted = small_results.first.outcomes, people_of(small_results.first)
    cohort = counted.referred & out.ended
    second = next(row for row in retention(counted) if row.contacts == 2)
    assert second.share == pytest.approx((cohort & out.finished).sum() / (cohort & out.started).sum())


def test_prevalences_are_those_of_the_scenario_and_of_the_rows(small_results: Results) -> None:
    table = prevalences(small_results.scenario, small_results.rows)
    assert len(table) == 12
    for row in table:
        asked = small_results.scenario.population.prevalence[row.condition]
        assert row.target == asked.value
        assert row.achieved == small_results.find("share_of_clients", group=f"{row.condition}=yes").value
        assert np.isnan(row.target_lower) == (asked.n is None)
        # About 660 clients a replication, two of them: 4 standard errors of at most 0.014.
        assert row.achieved == pytest.approx(row.target, abs=4 * 0.5 / np.sqrt(2 * 600))


def test_the_diagonal_of_comorbidity_is_the_prevalence_in_the_first_replication(small_results: Results) -> None:
    counted = people_of(small_results.first)
    for row in comorbidity(counted):
        if row.first == row.second:
            c = counted.condition_names.index(row.first)
            assert row.share == counted.conditions[counted.referred, c].mean()


def test_figures_of_people_draw_on_the_axes_given_and_show_their_tables(small_results: Results) -> None:
    counted = people_of(small_results.first)
    ax = Figure().subplots()
    assert plot_comorbidity(comorbidity(counted), ax=ax) is ax
    assert len(ax.texts) == 12 * 12 - 12, "how many have it stands beside its name"
    ax = Figure().subplots()
    table = retention(counted)
    assert plot_retention(table, ax=ax) is ax
    share = next(row.share for row in table if row.contacts == 2)
    assert f"{100 * share:.0f}% come twice: a finished course" in [text.get_text() for text in ax.texts]
    ax = Figure().subplots()
    assert plot_prevalences(prevalences(small_results.scenario, small_results.rows), ax=ax) is ax
    assert len(ax.get_yticklabels()) == 12
    ax = Figure().subplots()
    assert plot_outcomes_by_disorders(small_results.rows, base="started", ax=ax) is ax
    assert ax.get_ylabel() == "Those who started (%)"
    row = small_results.find(
        "all_remission", base="started", at="end", service="service", group="emotional_disorders=3"
    )
    drawn = [round(float(y), 6) for line in ax.lines for y in np.ravel(line.get_ydata())]
    assert round(100 * row.value, 6) in drawn


def test_with_nobody_treated_outcomes_are_shown_over_all_referred(small_results: Results) -> None:
    nan = float("nan")
    untreated = tuple(
        replace(row, value=nan) if row.base in ("finished", "started") else row for row in small_results.rows
    )
    ax = plot_outcomes_by_disorders(untreated)
    assert ax.get_ylabel() == "Those referred (%)"


def test_an_empty_service_still_has_pictures(small_results: Results) -> None:
    figure = plot_retention(()).get_figure(root=True)
    assert isinstance(figure, Figure)
    check_legible(figure)


def test_figures_are_chosen_by_name_and_by_what_they_are_of() -> None:
    assert figure_names(None, "run") == ["disorders", "flow", "waits", "waiting_list", "ladder"]
    assert figure_names(["retention"], "run") == ["retention"]
    assert [name for kind in KINDS for name in of_kind(kind)] == list(FIGURES)
    with pytest.raises(CatalogueError, match=r"--figure retension: no such figure\. Did you mean 'retention'"):
        figure_names(["retension"], "run")
    with pytest.raises(
        CatalogueError, match=r"a figure of a comparison, and this is a run\. Those of a run: disorders"
    ):
        figure_names(["differences"], "run")


def test_a_run_has_no_differences(small_results: Results) -> None:
    with pytest.raises(RunError, match="a run has no differences"):
        FIGURES["differences"].draw(FreshRun.of(small_results))
