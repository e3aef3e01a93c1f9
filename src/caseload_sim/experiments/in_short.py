"""What Python shows of results that nobody has asked anything of yet: the short answer, or its ladder as a table in a notebook."""

from collections.abc import Sequence
from html import escape
from typing import Protocol

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import BASES, READINGS
from caseload_sim.measures.headline import headline, percent
from caseload_sim.measures.rows import Row, could_be_text
from caseload_sim.scenario.scenario import Scenario


class Summarised(Protocol):
    """Whatever has a scenario and a row for each of its measures."""

    @property
    def scenario(self) -> Scenario: ...
    @property
    def rows(self) -> Sequence[Row]: ...


def in_short(results: Summarised) -> str:
    """The answer in at most 16 lines, as `caseload-sim run` prints it, and a line that says where the rest is."""
    lines = headline(results.scenario, results.rows).lines()
    return "\n".join([*lines, f"{len(results.rows):,} rows: .find(), .rows, .to_arrow(), .to_pandas()"])


def as_html(results: Summarised) -> str:
    """The ladder as a table for a notebook, each rung with what it means and of whom."""
    answer, run = headline(results.scenario, results.rows), results.scenario.run
    about = f"{answer.scenario}, seed {run.seed}, {run.replications:,} replication{'s' * (run.replications != 1)}"
    head = "".join(
        f"<th scope='col'>{one}</th>" for one in ("", "of whom, when", "with service", "untreated", "could be")
    )
    lines = [
        f"<table><caption><b>{escape(answer.title)}</b><br>{escape(about)}<br>{escape('; '.join(answer.published))}</caption>",
        f"<thead><tr>{head}</tr></thead><tbody>",
    ]
    for rung in answer.rungs:
        name = f"<b>{escape(rung.label.strip())}</b><br>{escape(definition(rung.quantity.measure).definition)}"
        when = f"{BASES[rung.quantity.base]}, {READINGS[rung.quantity.at]}"
        could_be = could_be_text(rung.could_be_low, rung.could_be_high, "share")
        cells = when, percent(rung.with_service), percent(rung.untreated), could_be
        data = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        lines.append(f"<tr><th scope='row' style='text-align:left'>{name}</th>{data}</tr>")
    return "\n".join([*lines, "</tbody></table>"])
