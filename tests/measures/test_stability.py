"""Whether lists are steady: three answers, and how many runs would tell."""

from dataclasses import replace

import numpy as np
import pytest

from caseload_sim.measures.rows import Row
from caseload_sim.measures.stability import MOST_RUNS, runs_to_tell, stability_of

NAN = float("nan")


def growth(step: str, value: float, low: float, high: float, runs: int = 5) -> Row:
    return Row("s", "waiting_list_growth", "", "", "", f"step={step}", value, low, high, NAN, NAN, NAN, NAN, "clients a week", runs, NAN, NAN)  # fmt: skip


STILL = growth("assessment", 0.1, -0.2, 0.4)


def test_lists_are_steady_where_every_interval_leaves_out_a_client_a_week() -> None:
    said = stability_of([STILL, growth("group", -0.5, -0.9, -0.1), growth("empty", NAN, NAN, NAN)])
    assert said.answer == "steady"
    assert said.in_words() == "Lists are steady: none grows or falls by 1 client a week or more."


def test_lists_that_move_beyond_chance_are_named_with_how_much() -> None:
    said = stability_of([STILL, growth("high_intensity", 12.3, 9, 15.6), growth("group", -3, -5, -2), growth("low", 2, -1, 5)])  # fmt: skip
    assert said.answer == "not steady"
    assert said.in_words() == "Lists are not steady: high intensity grows by 12, group falls by 3 clients a week."


def test_where_too_few_runs_leave_it_open_it_says_which_lists_and_how_many_would_tell() -> None:
    said = stability_of([STILL, growth("high_intensity", 4, -4, 12)])
    assert (said.answer, said.unclear) == ("cannot tell", ("high intensity",))
    assert said.in_words() == (
        "Whether lists grow, 5 runs cannot tell (high intensity); about 20 would, with --replications."
    )
    assert said.in_short() == "Whether lists grow, 5 runs cannot tell; about 20 would."
    alone = stability_of([replace(STILL, lower_95_ci=NAN, upper_95_ci=NAN, n_replications=1)])
    assert alone.in_short() == "Whether lists grow, 1 run cannot tell; about 10 would."
    unknowable = stability_of([growth("high_intensity", 1.0, -40, 42)])
    assert unknowable.enough > MOST_RUNS
    assert "more than 1,000" in unknowable.in_short()


@pytest.mark.parametrize(("value", "half"), [(4.0, 8.0), (0.2, 3.0), (-7.0, 30.0), (1.5, 2.0), (-0.4, 0.9)])
def test_with_as_many_runs_as_it_asks_for_an_interval_that_narrows_with_their_root_does_tell(
    value: float, half: float
) -> None:
    enough = runs_to_tell(growth("group", value, value - half, value + half))
    assert enough <= MOST_RUNS

    def with_runs(n: int) -> str:
        narrower = half * np.sqrt(5 / n)
        return stability_of([growth("group", value, value - narrower, value + narrower, n)]).answer

    assert with_runs(enough + 1) != "cannot tell"
    assert enough <= 10 or with_runs(enough - 11) == "cannot tell", (
        "and with fewer by more than the rounding it does not"
    )
