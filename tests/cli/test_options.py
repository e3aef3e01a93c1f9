"""Options that commands share: declared once, taken by name, and given together."""

from inspect import signature
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from caseload_sim.cli.options import Shared, changes_in, takes
from caseload_sim.errors import RunError

given: list[tuple[Shared, int]] = []


@takes("seed", "jobs", "sets", "json", json="Print dice as JSON.")
def throw(shared: Shared, dice: Annotated[int, typer.Option(help="How many.")] = 2) -> None:
    """Throw dice."""
    given.append((shared, dice))


def test_a_command_is_given_what_was_typed_and_the_rest_as_it_is_by_default() -> None:
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(throw)
    ran = CliRunner().invoke(app, ["--seed", "7", "--dice", "3", "--set", "a.b=1", "--set", "c=2", "--json"])
    assert ran.exit_code == 0, ran.output
    assert given.pop() == (Shared(seed=7, sets=["a.b=1", "c=2"], json=True), 3)
    assert CliRunner().invoke(app, []).exit_code == 0
    assert given.pop() == (Shared(), 2)
    assert Shared().out == Path("results")
    refused = CliRunner().invoke(app, ["--replications", "3"])
    assert refused.exit_code == 2


def test_what_help_says_can_be_said_otherwise_for_one_command() -> None:
    assert list(signature(throw).parameters) == ["dice", "seed", "sets", "jobs", "json"], "in the order of Shared"
    options = {name: one.annotation.__metadata__[0] for name, one in signature(throw).parameters.items()}
    assert options["json"].help == "Print dice as JSON."
    (everywhere,) = Shared.__annotations__["json"].__metadata__
    assert everywhere.help == "Print JSON."


def test_changes_are_paths_and_values() -> None:
    assert changes_in(["a.b = 0.3", "c=true"]) == {"a.b": 0.3, "c": True}
    with pytest.raises(RunError, match=r"--set a: write PATH=VALUE"):
        changes_in(["a"])
