"""Results as tables on a terminal, readable at 80 columns: what several commands print alike, and the results of a run."""

import sys
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import BASES, DIFFERENCE, words
from caseload_sim.errors import harmless
from caseload_sim.experiments.replicate import Results
from caseload_sim.measures.rows import (
    Row,
    UncertaintyRow,
    could_be_text,
    digits_of,
    point_text,
    quantity_of,
    row_of,
    value_text,
)
from caseload_sim.runs.tables import as_json
from caseload_sim.scenario.costs import Costs, financial_year
from caseload_sim.support.row_table import as_table

_BY_STEP = ("wait_days_mean", "wait_days_median", "wait_days_90th_percentile", "contacts_mean", "contacts_median",
            "utilisation", "waiting_list", "waiting_list_growth", "treatment_wait_days_mean")  # fmt: skip


CHANCE_ALONE = "Brackets: 95% interval over replications, paired; chance alone, not the doubt about assumptions."


def say(text: str, end: str = "\n") -> None:
    """Print a text, harmless to a terminal whatever file it comes from. Commands print with this and `Page`, nothing else."""
    print(harmless(text), end=end)


def tell(text: str) -> None:
    """The same beside the results, on stderr: notes, and where something was saved."""
    print(harmless(text), file=sys.stderr)


def styled(text: str, style: str = "") -> Text:
    """A text with a style for rich, which would let through what a terminal obeys."""
    return Text(harmless(text), style)


def print_json(rows: Sequence[object]) -> None:
    """Rows as JSON."""
    say(as_json(rows))


def replications_text(n: int) -> str:
    """How many replications, as "1 replication" or "2 replications"."""
    return f"{n} replication{'s' * (n != 1)}"


def fraction(row: Row) -> str:
    if np.isnan(row.denominator):
        return ""
    return f"of {row.denominator:,.0f}" if np.isnan(row.numerator) else f"{row.numerator:,.0f}/{row.denominator:,.0f}"


class Page:
    """A terminal, and the few ways in which commands print on it; nothing in a text is taken for markup."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)

    def title(self, text: str) -> None:
        self.console.print(styled(text, "bold reverse"))

    def heading(self, text: str) -> None:
        """Above columns: like `line`, never broken."""
        self.console.print(styled(text, "dim"), soft_wrap=True)

    def line(self, text: str, style: str = "") -> None:
        """A line of a table, which a narrow terminal may break as it likes."""
        self.console.print(styled(text, style), soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """Words, broken between them where the terminal ends."""
        self.console.print(styled(text, style))

    def note(self, text: str) -> None:
        """What is to be known in order to read what is above."""
        self.say(text, "dim")

    def meaning(self, name: str, definition: str) -> None:
        self.console.print(Text.assemble((harmless(name), "bold"), ": ", (harmless(definition), "dim")))

    def denominator(self, text: str) -> None:
        """Under the meaning of a measure: of whom it is a share."""
        self.console.print(Padding(styled(f"of: {text}", "dim"), (0, 0, 0, 2), expand=False))

    def below(self, text: str, style: str = "dim") -> None:
        """More about the line above, set in."""
        self.console.print(Padding(styled(text, style), (0, 0, 0, 4)))

    def gap(self) -> None:
        self.console.print()


def in_columns(*cells: tuple[str, int]) -> str:
    """A line of a table: texts side by side, a blank between two at least, whatever they are.

    cells: text and width; the text is to the right in its column, or to the left where the width is below 0. A text that is
        too long takes blanks from the columns after it.
    """
    line, end = "", 0
    for text, width in cells:
        start, end = end, end + abs(width)
        if text:
            blanks = (end - len(text) if width > 0 else start) - len(line)
            line += " " * max(blanks, 1 if line else 0) + text
    return line


def print_meanings(page: Page, measures: Sequence[str]) -> None:
    """Each measure's definition, and each denominator once, under the measures that have it."""
    found = [definition(measure) for measure in dict.fromkeys(measures)]
    for denominator in dict.fromkeys(meaning.denominator for meaning in found):
        for meaning in found:
            if meaning.denominator == denominator:
                page.meaning(words(meaning.name), meaning.definition)
        page.denominator(denominator)


def percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f}%"


def signed(value: float, low: float, high: float) -> str:
    """A change with its interval, as -2.4 (-3.5, -1.3); empty where there is none."""
    if np.isnan(value):
        return ""
    if np.isnan(low):
        return f"{100 * value:+z.1f}"
    return f"{100 * value:+z.1f} ({100 * low:+z.1f}, {100 * high:+z.1f})"


