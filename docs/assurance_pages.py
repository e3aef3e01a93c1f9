"""Write the assurance pages that follow from hepgul_2016: `python docs/assurance_pages.py [--only-scenario]`.

`docs/assurance/stress_des.md` and the first table of `assumptions.md` are made from the scenario alone, and a test keeps them up to
date. The effect of each input on the headline, between two marks in `assumptions.md`, is simulated: one replication pair
for each end of each input, at a fifth of the service's size. What is finished is kept in `docs/assurance/effects.json`
(not committed) together with the size it was run at, so that a generation that was ended goes on.
`--only-scenario` renews what needs no simulating.
"""

import json
import math
import re
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from statistics import stdev
from typing import Any

from caseload_sim import get_scenario, list_sources, measure, simulate
from caseload_sim.analysis.stress_checklist import PUBLISHED, checklist
from caseload_sim.analysis.uncertainty import with_doubts
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import CaseloadError
from caseload_sim.scenario.numbers import Number, Share, numbers
from caseload_sim.scenario.outcome import Doubt
from caseload_sim.scenario.scenario import Scenario

FOLDER = Path(__file__).parent / "assurance"
KEPT = FOLDER / "effects.json"
DIGESTS = Path(__file__).parents[1] / "tests" / "digests.json"  # other digests, another program
NAME = "hepgul_2016"
REPLICATIONS, SIZE = 2, 0.2
UP, DOWN, LOGITS = 1.2, 0.8, 0.5
HEADLINES = (("recovery", "finished", "end"), ("full_remission", "started", "end"))
SIMULATED, END = "<!-- simulated -->", "<!-- end of simulated -->"
NO_EFFECT = ("costs.", "population.fit.", "population.strata.")  # prices, bounds of a fit, and what is only reported by
VERSIONS = {"caseload-sim": "see the record of each run"}


def soft(scenario: Scenario) -> list[tuple[str, Number, str]]:
    """Every input that is an assumption, fitted, or quoted from a source without having been seen in it."""
    return [
        (path, number, meaning)
        for path, number, meaning in numbers(scenario)
        if not path.startswith(PUBLISHED) and (number.assumption or number.fitted or "not seen" in (number.where or ""))
    ]


def ends(scenario: Scenario, path: str, number: Number) -> tuple[float, float] | None:
    """Lowest and highest value to try: its range of doubt, or else a fifth either way; None where there is nothing to try."""
    if doubt := doubt_of(scenario, path):
        factor = number.value if doubt.multiplies else 1.0
        return doubt.low * factor, doubt.high * factor
    if number.value == 0 or path.startswith(NO_EFFECT):
        return None
    if isinstance(number, Share) and 0 < number.value < 1:
        logit = math.log(number.value / (1 - number.value))
        low, high = (1 / (1 + math.exp(-logit - change)) for change in (-LOGITS, LOGITS))
        return low, high
    if isinstance(number, Share):
        return None
    low, high = sorted((DOWN * number.value, UP * number.value))
    return low, high


def doubt_of(scenario: Scenario, path: str) -> Doubt | None:
    return next((doubt for doubt in scenario.doubt.values() if path in doubt.paths), None)


def stress_page() -> str:
    """The checklist, without the versions of one machine."""
    return checklist(get_scenario(NAME), list_sources(), VERSIONS)


def register() -> str:
    """Every soft input with value, range and origin: the part of the register that follows from the scenario alone."""
    scenario = get_scenario(NAME)
    rows = soft(scenario)
    lines = [
        "# Assumptions register",
        "",
        "<!-- Made by docs/assurance_pages.py: change the scenario, not this page. -->",
        "",
        f"Every input of `{NAME}` that is assumed, fitted, or quoted from a source without having been seen in it: {len(rows)} of "
        f"{sum(not path.startswith(PUBLISHED) for path, _, _ in numbers(scenario))}. The others have a source: "
        f"`caseload-sim explain {NAME}`.",
        "",
        "Tried from and to: the range of doubt that the scenario gives (marked *); where it gives none, a convention that claims "
        f"nothing: shares {LOGITS:g} logits either way, all else a fifth either way. A dash: not tried, since it is 0 or a whole, a "
        "price, a bound of a fit, or only a group for reports. Inputs of one range of doubt move together.",
        "",
        "| input | meaning | value | tried from | to | origin |",
        "|---|---|---|---|---|---|",
    ]
    for path, number, meaning in rows:
        tried = ends(scenario, path, number)
        mark = "*" if doubt_of(scenario, path) else ""
        low, high = (f"{tried[0]:.3g}{mark}", f"{tried[1]:.3g}{mark}") if tried else ("-", "-")
        origin = number.origin().replace("|", "/")
        lines.append(f"| `{path}` | {meaning.replace('|', '/')} | {number.value:g} | {low} | {high} | {origin} |")
    return "\n".join(lines) + "\n"


def smaller(scenario: Scenario, size: float) -> Scenario:
    """The scenario with this share of its referrals and posts, all posts filled for good."""
    paths = ["demand.referrals_per_year", *(f"staff.{kind}.wte" for kind in scenario.staff)]
    known = {path: number.value for path, number, _ in numbers(scenario)}
    changes: dict[str, Any] = {path: size * known[path] for path in paths}
    changed = scenario.with_changes({**changes, "run.staff_turnover": False})
    return changed.model_copy(update={"name": scenario.name})


