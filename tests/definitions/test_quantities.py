"""The address of a figure: how it is written, what is wrong with it, and that the ladder is one."""

import pytest

from caseload_sim.definitions.measures import MEASURES
from caseload_sim.definitions.quantities import LADDER, LADDER_TO_REFERRED, RUNGS, Quantity
from caseload_sim.errors import RunError


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("recovery", Quantity("recovery")),
        (" recovery / started ", Quantity("recovery", "started")),
        ("all_remission/started/sustained", Quantity("all_remission", "started", "sustained")),
        ("recovery/finished/end/ptsd=yes", Quantity("recovery", "finished", "end", group="ptsd=yes")),
        ("recovery///ptsd=yes/none", Quantity("recovery", service="none", group="ptsd=yes")),
        ("recovery////difference", Quantity("recovery", service="difference")),
        ("wait_days_mean///step=high_intensity", Quantity("wait_days_mean", group="step=high_intensity")),
        ("within_6_weeks", Quantity("first_contact_within_6_weeks")),
        ("recovery:started", Quantity("recovery", "started")),
        ("wait_days_mean:::step=high_intensity", Quantity("wait_days_mean", group="step=high_intensity")),
    ],
)
def test_a_figure_is_read_as_written_and_written_as_read(text: str, quantity: Quantity) -> None:
    assert Quantity.parse(text) == quantity
    assert Quantity.parse(str(quantity)) == quantity


@pytest.mark.parametrize("rung", LADDER_TO_REFERRED)
def test_what_is_meant_where_nothing_is_said_is_not_written(rung: Quantity) -> None:
    assert str(rung) == f"{rung.measure}/{rung.base}/{rung.at}"
    assert str(rung._replace(group="ptsd=yes", service="none")) == f"{rung}/ptsd=yes/none"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recovry", "recovry: no such measure. Did you mean 'recovery'?"),
        ("", "no such measure"),
        ("recovery/finishd", "'finishd' is not a base. Did you mean 'finished'?"),
        ("recovery/x", "'x' is not a base. Known: all, courses, finished, referred, started."),
        ("recovery/finished/month_21", "'month_21' is not a reading. Did you mean 'month_12'?"),
        ("recovery/finished/end/ptsd", "'ptsd' is not a group: all, or NAME=VALUE."),
        ("recovery///all/nobody", "'nobody' is not a service. Known: difference, none, service."),
        ("recovery/step=high_intensity", "'step=high_intensity' is not a base."),
        ("recovery/finished/end/all/none/more", "too many parts. Write MEASURE/BASE/AT/GROUP, as in"),
    ],
)
def test_a_figure_that_is_none_is_refused_part_by_part(text: str, message: str) -> None:
    with pytest.raises(RunError) as caught:
        Quantity.parse(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{text}: ")


def test_the_ladder_has_every_rung_once_over_finishers_and_goes_on_from_the_strictest() -> None:
    assert [rung.measure for rung in LADDER[: len(RUNGS)]] == list(RUNGS)
    assert {rung.measure for rung in LADDER[len(RUNGS) :]} == {list(RUNGS)[-1]}
    assert len(set(LADDER_TO_REFERRED)) == len(LADDER_TO_REFERRED)
    assert set(RUNGS) <= {measure.name for measure in MEASURES}