# Label, measure without "cost_per_" or "cost_per_extra_", and when it is read.
_RESULTS = (
    ("recovery", "recovery", "end"),
    ("principal remission", "principal_remission", "end"),
    ("all remission", "all_remission", "end"),
    ("full remission", "full_remission", "end"),
    ("full, sustained a year", "full_remission", "sustained"),
)
# Heading, and under it: label, measure, when it is read, with the service or not.
_PARTS = (
    ("", (
        ("referral", "cost_per_referral", "", ""),
        ("finished course", "cost_per_finished_course", "", ""),
        *((label, f"cost_per_{name}", at, "") for label, name, at in _RESULTS),
    )),
    ("per one more than the same clients reach untreated", (
        *((label, f"cost_per_extra_{name}", at, "") for label, name, at in _RESULTS),
        ("QALY", "cost_per_qaly", "", ""),
    )),
    ("QALYs of a client in the year from referral", (
        ("with the service", "qalys_mean", "", "service"),
        ("untreated", "qalys_mean", "", "none"),
        ("more than untreated", "qalys_mean", "", "difference"),
    )),
)  # fmt: skip
_NAME, _NUMBER = 26, 18


def print_costs(rows: Sequence[Row], costs: Costs) -> None:
    """Pounds per referral, course, recovery and remission, and per one more than untreated; QALYs, and pounds for each more."""
    page = Page()
    found = {(row.measure, row.base, row.at, row.service): row for row in rows if row.group == "all"}
    page.title(f"WHAT IT COSTS: pounds at {financial_year(costs.report_year)} prices, {_basis(costs)}")
    page.note(in_columns(("all the money, per", -_NAME), *((base, _NUMBER) for base in BASES)))
    for heading, lines in _PARTS:
        if heading:
            page.note(heading)
        for label, name, at, service in lines:
            some = [found.get((name, base, at, service)) for base in BASES]
            if any(some):
                page.line(in_columns((f"  {label}", -_NAME), *((_with_half_width(row), _NUMBER) for row in some)))
    page.note(
        "Referrals ended in the period, those of the column: with two or more contacts, with any, all. Money spent on "
        "those who did not get better is in. \u00b1: the 95% interval over replications, its wider side. -: not defined, or "
        "what the service adds may be nothing (its interval includes 0). QALYs are by PHQ-9 and of one year, the money is "
        f"of all the care. Prices are of {_years(costs)}: see [costs] in `explain`."
    )
    page.gap()


def _basis(costs: Costs) -> str:
    return "each contact at a price" if costs.basis == "sessions" else "by staff in post"


def _years(costs: Costs) -> str:
    year = (costs.sessions if costs.basis == "sessions" else costs.wte).price_year.value
    factor = costs.inflated(year)
    return f"{financial_year(year)}" + (f", times {factor:.2f}" if factor != 1 else "")


def _with_half_width(row: Row | None) -> str:
    if row is None:
        return ""
    if np.isnan(row.value):
        return "-"
    half, digits = max(row.upper_95_ci - row.value, row.value - row.lower_95_ci), digits_of(row.unit)
    return f"{row.value:{digits}}" + ("" if np.isnan(half) else f" \u00b1{half:{digits}}")


# Above columns that tell the service from no service, and above all others.
_PAIRED = ("over, read at", -21), ("with service", 18), ("none", 7), ("difference", 19)
_ALONE = ("", -28), ("value", 31)
# The ladder comes last: it is what is still on the screen when the run is over.
_SECTIONS = (
    (
        "OFFICIAL FIGURES: questionnaires, referrals ended in the period",
        ("referrals_received", "finished_course_treatment", "at_caseness", "reliable_recovery", "improvement",
         "no_reliable_change", "deterioration"),
    ),
    (
        "FROM REFERRAL TO THE END: referrals ended in the period",
        ("ended_before_treatment", "ended_after_one_contact", "ended_after_finishing", "not_suitable", "not_assessed",
         "declined", "incomplete_assessment", "discharged_with_advice", "gave_up", "dropped_out", "low_intensity_first",
         "stepped_up", "stepped_down", "unfinished"),
    ),
    (
        "WAITS, CONTACTS AND PLACES",
        ("first_contact_days_mean", "first_contact_days_median", "first_contact_days_90th_percentile", "first_contact_within_6_weeks",
         "first_contact_within_18_weeks", "second_contact_days_mean", "second_contact_days_median",
            "second_contact_days_90th_percentile",
         "second_contact_over_28_days", "second_contact_over_90_days", "treatment_wait_days_mean", "step_up_wait_days_mean", "wait_days_mean", "wait_days_median",
         "wait_days_90th_percentile", "contacts_mean", "contacts_median", "missed_contacts", "utilisation", "waiting_list",
         "waiting_list_growth"),
    ),
    (
        "THE LADDER: one population, every definition",
        ("recovery", "principal_remission", "all_remission", "full_remission", "recovered_still_diagnosed",
         "not_recovered_no_diagnosis"),
    ),
)  # fmt: skip


