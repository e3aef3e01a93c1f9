"""The account of the ladder as tables on a terminal, readable at 80 columns."""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from caseload_sim.account_figures import rung_label
from caseload_sim.audits import AuditRow
from caseload_sim.definitions import definition
from caseload_sim.doubt import DoubtRow, TornadoRow
from caseload_sim.ranking import RankRow
from caseload_sim.reconciliation import ReconcileRow
from caseload_sim.wording import words

ORDER_MATTERS = (
    "The order matters: a mechanism that comes later has less left to take. `in order` is the order of the table; `any order` "
    "is the mean over all orders (Shapley)."
)
_TOO_LITTLE_TO_SHOW = 0.0005
_CHANCE_ALONE = "Brackets: 95% interval over replications, paired; chance alone, not the doubt about assumptions."


def print_reconciliation(rows: Sequence[ReconcileRow]) -> None:
    """The way from one figure to another, a line for each mechanism."""
    console = Console(highlight=False)
    start, end = (next(row for row in rows if row.kind == kind) for kind in ("start", "end"))
    console.print(Text(f"RECONCILED: {start.scenario}", "bold reverse"))
    console.print(Text(f"from {start.name}\nto {end.name}", "bold"))
    _print_meanings(console, [row.name.split("/")[0] for row in (start, end)])
    console.print(Text(f"{'':<32}{'figure':>6}{'in order':>21}{'any order':>21}", "dim"), soft_wrap=True)
    for row in rows:
        ends = row.kind in ("start", "end")
        name = row.name if ends else f" {'of it: ' * (row.kind == 'part')}{row.meaning}"
        if len(name) > 32:
            console.print(Text(name, "bold" if ends else ""), soft_wrap=True)
            name = ""
        changed = "" if ends else _signed(row.change, row.change_lower_95_ci, row.change_upper_95_ci)
        averaged = _signed(row.shapley, row.shapley_lower_95_ci, row.shapley_upper_95_ci)
        line = f"{name:<32}{_percent(row.value):>6}{changed:>21}{averaged:>21}".rstrip()
        console.print(Text(line, "bold" if ends else ""), soft_wrap=True)
    console.print()
    n = start.n_replications
    console.print(
        Text(f"{n} replication{'s' * (n != 1)}, points of 100. {ORDER_MATTERS} {_CHANCE_ALONE}", "dim"),
    )


def print_audit(rows: Sequence[AuditRow]) -> None:
    """What an audit would find, by each definition."""
    console = Console(highlight=False)
    first = rows[0]
    console.print(
        Text(f"AN AUDIT OF {first.n:,} that found {_percent(first.result)}: {first.scenario}", "bold reverse")
    )
    _print_meanings(console, [row.measure for row in rows])
    console.print(Text(f"{'':<42}{'model':>6}{'95% of audits':>15}{'<=found':>8}{'odds':>5}", "dim"), soft_wrap=True)
    mark = {"definition": " d", "both": " b", "selection": " s"}
    for row in rows:
        label = f"  {words(row.measure)}, {row.base}, {words(row.at)}"
        between = f"{100 * row.audited_lower_95:.1f}-{100 * row.audited_upper_95:.1f}"
        chance = f"{row.chance_of_result:.3f}" if row.chance_of_result >= 0.0005 else "<0.001"
        odds = "-" if np.isnan(row.sampling_odds) else f"{row.sampling_odds:.1f}"
        line = f"{label:<42}{_percent(row.value):>6}{between:>15}{chance:>8}{odds:>5}{mark[row.explained_by]}"
        console.print(Text(line), soft_wrap=True)
    console.print()
    console.print(
        Text(
            f"{first.n_replications} replication{'s' * (first.n_replications != 1)}. 95% of audits: where the rates of such audits "
            "fall, by chance of the sample and of the year. <=found: chance of the result or less. odds: how many times likelier "
            "somebody still ill would have to be sampled than somebody well, for the result to be what is expected. d: the "
            "definition alone explains the result; s: only selection could, for a figure by questionnaire; b: it takes this "
            "definition and selection. The model's own doubt is not in it: see `caseload-sim uncertainty`.",
            "dim",
        )
    )


