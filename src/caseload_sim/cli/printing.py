"""What several commands print alike on a terminal, readable at 80 columns."""

import sys
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import words
from caseload_sim.errors import harmless
from caseload_sim.measures.rows import Row, digits_of
from caseload_sim.runs.tables import as_json
from caseload_sim.support.text_columns import in_columns as in_columns

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


def changed(unit: str, difference: float, low: float, high: float) -> str:
    """A difference with its interval, as +2.4 (+1.3, +3.5), signed throughout; a dash where there is none."""
    if np.isnan(difference):
        return "-"
    return _with_sign(unit, difference) + ("" if np.isnan(low) else f" ({changed_between(unit, low, high)})")


def changed_between(unit: str, low: float, high: float) -> str:
    return "-" if np.isnan(low) else f"{_with_sign(unit, low)}, {_with_sign(unit, high)}"


def _with_sign(unit: str, value: float) -> str:
    return f"{100 * value if unit == 'share' else value:+z{digits_of(unit)}}"


def fraction(row: Row) -> str:
    """Numerator and denominator, as far as there are any."""
    if np.isnan(row.denominator):
        return ""
    return f"of {row.denominator:,.0f}" if np.isnan(row.numerator) else f"{row.numerator:,.0f}/{row.denominator:,.0f}"