def print_results(results: Results) -> None:
    """The main rows of a run, each measure under its definition: all clients, and by step what is by step."""
    page = Page()
    table = as_table(results.rows, Row)
    names_and_groups = zip(*map(table.column, ("measure", "group")), strict=True)
    shown = table.at(i for i, (name, group) in enumerate(names_and_groups) if group == "all" or name in _BY_STEP)
    by_measure: dict[str, list[Row]] = {}
    for row in shown:
        by_measure.setdefault(row.measure, []).append(row)
    for title, names in _SECTIONS:
        if title is _SECTIONS[-1][0]:
            print_costs(shown, results.scenario.costs)
        rows = {name: by_measure.get(name, []) for name in names}
        paired = any(row.service for some in rows.values() for row in some)
        page.title(title)
        page.heading(in_columns(*(_PAIRED if paired else _ALONE), ("n / of", 15)))
        for name, some in rows.items():
            if some:
                page.meaning(words(name), definition(name).definition)
                for line, style in _lines(some):
                    page.line(line, style)
        if growth := rows.get("waiting_list_growth"):
            page.say(stability_in_words(growth), "bold")
        page.gap()
    if results.uncertainty:
        print_uncertainty(results.uncertainty)
    run = results.scenario.run
    page.note(
        f"{results.scenario.title}. Seed {run.seed}, {replications_text(run.replications)}; "
        f"{run.warm_up_days} days of warm-up, {run.data_collection_days} of data collection, {run.follow_up_days} of "
        "follow-up. none: the same clients, untreated. Brackets: 95% interval of the mean over replications, which is "
        "chance alone and not the doubt about assumptions; of waits and lists, the middle year and an interval of it, since "
        "years in which assessors fall behind are rare and bad. could be: lowest and highest by other structures of the outcome "
        "model that fit no worse (`caseload-sim structures`); no interval, as nobody knows how likely each is. n and of: means per replication. All groups are in "
        "measures.csv; `caseload-sim list measures` has denominators in words, `caseload-sim explain` the sources."
    )


def stability_in_words(growth: Sequence[Row]) -> str:
    """Whether the service stands still: which lists change by a client a week or more, beyond chance.

    growth: the rows of `waiting_list_growth`, one for each step
    """
    if any(row.n_replications < 2 for row in growth):
        return "Whether lists grow beyond chance takes two replications to tell."
    moving = [row for row in growth if abs(row.value) >= 1 and (row.lower_95_ci > 0 or row.upper_95_ci < 0)]
    if not moving:
        return "Stable: no waiting list grows or falls by a client a week or more beyond chance."
    said = (
        f"{words(row.group.removeprefix('step='))} {'grows' if row.value > 0 else 'falls'} by {abs(row.value):.0f}"
        for row in moving
    )
    return f"Not stable: of the waiting lists, {', '.join(said)} clients a week."


def _lines(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Lines and their style: one for each base and reading, or for each step, and below it what it could be."""
    by_step = rows[0].measure in _BY_STEP
    lines = []
    for row in rows:
        if row.service in ("none", DIFFERENCE) or not (row.group == "all" or by_step):
            continue
        of_step = words(row.group.removeprefix("step=").replace("=", " ")) if by_step and row.group != "all" else ""
        label = "  " + ", ".join(
            filter(None, (row.base if row.base != "all" and not of_step else "", words(row.at), of_step))
        )
        if row.service:
            none, difference = (row_of(rows, quantity_of(row)._replace(service=name)) for name in ("none", DIFFERENCE))
            cells = (value_text(row), 18), (point_text(none), 7), (value_text(difference), 19), (fraction(row), 15)
            lines.append((in_columns((label, -21), *cells), ""))
            lines += _could_be(row, difference)
        else:
            lines.append((in_columns((label, -28), (value_text(row), 26), (fraction(row), 20)), ""))
    return lines


def _could_be(row: Row, difference: Row) -> list[tuple[str, str]]:
    """The line below a rung: between what it and the difference could be; none where that is not known."""
    value = could_be_text(row.could_be_low, row.could_be_high, row.unit)
    apart = could_be_text(difference.could_be_low, difference.could_be_high, difference.unit, with_sign=True)
    return [(in_columns(("    could be", -21), (value, 18), ("", 7), (apart, 19)), "dim")] if value else []


def print_uncertainty(rows: Sequence[UncertaintyRow]) -> None:
    """What the spread between replications is made of, for all clients."""
    page = Page()
    page.title("UNCERTAINTY: standard deviation between replications, in points of %")
    page.note(in_columns(("", -47), ("total", 8), ("chance", 9), ("sources", 9)))
    for row in rows:
        unit = definition(row.measure).unit
        if row.group == "all" and row.service == "service" and unit == "share" and not np.isnan(row.sd_total):
            label = f"  {words(row.measure)}, {row.base}, {words(row.at)}"
            sds = (row.sd_total, 8), (row.sd_chance, 9), (row.sd_parameters, 9)
            page.say(in_columns((label, -47), *((f"{100 * sd:.2f}", width) for sd, width in sds)))
    page.gap()
