"""Write services.md from two saved results: `python docs/services_page.py VALIDATED_FOLDER BACKTEST_FOLDER`.

The folders are those that these commands save, each in a quarter to half an hour with two processes:

    caseload-sim validate-model --all-services --jobs 2
    caseload-sim backtest --from 2023-24 --to 2024-25 --jobs 2

Their pictures are copied beside, smaller. Tables stand between marks; the text around them is written by hand.
"""

import csv
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image

from caseload_sim.analysis.validate_model import TOLERANCE_OF_OTHERS, TOLERANCE_OF_SHARES
from caseload_sim.definitions.quantities import words
from caseload_sim.services.backtest import LINES
from caseload_sim.services.published import Published
from caseload_sim.services.year import year_of
from caseload_sim.services.yearly import YEARLY

PAGE = Path(__file__).parent / "services.md"
IMAGES = Path(__file__).parent / "images"
WIDTH = 1000  # pixels of a picture on the page
MARKED = re.compile(r"(<!-- generated: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

Rows = Sequence[Mapping[str, str]]


def read(path: Path) -> Rows:
    """The rows of a saved table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shown(unit: str, value: str | float) -> str:
    """A figure as it is written on the page; shares in per cent."""
    if value in ("", None) or (number := float(value)) != number:
        return "-"
    return f"{100 * number:.1f}" if unit == "share" else f"{number:,.0f}" if unit == "people" else f"{number:.1f}"


def ratio(row: Mapping[str, str]) -> str:
    """How large the model's error is beside that of persistence, with its interval."""
    value, low, high = (float(row[name]) for name in ("ratio", "ratio_lower_95_ci", "ratio_upper_95_ci"))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def validated_table(table: Rows) -> Iterator[str]:
    """Every figure over all services: how near the model comes, and its rivals."""
    yield "| figure | role | services | published, mean (SD) | r | error of the model | of the mean of others | of a regression |"
    yield "|---|---|---|---|---|---|---|---|"
    for role in ("fitted", "check"):
        for row in table:
            if row["role"] == role:
                unit = row["unit"]
                errors = [shown(unit, row[name]) for name in ("mae_model", "mae_mean_of_others", "mae_regression")]
                spread = f"{shown(unit, row['published_mean'])} ({shown(unit, row['published_sd'])})"
                r = f"{float(row['correlation']):.2f}" if row["correlation"] else "-"
                yield f"| {words(row['quantity'])} | {role} | {row['n_services']} | {spread} | {r} | {' | '.join(errors)} |"
    checks = [row for row in table if row["role"] == "check" and row["mae_regression"] and row["mae_model"]]
    nearer = sum(
        float(row["mae_model"]) < min(float(row["mae_mean_of_others"]), float(row["mae_regression"])) for row in checks
    )
    yield ""
    yield f"Of {len(checks)} figures as checks, the model is nearer than both rivals in {nearer}. Shares in per cent and points; waits in days."


def backtest_table(table: Rows) -> Iterator[str]:
    """The seven figures, in both lines, against persistence."""
    names = {one.name: one.words for one in YEARLY}
    for line, said in LINES.items():
        yield f"**{said.capitalize()}, by what changes**"
        yield ""
        yield "| figure | services | persistence | model | ratio (95% interval) | the model's own level |"
        yield "|---|---|---|---|---|---|"
        mine = [row for row in table if (row["line"], row["how"]) == (line, "change")]
        levels = {row["figure"]: row for row in table if (row["line"], row["how"]) == (line, "level")}
        for row in mine:
            errors = [shown(row["unit"], row[name]) for name in ("mae_persistence", "mae")]
            level = shown(row["unit"], levels[row["figure"]]["mae"])
            yield f"| {names[row['figure']]} | {row['n_services']} | {' | '.join(errors)} | {ratio(row)} | {level} |"
        better, worse = sum(float(row["ratio"]) < 1 for row in mine), sum(float(row["ratio"]) > 1.1 for row in mine)
        yield ""
        yield f"Better than persistence on {better} of {len(mine)}; more than 1.1 times its error on {worse}."
        yield ""
    yield (
        "Persistence over all services that have both years: "
        + ", ".join(
            f"{names[row['figure']]} {shown(row['unit'], row['persistence_of_all'])} ({row['n_of_all']})"
            for row in levels.values()
        )
        + "."
    )


def five_of(services: Rows, published: Published) -> dict[str, str]:
    """Five services of different kinds by a rule, and what each is: code -> why it is here."""
    codes = list(dict.fromkeys(row["code"] for row in services))
    years = {code: year_of(published, published.provider(code)) for code in codes}
    chosen: dict[str, str] = {}

    def take(name: str, why: str, *, largest: bool = True) -> None:
        there = [code for code in codes if code not in chosen and years[code].value(name) == years[code].value(name)]
        value = sorted(there, key=lambda code: years[code].value(name), reverse=largest)[0]
        chosen[value] = why

    take("referrals_received", "the largest")
    take("finished_course_treatment", "the one with the fewest finished courses", largest=False)
    take("high_intensity_wait_days", "the one with the longest wait for high intensity")
    take("within_6_weeks", "the one that sees the fewest within six weeks", largest=False)
    there = sorted((code for code in codes if code not in chosen), key=lambda code: years[code].value("over_90_days"))
    chosen[there[len(there) // 2]] = "in the middle by waits of over 90 days"
    return chosen


def five_tables(services: Rows, units: Mapping[str, str], published: Published) -> Iterator[str]:
    """What is met and missed of five services."""
    for code, why in five_of(services, published).items():
        mine = [row for row in services if row["code"] == code]
        one = published.provider(code)
        met = {role: [is_met(row, units) for row in mine if row["role"] == role] for role in ("fitted", "check")}
        counts = "; ".join(f"{role} {sum(some)} of {len(some)} met" for role, some in met.items())
        yield f"### {one.name} ({code}): {why}"
        yield ""
        yield f"`caseload-sim new {code.lower()}.toml --service {code}`. {counts}."
        yield ""
        yield "| figure | role | published | model | |"
        yield "|---|---|---|---|---|"
        for row in mine:
            unit = units[row["quantity"]]
            verdict = "met" if is_met(row, units) else "**missed**"
            yield f"| {words(row['quantity'])} | {row['role']} | {shown(unit, row['published'])} | {shown(unit, row['model'])} | {verdict} |"
        yield ""


def is_met(row: Mapping[str, str], units: Mapping[str, str]) -> bool:
    """Within 1 point of a share, within 5% of all else, as for the national figures."""
    published, model = float(row["published"]), float(row["model"])
    return abs(model - published) <= (
        TOLERANCE_OF_SHARES if units[row["quantity"]] == "share" else TOLERANCE_OF_OTHERS * published
    )


def write_page(validated: Path, backtest: Path) -> None:
    """services.md with its tables renewed, and the two pictures."""
    table, services = read(validated / "table.csv"), read(validated / "services.csv")
    units = {row["quantity"]: row["unit"] for row in table}
    parts = {
        "validated": validated_table(table),
        "backtest": backtest_table(read(backtest / "table.csv")),
        "five": five_tables(services, units, Published()),
    }

    def renewed(match: re.Match[str]) -> str:
        return f"{match[1]}\n" + "\n".join(parts[match[2]]).strip() + f"\n\n{match[4]}"

    PAGE.write_text(MARKED.sub(renewed, PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    for folder, name in ((validated, "services_validated"), (backtest, "services_backtest")):
        with Image.open(folder / "figure.png") as image:
            smaller = image.convert("RGB").resize(
                (WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS
            )
            smaller.quantize(64).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    write_page(*map(Path, sys.argv[1:]))