def print_doubt(rows: Sequence[DoubtRow], tornado: Sequence[TornadoRow]) -> None:
    """How sure each rung is, what of, and which soft input moves it most."""
    console = Console(highlight=False)
    console.print(Text(f"HOW SURE EACH RUNG IS: {rows[0].scenario}, {rows[0].n_draws} draws", "bold reverse"))
    console.print(
        Text(f"{'':<38}{'model':>6}{'95% range':>12}{'chance':>8}{'sources':>8}{'doubt':>7}", "dim"), soft_wrap=True
    )
    for row in rows:
        label = f"{words(row.measure)}, {row.base}, {words(row.at)}"
        between = f"{100 * row.lower_95_range:.1f}-{100 * row.upper_95_range:.1f}"
        sds = f"{100 * row.sd_chance:>8.2f}{100 * row.sd_sampling:>8.2f}{100 * row.sd_structure:>7.2f}"
        console.print(Text(f"{label:<38}{_percent(row.value):>6}{between:>12}{sds}"), soft_wrap=True)
    console.print()
    for rung in rows:
        console.print(Text(f"What moves {rung_label(rung.measure, rung.base, rung.at)}", "bold"))
        key = (rung.measure, rung.base, rung.at)
        of_it = [input_row for input_row in tornado if (input_row.measure, input_row.base, input_row.at) == key]
        for soft in sorted(of_it, key=lambda soft: -abs(soft.value_at_high - soft.value_at_low)):
            swing = soft.value_at_high - soft.value_at_low
            if abs(swing) >= _TOO_LITTLE_TO_SHOW:
                ends = f"{_percent(soft.value_at_low)} at {soft.low:g}, {_percent(soft.value_at_high)} at {soft.high:g}"
                console.print(Text(f"  {words(soft.name):<32}{ends:>34}{100 * swing:>+10.1f}"), soft_wrap=True)
    console.print()
    console.print(
        Text(
            "model: mean over the draws with nothing drawn but chance. 95% range: of one year, with published prevalences and soft "
            "inputs drawn together. chance, sources, doubt: SD in points between years, added by drawing prevalences from their "
            "sampling distributions, added by drawing soft inputs evenly from their ranges; they add in squares. What moves: one "
            "input at the ends of its range, all else as it is, on the same draws; inputs that move it by less than 0.05 points are left out. Each rung over those it names, as "
            "`caseload-sim list measures` says.",
            "dim",
        )
    )


# Columns of the ranking, after the rung: heading, width, and what stands there.
_RANK_COLUMNS: tuple[tuple[str, int, Callable[[RankRow], str]], ...] = (
    ("value", 7, lambda row: _percent(row.value)),
    ("gain", 22, lambda row: _signed(row.gain, row.gain_lower_95_ci, row.gain_upper_95_ci)),
    ("GBP each", 12, lambda row: "-" if np.isnan(row.gbp_per_one_more) else f"{row.gbp_per_one_more:,.0f}"),
)


def print_ranking(rows: Sequence[RankRow]) -> None:
    """What-ifs by gain, the largest first, each with its gain in every rung."""
    console = Console(highlight=False)
    by = rows[0].ranked_by
    console.print(Text(f"RANKED BY GAIN IN {by}, over {rows[0].versus}", "bold reverse"))
    _print_meanings(console, [row.measure for row in rows])
    heading = "".join(f"{name:>{width}}" for name, width, _ in _RANK_COLUMNS)
    console.print(Text(f"{'':<39}{heading}", "dim"), soft_wrap=True)
    for place, some in groupby(rows, key=lambda row: row.place):
        of_one = list(some)
        console.print(Text(f"{place}  {of_one[0].scenario}", "bold"))
        for row in of_one:
            label = f"   {words(row.measure)}, {row.base}, {words(row.at)}"
            cells = "".join(f"{text(row):>{width}}" for _, width, text in _RANK_COLUMNS)
            console.print(Text(f"{label:<39}{cells}"), soft_wrap=True)
    console.print()
    n = rows[0].n_replications
    console.print(
        Text(
            f"{n} replication{'s' * (n != 1)} on common random numbers. gain: points of 100 over {rows[0].versus}. {_CHANCE_ALONE} "
            "GBP each: what is spent more for each client more who is well; - where there are not more. Places whose intervals overlap may change with another seed.",
            "dim",
        )
    )


def _print_meanings(console: Console, measures: Sequence[str]) -> None:
    """Each measure's definition, and each denominator once, under the measures that have it."""
    found = [definition(measure) for measure in dict.fromkeys(measures)]
    for denominator in dict.fromkeys(meaning.denominator for meaning in found):
        for meaning in found:
            if meaning.denominator == denominator:
                console.print(Text.assemble((words(meaning.name), "bold"), ": ", (meaning.definition, "dim")))
        console.print(Padding(Text(f"of: {denominator}", "dim"), (0, 0, 0, 2), expand=False))


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f}%"


def _signed(value: float, low: float, high: float) -> str:
    """A change with its interval, as -2.4 (-3.5, -1.3); empty where there is none."""
    if np.isnan(value):
        return ""
    if np.isnan(low):
        return f"{100 * value:+z.1f}"
    return f"{100 * value:+z.1f} ({100 * low:+z.1f}, {100 * high:+z.1f})"