def effects(scenario: Scenario, *, replications: int, kept: Path | None = None) -> dict[str, Any]:
    """Headlines at both ends of each input, less those as it is, replication by replication on the same draws.

    scenario: at the size at which it is to run
    kept: a file in which finished inputs stay; those of another size, other inputs or another program are dropped
    Returns path or name of the doubt -> two lists (low, high) of a list of changes for each headline; None for an end
    that the scenario does not allow; and "now", the headlines as they are.
    """
    stamp = [scenario.model_dump(mode="json"), replications, sha256(DIGESTS.read_bytes()).hexdigest()]
    found: dict[str, Any] = {}
    if kept is not None and kept.exists():
        saved = json.loads(kept.read_text(encoding="utf-8"))
        found = saved["found"] if saved["stamp"] == json.loads(json.dumps(stamp)) else {}

    def keep() -> None:
        if kept is not None:
            part = kept.with_suffix(".part")
            part.write_text(json.dumps({"stamp": stamp, "found": found}), encoding="utf-8")
            part.replace(kept)

    if "now" not in found:
        found["now"] = headlines(scenario, replications)
        keep()
    for name, changed in tried(scenario):
        if name in found:
            continue
        found[name] = [_less(headlines(one, replications), found["now"]) if one else None for one in changed]
        keep()
        print(name, file=sys.stderr)
    return found


def tried(scenario: Scenario) -> list[tuple[str, list[Scenario | None]]]:
    """Each input, or range of doubt, with the scenario at its low and its high end; None where that is impossible."""
    result: list[tuple[str, list[Scenario | None]]] = []
    for name, doubt in scenario.doubt.items():
        result.append((name, [with_doubts(scenario, {name: end}) for end in (doubt.low, doubt.high)]))
    for path, number, _ in soft(scenario):
        values = ends(scenario, path, number)
        if values and not doubt_of(scenario, path):
            result.append((path, [_changed(scenario, {path: value}) for value in values]))
    return result


def _changed(scenario: Scenario, changes: Mapping[str, float]) -> Scenario | None:
    try:
        return scenario.with_changes(changes)
    except CaseloadError:  # such as shares that no longer add up to 1
        return None


def headlines(scenario: Scenario, replications: int) -> list[list[float]]:
    """Each headline in each replication, in points of 100."""
    tables = [measure(simulate(scenario, replication=k)) for k in range(replications)]
    return [[100 * table[Quantity(m, b, at, "service", "all")].value for table in tables] for m, b, at in HEADLINES]


def _less(values: list[list[float]], now: list[list[float]]) -> list[list[float]]:
    return [[a - b for a, b in zip(*pair, strict=True)] for pair in zip(values, now, strict=True)]


def effect_table(found: Mapping[str, Any], replications: int, size: float) -> str:
    """Inputs by how far they move either headline."""
    now = [sum(values) / len(values) for values in found["now"]]
    rows, errors = [], []
    for name, both in found.items():
        if name == "now":
            continue
        means = [[sum(one) / len(one) for one in end] if end else [math.nan] * len(HEADLINES) for end in both]
        errors += [stdev(one) / math.sqrt(len(one)) for end in both if end for one in end if len(one) > 1]
        size_of = max((abs(x) for end in means for x in end if not math.isnan(x)), default=0.0)
        rows.append((size_of, name, means))
    error = sum(errors) / len(errors) if errors else math.nan
    lines = [
        SIMULATED,
        "",
        "## What each does to the headline",
        "",
        f"One input at a time, on the same draws: {replications} replications at {size:g} of the service's size, with all posts "
        f"filled. As it is, {now[0]:.1f}% of finishers recover officially and {now[1]:.1f}% of starters are in full remission; changes are in "
        f"points of 100. Their mean Monte Carlo standard error is {error:.2f}: a change of less than twice that says nothing. "
        "What two inputs do together is not in this table: `caseload-sim uncertainty` draws over several.",
        "",
        "| input or range of doubt | recovery: low | high | full remission: low | high |",
        "|---|---|---|---|---|",
    ]
    for _, name, (low, high) in sorted(rows, key=lambda row: -row[0]):
        cells = " | ".join(_points(x) for x in (low[0], high[0], low[1], high[1]))
        lines.append(f"| `{name}` | {cells} |")
    return "\n".join([*lines, "", END]) + "\n"


def _points(x: float) -> str:
    return "impossible" if math.isnan(x) else f"{x:+z.1f}"


def without_simulated(text: str) -> str:
    """A page without its simulated part."""
    return re.sub(f"\n{re.escape(SIMULATED)}.*{re.escape(END)}\n", "", text, flags=re.DOTALL)


def simulated(text: str) -> str:
    """The simulated part of a page, or nothing."""
    found = re.search(f"\n{re.escape(SIMULATED)}.*{re.escape(END)}\n", text, flags=re.DOTALL)
    return found[0] if found else ""


def write_pages(*, only_scenario: bool = False) -> None:
    """Write both pages; the simulated part stays as it was if only the rest is asked for."""
    page = FOLDER / "assumptions.md"
    if only_scenario:
        last = simulated(page.read_text(encoding="utf-8")) if page.exists() else ""
    else:
        found = effects(smaller(get_scenario(NAME), SIZE), replications=REPLICATIONS, kept=KEPT)
        last = "\n" + effect_table(found, REPLICATIONS, SIZE)
    (FOLDER / "stress_des.md").write_text(stress_page(), encoding="utf-8", newline="\n")
    page.write_text(register() + last, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_pages(only_scenario="--only-scenario" in sys.argv[1:])
